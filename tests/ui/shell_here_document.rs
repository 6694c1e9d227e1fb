// Says: at the text: within this document nothing is replaced
fn main() {
    let name = "a b";
    let _ = pipex::shell!("cat <<'END'\n{name}\nEND");
}
