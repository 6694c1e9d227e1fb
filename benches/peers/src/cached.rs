//! The pipeline with `cached`, in its store on disk: functions that are kept by what they are called with.

use cached::macros::concurrent_cached;

mod work;

// Without an fsync for each value, which none of the others has; what was written is flushed at the end.
#[concurrent_cached(disk = true, disk_dir = "cached", durable = false, map_error = |error| error.to_string())]
fn load(station: u32) -> Result<Vec<f64>, String> {
    Ok(work::load(station))
}

#[concurrent_cached(
    disk = true,
    disk_dir = "cached",
    durable = false,
    key = "u32",
    convert = { _station },
    map_error = |error| error.to_string()
)]
fn clean(_station: u32, values: &[f64]) -> Result<Vec<f64>, String> {
    Ok(work::clean(values))
}

#[concurrent_cached(
    disk = true,
    disk_dir = "cached",
    durable = false,
    key = "usize",
    convert = { cleaned.len() },
    map_error = |error| error.to_string()
)]
fn merge(cleaned: Vec<Vec<f64>>) -> Result<f64, String> {
    work::merge(cleaned.into_iter().map(Ok))
}

fn main() {
    work::main(|count| {
        let cleaned = (0..count).map(|station| clean(station, &load(station)?)).collect::<Result<_, String>>()?;
        let merged = merge(cleaned)?;
        LOAD.flush().and_then(|()| CLEAN.flush()).and_then(|()| MERGE.flush()).map_err(|error| error.to_string())?;
        Ok::<_, String>(merged)
    });
}
