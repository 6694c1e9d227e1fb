// Says: at the text: what the shell computes is computed before
fn main() {
    let number = 7;
    let _ = pipex::shell!("head -n $(( {number} * 4 )) rows");
}
