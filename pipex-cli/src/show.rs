//! `pipex show`.

use std::io::{self, Write as _};

use pipex::Location;
use pipex::store::{StoreResult, expand};
use serde::Serialize;
use serde_json::Value;

use crate::project::{Project, Target, time};
use crate::survey::Survey;
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

pub fn show(project: &Project, name: &str, raw: bool, json: bool) -> Result<Outcome, Error> {
    let place = project.named(name)?;
    let target = &project.targets[place];
    let standing = Survey::new(project, [place]).standing(place);
    let store = project.opened(target)?;
    let failed = |source| Error::Store { target: name.to_owned(), source };
    let entry = store.entry(&target.location()).map_err(failed)?;
    let made_by = entry.as_ref().and_then(|entry| entry.made.as_ref());
    let outcome = Outcome::amiss(entry.is_none());
    let content = match &entry {
        None => Ok(Content::Nothing),
        Some(_) if project.is_file(target) && target.location().path().is_dir() => {
            let directory = format!("{}/", target.name);
            let mut names = Vec::new();
            let mut each = |file: Location| names.extend(file.as_str().strip_prefix(&directory).map(str::to_owned));
            store.list(&directory, &mut each).map_err(failed)?;
            names.sort();
            Ok(Content::Files(names))
        }
        Some(_) => {
            let payload = store.payload(&target.location()).map_err(failed)?;
            if raw && !json {
                io::stdout().lock().write_all(&payload)?;
                return Ok(outcome);
            }
            let expanded = entry.as_ref().and_then(|entry| entry.expanded);
            Content::of(&target.name, payload, expanded, made_by.map(|made| &*made.shape))
        }
    };
    let line = project.givens(&[place]).remove(&place).and_then(|givens| givens.made);
    let arguments = line.iter().flat_map(|line| &line.given);
    let arguments = arguments.filter_map(|given| Some((given.name.to_string(), given.value.as_ref()?.to_string())));
    let run = target.made.as_ref().map(|made| (&project.runs[made.run as usize], made));
    let function = project.function(target);
    let consumers = project.consumers();
    let inputs: Vec<&Target> = target.inputs().iter().map(|input| &project.targets[input.place as usize]).collect();
    let outputs: Vec<&Target> = consumers[place].iter().map(|output| &project.targets[*output as usize]).collect();
    let names = |targets: &[&Target]| targets.iter().map(|target| target.name.to_string()).collect();
    let mut shown = Shown {
        target: target.name.to_string(),
        condition: ls::state(project, &standing),
        task: function.map(|function| format!("{}::{}", function.module, function.name)),
        file: function.map(|function| format!("{}:{}", function.file, function.line)),
        made: run.map(|(run, made)| run.moment(made.at + made.elapsed).to_string()),
        run: run.map(|(run, _)| run.id.clone()),
        seconds: run.map(|(_, made)| time(made.elapsed)),
        bytes: standing.bytes,
        type_name: made_by.map(|made| made.type_name.clone()),
        arguments: arguments.collect(),
        inputs: names(&inputs),
        outputs: names(&outputs),
        content: None,
    };
    if json {
        shown.content = content.map_err(failed)?.into_value();
        print::json(&shown)?;
        return Ok(outcome);
    }
    // Beside what it has: so that `pipex show x.json | jq` works.
    let mut aside = io::stderr().lock();
    let mut say = |name: &str, text: Option<String>| match text {
        Some(text) if !text.is_empty() => writeln!(aside, "{name:10} {}", print::visible(&text)),
        _ => Ok(()),
    };
    say("target", Some(project.shown(target).into_owned()))?;
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
    let few = |targets: &[&Target]| {
        const FEW: usize = 8;
        let more = if targets.len() > FEW { format!(", and {} more", targets.len() - FEW) } else { String::new() };
        format!("{}{more}", targets.iter().take(FEW).map(|target| project.shown(target)).collect::<Vec<_>>().join(", "))
    };
    say("made from", Some(few(&inputs)))?;
    say("taken by", Some(few(&outputs)))?;
    drop(aside);
    content.map_err(failed)?.write()?;
    Ok(outcome)
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

    fn write(self) -> Result<(), Error> {
        match self {
            Content::Nothing => {}
            Content::Text(text) => write!(io::stdout().lock(), "{}", print::visible_lines(&text))?,
            Content::Value(value) => print::json(&value)?,
            Content::Bytes(bytes) => {
                writeln!(io::stderr(), "{} that only the program can read", print::count(bytes, "byte"))?;
            }
            Content::Files(names) => names.iter().try_for_each(print::line)?,
        }
        Ok(())
    }
}
