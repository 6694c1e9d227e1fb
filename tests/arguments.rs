//! Whatever a parameter takes, it takes in every mode.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipex::{Mode, Output, task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

use crate::support::Bench;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct NotClone(u32);

#[task]
fn text() -> String {
    "text".to_owned()
}

#[task]
fn numbers(count: u64) -> Vec<u64> {
    (1..=count).collect()
}

#[task]
fn file() -> PathBuf {
    "some/file".into()
}

#[task]
fn not_clone() -> NotClone {
    NotClone(7)
}

#[task]
fn by_reference(text: &str, numbers: &[u64], file: &Path, other: &NotClone) -> String {
    format!("{text} {numbers:?} {} {}", file.display(), other.0)
}

#[task]
fn by_value(text: String, numbers: Vec<u64>, file: PathBuf) -> String {
    format!("{text} {numbers:?} {}", file.display())
}

#[task]
fn many(texts: Vec<String>) -> String {
    texts.join("+")
}

#[task]
fn many_by_reference(texts: &[String]) -> String {
    texts.join("+")
}

#[task]
fn locations(one: Output<String>, more: Vec<Output<u32>>) -> (bool, usize) {
    (one.location().is_some(), more.iter().filter(|output| output.location().is_some()).count())
}

#[task]
fn generic<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static>(value: T, times: usize) -> Vec<T> {
    vec![value; times]
}

#[task]
fn implied(name: impl AsRef<str> + Send + Sync) -> String {
    name.as_ref().to_uppercase()
}

const MODES: [Mode; 2] = [Mode::DoNothing, Mode::Cache];

#[test]
fn references_take_borrowed_owned_and_outputs() {
    for mode in MODES {
        let bench = Bench::new();
        let all = bench.config(mode).scope(|| -> pipex::Result<Vec<String>> {
            let (text_, file_, other) = ("text".to_owned(), PathBuf::from("some/file"), NotClone(7));
            let numbers_ = vec![1, 2];
            let outputs = [
                by_reference("text", &numbers_, Path::new("some/file"), &other).base("1").run()?,
                by_reference(&text_, &[1, 2], &file_, &other).base("2").run()?,
                by_reference(text_, vec![1, 2], file_, Output::from(other)).base("3").submit(),
                by_reference(
                    text().base("t").run()?,
                    numbers(2).base("n").run()?,
                    file().base("f").run()?,
                    not_clone().base("c").run()?,
                )
                .base("4")
                .run()?,
            ];
            outputs.iter().map(Output::load).collect()
        });
        assert_eq!(all.unwrap(), ["text [1, 2] some/file 7"; 4], "{mode}");
    }
}

#[test]
fn values_take_values_and_outputs() {
    for mode in MODES {
        let bench = Bench::new();
        let all = bench.config(mode).scope(|| -> pipex::Result<Vec<String>> {
            let shared = text().base("t").submit();
            let outputs = [
                by_value("text", vec![1, 2], "some/file").base("1").run()?,
                by_value("text".to_owned(), numbers(2).base("n").run()?, file().base("f").lazy()).base("2").run()?,
                by_value(&shared, &numbers(2).base("n").run()?, PathBuf::from("some/file")).base("3").submit(),
            ];
            outputs.iter().map(Output::load).collect()
        });
        assert_eq!(all.unwrap(), ["text [1, 2] some/file"; 3], "{mode}");
    }
}

#[test]
fn vectors_take_vectors_of_outputs_and_slices_of_them() {
    for mode in MODES {
        let bench = Bench::new();
        let all = bench.config(mode).scope(|| -> pipex::Result<Vec<String>> {
            let parts: Vec<_> = ["a", "b"].map(|base| text().base(base).submit()).into();
            let outputs = [
                many(parts.clone()).base("1").run()?,
                many(&parts).base("2").run()?,
                many(&parts[..]).base("3").run()?,
                many_by_reference(parts).base("4").run()?,
                many(vec!["text".to_owned(), "text".to_owned()]).base("5").run()?,
            ];
            outputs.iter().map(Output::load).collect()
        });
        assert_eq!(all.unwrap(), ["text+text"; 5], "{mode}");
    }
}

#[test]
fn a_parameter_declared_as_an_output_gets_the_location() {
    let bench = Bench::new();
    let found = bench.cache(|| {
        let one = text().base("one").lazy();
        locations(one, vec![Output::from(1), Output::from(2)]).run()?.load()
    });
    assert_eq!(found.unwrap(), (true, 0));
    assert_eq!(bench.files(), ["locations/one", "text/one"], "the lazy output was made, and passed its base on");
}

#[test]
fn generic_functions_and_impl_trait() {
    for mode in MODES {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            assert_eq!(generic(1.5f64, 2).base("f").run().unwrap().load().unwrap(), [1.5, 1.5]);
            assert_eq!(generic("x".to_owned(), 1).base("s").run().unwrap().load().unwrap(), ["x"]);
            assert_eq!(implied("abc").base("i").run().unwrap().load().unwrap(), "ABC");
        });
    }
}

static CLONES: AtomicUsize = AtomicUsize::new(0);
static LOADS: AtomicUsize = AtomicUsize::new(0);

/// Counts its clones and its loads.
#[derive(Debug, Serialize)]
struct Counted(u32);

impl Clone for Counted {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, Ordering::Relaxed);
        Counted(self.0)
    }
}

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u32::deserialize(deserializer)?;
        // The stores look at a type's shape with made-up values; only what was saved counts.
        LOADS.fetch_add(usize::from(value == 5), Ordering::Relaxed);
        Ok(Counted(value))
    }
}

#[task]
fn counted() -> Counted {
    Counted(5)
}

#[task]
fn read(value: &Counted, reader: u32) -> u32 {
    value.0 + reader
}

#[task]
fn consume(value: Counted) -> u32 {
    value.0
}

#[test]
fn data_are_cloned_only_if_shared_and_loaded_only_if_needed() {
    // One test, since it counts in statics.
    Bench::new().config(Mode::DoNothing).scope(|| {
        assert_eq!(consume(counted().run().unwrap()).run().unwrap().load().unwrap(), 5);
        assert_eq!(CLONES.swap(0, Ordering::Relaxed), 0, "nobody else held it");
        let shared = counted().run().unwrap();
        consume(shared.clone()).run().unwrap();
        assert_eq!(CLONES.swap(0, Ordering::Relaxed), 1);
        assert_eq!(shared.load().unwrap().0, 5);
    });

    let bench = Bench::new();
    bench.cache(|| {
        let output = counted().base("x").run().unwrap();
        LOADS.store(0, Ordering::Relaxed);
        for reader in 0..10 {
            read(output.clone(), reader).base(format!("loaded-{reader}")).run().unwrap();
        }
        assert_eq!(LOADS.swap(0, Ordering::Relaxed), 10, "nothing is held unless it is kept");

        let kept = output.keep().unwrap();
        for reader in 0..10 {
            read(output.clone(), reader).base(format!("kept-{reader}")).run().unwrap();
        }
        assert_eq!(LOADS.swap(0, Ordering::Relaxed), 1);
        drop((kept, output));

        read(counted().base("x").run().unwrap(), 1).base("later").run().unwrap();
        assert_eq!(LOADS.swap(0, Ordering::Relaxed), 1, "it was let go with the last output");

        // What is there is neither loaded nor are its inputs.
        let output = counted().base("x").run().unwrap();
        read(output, 1).base("later").run().unwrap();
        assert_eq!(LOADS.swap(0, Ordering::Relaxed), 0);
    });
}

#[test]
fn methods_borrow_what_they_are_called_on() {
    struct Model {
        factor: u64,
    }
    impl Model {
        #[task]
        fn scale(&self, numbers: &[u64]) -> Vec<u64> {
            numbers.iter().map(|number| self.factor * number).collect()
        }
    }
    for mode in MODES {
        let bench = Bench::new();
        let model = Model { factor: 3 };
        let scaled = bench.config(mode).scope(|| model.scale(numbers(3).base("n").run()?).run()?.load());
        assert_eq!(scaled.unwrap(), [3, 6, 9]);
    }
}

#[test]
fn a_call_can_be_run_on_another_thread() {
    let bench = Bench::new();
    let call = bench.cache(|| numbers(3).base("n"));
    let output = std::thread::spawn(move || call.run()).join().unwrap().unwrap();
    assert_eq!(output.load().unwrap(), [1, 2, 3]);
    let shared = Arc::new(output);
    assert_eq!(shared.take_or_load(), [1, 2, 3]);
}

trait TakeOrLoad<T> {
    fn take_or_load(self: Arc<Self>) -> T;
}
impl TakeOrLoad<Vec<u64>> for Output<Vec<u64>> {
    fn take_or_load(self: Arc<Self>) -> Vec<u64> {
        Arc::into_inner(self).unwrap().take().unwrap()
    }
}
