// Says: at the type: the output must be owned
use pipex::task;

#[task]
fn one() -> Result<&'static str, std::io::Error> {
    Ok("EWR")
}

fn main() {}
