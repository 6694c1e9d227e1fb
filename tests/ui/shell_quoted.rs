// Says: at the text: a value is quoted by itself
fn main() {
    let input = "a b";
    let _ = pipex::shell!("cat '{input}'");
}
