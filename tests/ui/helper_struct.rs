// Says: at the struct: what a helper is
use pipex::helper;

#[helper]
struct Station {
    name: String,
}

fn main() {}
