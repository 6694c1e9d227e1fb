// Says: at the text: it has no such format
fn main() {
    let day = 3;
    let _ = pipex::shell!("echo {day:two}");
}
