//! The pipeline with `cacache`: each value under a key that says what it is.

use cacache::{Result, read_sync, write_sync};

mod work;

/// What is under the key; made and put there if nothing is.
fn kept(key: &str, make: impl FnOnce() -> Vec<f64>) -> Result<Vec<f64>> {
    match read_sync("cacache", key) {
        Ok(bytes) => Ok(work::from_bytes(&bytes)),
        Err(cacache::Error::EntryNotFound(..)) => {
            let values = make();
            write_sync("cacache", key, work::to_bytes(&values))?;
            Ok(values)
        }
        Err(error) => Err(error),
    }
}

fn main() {
    work::main(|count| {
        let cleaned = (0..count).map(|station| {
            let loaded = kept(&format!("load-{station}"), || work::load(station))?;
            kept(&format!("clean-{station}"), || work::clean(&loaded))
        });
        let cleaned: Vec<Vec<f64>> = cleaned.collect::<Result<_>>()?;
        let merged = kept("merge", || match work::merge(cleaned.into_iter().map(Ok::<_, ()>)) {
            Ok(sum) => vec![sum],
            Err(()) => unreachable!("all values are here"),
        })?;
        Ok::<_, cacache::Error>(merged[0])
    });
}
