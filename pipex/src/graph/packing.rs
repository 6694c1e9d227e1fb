//! The arguments of a call, for another process.

use serde_json::{Map, Value, json};

use crate::graph::held::Held;
use pipex_format::model::error::Error;
use pipex_format::model::error::JobError;
use pipex_format::model::hash::is_same;

/// The key under which an argument says that it is an output, and where that is.
pub(crate) const OUTPUT: &str = "$output";

/// Shows a value as JSON to what it is given.
type Shows<'s> = &'s mut dyn FnMut(&mut dyn FnMut(serde_json::Result<Value>)) -> Result<(), Error>;

/// Collects arguments: values as JSON, outputs as their locations. Where an output has none, its data are a value.
pub(crate) struct Packing {
    pub(crate) arguments: Map<String, Value>,
    parameters: std::slice::Iter<'static, &'static str>,
    /// The parameter whose argument is looked at.
    parameter: Option<&'static str>,
    located: Vec<Value>,
    /// Whether these are a collection.
    collected: bool,
    /// Whether there are outputs that have no location.
    in_memory: bool,
    value: Option<Value>,
    mistake: Option<JobError>,
    /// Whether what arrives can be compared with what was given.
    pub(crate) can_be_checked: bool,
}

impl Packing {
    pub(crate) fn new(parameters: &'static [&'static str]) -> Self {
        Packing {
            arguments: Map::new(),
            parameters: parameters.iter(),
            parameter: None,
            located: Vec::new(),
            collected: false,
            in_memory: false,
            value: None,
            mistake: None,
            can_be_checked: true,
        }
    }

    /// All arguments have been shown.
    pub(crate) fn finish(mut self) -> Result<Self, JobError> {
        self.next_argument();
        match self.mistake.take() {
            Some(mistake) => Err(mistake),
            None => Ok(self),
        }
    }

    /// The argument has been shown; the next follows.
    pub(crate) fn next_argument(&mut self) {
        let (mut located, value) = (std::mem::take(&mut self.located), self.value.take());
        let (collected, in_memory) = (std::mem::take(&mut self.collected), std::mem::take(&mut self.in_memory));
        let value = match value {
            Some(value) => Some(value),
            None if in_memory => None,
            None if collected => Some(Value::Array(located)),
            None => located.pop(),
        };
        let Some(parameter) = std::mem::replace(&mut self.parameter, self.parameters.next().copied()) else { return };
        match value {
            Some(value) => _ = self.arguments.insert(parameter.to_owned(), value),
            None => self.refuse(
                parameter,
                "cannot be sent to another process: its type has no `Serialize` and `Deserialize`, or it is an output \
                 by name that is not saved (PIPEX=prefect.cache saves it)",
            ),
        }
    }

    fn refuse(&mut self, parameter: &str, problem: impl Into<String>) {
        let (parameter, problem) = (parameter.to_owned(), problem.into());
        self.mistake.get_or_insert(JobError::Argument { parameter, problem });
    }

    /// What is, or holds, outputs goes as the value that these make up.
    pub(crate) fn by_value(&mut self) {
        (self.in_memory, self.can_be_checked) = (true, false);
    }

    /// The argument is declared as outputs.
    pub(crate) fn outputs(&mut self) {
        self.collected = true;
    }

    /// An output that is, or is part of, the argument.
    /// Whether its data are a value.
    pub(crate) fn output(&mut self, output: &Held, single: bool) -> bool {
        self.collected = !single;
        let parameter = self.parameter.unwrap_or_default();
        match (output.location().filter(|_| output.view_name().is_none()), output.label().maker) {
            (Some(location), _) if output.is_dry() => {
                self.refuse(parameter, format!("is not there yet: {location} has to be made first"));
            }
            (Some(_), Some(maker)) => {
                let task = maker.task;
                if task.has_a_store_of_its_own && !task.remote {
                    let name = task.funcname;
                    let problem =
                        format!("is kept in a store that only `{name}` knows: mark `{name}` as `remote`, too");
                    self.refuse(parameter, problem);
                }
                let name = output.target().unwrap_or_default();
                self.located.push(json!({ OUTPUT: name, "task": task.full_name() }));
            }
            _ => {
                self.in_memory = true;
                // Here it counts by its target, there it is a value.
                self.can_be_checked &= output.target().is_none();
                return true;
            }
        }
        false
    }

    /// The argument's value, unless it is somewhere. It gives it to what it is given.
    pub(crate) fn value(&mut self, value: Shows<'_>) {
        if !self.in_memory && !self.located.is_empty() || self.mistake.is_some() {
            return;
        }
        let parameter = self.parameter.unwrap_or_default();
        if self.collected && self.in_memory {
            // Of its elements the fingerprint says nothing.
            self.can_be_checked = false;
        }
        let mut packed = None;
        match (value(&mut |value| packed = Some(value)), packed) {
            (Err(error), _) => self.refuse(parameter, format!("is not to be had: {error:?}")),
            (Ok(()), Some(Ok(value))) if is_marked(&value) => {
                self.refuse(
                    parameter,
                    format!("has `{OUTPUT}` as a key, which stands for an output: call it another name"),
                );
            }
            (Ok(()), Some(Ok(value))) => self.value = Some(value),
            (Ok(()), Some(Err(error))) => self.refuse(parameter, format!("is no JSON: {error}")),
            (Ok(()), None) => {}
        }
    }
}

/// Whether the value would be taken for an output.
pub(crate) fn is_marked(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.contains_key(OUTPUT))
        || value.as_array().and_then(|all| all.first()).is_some_and(is_marked)
}

/// A value as JSON, if it comes back from there as it is.
pub(crate) fn to_json<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> Result<Value, String> {
    let json = value.serialize(serde_json::value::Serializer).map_err(|error| error.to_string())?;
    let back = T::deserialize(&json).map_err(|error| error.to_string())?;
    if is_same(&|hasher| hasher.serialize(value), &|hasher| hasher.serialize(&back)) {
        return Ok(json);
    }
    Err("as JSON it would come back as another (NaN, or an infinity)".to_owned())
}
