//! The whole idea: `PIPEX=cache cargo run --example quickstart`, twice. Then delete a file in `out/quickstart`.

use pipex::{Output, flow, task};

#[task]
fn load(station: &str) -> Vec<f64> {
    println!("loading {station}");
    station.bytes().map(f64::from).collect()
}

#[task(target = "{path}/{base}-mean.json")]
fn mean(values: &[f64]) -> f64 {
    println!("taking a mean of {}", values.len());
    values.iter().sum::<f64>() / values.len() as f64
}

#[task(target = "{path}/warmest.json")]
fn warmest(means: Vec<f64>) -> f64 {
    println!("comparing {}", means.len());
    means.into_iter().fold(f64::MIN, f64::max)
}

#[flow(path = "out/quickstart")]
fn compare() -> pipex::Result<f64> {
    let stations = ["EWR", "JFK", "LGA"];
    let means: Vec<Output<f64>> =
        stations.iter().map(|station| mean(load(*station).base(*station).lazy()).submit()).collect();
    warmest(means).run()?.load()
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    println!("{}", compare()?);
    Ok(())
}
