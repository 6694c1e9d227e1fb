// Says: at `async`: which attribute makes it one that can be called
#[pipex::main]
#[allow(clippy::unused_async)]
async fn main() {}
