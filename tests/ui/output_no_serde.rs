// Says: at the return type: it has to be saved and loaded, so derive `Serialize` and `Deserialize`, or choose a store
use pipex::task;

#[derive(Clone)]
struct Reading;

#[task]
fn one() -> Vec<Reading> {
    vec![Reading]
}

fn main() {}
