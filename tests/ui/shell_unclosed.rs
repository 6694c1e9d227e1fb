// Says: at the text: the brace is not closed
fn main() {
    let _ = pipex::shell!("f() { echo");
}
