// Says: at what stands behind the text: that only `stdout` may
fn main() {
    let name = "a b";
    let _ = pipex::shell!("echo {}", name);
}
