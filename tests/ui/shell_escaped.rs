// Says: at the text: the backslash is to go
fn main() {
    let name = "a b";
    let _ = pipex::shell!("echo \\{name}");
}
