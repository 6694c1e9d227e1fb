//! What the calls of targets were given for some parameters.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;

use pipex_format::journal::Given;
use serde_json::Value;

use crate::CommandError;
use crate::diff::describe_argument;
use crate::project::Project;

/// The keys of targets: as far as is known, those of their last calls.
#[derive(Default)]
pub struct Keys<'a> {
    parameters: &'a [String],
    by_target: HashMap<usize, Rc<Key>>,
    /// That of targets of which nothing is known.
    none: Rc<Key>,
}

/// What each of the parameters was given, if it is one of the call.
#[derive(Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key(Vec<Option<Text>>);

/// The beginning of a value's JSON, or what else is known of an argument. Numbers come in their order.
#[derive(PartialEq, Eq, Hash)]
struct Text(String);

impl<'a> Keys<'a> {
    /// Reads those of these targets from the journals.
    pub fn read(project: &Project, indices: &[usize], parameters: &'a [String]) -> Result<Self, CommandError> {
        let none = Rc::new(Key(parameters.iter().map(|_| None).collect()));
        let mut keys = Keys { parameters, by_target: HashMap::new(), none };
        // Many targets have the same.
        let mut all: HashSet<Rc<Key>> = HashSet::new();
        let mut known: BTreeSet<String> = BTreeSet::new();
        project.for_each_call_line(indices, |index, _, ended| {
            if ended.given.is_empty() {
                return;
            }
            let key = Rc::new(Key::new(parameters, &ended.given));
            let key = all.get(&key).cloned().unwrap_or(key);
            all.insert(Rc::clone(&key));
            keys.by_target.insert(index, key);
            for Given { name, .. } in &ended.given {
                if !known.contains(&**name) {
                    known.insert(name.to_string());
                }
            }
        });
        match parameters.iter().find(|parameter| !known.contains(*parameter)) {
            Some(parameter) if !known.is_empty() => {
                let known = known.into_iter().collect::<Vec<_>>().join(", ");
                Err(CommandError::NoParameter { parameter: parameter.clone(), known })
            }
            _ => Ok(keys),
        }
    }

    pub fn of_target(&self, index: usize) -> Rc<Key> {
        Rc::clone(self.by_target.get(&index).unwrap_or(&self.none))
    }

    /// The parameters and what they were given, for programs.
    pub fn values(&self, key: &Key) -> BTreeMap<&'a str, Option<Value>> {
        let value = |text: &Text| serde_json::from_str(&text.0).unwrap_or_else(|_| text.0.as_str().into());
        self.parameters.iter().map(String::as_str).zip(key.0.iter().map(|text| text.as_ref().map(value))).collect()
    }
}

impl Key {
    fn new(parameters: &[String], given: &[Given<'_>]) -> Self {
        let text = |parameter: &String| {
            let given = given.iter().find(|given| given.name == *parameter)?;
            Some(Text(describe_argument(given)))
        };
        Key(parameters.iter().map(text).collect())
    }

    /// As people read them: a text without quotes.
    pub fn texts(&self) -> impl Iterator<Item = Option<String>> {
        let text = |text: &Text| serde_json::from_str(&text.0).unwrap_or_else(|_| text.0.clone());
        self.0.iter().map(move |known| known.as_ref().map(text))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        let number = |text: &Self| text.0.parse::<f64>().ok();
        match (number(self), number(other)) {
            (Some(one), Some(other_one)) => one.total_cmp(&other_one).then_with(|| self.0.cmp(&other.0)),
            (one, other_one) => other_one.is_some().cmp(&one.is_some()).then_with(|| self.0.cmp(&other.0)),
        }
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
