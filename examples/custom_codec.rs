//! A format of one's own: outputs as TOML. `PIPEX=cache cargo run --example custom_codec`, then look at `out/custom_codec`.

use std::io::Write;

use pipex::store::{Codec, Shape, StoreResult};
use pipex::{FileStore, Output, flow, task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// TOML, for any type that serde knows and that is a table.
struct Toml;

/// A file that is cut behind some line may be TOML as well.
const END: &str = "# end\n";

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Toml {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let text = toml::to_string(value)?;
        Ok(write!(out, "{text}{END}")?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Ok(toml::from_slice(bytes)?)
    }

    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        if bytes.ends_with(END.as_bytes()) { Ok(()) } else { Err("its last line is not `# end`") }
    }

    /// Outputs of a struct that has other fields since are stale.
    fn shape(&self) -> Option<Shape> {
        Some(Shape::from_serde::<T>())
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Station {
    name: String,
    warmest: f64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Report {
    warmest: String,
    stations: Vec<Station>,
}

#[task(target = "{path}/{name}.toml", store = FileStore::new().codec(Toml))]
fn measure(name: &str) -> Station {
    println!("measuring {name}");
    Station { name: name.to_owned(), warmest: name.bytes().map(f64::from).sum::<f64>() / 10.0 }
}

/// Compressed, since the name says so: that is none of the codec's business.
#[task(target = "{path}/report.toml.zst", store = FileStore::new().codec(Toml))]
fn report(stations: Vec<Station>) -> Report {
    let warmest = stations.iter().max_by(|one, other| one.warmest.total_cmp(&other.warmest));
    Report { warmest: warmest.map(|station| station.name.clone()).unwrap_or_default(), stations }
}

#[flow(path = "out/custom_codec")]
fn survey() -> pipex::Result<Report> {
    let stations: Vec<Output<Station>> = ["EWR", "JFK", "LGA"].into_iter().map(|name| measure(name).submit()).collect();
    report(stations).run()?.load()
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    let report = survey()?;
    println!("of {} stations {} was the warmest", report.stations.len(), report.warmest);
    Ok(())
}
