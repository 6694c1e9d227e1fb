//! A function that returns a `Result`, under whatever name, can fail: on `Err` nothing is saved.

use std::io;
use std::path::Path;

use pipex::{Call, Error, Mode, Output, State, task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::support::Bench;

/// Its error could be saved as well as its value.
type Checked<T> = Result<T, String>;
type Number = Result<u32, String>;
type Nothing = ();

fn seven(number: u32) -> Checked<u32> {
    if number == 7 { Ok(number) } else { Err("not seven".to_owned()) }
}

#[task]
fn generic_alias(number: u32) -> Checked<u32> {
    seven(number)
}

#[task]
fn alias(number: u32) -> Number {
    seven(number)
}

#[task]
fn io_result(number: u32) -> io::Result<u32> {
    seven(number).map_err(io::Error::other)
}

#[task]
fn anyhow_result(number: u32) -> anyhow::Result<u32> {
    use anyhow::Context;
    seven(number).map_err(anyhow::Error::msg).context("cannot ask")
}

#[task]
fn pipex_result(number: u32) -> pipex::Result<u32, String> {
    seven(number)
}

#[task]
fn std_result(number: u32) -> std::result::Result<u32, &'static str> {
    seven(number).map_err(|_| "not seven")
}

#[task]
async fn asynchronous(number: u32) -> Number {
    let checked = seven(number)?;
    Ok(checked)
}

#[task(remote)]
fn remote(number: u32) -> Number {
    seven(number)
}

#[task(save = false, target = "{path}/{funcname}/{base}")]
fn saves_its_own(number: u32, #[target] to: &Path) -> Number {
    std::fs::write(to, number.to_string()).map_err(|error| error.to_string())?;
    seven(number)
}

macro_rules! number {
    () => { Result<u32, String> };
}

#[task]
fn by_macro(number: u32) -> number!() {
    seven(number)
}

struct Of<T>(T);

/// The macro sees none of the type parameters here.
impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Of<T> {
    #[task]
    fn method(&self, number: u32) -> Result<(T, u32), String> {
        Ok((self.0.clone(), seven(number)?))
    }

    #[task]
    fn associated(number: u32) -> Result<Option<T>, String> {
        seven(number).map(|_| None)
    }

    #[task]
    fn of_itself(number: u32) -> Number
    where
        T: Default,
    {
        seven(number)
    }
}

#[test]
fn an_error_is_none_of_the_values() {
    fn local(number: u32) -> Call<'static, u32> {
        #[task]
        fn local(number: u32) -> Number {
            seven(number)
        }
        local(number)
    }
    let calls: [fn(u32) -> Call<'static, u32>; 12] = [
        generic_alias,
        alias,
        io_result,
        anyhow_result,
        pipex_result,
        std_result,
        asynchronous,
        remote,
        saves_its_own,
        by_macro,
        Of::<String>::of_itself,
        local,
    ];
    for mode in [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        for call in calls {
            let bench = Bench::new();
            bench.config(mode).quiet(true).scope(|| {
                let error = call(1).base("x").run().unwrap_err();
                let Error::Task { source, .. } = &error else { panic!("{error:?}") };
                assert!(format!("{source:?}").contains("not seven"), "{source:?}");
                assert_eq!(bench.files(), [""; 0], "nothing is saved");
                let seven: Output<u32> = call(7).base("seven").submit();
                let told = (mode, seven.wait());
                assert!(told.1.is_ok(), "{told:?}");
            });
        }
    }
}

#[test]
fn in_generic_code_as_well() {
    let bench = Bench::new();
    bench.cache(|| {
        let of = Of("x".to_owned());
        assert_eq!(of.method(7).base("m").run().unwrap().load().unwrap(), ("x".to_owned(), 7));
        assert!(of.method(1).base("1").run().is_err());
        assert_eq!(Of::<String>::associated(7).base("a").run().unwrap().load().unwrap(), None);
        assert!(Of::<String>::associated(1).base("2").run().is_err());
    });
    assert_eq!(bench.files(), ["associated/a", "method/m"]);
}

/// Of a user's own, which are no results whatever they are called.
mod own {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub enum Result<T, E> {
        Won(T),
        Lost(E),
    }

    #[task]
    pub fn play(goals: u32) -> Result<u32, String> {
        if goals > 0 { Result::Won(goals) } else { Result::Lost("no goals".to_owned()) }
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    pub struct Score(pub Option<std::result::Result<u32, String>>);

    #[task]
    pub fn score() -> Score {
        Score(Some(Err("saved as it is".to_owned())))
    }

    #[task]
    pub fn nothing() -> Nothing {}
}

#[test]
fn what_is_no_result_is_saved_as_it_is() {
    let bench = Bench::new();
    bench.cache(|| {
        let lost: Output<own::Result<u32, String>> = own::play(0).base("lost").run().unwrap();
        assert_eq!(lost.load().unwrap(), own::Result::Lost("no goals".to_owned()));
        let score: Output<own::Score> = own::score().base("score").run().unwrap();
        assert_eq!(score.load().unwrap().0, Some(Err("saved as it is".to_owned())));
        let nothing: Output<()> = own::nothing().base("nothing").run().unwrap();
        nothing.load().unwrap();
    });
    assert_eq!(bench.files(), ["nothing/nothing", "play/lost", "score/score"]);
}

fn is_first(error: &String) -> bool {
    error == "first"
}

#[task(retries = 3, retry_if = is_first)]
fn retried(errors: &std::sync::Mutex<Vec<&'static str>>) -> Number {
    match errors.lock().unwrap().pop() {
        Some(error) => Err(error.to_owned()),
        None => Ok(1),
    }
}

#[test]
fn retry_if_is_asked_about_a_result_by_any_name() {
    let bench = Bench::new();
    let errors = std::sync::Mutex::new(vec!["second", "first"]);
    let error = bench.config(Mode::Prefect).quiet(true).scope(|| retried(&errors).run()).unwrap_err();
    assert!(format!("{error:?}").ends_with("second"), "{error:?}");
    assert_eq!(bench.states(), [("retried", State::Failed)]);
}
