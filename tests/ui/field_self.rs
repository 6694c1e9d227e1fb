// Says: at the template: `self` is not a single value
use pipex::task;

struct Model;

impl Model {
    #[task(target = "{path}/{self}")]
    fn one(&self) -> u32 {
        1
    }
}

fn main() {}
