// Says: at the function: there is no error to ask about
use pipex::task;

#[task(retries = 2, retry_if = is_temporary)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
