// Says: at the return type: in a method the name decides, so write `Result<..>`
use pipex::task;

type Checked<T> = Result<T, String>;

struct Station;

impl Station {
    #[task]
    fn one(&self) -> Checked<u32> {
        Ok(1)
    }
}

fn main() {}
