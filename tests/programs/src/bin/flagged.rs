//! A flow that is the program: its parameters are flags.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use pipex::{Output, flow, task};

/// A share, from 0 to 1.
#[derive(Debug, Clone, Copy)]
struct Share(f64);

impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let share: f64 = text.parse().map_err(|error| format!("{error}"))?;
        if (0.0..=1.0).contains(&share) { Ok(Share(share)) } else { Err(format!("{share} is no share")) }
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[task(target = "{path}/told")]
fn tell(text: String) -> String {
    text
}

/// What comes of it is dropped.
struct Summary;

/// Tells what it was given.
///
/// And nothing else.
#[pipex::main]
#[flow(path = "out")]
#[allow(clippy::too_many_arguments)]
fn orders(
    /// What the noise is made of
    #[arg]
    seed: u64,
    #[arg(default = 1.5, help = "how fast it learns")] learning_rate: f64,
    #[arg(default = "0.25")] share: Share,
    #[arg(default = "EWR")] station: &str,
    #[arg] to: Option<&Path>,
    #[arg] limit: Option<i64>,
    #[arg] models: Vec<String>,
    #[arg(default = vec![7, 8])] days: &[u8],
    #[arg] _dry: bool,
) -> pipex::Result<Summary> {
    let to = to.map(Path::display);
    let text = format!(
        "{seed} {learning_rate} {share} {station} {:?} {limit:?} {models:?} {days:?} {_dry}",
        to.map(|to| to.to_string())
    );
    let told: Output<String> = tell(text).submit();
    println!("{}", told.load()?);
    Ok(Summary)
}
