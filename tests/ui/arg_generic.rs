// Says: at the parameter: nobody says what it stands for
use pipex::flow;

#[pipex::main]
#[flow]
fn orders<T>(#[arg] seeds: Vec<T>) {}
