// Says: at the text: braces that are the shell's are doubled
fn main() {
    let input = "a";
    let _ = pipex::shell!("awk '{print $1}' {input}");
}
