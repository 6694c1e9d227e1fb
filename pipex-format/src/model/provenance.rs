//! What made an output, and whether that is still what its call would give.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::fingerprint::Fingerprint;
use super::or_zero::fingerprint_parts;
use super::stale::Stale;

/// What made an output. A part that is not known is `None`.
///
/// The same four parts stand in a file's footer, in the journal and in its index, which keeps halves of them: so they are
/// compared by halves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Provenance {
    /// The function's code: its tokens, its `version`, and the helpers that it names.
    pub code: Option<Fingerprint>,
    /// The arguments: values by content, outputs by location.
    pub arguments: Option<Fingerprint>,
    /// The contents of the outputs and files among them.
    pub inputs: Option<Fingerprint>,
    /// How the value is written: the shape of its type.
    pub format: Option<Fingerprint>,
}

impl Provenance {
    /// This code, given these arguments and inputs; its format is not known.
    #[must_use]
    pub fn new(
        code: impl Into<Option<Fingerprint>>,
        arguments: impl Into<Option<Fingerprint>>,
        inputs: impl Into<Option<Fingerprint>>,
    ) -> Self {
        Provenance { code: code.into(), arguments: arguments.into(), inputs: inputs.into(), format: None }
    }

    /// The same, in this format.
    #[must_use]
    pub fn with_format(self, format: impl Into<Option<Fingerprint>>) -> Self {
        Provenance { format: format.into(), ..self }
    }

    /// Whether it is known that pipex made the output.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.code.is_some()
    }

    /// The fingerprint of all of it but the format.
    #[doc(hidden)]
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint_parts([self.code, self.arguments, self.inputs])
    }

    /// Which parts are known in both, and differ.
    #[must_use]
    pub fn changes(&self, other: &Self) -> Reasons {
        let differ = |one: Option<Fingerprint>, other: Option<Fingerprint>| {
            one.zip(other).is_some_and(|(one, other)| one.half() != other.half())
        };
        Reasons {
            code: differ(self.code, other.code),
            arguments: differ(self.arguments, other.arguments),
            inputs: differ(self.inputs, other.inputs),
            format: differ(self.format, other.format),
            content: false,
        }
    }
}

/// What a call would make its output from.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted {
    /// As far as it can be told before its inputs have been made.
    pub provenance: Provenance,
    /// Whether an input has yet to be made, and will be another than it was.
    pub inputs_change: bool,
}

/// An output that is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Present {
    /// What made it.
    pub provenance: Provenance,
    /// Whether its content has been changed since, by somebody else.
    pub is_edited: bool,
}

/// What was found at a place: a content, and what made it. What is not known is `None`.
///
/// ```
/// use pipex::Fingerprint;
/// use pipex::journal::{Provenance, Stored};
///
/// let [code, arguments, inputs, first, second] = [1, 2, 3, 4, 5].map(Fingerprint::new);
/// let made = Stored::new(first, Provenance::new(code, arguments, inputs));
/// // A file that says nothing of itself is found in its place, with another content.
/// let found = Stored::new(second, Provenance::default()).succeed(&made);
/// assert_eq!(found.provenance, made.provenance);
/// assert!(found.is_edited());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stored {
    /// The content.
    pub content: Option<Fingerprint>,
    /// What made it.
    pub provenance: Provenance,
    /// The content as it was made, if somebody has changed it since.
    pub original: Option<Fingerprint>,
}

impl Stored {
    /// This content, made by this, and not changed since.
    #[must_use]
    pub fn new(content: impl Into<Option<Fingerprint>>, provenance: Provenance) -> Self {
        Stored { content: content.into(), provenance, original: None }
    }

    /// What is there now, found where `earlier` was: where it does not say itself what made it, that is what made the
    /// earlier one, be it a copy of the same content or one that somebody has changed.
    #[must_use]
    pub fn succeed(mut self, earlier: &Self) -> Self {
        let (false, true, Some(content)) = (self.provenance.is_known(), earlier.provenance.is_known(), self.content)
        else {
            return self;
        };
        self.provenance = earlier.provenance;
        let made = if earlier.is_edited() { earlier.original } else { earlier.content };
        self.original = made.filter(|made| made.half() != content.half());
        self
    }

    /// Whether somebody has changed it since it was made.
    #[must_use]
    pub fn is_edited(&self) -> bool {
        self.original.is_some()
    }

    /// As [`decide`] asks for it.
    #[doc(hidden)]
    #[must_use]
    pub fn present(&self) -> Present {
        Present { provenance: self.provenance, is_edited: self.is_edited() }
    }
}

/// What is to be done about a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The output is there: take it.
    Take,
    /// It is there and stale: take it, and say so.
    Warn(Reasons),
    /// It is not there, or stale for these reasons: make it.
    Make(Reasons),
}

impl Decision {
    /// Why the output that is there is stale.
    #[must_use]
    pub fn reasons(self) -> Reasons {
        match self {
            Decision::Take => Reasons::default(),
            Decision::Warn(reasons) | Decision::Make(reasons) => reasons,
        }
    }
}

impl Decision {
    /// What is to be done about two targets that are made together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let reasons = self.reasons().and(other.reasons());
        match (self, other) {
            (Decision::Make(_), _) | (_, Decision::Make(_)) => Decision::Make(reasons),
            (Decision::Warn(_), _) | (_, Decision::Warn(_)) => Decision::Warn(reasons),
            (Decision::Take, Decision::Take) => Decision::Take,
        }
    }
}

/// Decides what a call does about its target: the same in runs, in dry runs, and in the `pipex` command.
#[must_use]
pub fn decide(wanted: &Wanted, present: Option<&Present>, policy: Stale) -> Decision {
    let Some(present) = present else { return Decision::Make(Reasons::default()) };
    let mut reasons = present.provenance.changes(&wanted.provenance);
    reasons.inputs |= wanted.inputs_change;
    reasons.content = present.is_edited;
    match policy {
        Stale::Warn if !reasons.is_empty() => Decision::Warn(reasons),
        Stale::Rerun if !reasons.is_empty() => Decision::Make(reasons),
        _ => Decision::Take,
    }
}

/// Why an output is stale: what has changed since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "Vec<&'static str>", from = "Vec<String>")]
#[non_exhaustive]
pub struct Reasons {
    /// The function, its `version`, or a helper that it names.
    pub code: bool,
    /// A value, or which outputs are taken.
    pub arguments: bool,
    /// The content of an output that is taken, or of a file whose path is an argument.
    pub inputs: bool,
    /// The type of the output, and so how it is written.
    pub format: bool,
    /// The output itself: somebody has changed what pipex wrote.
    pub content: bool,
}

impl Reasons {
    /// All that is wrong with an output that somebody has edited.
    pub const EDITED: Reasons = Reasons { code: false, arguments: false, inputs: false, format: false, content: true };

    /// That inputs are others, and nothing else.
    pub const INPUTS: Reasons = Reasons { code: false, arguments: false, inputs: true, format: false, content: false };

    /// Whether there is none: the output is not stale.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Reasons::default()
    }

    /// Whether there are others than these.
    #[must_use]
    pub fn exceed(self, others: Reasons) -> bool {
        self.and(others) != others
    }

    /// Those of both.
    #[must_use]
    pub fn and(self, other: Reasons) -> Self {
        self.combine(other, |one, other| one || other)
    }

    /// Those of the first that are none of the second.
    #[must_use]
    pub fn except(self, other: Reasons) -> Self {
        self.combine(other, |one, other| one && !other)
    }

    fn combine(self, other: Reasons, both: impl Fn(bool, bool) -> bool) -> Self {
        Reasons {
            code: both(self.code, other.code),
            arguments: both(self.arguments, other.arguments),
            inputs: both(self.inputs, other.inputs),
            format: both(self.format, other.format),
            content: both(self.content, other.content),
        }
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        let Reasons { code, arguments, inputs, format, content } = self;
        let all =
            [(code, "code"), (arguments, "arguments"), (inputs, "inputs"), (format, "format"), (content, "content")];
        all.into_iter().filter_map(|(changed, name)| changed.then_some(name))
    }
}

/// `code`, or `code and inputs`.
impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names().enumerate() {
            let name = if name == "content" { "the file itself, since pipex made it" } else { name };
            write!(f, "{}{name}", if place > 0 { " and " } else { "" })?;
        }
        Ok(())
    }
}

impl From<Reasons> for Vec<&'static str> {
    fn from(reasons: Reasons) -> Self {
        reasons.names().collect()
    }
}

impl From<Vec<String>> for Reasons {
    fn from(names: Vec<String>) -> Self {
        let has = |name: &str| names.iter().any(|other| other == name);
        Reasons {
            code: has("code"),
            arguments: has("arguments"),
            inputs: has("inputs"),
            format: has("format"),
            content: has("content"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::or_zero::from_number;

    fn made(parts: [u128; 4]) -> Provenance {
        let [code, arguments, inputs, format] = parts.map(from_number);
        Provenance { code, arguments, inputs, format }
    }

    #[test]
    fn decisions() {
        let fresh = [1, 2, 3, 4];
        let edited = |provenance| Present { provenance: made(provenance), is_edited: true };
        let present = |provenance| Present { provenance: made(provenance), is_edited: false };
        let cases = [
            ("nothing is there", None, false, "make, warn, rerun"),
            ("what the call would give", Some(present(fresh)), false, ""),
            ("nothing is known of it", Some(present([0; 4])), false, ""),
            ("other code", Some(present([9, 2, 3, 4])), false, "code"),
            ("other arguments", Some(present([1, 9, 3, 4])), false, "arguments"),
            ("other inputs", Some(present([1, 2, 9, 4])), false, "inputs"),
            ("inputs that are not known", Some(present([1, 2, 0, 4])), false, ""),
            ("inputs that will be others", Some(present(fresh)), true, "inputs"),
            ("another type", Some(present([1, 2, 3, 9])), false, "format"),
            ("all others", Some(present([9; 4])), false, "code and arguments and inputs and format"),
            ("edited", Some(edited(fresh)), false, "the file itself, since pipex made it"),
            (
                "edited, and other code",
                Some(edited([9, 2, 3, 4])),
                false,
                "code and the file itself, since pipex made it",
            ),
        ];
        for (case, present, inputs_change, reasons) in cases {
            let wanted = Wanted { provenance: made(fresh), inputs_change };
            let [ignore, warn, rerun] =
                [Stale::Ignore, Stale::Warn, Stale::Rerun].map(|policy| decide(&wanted, present.as_ref(), policy));
            if present.is_none() {
                assert_eq!([ignore, warn, rerun], [Decision::Make(Reasons::default()); 3], "{case}");
                continue;
            }
            assert_eq!(ignore, Decision::Take, "{case}");
            assert_eq!(warn.reasons().to_string(), reasons, "{case}");
            assert_eq!(rerun.reasons(), warn.reasons(), "{case}");
            let is_stale = !reasons.is_empty();
            assert_eq!(matches!(warn, Decision::Warn(_)), is_stale, "{case}");
            assert_eq!(matches!(rerun, Decision::Make(_)), is_stale, "{case}");
        }
    }

    #[test]
    fn reasons_come_back_from_the_journal_and_those_of_a_newer_pipex_are_passed_over() {
        let all = Reasons { code: true, arguments: true, inputs: true, format: true, content: true };
        let json = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Reasons>(&json).unwrap(), all);
        let newer: Reasons = serde_json::from_str(r#"["code","weather"]"#).unwrap();
        assert_eq!(newer, Reasons { code: true, ..Reasons::default() });
    }
}
