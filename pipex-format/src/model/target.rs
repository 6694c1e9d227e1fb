//! From a template to a target.

use std::cell::Cell;
use std::fmt::{self, Display, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::temporary;

/// Where an output is: a filled target.
///
/// To [`FileStore`](struct@crate::store::FileStore) it is a path, or a URL of an object; to another store, what that store says. Cheap to
/// clone.
///
/// ```
/// let location = pipex::Location::new("out/clean/EWR-7.json");
/// assert_eq!(location.to_string(), "out/clean/EWR-7.json");
/// assert!(location.path().ends_with("EWR-7.json"));
/// ```
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location(Arc<str>);

impl Location {
    /// The location with this name.
    #[must_use]
    pub fn new(target: impl Into<Arc<str>>) -> Self {
        Location(target.into())
    }

    /// The filled target, as the template gave it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The target as a path.
    #[must_use]
    pub fn path(&self) -> &Path {
        Path::new(&*self.0)
    }

    /// The hidden file beside the target under which it is claimed and written: `.NAME.pipex-tmp`.
    ///
    /// Where the longest of such names would be longer than file systems allow (255 bytes), its fingerprint stands for the name.
    #[must_use]
    pub fn sibling(&self) -> PathBuf {
        temporary::claim(self.path())
    }
}

/// The scheme of what is a URL, such as `s3` of `s3://bucket/run1`; `None` of a path.
#[must_use]
pub fn url_scheme(target: &str) -> Option<&str> {
    let is_of_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    // A path comes to its first `/` before it comes to a `:`, nearly always.
    let end = target.bytes().position(|byte| !is_of_scheme(byte))?;
    (end > 1 && target[end..].starts_with("://")).then(|| &target[..end])
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl AsRef<Path> for Location {
    fn as_ref(&self) -> &Path {
        self.path()
    }
}

impl AsRef<str> for Location {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

/// A template, as the macro has read it.
#[doc(hidden)]
#[derive(Debug)]
pub enum Template {
    /// Of a task that says nothing of its target.
    Default,
    /// Text and fields alone, which is nearly all: filled by putting one after the other.
    Plain(&'static [Part]),
    /// With `{{ if }}` or a formatter: filled by tinytemplate. The fields are those that it names, as it names them.
    Blocks { text: &'static str, fields: &'static [(&'static str, TemplateField)] },
}

#[doc(hidden)]
#[derive(Debug)]
pub enum Part {
    Text(&'static str),
    Field(TemplateField),
}

#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub enum TemplateField {
    Path,
    Base,
    Funcname,
    Module,
    Flow,
    /// A digest of the arguments.
    Args,
    /// What the template names of a parameter: its number among all that templates of the task name, and its text.
    Parameter(usize, &'static str),
    /// `env.NAME`.
    Env(&'static str),
    /// `now.date`, `now.year` ...: the part after the dot.
    Now(&'static str),
}

/// Why a template could not be filled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TargetError {
    /// A field has no value.
    #[error("the template's field `{field}` has no value: {advice}")]
    Missing {
        /// The field.
        field: String,
        /// Where a value can come from.
        advice: &'static str,
    },
    /// A field has a value that cannot stand in a target.
    #[error("the template's field `{field}` is {value:?}, which {problem}")]
    Value {
        /// The field.
        field: String,
        /// Its value.
        value: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The target could be taken for one of pipex's temporary files.
    #[error(
        "{target} has the part {part:?}, which looks like a temporary file of pipex's: `pipex gc` would remove it; give it \
         another name"
    )]
    Reserved {
        /// The target.
        target: String,
        /// The part of its path.
        part: String,
    },
    /// tinytemplate could not fill it.
    #[error("the template cannot be filled: {0}")]
    Template(String),
}

/// What the fields of a template are filled with.
pub trait TemplateFields {
    /// Writes the field's value.
    fn write(&self, field: TemplateField, out: &mut String) -> Result<(), TargetError>;

    /// The template of a task that says nothing of its target.
    fn default_target(&self) -> DefaultTarget;
}

/// What tells the outputs of a task apart that says nothing of its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultTarget {
    /// The call's `base`.
    Base,
    /// What it is given.
    Args,
    /// Nothing: there is one.
    Alone,
}

impl DefaultTarget {
    const fn parts(self) -> &'static [Part] {
        const PATH: Part = Part::Field(TemplateField::Path);
        const FUNCNAME: Part = Part::Field(TemplateField::Funcname);
        const SLASH: Part = Part::Text("/");
        match self {
            DefaultTarget::Base => &[PATH, SLASH, FUNCNAME, SLASH, Part::Field(TemplateField::Base)],
            DefaultTarget::Args => &[PATH, SLASH, FUNCNAME, SLASH, Part::Field(TemplateField::Args)],
            DefaultTarget::Alone => &[PATH, SLASH, FUNCNAME],
        }
    }
}

thread_local! {
    /// Filled again and again, so that a filled target costs one allocation: its own.
    static BUFFER: Cell<String> = const { Cell::new(String::new()) };
}

impl Template {
    /// The location that the template fills to, each value checked: none can break out of its place.
    pub fn target(&self, fields: &impl TemplateFields) -> Result<Location, TargetError> {
        let location = self.fill(fields, check, |filled| Location::new(filled))?;
        let target = location.as_str();
        if !temporary::is_reserved(target) {
            return Ok(location);
        }
        let part = target.split('/').find(|part| temporary::is_reserved(part)).unwrap_or(target);
        Err(TargetError::Reserved { target: target.to_owned(), part: part.to_owned() })
    }

    /// The name that the template fills to.
    pub fn name(&self, fields: &impl TemplateFields) -> Result<String, TargetError> {
        self.fill(fields, |_, _| Ok(()), str::to_owned)
    }

    fn fill<T>(
        &self,
        fields: &impl TemplateFields,
        check: fn(TemplateField, &str) -> Result<(), TargetError>,
        done: impl FnOnce(&str) -> T,
    ) -> Result<T, TargetError> {
        let value = |field: TemplateField, out: &mut String| {
            let start = out.len();
            fields.write(field, out)?;
            check(field, &out[start..])
        };
        match self {
            Template::Default => Template::Plain(fields.default_target().parts()).fill(fields, check, done),
            Template::Plain(parts) => {
                let mut buffer = BUFFER.take();
                buffer.clear();
                let filled = parts.iter().try_for_each(|part| match part {
                    Part::Text(text) => {
                        buffer.push_str(text);
                        Ok(())
                    }
                    Part::Field(field) => value(*field, &mut buffer),
                });
                let filled = filled.map(|()| done(&buffer));
                BUFFER.set(buffer);
                filled
            }
            Template::Blocks { text, fields } => {
                let mut context = serde_json::Map::new();
                for (name, field) in *fields {
                    let mut filled = String::new();
                    value(*field, &mut filled)?;
                    insert(&mut context, name, filled);
                }
                let mut templates = tinytemplate::TinyTemplate::new();
                templates.set_default_formatter(&tinytemplate::format_unescaped);
                let filled = templates.add_template("", text).and_then(|()| templates.render("", &context));
                filled.map(|filled| done(&filled)).map_err(|error| TargetError::Template(error.to_string()))
            }
        }
    }
}

/// Puts `a.b` as a map in a map, as tinytemplate looks it up; a value that is a truth is one to `{{ if }}`.
fn insert(context: &mut serde_json::Map<String, serde_json::Value>, name: &str, value: String) {
    match name.split_once('.') {
        Some((outer, inner)) => {
            let map = context.entry(outer).or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
            if let serde_json::Value::Object(map) = map {
                insert(map, inner, value);
            }
        }
        None => {
            let value = value.parse().map_or(serde_json::Value::String(value), serde_json::Value::Bool);
            context.insert(name.to_owned(), value);
        }
    }
}

/// Refuses a value that would put the target elsewhere than the template says.
fn check(field: TemplateField, value: &str) -> Result<(), TargetError> {
    let segment = |value: &str| match value {
        "" => Some("is empty"),
        "." | ".." => Some("stands for another directory"),
        _ => None,
    };
    // Without an early end, so that many bytes are looked at at once.
    let has_nul = || value.bytes().fold(false, |found, byte| found | (byte == 0));
    let problem = match field {
        TemplateField::Path if value.is_empty() => Some("is empty: `.` is the current directory"),
        TemplateField::Path if !value.is_ascii() && value.contains(char::REPLACEMENT_CHARACTER) => {
            Some("is not valid UTF-8")
        }
        TemplateField::Base if value.is_empty() => Some("is empty"),
        TemplateField::Base if value.starts_with('/') => Some("is absolute: it is put behind `path`"),
        TemplateField::Base if value.split('/').any(|part| segment(part).is_some()) => {
            Some("has an empty, `.` or `..` part: it must name one file below `path`")
        }
        TemplateField::Path | TemplateField::Env(_) | TemplateField::Base if has_nul() => Some("has a NUL byte"),
        TemplateField::Path | TemplateField::Env(_) | TemplateField::Base => None,
        _ if value.bytes().any(|byte| matches!(byte, b'/' | b'\\' | 0)) => {
            Some("has a `/`, a `\\` or a NUL byte: it must stay within one file name")
        }
        _ => segment(value),
    };
    match problem {
        Some(problem) => Err(TargetError::Value { field: field.to_string(), value: value.to_owned(), problem }),
        None => Ok(()),
    }
}

impl Display for TemplateField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TemplateField::Path => f.write_str("path"),
            TemplateField::Base => f.write_str("base"),
            TemplateField::Funcname => f.write_str("funcname"),
            TemplateField::Module => f.write_str("module"),
            TemplateField::Flow => f.write_str("flow"),
            TemplateField::Args => f.write_str("args"),
            TemplateField::Parameter(_, name) => f.write_str(name),
            TemplateField::Env(name) => write!(f, "env.{name}"),
            TemplateField::Now(part) => write!(f, "now.{part}"),
        }
    }
}

/// Why there is no text.
pub const UNSHOWN: &str = "its `Display` returned an error";

/// Writes a value; a `Display` that fails is an error, not a panic.
pub fn push(out: &mut String, field: TemplateField, value: &dyn Display) -> Result<(), TargetError> {
    write!(out, "{value}").map_err(|_| TargetError::Missing { field: field.to_string(), advice: UNSHOWN })
}

#[cfg(test)]
mod tests {
    use super::url_scheme;

    #[test]
    fn urls_are_told_from_paths() {
        for (target, scheme) in [
            ("s3://bucket/run1", Some("s3")),
            ("memory:///x", Some("memory")),
            ("git+ssh://x", Some("git+ssh")),
            ("out/s3://bucket", None),
            ("/s3://bucket", None),
            ("://bucket", None),
            ("c://x", None),
            ("s3:/bucket", None),
            ("s3:", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(url_scheme(target), scheme, "{target}");
        }
    }
}
