//! A `main` that is pipex's, async, with an error of its own.

use std::error::Error;

#[pipex::main]
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    std::future::ready(()).await;
    Ok(programs::run()?)
}
