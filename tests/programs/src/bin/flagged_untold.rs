//! A flow that is the program, with an error that nobody can show.

use pipex::flow;

struct Untold;

#[pipex::main]
#[flow]
fn fail() -> Result<(), Untold> {
    Err(Untold)
}
