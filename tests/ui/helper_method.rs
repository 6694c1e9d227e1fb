// Says: at the method: a helper is not in an `impl`
use pipex::helper;

struct Station;

impl Station {
    #[helper]
    fn limit(&self) -> u32 {
        7
    }
}

fn main() {}
