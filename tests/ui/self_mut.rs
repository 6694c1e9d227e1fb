// Says: at `&mut self`: take `&self`, and return what changed
use pipex::task;

struct Model;

impl Model {
    #[task]
    fn one(&mut self) -> u32 {
        1
    }
}

fn main() {}
