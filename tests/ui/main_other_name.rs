// Says: at the name: where it goes, and what a flow has
#[pipex::main]
fn year() {}

fn main() {}
