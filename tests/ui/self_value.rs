// Says: at `self`: take `&self`, or write a free function
use pipex::task;

struct Model;

impl Model {
    #[task]
    fn one(self) -> u32 {
        1
    }
}

fn main() {}
