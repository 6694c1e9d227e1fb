// Says: at the argument: which there are
use pipex::helper;

#[helper(retries = 2)]
const LIMIT: u32 = 7;

fn main() {}
