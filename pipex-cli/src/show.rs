//! `pipex show`.

use std::io::{self, Write as _};

use pipex::Location;
use pipex::store::{StoreResult, expand};
use serde::Serialize;
use serde_json::Value;

use crate::look::Condition;
use crate::project::Project;
use crate::{Error, Outcome, ls, print, shape};

/// What made an output, and what it was made from.
#[derive(Serialize)]
struct Shown {
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
    inputs: Vec<String>,
    outputs: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Value>,
}

pub fn show(project: &Project, name: &str, json: bool) -> Result<Outcome, Error> {
    let place = project.named(name)?;
    let target = &project.targets[place];
    let look = project.look(place, &[])?;
    let store = project.opened(target)?;
    let failed = |source| Error::Store { target: name.to_owned(), source };
    let is_there = look.condition != Condition::Missing;
    let entry = if is_there { store.entry(&target.location()).map_err(failed)? } else { None };
    let made_by = entry.as_ref().and_then(|entry| entry.made.as_ref());
    let line = project.lines(&[place])?.remove(&place);
    let arguments = line.iter().flat_map(|line| &line.given);
    let arguments = arguments.filter_map(|given| Some((given.name.to_string(), given.value.as_ref()?.to_string())));
    let inputs = target.made.iter().flat_map(|made| &*made.inputs);
    let run = target.made.as_ref().map(|made| (&project.runs[made.run as usize], made));
    let function = project.function(target);
    let mut shown = Shown {
        target: target.name.to_string(),
        condition: ls::condition(look.condition, look.stale),
        task: function.map(|function| format!("{}::{}", function.module, function.name)),
        file: function.map(|function| format!("{}:{}", function.file, function.line)),
        made: run.map(|(run, made)| run.moment(made.at + made.elapsed).to_string()),
        run: run.map(|(run, _)| run.id.clone()),
        seconds: run.map(|(_, made)| made.elapsed),
        bytes: look.bytes,
        type_name: made_by.map(|made| made.type_name.clone()),
        arguments: arguments.collect(),
        inputs: inputs.map(|(input, _)| project.targets[*input as usize].name.to_string()).collect(),
        outputs: project.consumers()[place]
            .iter()
            .map(|output| project.targets[*output as usize].name.to_string())
            .collect(),
        content: None,
    };
    let content = match &entry {
        None => Ok(Content::Nothing),
        Some(_) if target.location().path().is_dir() && project.address(target).is_empty() => {
            let directory = format!("{}/", target.name);
            let mut names = Vec::new();
            let mut each = |file: Location| names.extend(file.as_str().strip_prefix(&directory).map(str::to_owned));
            store.list(&directory, &mut each).map_err(failed)?;
            names.sort();
            Ok(Content::Files(names))
        }
        Some(_) => {
            let payload = store.payload(&target.location()).map_err(failed)?;
            let expanded = entry.as_ref().and_then(|entry| entry.expanded);
            Content::of(&target.name, payload, expanded, made_by.map(|made| &*made.shape))
        }
    };
    if json {
        shown.content = content.map_err(failed)?.into_value();
        print::json(&shown)?;
        return Ok(Outcome::amiss(!is_there));
    }
    // Beside what it has: so that `pipex show x.json | jq` works.
    let mut aside = io::stderr().lock();
    let mut say = |name: &str, text: Option<String>| match text {
        Some(text) if !text.is_empty() => writeln!(aside, "{name:10} {text}"),
        _ => Ok(()),
    };
    say("target", Some(shown.target))?;
    say("state", Some(shown.condition))?;
    say("task", shown.task.zip(shown.file).map(|(task, file)| format!("{task} ({file})")))?;
    say(
        "made",
        shown.made.zip(shown.seconds).map(|(made, seconds)| format!("{made}, in {}", print::seconds(seconds))),
    )?;
    say("run", shown.run)?;
    say("size", Some(print::bytes(shown.bytes)))?;
    say("type", shown.type_name)?;
    let arguments: Vec<_> = shown.arguments.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    say("arguments", Some(arguments.join(", ")))?;
    say("made from", Some(few(&shown.inputs)))?;
    say("taken by", Some(few(&shown.outputs)))?;
    drop(aside);
    content.map_err(failed)?.write(&mut io::stdout().lock())?;
    Ok(Outcome::amiss(!is_there))
}

fn few(names: &[String]) -> String {
    const FEW: usize = 8;
    let more = if names.len() > FEW { format!(", and {} more", names.len() - FEW) } else { String::new() };
    format!("{}{more}", names.iter().take(FEW).map(String::as_str).collect::<Vec<_>>().join(", "))
}

const ZSTD_MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();

/// What an output has, as far as it can be shown.
enum Content {
    Nothing,
    Text(String),
    Value(Value),
    /// Of a format that only the program knows.
    Bytes(usize),
    Files(Vec<String>),
}

impl Content {
    fn of(name: &str, payload: Vec<u8>, expanded: Option<u64>, shape: Option<&str>) -> StoreResult<Self> {
        let (name, payload) = match name.strip_suffix(".zst") {
            // A function may have written anything.
            Some(_) if !payload.starts_with(&ZSTD_MAGIC) => return Ok(Content::Bytes(payload.len())),
            Some(name) => (name, expand(&payload, expanded)?),
            None => (name, payload),
        };
        let is_text = name.ends_with(".json") || name.ends_with(".csv");
        if let (Some(shape), false) = (shape, is_text) {
            return Ok(shape::decode(shape, &payload).map_or(Content::Bytes(payload.len()), Content::Value));
        }
        let text = String::from_utf8(payload);
        Ok(text.map_or_else(|error| Content::Bytes(error.as_bytes().len()), Content::Text))
    }

    fn into_value(self) -> Option<Value> {
        match self {
            Content::Nothing | Content::Bytes(_) => None,
            Content::Text(text) => Some(serde_json::from_str(&text).unwrap_or(Value::String(text))),
            Content::Value(value) => Some(value),
            Content::Files(names) => Some(names.into()),
        }
    }

    fn write(self, out: &mut impl io::Write) -> Result<(), Error> {
        match self {
            Content::Nothing => {}
            Content::Text(text) => out.write_all(text.as_bytes())?,
            Content::Value(value) => {
                writeln!(out, "{}", serde_json::to_string_pretty(&value)?)?;
            }
            Content::Bytes(bytes) => {
                writeln!(io::stderr(), "{} that only the program can read", print::count(bytes, "byte"))?;
            }
            Content::Files(names) => names.iter().try_for_each(|name| writeln!(out, "{name}"))?,
        }
        Ok(())
    }
}
