//! What the arguments of a call say of themselves: the edges to other runs, their fingerprint, what lies at their inputs.

use std::fmt::{Debug, Write};
use std::hash::Hash;
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;

use crate::run::job::Packing;
use crate::run::known::Known;
use crate::run::outcome::{Failure, Label};
use crate::run::output::Output;
use crate::run::pending::Node;
use pipex_format::journal::{Given, Input, Journal};
use pipex_format::model::contents::{Content, Contents};
use pipex_format::model::error::Error;
use pipex_format::model::fingerprint::{Fingerprint, Hasher};

/// The names of those that have yet to be looked at.
type Parameters<'s> = std::slice::Iter<'s, &'static str>;

/// Collects, in one walk over the arguments of a call, what is asked for.
pub struct Seen<'s>(Want<'s>);

enum Want<'s> {
    /// Where the call inherits its path and base from.
    Label { label: &'s mut Label, waits: &'s mut bool },
    /// Why the first of those that failed did.
    Failure(&'s mut Option<Arc<Failure>>),
    /// What tells this call's arguments from another's, and what lies at its inputs.
    Told { hasher: &'s mut Hasher, contents: &'s mut Contents, journal: Option<&'s Journal> },
    /// Each argument for itself, for people to compare. The hasher is that of the last.
    Given {
        given: &'s mut Vec<Given<'static>>,
        hasher: &'s mut Hasher,
        parameters: Parameters<'s>,
        journal: &'s Journal,
    },
    /// The outputs that have not ended.
    Unsettled(&'s mut Vec<Arc<dyn Node>>),
    /// The arguments, for another process.
    Packed(&'s mut Packing),
    /// The runs that made the outputs, beside the parameters that take them.
    Makers { makers: &'s mut Vec<(&'static str, u64)>, parameters: Parameters<'s>, parameter: &'static str },
    /// The beginnings of values, for people.
    Shown { shown: &'s mut Vec<(&'static str, String)>, parameters: Parameters<'s> },
}

impl<'s> Seen<'s> {
    /// Fills what `label` lacks: the path of the first output that has one, the base of the first that passes one on. Says
    /// in `waits` whether a run has yet to end, or failed.
    pub(crate) fn label(label: &'s mut Label, waits: &'s mut bool) -> Self {
        Seen(Want::Label { label, waits })
    }

    pub(crate) fn failure(failure: &'s mut Option<Arc<Failure>>) -> Self {
        Seen(Want::Failure(failure))
    }

    pub(crate) fn packed(packing: &'s mut Packing) -> Self {
        Seen(Want::Packed(packing))
    }

    pub(crate) fn makers(makers: &'s mut Vec<(&'static str, u64)>, parameters: &'s [&'static str]) -> Self {
        Seen(Want::Makers { makers, parameters: parameters.iter(), parameter: "" })
    }

    pub(crate) fn unsettled(nodes: &'s mut Vec<Arc<dyn Node>>) -> Self {
        Seen(Want::Unsettled(nodes))
    }

    /// An output among the arguments; its data, if they are what its fingerprint is to be taken of.
    pub(crate) fn output<'o, T>(&mut self, output: &'o Output<T>, passes_base: bool) -> Option<&'o T> {
        match &mut self.0 {
            Want::Label { label, waits } => {
                label.inherit(output.label(), passes_base);
                **waits |= !output.ended_well();
                None
            }
            Want::Failure(failure) => {
                if failure.is_none() {
                    **failure = output.failure().cloned();
                }
                None
            }
            Want::Told { hasher, contents, journal } => match output.target() {
                Some(location) => {
                    hasher.text(location.as_str());
                    if journal.is_some() {
                        contents.add(output.content());
                        if !output.has_ended() {
                            contents.pend();
                        }
                    }
                    None
                }
                None => output.peek(),
            },
            Want::Given { given, hasher, journal, .. } => {
                let Some(location) = output.target() else { return output.peek() };
                hasher.text(location.as_str());
                if let Some(given) = given.last_mut() {
                    given.inputs.extend(output.as_input(journal));
                }
                None
            }
            Want::Unsettled(nodes) => {
                nodes.extend(output.unsettled());
                None
            }
            Want::Packed(packing) => packing.output(output, passes_base),
            Want::Makers { makers, parameter, .. } => {
                makers.extend(output.label().maker.map(|maker| (*parameter, maker.number.get())));
                None
            }
            Want::Shown { .. } => None,
        }
    }

    /// The next argument begins.
    pub fn next(&mut self) {
        match &mut self.0 {
            Want::Packed(packing) => packing.next(),
            Want::Makers { parameters, parameter, .. } => *parameter = parameters.next().copied().unwrap_or_default(),
            Want::Shown { shown, parameters } => {
                shown.extend(parameters.next().map(|name| (*name, String::new())));
            }
            _ => {}
        }
        if let Want::Given { given, hasher, parameters, .. } = &mut self.0 {
            if let Some(last) = given.last_mut() {
                last.fingerprint = Some(std::mem::take(*hasher).finish128());
            }
            given.extend(parameters.next().map(|name| Given::new(name)));
        }
    }

    fn hasher(&mut self) -> Option<&mut Hasher> {
        match &mut self.0 {
            Want::Told { hasher, .. } | Want::Given { hasher, .. } => Some(hasher),
            _ => None,
        }
    }

    /// Packs the argument, if it is to be packed.
    fn pack<A: Argument<Content: Serialize>>(&mut self, argument: &A) -> bool {
        let Want::Packed(packing) = &mut self.0 else { return false };
        argument.visit(&mut Seen::packed(packing));
        packing.value(|take| argument.show(&mut |content| take(serde_json::to_value(content))));
        true
    }

    /// Takes down what the argument is, for people.
    fn describe(&mut self, text: impl FnOnce() -> String) {
        match &mut self.0 {
            Want::Given { given, .. } => {
                if let Some(given) = given.last_mut() {
                    given.value = Some(text().into());
                }
            }
            Want::Shown { shown, .. } => {
                if let Some((_, shown)) = shown.last_mut() {
                    *shown = text();
                }
            }
            _ => {}
        }
    }

    /// A path, and what lies there, if it is a file.
    fn path(&mut self, path: &Path) {
        match &mut self.0 {
            Want::Told { contents, journal: Some(journal), .. } => {
                if let Some(content) = journal.source(path) {
                    contents.add(Content::from_fingerprint(content));
                }
            }
            Want::Given { given, journal, .. } => {
                if let (Some(given), Some(content)) = (given.last_mut(), journal.source(path)) {
                    given.inputs.push(Input::file(path, content));
                }
            }
            _ => {}
        }
    }
}

/// An argument, however it was given.
pub trait Argument {
    /// What the parameter is, or refers to.
    type Content: ?Sized;

    /// Shows its outputs; what is to be fingerprinted by content comes back.
    fn visit(&self, seen: &mut Seen<'_>) -> Option<&Self::Content>;

    /// Shows what it is, wherever it is.
    fn show(&self, see: &mut dyn FnMut(&Self::Content)) -> Result<(), Error>;
}

/// Looks at an argument as well as its type allows: `(&&&&Probe(&argument)).look(seen)` finds the first of the traits below
/// that applies, since method look-up takes off one reference after the other.
pub struct Probe<'p, A>(pub &'p A);

impl<A> Clone for Probe<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A> Copy for Probe<'_, A> {}

/// A parameter that is declared as outputs: it is taken as a value, and yet makes edges.
pub trait ByOutput {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

/// Outputs, whole: `Output<T>` and collections of it.
pub trait Outputs {
    #[doc(hidden)]
    fn visit(&self, seen: &mut Seen<'_>);
}

impl<T> Outputs for Output<T> {
    fn visit(&self, seen: &mut Seen<'_>) {
        seen.output(self, true);
    }
}

impl<T, const N: usize> Outputs for [Output<T>; N] {
    fn visit(&self, seen: &mut Seen<'_>) {
        self[..].visit(seen);
    }
}

impl<T> Outputs for [Output<T>] {
    fn visit(&self, seen: &mut Seen<'_>) {
        for output in self {
            seen.output(output, false);
        }
    }
}

impl<T> Outputs for Vec<Output<T>> {
    fn visit(&self, seen: &mut Seen<'_>) {
        self[..].visit(seen);
    }
}

impl<T> Outputs for Option<Output<T>> {
    fn visit(&self, seen: &mut Seen<'_>) {
        if let Some(output) = self {
            output.visit(seen);
        }
    }
}

impl<A: Argument<Content: Outputs>> ByOutput for &&&Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        if let Want::Packed(packing) = &mut seen.0 {
            packing.outputs();
        }
        if let Some(outputs) = self.0.visit(seen) {
            outputs.visit(seen);
        }
    }
}

/// A type of which more is known than serde tells: paths, by their text and by the content of the files that lie there; sets
/// whose elements come in any order.
pub trait ByKnown {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

impl<A: Argument<Content: Known + Serialize>> ByKnown for &&&&Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        if seen.pack(self.0) {
            return;
        }
        let Some(content) = self.0.visit(seen) else { return };
        if let Some(hasher) = seen.hasher() {
            let unordered = hasher.unordered;
            hasher.unordered |= A::Content::UNORDERED;
            hasher.serialize(content);
            hasher.unordered = unordered;
        }
        seen.describe(|| excerpt(content));
        content.each_path(&mut |path| seen.path(path));
    }
}

/// A type that serde knows: by content, the same in every process.
pub trait BySerialize {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

impl<A: Argument<Content: Serialize>> BySerialize for &&Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        if seen.pack(self.0) {
            return;
        }
        let content = self.0.visit(seen);
        let Some(content) = content else { return };
        if let Some(hasher) = seen.hasher() {
            hasher.serialize(content);
        }
        seen.describe(|| excerpt(content));
    }
}

/// A type that can be hashed.
pub trait ByHash {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

impl<A: Argument<Content: Hash>> ByHash for &Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        let content = self.0.visit(seen);
        if let (Some(content), Some(hasher)) = (content, seen.hasher()) {
            content.hash(hasher);
        }
    }
}

/// A type that shows its content only to people.
pub trait ByDebug {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

impl<A: Argument<Content: Debug>> ByDebug for Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        let content = self.0.visit(seen);
        let Some(content) = content else { return };
        if let Some(hasher) = seen.hasher() {
            let _ = write!(hasher, "{content:?}");
        }
        seen.describe(|| format!("{content:?}").chars().take(EXCERPT).collect());
    }
}

/// A type of which nothing can be told.
pub trait ByNothing {
    #[doc(hidden)]
    fn look(self, seen: &mut Seen<'_>);
}

impl<A: Argument> ByNothing for Probe<'_, A> {
    fn look(self, seen: &mut Seen<'_>) {
        self.0.visit(seen);
    }
}

/// The fingerprint of what a walk over the arguments shows; with `journal`, what lies at its inputs.
pub(crate) fn fingerprint_arguments(
    look: impl FnOnce(&mut Seen<'_>),
    journal: Option<&Journal>,
) -> (Fingerprint, Contents) {
    let (mut hasher, mut contents) = (Hasher::default(), Contents::default());
    look(&mut Seen(Want::Told { hasher: &mut hasher, contents: &mut contents, journal }));
    (hasher.finish128(), contents)
}

/// Each argument for itself.
pub(crate) fn describe(
    look: impl FnOnce(&mut Seen<'_>),
    parameters: &'static [&'static str],
    journal: &Journal,
) -> Vec<Given<'static>> {
    let (mut given, mut hasher) = (Vec::with_capacity(parameters.len()), Hasher::default());
    let mut seen = Seen(Want::Given { given: &mut given, hasher: &mut hasher, parameters: parameters.iter(), journal });
    look(&mut seen);
    // The last one ends.
    seen.next();
    given
}

/// What tells whether arguments came to another process as they are: sequences are the same in any order, as a `HashSet`'s
/// elements come in any.
pub(crate) fn checked(look: impl FnOnce(&mut Seen<'_>)) -> Fingerprint {
    let (mut hasher, mut contents) = (Hasher::unordered(), Contents::default());
    look(&mut Seen(Want::Told { hasher: &mut hasher, contents: &mut contents, journal: None }));
    hasher.finish128()
}

/// The beginnings of values.
pub(crate) fn shown(look: impl FnOnce(&mut Seen<'_>), parameters: &[&'static str]) -> Vec<(&'static str, String)> {
    let mut shown = Vec::with_capacity(parameters.len());
    look(&mut Seen(Want::Shown { shown: &mut shown, parameters: parameters.iter() }));
    shown
}

/// The most characters of an argument that are taken down.
const EXCERPT: usize = 120;

/// The beginning of a value's JSON.
fn excerpt<T: Serialize + ?Sized>(value: &T) -> String {
    struct Beginning(Vec<u8>);

    impl std::io::Write for Beginning {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.extend_from_slice(&bytes[..bytes.len().min(4 * EXCERPT)]);
            if self.0.len() > 4 * EXCERPT { Err(std::io::ErrorKind::WriteZero.into()) } else { Ok(bytes.len()) }
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    let mut beginning = Beginning(Vec::new());
    let whole = serde_json::to_writer(&mut beginning, value).is_ok();
    let text = String::from_utf8_lossy(&beginning.0);
    let mut excerpt: String = text.chars().take(EXCERPT).collect();
    if !whole || excerpt.len() < text.len() {
        excerpt.push_str("..");
    }
    excerpt
}
