// Says: at the type: a flow has to return
use pipex::flow;

#[flow]
fn year() -> ! {
    panic!()
}

fn main() {}
