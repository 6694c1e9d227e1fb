// Says: at `self`: a free function has none
use pipex::flow;

struct Orders;

impl Orders {
    #[pipex::main]
    #[flow]
    fn orders(&self, #[arg] seed: u64) {}
}
