// Says: at the function: there is no error to ask about, since the type is no `Result`
use pipex::task;

type Checked = (u32, bool);

#[task(retries = 2, retry_if = is_temporary)]
fn one(month: u32) -> Checked {
    (month, true)
}

fn is_temporary(_: &std::io::Error) -> bool {
    true
}

fn main() {}
