//! The macros' code is at home wherever a function is.

use pipex::{Mode, task};

use crate::support::Bench;

/// Everything that generated code could mean by mistake.
mod shadowed {
    #![allow(dead_code, non_camel_case_types)]
    #![no_implicit_prelude]

    pub struct Result;
    pub struct Option;
    pub struct String;
    pub struct Vec;
    pub struct Box;
    pub enum Mine {
        Some,
        None,
        Ok,
        Err,
    }
    #[allow(unused_imports)]
    pub use self::Mine::*;
    pub mod core {}
    pub mod std {}
    pub mod pipex {}
    pub type u64 = ::core::primitive::u32;

    #[::pipex::task]
    pub fn plain(args: u64, target: &u64, seen: u64, index: u64) -> u64 {
        args + *target + seen + index
    }

    #[::pipex::task(target = "{path}/{x}")]
    pub async fn asynchronous(x: u64) -> ::std::result::Result<u64, ::std::fmt::Error> {
        ::std::result::Result::Ok(x)
    }

    #[::pipex::flow]
    pub fn flow(path: u64) -> ::std::result::Result<u64, ::pipex::Error> {
        plain(path, &1, 1, 1).base("x").run()?.load()
    }

    #[::pipex::main]
    pub fn main() -> ::std::result::Result<(), ::pipex::Error> {
        flow(4).map(|_| ())
    }
}

/// The crate under another name.
mod renamed {
    pub use pipex as px;

    #[px::task(crate = px)]
    pub fn double(x: u32) -> u32 {
        2 * x
    }
}

/// What clippy and rustc think of generated code.
#[deny(
    clippy::all,
    clippy::pedantic,
    missing_docs,
    unused_qualifications,
    elided_lifetimes_in_paths,
    single_use_lifetimes
)]
pub mod linted {
    use std::fmt::Display;
    use std::path::Path;

    /// A type with a method.
    #[derive(Debug)]
    pub struct Model(pub u32);

    impl Model {
        /// A method.
        ///
        /// # Errors
        /// Never.
        #[pipex::task]
        pub fn method(&self, x: u32) -> Result<u32, std::io::Error> {
            Ok(self.0 + x)
        }
    }

    /// Many kinds of parameters.
    #[pipex::task(
        target = "{path}/{name}",
        name = "{name} {x:03}",
        retries = 2,
        retry_delay = "1m 30s",
        timeout = "2h"
    )]
    pub fn many(texts: &[String], x: u32, name: &str, list: Vec<u8>, path: &Path) -> usize {
        texts.len() + x as usize + name.len() + list.len() + path.as_os_str().len()
    }

    /// Generic.
    #[pipex::task]
    pub fn generic<T>(value: T, shown: impl Display + Send + Sync) -> T
    where
        T: Clone + serde::Serialize + serde::de::DeserializeOwned + Send + Sync + 'static,
    {
        let _ = shown.to_string();
        value
    }

    /// Mutable, and async.
    #[pipex::task(retries = 2, retry_delay = exponential("1s", max = "1h"))]
    pub async fn mutable(mut x: u32) -> u32 {
        x += 1;
        x
    }

    /// With a lifetime of its own.
    #[pipex::task(retries = 2, retry_delay = ["1s", "1m"])]
    pub fn lifetime<'a>(left: &'a str, right: &'a str) -> String {
        left.to_owned() + right
    }

    /// A constant that counts.
    #[pipex::helper(version = "2")]
    pub const FACTOR: u32 = 3;

    /// A function that counts.
    #[pipex::helper(uses(FACTOR))]
    #[must_use]
    pub fn scaled(x: u32) -> u32 {
        FACTOR * x
    }

    /// With helpers, a version and a policy.
    #[pipex::task(uses(scaled, self::FACTOR), version = "1", stale = "rerun")]
    pub fn helped(x: u32) -> u32 {
        scaled(x)
    }

    /// A flow.
    ///
    /// # Errors
    /// When a task fails.
    #[pipex::flow(path = "out", stale = "ignore")]
    pub fn flow(x: u32) -> pipex::Result<u32> {
        generic(x, "x").base("x").run()?.load()
    }

    /// A program.
    ///
    /// # Errors
    /// When its flow fails.
    #[pipex::main]
    pub fn main() -> pipex::Result<()> {
        flow(1).map(drop)
    }
}

#[test]
fn shadowed_names_are_not_taken() {
    let bench = Bench::new();
    assert_eq!(bench.config(Mode::DoNothing).scope(|| shadowed::flow(4)).unwrap(), 7);
    assert_eq!(bench.cache(|| shadowed::asynchronous(4).run()).unwrap().load().unwrap(), 4);
}

#[test]
fn the_crate_may_have_another_name() {
    assert_eq!(Bench::new().cache(|| renamed::double(4).base("x").run()).unwrap().load().unwrap(), 8);
}

#[test]
fn linted_functions_work() {
    let bench = Bench::new();
    bench.config(Mode::DoNothing).scope(|| {
        assert_eq!(linted::Model(1).method(2).run().unwrap().load().unwrap(), 3);
        let texts = ["a".to_owned()];
        assert_eq!(linted::many(&texts, 1, "n", vec![1], std::path::Path::new("p")).run().unwrap().load().unwrap(), 5);
        assert_eq!(linted::mutable(1).run().unwrap().load().unwrap(), 2);
        assert_eq!(linted::lifetime("a", "b").run().unwrap().load().unwrap(), "ab");
        assert_eq!(linted::flow(5).unwrap(), 5);
        assert_eq!(linted::helped(2).run().unwrap().load().unwrap(), 6);
    });
}

#[test]
fn tasks_stand_in_functions_and_call_each_other() {
    #[task]
    fn outer(depth: u32) -> pipex::Result<u32> {
        #[task]
        fn inner(x: u32) -> u32 {
            x + 1
        }
        if depth == 0 {
            inner(0).base("inner").run()?.load()
        } else {
            outer(depth - 1).base(depth.to_string()).run()?.load()
        }
    }
    let bench = Bench::new();
    assert_eq!(bench.cache(|| outer(3).base("top").run()).unwrap().load().unwrap(), 1);
    assert_eq!(bench.files(), ["inner/inner", "outer/1", "outer/2", "outer/3", "outer/top"]);
}

#[test]
fn the_fingerprint_of_code_is_that_of_its_tokens() {
    use std::sync::Mutex;

    struct Codes(Mutex<Vec<pipex::Fingerprint>>);
    impl pipex::Reporter for &'static Codes {
        fn task_run(&self, run: &pipex::TaskRun<'_>) {
            self.0.lock().unwrap().push(run.task.code);
        }
    }
    static CODES: Codes = Codes(Mutex::new(Vec::new()));

    mod one {
        /// Documented.
        #[pipex::task]
        pub fn f(x: u32) -> u32 {
            // A comment.
            x + 1
        }
    }
    mod two {
        #[pipex::task]
        pub fn f(x: u32) -> u32 {
            x + 1
        }
    }
    mod three {
        #[pipex::task]
        pub fn f(x: u32) -> u32 {
            x + 2
        }
    }
    let bench = Bench::new();
    bench.config(Mode::Cache).reporter(&CODES).scope(|| {
        one::f(1).base("1").run().unwrap();
        two::f(1).base("2").run().unwrap();
        three::f(1).base("3").run().unwrap();
    });
    let codes = CODES.0.lock().unwrap();
    assert_eq!(codes[0], codes[1]);
    assert_ne!(codes[0], codes[2]);
}
