// Says: at the text: the brace closes nothing
fn main() {
    let _ = pipex::shell!("echo }");
}
