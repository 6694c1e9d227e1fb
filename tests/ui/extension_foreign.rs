use pipex::task;

#[task(target = "{path}/{base}.npy")]
fn table(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn main() {}
