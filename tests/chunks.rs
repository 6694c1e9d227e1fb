//! What is larger than memory is read in chunks, and large vectors are in memory once.

use std::fs;

use pipex::{Mode, Output, flow, task};

use crate::support::Bench;

const COUNT: usize = 1_000_000;

#[task]
fn series(count: usize) -> Vec<f64> {
    (0..count).map(|number| number as f64).collect()
}

#[task(target = "{path}/names.zst")]
fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("name {number}")).collect()
}

#[task(target = "{path}/{funcname}.json")]
fn document(count: usize) -> Vec<u64> {
    (0..count as u64).collect()
}

/// The chunks' lengths, and their sum.
#[task(save = false)]
fn add(series: Output<Vec<f64>>, at_once: usize) -> pipex::Result<(Vec<usize>, f64)> {
    let mut lengths = Vec::new();
    let mut sum = 0.0;
    for chunk in series.chunks(at_once)? {
        let chunk = chunk?;
        lengths.push(chunk.len());
        sum += chunk.iter().sum::<f64>();
    }
    Ok((lengths, sum))
}

#[flow]
fn added(count: usize, at_once: usize) -> pipex::Result<(Vec<usize>, f64)> {
    add(series(count).base("series").submit(), at_once).run()?.load()
}

#[test]
fn a_vector_is_read_in_chunks_in_every_mode() {
    for mode in [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        let added = |count, at_once| bench.config(mode).scope(|| added(count, at_once)).unwrap();
        assert_eq!(added(10, 4), (vec![4, 4, 2], 45.0), "{mode:?}");
    }
    let bench = Bench::new();
    bench.cache(|| {
        assert_eq!(added(0, 4).unwrap(), (Vec::new(), 0.0));
        let names = names(10_000).run().unwrap();
        let lengths = |at_once| names.chunks(at_once).unwrap().map(|chunk| chunk.unwrap().len()).collect::<Vec<_>>();
        assert_eq!(lengths(6_000), [6_000, 4_000]);
        assert_eq!(lengths(0).len(), 10_000);
        let whole: Vec<String> = names.chunks(7).unwrap().flat_map(Result::unwrap).collect();
        assert_eq!(whole, names.load().unwrap());
        // What can only be loaded as a whole comes in chunks as well, and so does what is made of another output.
        let document = document(10).run().unwrap();
        let chunks = |output: &Output<Vec<u64>>| output.chunks(8).unwrap().collect::<pipex::Result<Vec<_>>>().unwrap();
        assert_eq!(chunks(&document).concat(), (0..10).collect::<Vec<_>>());
        let doubled = document.map("double", |numbers| numbers.iter().map(|number| 2 * number).collect());
        assert_eq!(chunks(&doubled), [vec![0, 2, 4, 6, 8, 10, 12, 14], vec![16, 18]]);
    });
}

#[test]
fn a_chunk_at_a_time_is_in_memory_and_a_vector_once() {
    let bench = Bench::new();
    bench.cache(|| {
        let series = series(COUNT).base("series").run().unwrap();
        let names = names(COUNT / 10).run().unwrap();
        let most = |work: &dyn Fn()| allocation_counter::measure(work).bytes_max;

        let chunks = most(&|| {
            let sum: f64 = series.chunks(10_000).unwrap().map(|chunk| chunk.unwrap().iter().sum::<f64>()).sum();
            assert_eq!(sum, 499_999_500_000.0);
        });
        assert!(chunks < 400_000, "{chunks} bytes for chunks of 80,000");
        let chunks = most(&|| assert_eq!(names.chunks(1_000).unwrap().count(), COUNT / 10_000));
        assert!(chunks < 600_000, "{chunks} bytes for chunks of 40,000");

        let loaded = most(&|| assert_eq!(series.load().unwrap().len(), COUNT));
        let bytes = COUNT as u64 * 8;
        assert!((bytes..bytes + 200_000).contains(&loaded), "{loaded} bytes for {bytes}");
    });
}

#[test]
fn damage_is_told_no_later_than_with_the_last_chunk() {
    let bench = Bench::new();
    bench.cache(|| {
        let series = series(100_000).base("series").run().unwrap();
        let file = series.location().unwrap().path().to_owned();
        let whole = fs::read(&file).unwrap();
        for at in [20, 400_000, 799_999] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            fs::write(&file, bytes).unwrap();
            let chunks: Vec<_> = series.chunks(30_000).unwrap().collect();
            let error = chunks.last().unwrap().as_ref().unwrap_err();
            let said = format!("{error}: {}", std::error::Error::source(error).unwrap());
            assert!(said.contains("series") && said.contains("is damaged"), "{said}");
            assert!(chunks.len() <= 4);
        }
        fs::write(&file, &whole[..100_000]).unwrap();
        let error = series.chunks(10).err().unwrap();
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("is truncated"));
        fs::remove_file(&file).unwrap();
        let error = series.chunks(10).err().unwrap();
        assert!(std::error::Error::source(&error).unwrap().to_string().contains("is not there"));
    });
}
