// Says: at the text: a field needs a name, and how the shell's braces are written
fn main() {
    let _ = pipex::shell!("find . -exec cat {} +");
}
