//! `{args}`: a short digest of the arguments of a call, for people to read.

use std::path::{Path, PathBuf};
use std::slice;

use pipex_format::model::hash::Hasher;
use pipex_format::model::target::Location;
use pipex_format::root::normalize;

/// The most bytes of values that are shown.
const MOST: usize = 64;

/// The hexadecimal digits that stand for what is not shown.
const DIGITS: usize = 12;

/// What can be read of the arguments of a call, as it is visited.
///
/// What is not all shown has digits of a fingerprint behind it, so that no two calls with different arguments have the same
/// digest. That is not the fingerprint by which arguments are compared: an output counts by its target below the call's
/// `path`, so that names are the same wherever all of them are.
pub(crate) struct Digest {
    path: Option<PathBuf>,
    parameters: slice::Iter<'static, &'static str>,
    /// Whether values stand alone, without the name of their parameter.
    alone: bool,
    /// What is shown of those that have been visited.
    text: String,
    /// Whether that is all of them.
    whole: bool,
    /// Why there can be no digest.
    problem: Option<&'static str>,
    pub(crate) hasher: Hasher,
    argument: Argument,
}

/// The argument that is visited.
#[derive(Default)]
struct Argument {
    name: &'static str,
    text: Option<String>,
    whole: bool,
    outputs: u64,
    /// What its fingerprint does not tell from others.
    untold: Option<&'static str>,
}

impl Digest {
    pub(crate) fn new(parameters: &'static [&'static str], path: Option<&str>) -> Self {
        Digest {
            path: path.map(|path| normalize(Path::new(path))),
            parameters: parameters.iter(),
            alone: parameters.len() == 1,
            text: String::new(),
            whole: true,
            problem: None,
            hasher: Hasher::default(),
            argument: Argument { whole: true, ..Argument::default() },
        }
    }

    /// The next argument begins.
    pub(crate) fn next_argument(&mut self) {
        let next = Argument { name: self.parameters.next().copied().unwrap_or_default(), ..Argument::default() };
        let Argument { name, text, whole, outputs, untold } = std::mem::replace(&mut self.argument, next);
        self.whole &= whole;
        self.problem = self.problem.or(untold);
        // How many there were: which texts are targets, and whose.
        self.hasher.bytes(&outputs.to_le_bytes());
        let Some(text) = text else { return };
        let text = if self.alone { text } else { format!("{name}={text}") };
        let comma = if self.text.is_empty() { "" } else { "," };
        if self.text.len() + comma.len() + text.len() <= MOST {
            self.text.push_str(comma);
            self.text.push_str(&text);
        } else {
            self.whole = false;
        }
    }

    /// An output, by its target, if it has one: from the root of the project, and as it is from here.
    pub(crate) fn output(&mut self, target: Option<&str>, here: Option<&Location>) {
        match target {
            Some(target) => {
                self.argument.outputs += 1;
                let below = |target: &str| {
                    normalize(Path::new(target)).strip_prefix(self.path.as_ref()?).ok()?.to_str().map(str::to_owned)
                };
                let below = below(target).or_else(|| below(here?.as_str()));
                self.hasher.bytes(&[u8::from(below.is_some())]);
                self.hasher.text(below.as_deref().unwrap_or(target));
                self.show(find_stem(target), false);
            }
            None => {
                self.argument.untold = Some(
                    "in this mode an output among the arguments has no location: set `.base(..)` on the call, or name what \
                     tells it from others in the template",
                );
            }
        }
    }

    /// A value, by its JSON or what else there is of it. Whether it is `plain` says its type: its text tells it from all others.
    pub(crate) fn value(&mut self, text: Option<&str>, plain: bool) {
        self.argument.untold = None;
        match text {
            // It refused to be serialized: a path that is not UTF-8.
            Some("..") => self.untold(),
            Some(text) => match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                Some(text) => self.show(text, plain),
                None => self.show(text, plain && text != "null"),
            },
            None => {}
        }
    }

    /// A value of which nothing is known.
    pub(crate) fn untold(&mut self) {
        self.argument.untold = Some(
            "an argument has nothing that tells it from others (`Serialize`, `Hash` or `Debug`): set `.base(..)` on the call, or \
             name others in the template",
        );
    }

    /// Shows what can stand in a name; of a path, what it ends with. Of several outputs, none.
    fn show(&mut self, text: &str, whole: bool) {
        let end = find_end(text);
        // Where digits follow anyway, and there is no other argument, it may be a digest itself.
        let marks: &[u8] = if self.alone && !whole { b"._+-=," } else { b"._+-" };
        let readable = |byte: u8| byte.is_ascii_alphanumeric() || marks.contains(&byte);
        let shown = !end.is_empty()
            && end != "null"
            && !end.starts_with('.')
            && end.bytes().all(readable)
            && !end.contains(".pipex-")
            && self.argument.outputs < 2;
        self.argument.text = shown.then(|| end.to_owned());
        self.argument.whole = whole && shown && end.len() == text.len();
    }

    /// Writes it.
    pub(crate) fn write(mut self, out: &mut String) -> Result<(), &'static str> {
        // The last one ends.
        self.next_argument();
        if let Some(problem) = self.problem {
            return Err(problem);
        }
        out.push_str(&self.text);
        if !self.whole || is_like_hashed(&self.text) || has_extension(&self.text) {
            if !self.text.is_empty() {
                out.push('-');
            }
            out.push_str(&self.hasher.finish128().to_string()[..DIGITS]);
        }
        Ok(())
    }
}

/// What a path ends with.
fn find_end(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// What a target ends with, without extensions and digits: those of an output do not go on and on.
fn find_stem(target: &str) -> &str {
    let mut stem = find_end(target);
    while has_extension(stem) {
        stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    }
    if is_like_hashed(stem) { stem.rsplit_once('-').map_or("", |(stem, _)| stem) } else { stem }
}

/// Whether the text could be taken for one that has digits behind it.
fn is_like_hashed(text: &str) -> bool {
    let last = text.rsplit('-').next().unwrap_or(text);
    last.len() == DIGITS && last.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Whether what is saved there could be in a format that a value has chosen: `flights.csv`. Numbers end in digits alone.
fn has_extension(text: &str) -> bool {
    text.rsplit_once('.').is_some_and(|(_, end)| {
        end.bytes().all(|byte| byte.is_ascii_alphanumeric()) && end.bytes().any(|byte| byte.is_ascii_alphabetic())
    })
}
