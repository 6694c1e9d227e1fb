//! An async flow that is the program, on pipex's own runtime, with an error of its own.

use std::time::Duration;

use pipex::{flow, task};

#[task(target = "{path}/half/{x}")]
async fn half(x: f64) -> f64 {
    tokio::time::sleep(Duration::from_millis(1)).await;
    x / 2.0
}

/// Halves it.
#[pipex::main]
#[flow(path = "out")]
async fn halve(#[arg] x: f64, #[arg] fails: bool) -> Result<(), Box<dyn std::error::Error>> {
    // Not every flow can go from thread to thread.
    let here = std::rc::Rc::new(x);
    tokio::time::sleep(Duration::from_millis(1)).await;
    let half = half(*here).await?.load()?;
    if fails {
        return Err(format!("{half} is too little").into());
    }
    println!("{half}");
    Ok(())
}
