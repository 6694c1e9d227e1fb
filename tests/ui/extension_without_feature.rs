use pipex::task;

#[task(target = "{path}/{base}.yaml")]
fn report(rows: u64) -> Vec<u64> {
    (0..rows).collect()
}

fn main() {}
