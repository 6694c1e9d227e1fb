//! A list of what is missing ends where the program needs data that are not there, which is no failure of the program.

use pipex::{Error, flow, task};

use crate::support::{Bench, child};

#[task(remote, target = "{path}/number")]
fn number() -> u32 {
    7
}

fn needed() -> pipex::Result<u32> {
    number().run()?.load()
}

#[derive(Debug, thiserror::Error)]
enum Own {
    #[error(transparent)]
    Passed(#[from] Error),
    #[error("no number")]
    Caused(#[source] Error),
    #[error("the scale is broken: the dry run ends here")]
    Broken(#[source] std::io::Error),
}

type Boxed = Box<dyn std::error::Error + Send + Sync>;

fn broken() -> std::io::Error {
    std::io::Error::other("the dry run ends here, says somebody else")
}

#[flow]
fn itself() -> pipex::Result<u32> {
    needed()
}

#[flow]
fn boxed() -> Result<u32, Boxed> {
    Ok(needed()?)
}

#[flow]
fn anyhow() -> anyhow::Result<u32> {
    use anyhow::Context;
    needed().context("no number")
}

#[flow]
fn passed() -> Result<u32, Own> {
    Ok(needed()?)
}

#[flow]
fn caused() -> Result<u32, Own> {
    needed().map_err(Own::Caused)
}

#[flow]
fn text() -> Result<u32, String> {
    needed().map_err(|error| error.to_string())
}

/// What says the same, and is none.
#[flow]
fn unlike() -> Result<u32, String> {
    number().run().map_err(|error| error.to_string())?;
    Err("the dry run ends here".to_owned())
}

/// The dry run could not go on, and yet it is for another reason that the flow failed.
#[flow]
fn another() -> Result<u32, Own> {
    let _ = needed();
    Err(Own::Broken(broken()))
}

#[flow]
fn boxed_other() -> Result<u32, Boxed> {
    let _ = needed();
    Err(Own::Broken(broken()).into())
}

#[flow]
fn anyhow_other() -> anyhow::Result<u32> {
    let _ = needed();
    Err(Own::Broken(broken()).into())
}

#[flow]
fn refused() -> pipex::Result<u32> {
    let _ = needed();
    number().path("no such\0path").run()?.load()
}

/// As the `main` of a program that returns what its flow does.
macro_rules! run_as_main {
    ($name:expr, $($flow:ident: $result:ty),*) => {
        match $name {
            $(stringify!($flow) => {
                #[pipex::main]
                fn main() -> $result {
                    $flow()
                }
                main().map_err(drop)
            })*
            other => panic!("there is no flow {other}"),
        }
    };
}

#[test]
#[ignore = "a child of the test below"]
fn child_lists() {
    let name = std::env::var("PIPEX_TESTS_FLOW").unwrap();
    let ended = run_as_main!(
        &*name,
        itself: pipex::Result<u32>,
        boxed: Result<u32, Boxed>,
        anyhow: anyhow::Result<u32>,
        passed: Result<u32, Own>,
        caused: Result<u32, Own>,
        text: Result<u32, String>,
        unlike: Result<u32, String>,
        another: Result<u32, Own>,
        boxed_other: Result<u32, Boxed>,
        anyhow_other: anyhow::Result<u32>,
        refused: pipex::Result<u32>
    );
    println!("\nended {ended:?}");
}

#[test]
fn where_a_list_ends_is_told_by_the_type_of_the_error() {
    let ends = |flow: &str| {
        let bench = Bench::new();
        let mut child = child("listing::child_lists", bench.path());
        let output = child.env("PIPEX_DRY_RUN", "jobs").env("PIPEX_TESTS_FLOW", flow).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(r#"{"task":"#), "{flow}: {output:?}");
        assert!(output.status.success(), "{flow}: {output:?}");
        // Where the list ends, so does the program.
        !said.contains("ended Err")
    };
    for flow in ["itself", "boxed", "anyhow", "passed", "caused", "text"] {
        assert!(ends(flow), "{flow}");
    }
    for flow in ["unlike", "another", "boxed_other", "anyhow_other", "refused"] {
        assert!(!ends(flow), "{flow}");
    }
}
