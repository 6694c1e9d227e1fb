use pipex::task;

#[task(remote, save = false)]
fn expand(seed: u64) -> Vec<u64> {
    (0..seed).collect()
}

fn main() {}
