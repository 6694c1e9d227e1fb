//! A format of one's own: outputs as tables with tabs. `PIPEX=cache cargo run --example custom_codec`, then look at
//! `out/custom_codec`.

use std::io::Write;

use pipex::store::{Codec, Shape, StoreResult};
use pipex::{FileStore, Output, flow, task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// Rows under a header, with tabs between their fields, of any struct that serde knows.
struct Tsv;

impl<T: Serialize + DeserializeOwned + 'static> Codec<Vec<T>> for Tsv {
    fn encode(&self, rows: &Vec<T>, out: &mut dyn Write) -> StoreResult<()> {
        let mut table = csv::WriterBuilder::new().delimiter(b'\t').from_writer(out);
        rows.iter().try_for_each(|row| table.serialize(row))?;
        Ok(table.flush()?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<Vec<T>> {
        let table = csv::ReaderBuilder::new().delimiter(b'\t').from_reader(bytes);
        Ok(table.into_deserialize().collect::<Result<_, _>>()?)
    }

    /// A row of which the end is missing may be one as well.
    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        if bytes.ends_with(b"\n") { Ok(()) } else { Err("its last line does not end") }
    }

    /// Outputs of a struct that has other fields since are stale.
    fn shape(&self) -> Option<Shape> {
        Some(Shape::from_serde::<Vec<T>>())
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Reading {
    hour: u8,
    celsius: f64,
}

#[derive(Clone, Serialize, Deserialize)]
struct Warmest {
    station: String,
    celsius: f64,
}

#[task(target = "{path}/{station}.tsv", store = FileStore::new().codec(Tsv))]
fn measure(station: &str) -> Vec<Reading> {
    println!("measuring {station}");
    let letters = station.bytes().map(|letter| f64::from(letter) / 10.0);
    [0, 12, 18].into_iter().zip(letters).map(|(hour, celsius)| Reading { hour, celsius }).collect()
}

/// Compressed, since the name says so: that is none of the codec's business.
#[task(target = "{path}/{station}-warmest.tsv", store = FileStore::new().codec(Tsv))]
fn find_warmest(readings: &[Reading], station: &str) -> Vec<Warmest> {
    let celsius = readings.iter().map(|reading| reading.celsius).fold(f64::MIN, f64::max);
    vec![Warmest { station: station.to_owned(), celsius }]
}

#[flow(path = "out/custom_codec")]
fn survey() -> pipex::Result<Vec<Warmest>> {
    let stations = ["EWR", "JFK", "LGA"];
    let warmest: Vec<Output<Vec<Warmest>>> =
        stations.into_iter().map(|station| find_warmest(measure(station).submit(), station).submit()).collect();
    warmest.iter().map(|output| Ok(output.load()?.remove(0))).collect()
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    for Warmest { station, celsius } in survey()? {
        println!("{station} had {celsius} degrees");
    }
    Ok(())
}
