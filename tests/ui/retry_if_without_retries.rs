// Says: at the key: nothing is tried again
use pipex::task;

#[task(retry_if = is_temporary)]
fn one(month: u32) -> Result<u32, std::io::Error> {
    Ok(month)
}

fn is_temporary(_: &std::io::Error) -> bool {
    true
}

fn main() {}
