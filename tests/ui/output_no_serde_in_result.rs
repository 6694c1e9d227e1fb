// Says: at the return type: it has to be saved and loaded
use pipex::task;

#[derive(Clone)]
struct Reading;

#[task]
fn one() -> std::io::Result<Reading> {
    Ok(Reading)
}

fn main() {}
