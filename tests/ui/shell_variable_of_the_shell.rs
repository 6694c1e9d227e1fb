// Says: at the text: how a variable of the shell is written
fn main() {
    let _ = pipex::shell!("ls ${HOME}");
}
