//! `pipex show`.

use std::io::{self, Write as _};

use pipex_format::model::target::Location;
#[cfg(feature = "parquet")]
use pipex_format::store::FirstRows;
use pipex_format::store::{Entry, Extension, StoreResult, expand};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::call_lines::CallLines;
use crate::logged::LoggedLine;
use crate::project::{Project, clamp_seconds};
use crate::survey::Survey;
use crate::targets::Target;
use crate::{CommandError, CommandStatus, ls, print, shape};

/// What made an output, and what it was made from.
#[derive(Serialize)]
pub struct OutputDetails<'p> {
    target: String,
    condition: String,
    task: Option<String>,
    file: Option<String>,
    made: Option<String>,
    run: Option<String>,
    seconds: Option<f64>,
    bytes: u64,
    #[serde(rename = "type")]
    type_name: Option<String>,
    arguments: Vec<(String, String)>,
    #[serde(serialize_with = "serialize_names")]
    inputs: Vec<Target<'p>>,
    #[serde(serialize_with = "serialize_names")]
    outputs: Vec<Target<'p>>,
    /// What the run that made it has logged.
    logged: Vec<LoggedLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Value>,
}

fn serialize_names<S: Serializer>(targets: &[Target<'_>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(targets.iter().map(|target| target.name()))
}

pub fn show(project: &Project, name: &str, raw: bool, json: bool) -> Result<CommandStatus, CommandError> {
    let index = project.find_target(name)?;
    let target = project.targets.get(index);
    let survey = Survey::inspect(project, [index]);
    let store = project.require_listing(target)?;
    let failed = |source| CommandError::Store { target: name.to_owned(), source };
    let entry = store.entry(&target.location()).map_err(failed)?;
    let outcome = CommandStatus::attention_if(entry.is_none());
    if let (true, false, Some(_)) = (raw, json, &entry)
        && !project.is_directory(target)
    {
        io::stdout().lock().write_all(&store.payload(&target.location()).map_err(failed)?)?;
        return Ok(outcome);
    }
    let content = DecodedOutput::read(project, target, entry.as_ref(), if json { usize::MAX } else { ROWS });
    let mut details = OutputDetails::new(project, &survey, index, entry.as_ref());
    if json {
        details.content = content.map_err(failed)?.into_value();
        print::json(&details)?;
        return Ok(outcome);
    }
    // Beside what it has: so that `pipex show x.json | jq` works.
    let mut aside = io::stderr().lock();
    let mut print_field = |name: &str, text: Option<String>| match text {
        Some(text) if !text.is_empty() => writeln!(aside, "{name:10} {}", print::make_visible(&text)),
        _ => Ok(()),
    };
    print_field("target", Some(project.format_target(target).into_owned()))?;
    print_field("state", Some(details.condition))?;
    print_field("task", details.task.zip(details.file).map(|(task, file)| format!("{task} ({file})")))?;
    print_field(
        "made",
        details
            .made
            .zip(details.seconds)
            .map(|(made, seconds)| format!("{made}, in {}", print::format_seconds(seconds))),
    )?;
    print_field("run", details.run)?;
    print_field("size", Some(print::format_bytes(details.bytes)))?;
    print_field("type", details.type_name)?;
    let arguments: Vec<_> = details.arguments.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    print_field("arguments", Some(arguments.join(", ")))?;
    let few = |targets: &[Target<'_>]| {
        const MAX: usize = 8;
        let more = if targets.len() > MAX { format!(", and {} more", targets.len() - MAX) } else { String::new() };
        format!(
            "{}{more}",
            targets.iter().take(MAX).map(|target| project.format_target(*target)).collect::<Vec<_>>().join(", ")
        )
    };
    print_field("made from", Some(few(&details.inputs)))?;
    print_field("taken by", Some(few(&details.outputs)))?;
    for (place, line) in details.logged.iter().flat_map(LoggedLine::describe).enumerate() {
        print_field(if place == 0 { "logged" } else { "" }, Some(line))?;
    }
    drop(aside);
    content.map_err(failed)?.write()?;
    Ok(outcome)
}

impl<'p> OutputDetails<'p> {
    /// Of a target that was looked at, with what its store says of it.
    pub fn new(project: &'p Project, survey: &Survey<'_>, index: usize, entry: Option<&Entry>) -> Self {
        let (target, status) = (project.targets.get(index), survey.status(index));
        let CallLines { made, logged, .. } = project.read_call_lines(&[index]).remove(&index).unwrap_or_default();
        let arguments = made.iter().flat_map(|line| &line.given);
        let arguments = arguments.filter_map(|given| Some((given.name.to_string(), given.value.as_ref()?.to_string())));
        let run = target.made().map(|made| (&project.runs[made.run as usize], made));
        let function = project.function(target);
        let target_of = |index: u32| project.targets.get(index as usize);
        OutputDetails {
            target: target.name().to_string(),
            condition: ls::describe_status(project, &status),
            task: function.map(|function| format!("{}::{}", function.module, function.name)),
            file: function.map(|function| format!("{}:{}", function.file, function.line)),
            made: run.map(|(run, made)| run.moment_at(made.at + made.elapsed).to_string()),
            run: run.map(|(run, _)| run.id.clone()),
            seconds: run.map(|(_, made)| clamp_seconds(made.elapsed)),
            bytes: status.bytes,
            type_name: entry.and_then(|entry| entry.made.as_ref()).map(|made| made.type_name.clone()),
            arguments: arguments.collect(),
            inputs: target.inputs().iter().map(|input| target_of(input.index)).collect(),
            outputs: project.find_consumers().of(index).iter().map(|output| target_of(*output)).collect(),
            logged,
            content: None,
        }
    }
}

impl Project {
    /// Whether the target is a directory of files.
    fn is_directory(&self, target: Target<'_>) -> bool {
        self.is_file(target) && target.location().path().is_dir()
    }
}

const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// What an output has, as far as it can be shown.
pub enum DecodedOutput {
    Nothing,
    Text(String),
    Value(Value),
    #[cfg(feature = "parquet")]
    Table(FirstRows),
    /// Of a format that only the program knows.
    Bytes(usize),
    Files(Vec<String>),
}

impl DecodedOutput {
    /// What lies at a target, of which its store says this; of a table so many rows.
    pub fn read(project: &Project, target: Target<'_>, entry: Option<&Entry>, rows: usize) -> StoreResult<Self> {
        let (Some(entry), Some(store)) = (entry, project.store(target).listing.as_deref()) else {
            return Ok(DecodedOutput::Nothing);
        };
        if project.is_directory(target) {
            let directory = format!("{}/", target.name());
            let mut names = Vec::new();
            let mut each = |file: Location| names.extend(file.as_str().strip_prefix(&directory).map(str::to_owned));
            store.list(&directory, &mut each)?;
            names.sort();
            return Ok(DecodedOutput::Files(names));
        }
        let payload = store.payload(&target.location())?;
        let shape = entry.made.as_ref().map(|made| &*made.shape);
        DecodedOutput::decode(target.name(), payload, entry.expanded, shape, rows)
    }

    /// Of a table so many rows.
    fn decode(
        name: &str,
        payload: Vec<u8>,
        expanded: Option<u64>,
        shape: Option<&str>,
        rows: usize,
    ) -> StoreResult<Self> {
        let (name, payload) = match name.strip_suffix(".zst") {
            // A function may have written anything.
            Some(_) if !payload.starts_with(&ZSTD_MAGIC) => return Ok(DecodedOutput::Bytes(payload.len())),
            Some(name) => (name, expand(&payload, expanded)?),
            None => (name, payload),
        };
        if matches!(Extension::find(name), Extension::Arrow | Extension::Parquet) {
            return Ok(decode_table(name, &payload, rows));
        }
        let is_text = name.ends_with(".json") || name.ends_with(".csv");
        if let (Some(shape), false) = (shape, is_text) {
            if let Some(value) = shape::decode(shape, &payload) {
                return Ok(DecodedOutput::Value(value));
            }
            // A codec of the program's own may have written text, in which there is no zero byte.
            if payload.contains(&0) {
                return Ok(DecodedOutput::Bytes(payload.len()));
            }
        }
        let text = String::from_utf8(payload);
        Ok(text.map_or_else(|error| DecodedOutput::Bytes(error.as_bytes().len()), DecodedOutput::Text))
    }

    fn into_value(self) -> Option<Value> {
        match self {
            DecodedOutput::Nothing | DecodedOutput::Bytes(_) => None,
            DecodedOutput::Text(text) => Some(serde_json::from_str(&text).unwrap_or(Value::String(text))),
            DecodedOutput::Value(value) => Some(value),
            #[cfg(feature = "parquet")]
            DecodedOutput::Table(table) => Some(table.rows.into_iter().map(Value::Object).collect()),
            DecodedOutput::Files(names) => Some(names.into()),
        }
    }

    fn write(self) -> Result<(), CommandError> {
        match self {
            DecodedOutput::Nothing => {}
            DecodedOutput::Text(text) => write!(io::stdout().lock(), "{}", print::make_lines_visible(&text))?,
            DecodedOutput::Value(value) => print::json(&value)?,
            #[cfg(feature = "parquet")]
            DecodedOutput::Table(table) => write_table(&table)?,
            DecodedOutput::Bytes(bytes) => {
                writeln!(io::stderr(), "{} that only the program can read", print::format_count(bytes, "byte"))?;
            }
            DecodedOutput::Files(names) => names.iter().try_for_each(print::line)?,
        }
        Ok(())
    }
}

/// How many rows of a table are shown.
const ROWS: usize = 20;

#[cfg(not(feature = "parquet"))]
fn decode_table(_: &str, payload: &[u8], _: usize) -> DecodedOutput {
    print::to_stderr("tables are shown by a `pipex` with the feature: cargo install pipex-cli --features parquet");
    DecodedOutput::Bytes(payload.len())
}

/// A function may have written anything.
#[cfg(feature = "parquet")]
fn decode_table(name: &str, payload: &[u8], rows: usize) -> DecodedOutput {
    let table = FirstRows::read(name, payload, rows).ok().flatten();
    table.map_or(DecodedOutput::Bytes(payload.len()), DecodedOutput::Table)
}

#[cfg(feature = "parquet")]
fn write_table(table: &FirstRows) -> io::Result<()> {
    let is_number = |column: &String| {
        let mut cells = table.rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.is_null()).peekable();
        cells.peek().is_some() && cells.all(Value::is_number)
    };
    let head = |column| format!("{}{}", if is_number(column) { " " } else { "" }, print::make_visible(column));
    let head: Vec<String> = table.columns.iter().map(head).collect();
    let write = |cell: &Value| match cell {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let rows = table.rows.iter().map(|row| {
        let cell = move |column| row.get(column).map_or_else(String::new, write);
        table.columns.iter().map(cell)
    });
    print::table(&head.iter().map(String::as_str).collect::<Vec<_>>(), rows)?;
    if table.has_more {
        print::to_stderr(format!("these are the first {ROWS} rows; --json has all"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_codec_of_the_programs_own_wrote_is_shown_if_it_is_text() {
        let decode = |payload: &[u8], shape| {
            let decoded = DecodedOutput::decode("x.toml", payload.to_vec(), None, Some(shape), ROWS).unwrap();
            decoded.into_value()
        };
        for shape in ["Station{name}(str)", ""] {
            assert_eq!(decode(b"name = 'EWR'\n", shape), Some("name = 'EWR'\n".into()));
            assert_eq!(decode(b"\x01\0\0", shape), None);
        }
        let bincode = [&3_u64.to_le_bytes()[..], b"EWR"].concat();
        assert_eq!(decode(&bincode, "Station{name}(str)"), Some(serde_json::json!({ "name": "EWR" })));
    }
}
