// Says: at the function: it is of another error
use pipex::task;

#[task(retries = 2, retry_if = is_temporary)]
fn one(month: u32) -> Result<u32, std::io::Error> {
    Ok(month)
}

fn is_temporary(_: &std::fmt::Error) -> bool {
    true
}

fn main() {}
