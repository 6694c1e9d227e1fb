//! Whatever lies at a target, loading it gives a value or an error: no panic, and no memory beyond what the file accounts
//! for. Files with a footer are forged with right checksums, else nothing would come as far as the codecs.
#![no_main]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pipex::store::{Files, Listing, Store};
use pipex::{FileStore, Location};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

#[derive(Debug, Arbitrary)]
enum Input<'i> {
    /// As it is.
    Bytes(&'i [u8]),
    /// A payload with a footer that claims this of it.
    Footer { payload: &'i [u8], shape: Shape, cut: u8, version: u16, behind: &'i [u8] },
}

#[derive(Debug, Clone, Copy, Arbitrary)]
enum Shape {
    Rows,
    Text,
    Nested,
    Units,
    Other,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    name: String,
    celsius: Option<f64>,
    count: u16,
}

type Nested = BTreeMap<String, Vec<Option<(u8, String)>>>;

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| TempDir::with_prefix("pipex-fuzz-").unwrap());

/// The shapes that the types below have, as a file's footer says them.
fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Rows => "[Row{name,celsius,count}(str,?f64,u16)]",
        Shape::Text => "str",
        Shape::Nested => "{str:[?(u8,str)]}",
        Shape::Units => "[()]",
        Shape::Other => "..",
    }
}

/// A whole file, as docs/src/format.md has it.
fn forge(payload: &[u8], shape: &str, version: u16, behind: &[u8]) -> Vec<u8> {
    let mut footer = Vec::new();
    footer.extend_from_slice(&0x184D_2A50_u32.to_le_bytes());
    footer.extend_from_slice(&[0; 4]);
    footer.extend_from_slice(&(payload.len() as u64).to_le_bytes());
    footer.extend_from_slice(&xxh3_128(payload).to_le_bytes());
    footer.extend_from_slice(&[7; 48]);
    for text in ["fuzz::load", "anything", shape, "0.1.0"] {
        footer.extend_from_slice(&(text.len() as u32).to_le_bytes());
        footer.extend_from_slice(text.as_bytes());
    }
    footer.extend_from_slice(behind);
    let length = (footer.len() + 20) as u32;
    footer[4..8].copy_from_slice(&(length - 8).to_le_bytes());
    footer.extend_from_slice(&length.to_le_bytes());
    let checksum = xxh3_64(&footer);
    footer.extend_from_slice(&checksum.to_le_bytes());
    footer.extend_from_slice(b"pipex\0");
    footer.extend_from_slice(&version.to_le_bytes());
    [payload, &footer].concat()
}

fn load<T: Serialize + DeserializeOwned + 'static>(path: &Path) {
    let location = Location::new(path.to_str().unwrap());
    let _ = Store::<T>::exists(&FileStore::new(), &location);
    let _: Result<T, _> = FileStore::new().load(&location);
}

fuzz_target!(|input: Input<'_>| {
    let bytes = match input {
        Input::Bytes(bytes) => bytes.to_vec(),
        Input::Footer { payload, shape: of, cut, version, behind } => {
            let mut bytes = forge(payload, shape(of), if version % 4 == 0 { 1 } else { version }, behind);
            bytes.truncate(bytes.len() - usize::from(cut) / 16);
            bytes
        }
    };
    for name in ["x", "x.zst", "x.json", "x.csv", "x.json.zst", "x.csv.zst"] {
        let path = DIRECTORY.path().join(name);
        fs::write(&path, &bytes).unwrap();
        load::<Vec<Row>>(&path);
        load::<String>(&path);
        load::<Nested>(&path);
        load::<Vec<()>>(&path);
        load::<Vec<Vec<u64>>>(&path);
        let location = Location::new(path.to_str().unwrap());
        let _ = Files.entry(&location);
        let _ = Files.payload(&location);
    }
});
