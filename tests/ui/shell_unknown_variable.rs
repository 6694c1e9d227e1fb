// Says: at the text: there is no such variable
fn main() {
    let input = "a";
    let _ = pipex::shell!("cat {inptu}");
}
