// Says: at the return type: a type called `Result` has to be that of the standard library
use pipex::task;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Result<T>(T);

struct Station;

impl Station {
    #[task]
    fn one(&self) -> Result<u32> {
        Result(1)
    }
}

fn main() {}
