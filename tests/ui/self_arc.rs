// Says: at `self`: take `&self`, or write a free function
use std::sync::Arc;

use pipex::task;

struct Model;

impl Model {
    #[task]
    fn one(self: Arc<Self>) -> u32 {
        1
    }
}

fn main() {}
