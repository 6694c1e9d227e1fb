//! An async flow that is the program, on a runtime of its own, without parameters.

use pipex::flow;

#[pipex::main]
#[tokio::main(flavor = "current_thread")]
#[flow(path = "out")]
async fn count() -> pipex::Result<u32> {
    tokio::spawn(std::future::ready(())).await.map_err(std::io::Error::other).unwrap();
    println!("{:?}", tokio::runtime::Handle::current().runtime_flavor());
    programs::number(1).await?.load()
}
