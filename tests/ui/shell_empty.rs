// Says: at the text: that there is no command
fn main() {
    let _ = pipex::shell!(" ");
}
