// Says: at the type: it cannot be read from text
use pipex::flow;

struct Range;

#[pipex::main]
#[flow]
fn orders(#[arg] range: Range) {}
