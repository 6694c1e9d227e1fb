// Says: at `extern` and `...`: take a `Vec` or a slice
use pipex::task;

#[task]
unsafe extern "C" fn one(count: u32, _: ...) -> u32 {
    count
}

fn main() {}
