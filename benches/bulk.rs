//! What it costs to load and to save large values, as ratios to the bytes alone: read, copied and checked; written and checked.
//!
//! As in `floor.rs`, the two in turn. `BENCH_PATH` says where the files are to be, such as `/dev/shm`.

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::PathBuf;
use std::sync::LazyLock;

use bytemuck::{Pod, Zeroable};
use pipex::{Config, FileStore, Mode, Output, store, task};
use quick::rounds;
use ratio::{head, ratio};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_128;

mod quick;
mod ratio;

const COUNT: u32 = 1_000_000;

#[derive(Clone, Serialize, Deserialize)]
struct Named {
    name: String,
    values: Vec<f64>,
}

#[derive(Clone, Copy, Pod, Zeroable, Serialize, Deserialize)]
#[repr(C)]
struct Particle {
    x: f32,
    y: f32,
    z: f32,
    id: u32,
}

fn numbers() -> impl Iterator<Item = f64> {
    (0..COUNT).map(f64::from)
}

macro_rules! values {
    ($($name:ident: $type:ty = $value:expr;)*) => {$(
        #[task(target = "{path}/{base}")]
        fn $name() -> $type {
            static VALUE: LazyLock<$type> = LazyLock::new(|| $value);
            VALUE.clone()
        }
    )*};
}
values! {
    vector: Vec<f64> = numbers().collect();
    vectors: Vec<Vec<f64>> = vec![(0..1_000).map(f64::from).collect(); 1_000];
    named: Named = Named { name: "EWR".to_owned(), values: numbers().collect() };
    points: Vec<[f32; 3]> = (0..COUNT * 2 / 3).map(|number| [number as f32, 0.5, 1.5]).collect();
    particles: Vec<Particle> = (0..COUNT / 2).map(|id| Particle { x: id as f32, y: 0.5, z: 1.5, id }).collect();
    text: String = "a line of a text\n".repeat(COUNT as usize / 2);
    lines: Vec<String> = vec!["a line of a text, and not a short one\n".to_owned(); COUNT as usize / 6];
}

#[task(target = "{path}/{base}", store = FileStore::new().codec(store::Pod))]
fn plain() -> Vec<Particle> {
    (0..COUNT / 2).map(|id| Particle { x: id as f32, y: 0.5, z: 1.5, id }).collect()
}

struct Bench {
    path: PathBuf,
}

impl Bench {
    fn config(&self) -> Config {
        Config::new().mode(Mode::Cache).path(&self.path).without_journal().quiet(true)
    }

    fn measure<T: Clone + Send + Sync + Serialize + for<'de> Deserialize<'de> + 'static>(
        &self,
        what: &str,
        call: impl Fn() -> pipex::Call<'static, T>,
    ) {
        let save = |base: String| -> Output<T> { self.config().scope(|| call().base(base).run()).unwrap() };
        let output = save(what.to_owned());
        let file = output.location().unwrap().path().to_owned();
        let bytes = fs::read(&file).unwrap();
        let megabytes = bytes.len() / 1_000_000;
        ratio(
            &format!("load of {megabytes} MB of `{what}` / `fs::read`, memcpy and xxh3"),
            "<= 1.3",
            rounds(31),
            1,
            |_| _ = black_box(output.load().unwrap()),
            |_| {
                let bytes = fs::read(&file).unwrap();
                black_box(xxh3_128(&bytes));
                black_box(bytes.clone());
            },
        );
        let value = output.load().unwrap();
        let bare = self.path.join("bare");
        ratio(
            &format!("save of {megabytes} MB of `{what}` / write, xxh3 and rename"),
            "<= 1.3",
            rounds(31),
            1,
            |round| {
                drop(save(format!("saved/{round}-{what}")).remove());
            },
            |round| {
                black_box(value.clone());
                black_box(xxh3_128(&bytes));
                let path = bare.join(round.to_string());
                fs::create_dir_all(&bare).unwrap();
                let mut file = fs::File::create(bare.join("temporary")).unwrap();
                file.write_all(&bytes).unwrap();
                drop(file);
                fs::rename(bare.join("temporary"), &path).unwrap();
                fs::remove_file(path).unwrap();
            },
        );
    }
}

fn main() {
    #[allow(clippy::disallowed_methods, reason = "where it measures")]
    let within = std::env::var_os("BENCH_PATH").map_or_else(std::env::temp_dir, PathBuf::from);
    let out = tempfile::tempdir_in(within).unwrap();
    let bench = Bench { path: out.path().to_owned() };
    head();
    bench.measure("Vec<f64>", vector);
    bench.measure("Vec<Vec<f64>>", vectors);
    bench.measure("struct with a Vec<f64>", named);
    bench.measure("Vec<[f32; 3]>", points);
    bench.measure("Vec<struct>", particles);
    bench.measure("Vec<struct>, Pod", plain);
    bench.measure("String", text);
    bench.measure("Vec<String>", lines);
}
