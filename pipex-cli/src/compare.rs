//! `pipex diff RUN RUN`: what two runs were given, and what they recorded.

use std::collections::{BTreeMap, BTreeSet};

use pipex_format::journal::Given;
use serde::Serialize;
use serde_json::Value;

use crate::diff::{describe_argument, shorten};
use crate::project::Project;
use crate::values::{RecordedBy, format_value, round};
use crate::{CommandError, CommandStatus, print};

/// A value that is not the same in both runs.
#[derive(Serialize)]
struct Difference {
    /// `parameter`, `flow`, a target, or the name of a run of which nothing was saved.
    of: String,
    name: String,
    was: Option<Value>,
    is: Option<Value>,
    /// Of numbers: by how much more it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<Value>,
}

pub fn compare(project: &Project, one: &str, other: &str, json: bool) -> Result<CommandStatus, CommandError> {
    let (one, other) = (project.find_run(one)?, project.find_run(other)?);
    let mut differences = compare_parameters(project.runs[one].parameters(), project.runs[other].parameters());
    let (was, is) = (collect_values(project, one), collect_values(project, other));
    let keys: BTreeSet<_> = was.keys().chain(is.keys()).collect();
    for key in keys {
        let (was, is) = (was.get(key).copied(), is.get(key).copied());
        if was != is {
            let change = was.zip(is).and_then(|(was, is)| subtract(is, was));
            let (was, is) = (was.cloned(), is.cloned());
            differences.push(Difference { of: key.of.clone(), name: key.name.to_owned(), was, is, change });
        }
    }
    let outcome = CommandStatus::attention_if(!differences.is_empty());
    if json {
        print::json(&differences)?;
    } else if differences.is_empty() {
        print::line("both were given and have recorded the same")?;
    } else {
        let text = |value: &Option<Value>| value.as_ref().map_or_else(|| "-".to_owned(), format_value);
        let change = |row: &Difference| row.change.as_ref().map_or_else(String::new, format_change);
        let given = |row: &Difference, value: &Option<Value>| match value {
            // What flows are given is text already.
            Some(Value::String(value)) if row.of == PARAMETER => value.clone(),
            value => text(value),
        };
        let cells = |row: &Difference| {
            vec![row.of.clone(), row.name.clone(), given(row, &row.was), given(row, &row.is), change(row)]
        };
        let rows: Vec<_> = differences.iter().map(cells).collect();
        print::table(&["of", "name", " was", " is", " change"], &rows)?;
    }
    Ok(outcome)
}

const PARAMETER: &str = "parameter";

fn compare_parameters(was: &[Given<'static>], is: &[Given<'static>]) -> Vec<Difference> {
    let find = |all: &'_ [Given<'static>], name: &str| all.iter().find(|given| given.name == name).cloned();
    let gone = was.iter().filter(|given| find(is, &given.name).is_none());
    let mut differences = Vec::new();
    for name in is.iter().chain(gone).map(|given| &*given.name) {
        let (was, is) = (find(was, name), find(is, name));
        let fingerprint = |given: &Option<Given<'_>>| given.as_ref().and_then(|given| given.fingerprint);
        if was.is_some() == is.is_some() && fingerprint(&was) == fingerprint(&is) {
            continue;
        }
        let mut texts = [&was, &is].map(|given| given.as_ref().map(describe_argument));
        if texts[0] == texts[1] {
            // Their beginnings are the same.
            let tell = |text: String, given: &Option<Given<'_>>| match fingerprint(given) {
                Some(fingerprint) => format!("{text} ({})", shorten(fingerprint)),
                None => text,
            };
            let [before, now] = texts;
            texts = [before.map(|text| tell(text, &was)), now.map(|text| tell(text, &is))];
        }
        let [was, is] = texts.map(|text| text.map(Value::String));
        differences.push(Difference { of: PARAMETER.to_owned(), name: name.to_owned(), was, is, change: None });
    }
    differences
}

/// A value's name, and whose it is. The flow's own come first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'p> {
    is_of_task: bool,
    of: String,
    name: &'p str,
}

/// All that a run has recorded.
fn collect_values(project: &Project, run: usize) -> BTreeMap<Key<'_>, &Value> {
    let mut values = BTreeMap::new();
    for records in &project.runs[run].records {
        let is_of_task = records.by != RecordedBy::Flow;
        let of = project.format_recorder(&records.by);
        let of_name = |name| Key { is_of_task, of: of.clone(), name };
        values.extend(records.values.iter().map(|value| (of_name(&*value.name), &value.value)));
    }
    values
}

/// The difference of two numbers.
fn subtract(is: &Value, was: &Value) -> Option<Value> {
    let whole = |value: &Value| value.as_i64().map(i128::from).or(value.as_u64().map(i128::from));
    if let (Some(is), Some(was)) = (whole(is), whole(was)) {
        return i64::try_from(is - was).ok().map(Value::from);
    }
    round(Some(is.as_f64()? - was.as_f64()?), 6)
}

fn format_change(change: &Value) -> String {
    let text = change.to_string();
    if text.starts_with('-') { text } else { format!("+{text}") }
}
