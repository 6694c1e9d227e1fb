// Says: at the text: a value of this type cannot stand in it
struct Reads;

fn main() {
    let reads = Reads;
    let _ = pipex::shell!("cat {reads}");
}
