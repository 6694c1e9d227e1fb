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

fn broken() -> std::io::Error {
    std::io::Error::other("the dry run ends here, says somebody else")
}

#[flow]
fn itself() -> pipex::Result<u32> {
    needed()
}

#[flow]
fn boxed() -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
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
fn refused() -> pipex::Result<u32> {
    let _ = needed();
    number().path("no such\0path").run()?.load()
}

#[test]
#[ignore = "a child of the test below"]
fn child_lists() {
    let failed = match std::env::var("PIPEX_TESTS_FLOW").unwrap().as_str() {
        "itself" => itself().map_err(drop),
        "boxed" => boxed().map_err(drop),
        "anyhow" => anyhow().map_err(drop),
        "passed" => passed().map_err(drop),
        "caused" => caused().map_err(drop),
        "text" => text().map_err(drop),
        "unlike" => unlike().map_err(drop),
        "another" => another().map_err(drop),
        _ => refused().map_err(drop),
    };
    println!("\nended {failed:?}");
}

#[test]
fn where_a_list_ends_is_told_by_the_type_of_the_error() {
    let ends = |flow: &str| {
        let bench = Bench::new();
        let mut child = child("listing::child_lists", bench.path());
        let output = child.env("PIPEX_LIST_MISSING", "1").env("PIPEX_TESTS_FLOW", flow).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(r#"{"task":"#), "{flow}: {output:?}");
        assert!(output.status.success(), "{flow}: {output:?}");
        // Where the list ends, so does the program.
        !said.contains("ended Err")
    };
    for flow in ["itself", "boxed", "anyhow", "passed", "caused", "text"] {
        assert!(ends(flow), "{flow}");
    }
    for flow in ["unlike", "another", "refused"] {
        assert!(!ends(flow), "{flow}");
    }
}
