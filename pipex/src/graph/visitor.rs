//! What the arguments of a call show: the edges to other runs, their fingerprint, what lies at their inputs.

use std::fmt::{Debug, Write};
use std::hash::Hash;
use std::path::Path;

use serde::Serialize;

use crate::graph::arg::{Arg, Kind, RefArg, Referent};
use crate::graph::digest::Digest;
use crate::graph::inputs::Inputs;
use crate::graph::known::Known;
use crate::graph::outcome::Label;
use crate::graph::output::Output;
#[cfg(feature = "remote")]
use crate::graph::packing::Packing;
use pipex_format::journal::{Given, Input, Journal, excerpt, excerpt_text};
use pipex_format::model::contents::Content;
use pipex_format::model::error::Error;
#[cfg(feature = "remote")]
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::hash::Hasher;
use pipex_format::model::target::Location;

/// The names of those that have yet to be visited.
type Parameters<'v> = std::slice::Iter<'v, &'static str>;

/// Visits the arguments of a call, from first to last.
pub struct Visitor<'v>(Purpose<'v>);

enum Purpose<'v> {
    /// To find what the call depends on.
    Find(Findings<'v>),
    /// To take each argument down for itself, for people to compare.
    Describe(Box<Description<'v>>),
    /// To name a target after them.
    Digest(&'v mut Digest),
    /// To send the arguments to another process.
    #[cfg(feature = "remote")]
    Pack(&'v mut Packing),
}

/// What one walk over the arguments of a call finds, and what of it is asked for.
pub(crate) struct Findings<'v> {
    /// The call's own, and what it inherits: the path of the first output that has one, the base of the first that passes
    /// one on.
    pub(crate) label: &'v mut Label,
    pub(crate) inputs: &'v mut Inputs,
    /// What tells these arguments from others.
    pub(crate) hasher: Option<&'v mut Hasher>,
    /// Who knows what lies at the inputs.
    pub(crate) journal: Option<&'v Journal>,
    pub(crate) makers: Option<&'v mut Makers>,
    /// What follows is waited for, and its data are not taken.
    pub(crate) waits: bool,
}

/// The runs that made the outputs, beside the parameters that take them.
pub(crate) struct Makers {
    pub(crate) found: Vec<(&'static str, u64)>,
    parameters: Parameters<'static>,
    parameter: &'static str,
}

/// Each argument for itself. The hasher is that of the last.
struct Description<'v> {
    given: &'v mut Vec<Given<'static>>,
    hasher: Hasher,
    parameters: Parameters<'v>,
    journal: Option<&'v Journal>,
}

impl Makers {
    pub(crate) fn new(parameters: &'static [&'static str]) -> Self {
        Makers { found: Vec::new(), parameters: parameters.iter(), parameter: "" }
    }
}

impl Findings<'_> {
    /// An output among the arguments; its data, if they are what its fingerprint is to be taken of.
    fn output<'o, T>(&mut self, output: &'o Output<T>, passes_base: bool) -> Option<&'o T> {
        if self.waits {
            self.depend_on(output, false);
            return None;
        }
        self.label.inherit(output.label(), passes_base);
        let target = output.target();
        self.depend_on(output, self.journal.is_some() && target.is_some());
        match (&mut self.hasher, target) {
            (Some(hasher), Some(location)) => {
                hasher.text(location.as_str());
                None
            }
            (Some(_), None) => output.peek(),
            (None, _) => None,
        }
    }

    /// The call depends on an output, which `counts` if what lies at its target is one of its inputs.
    fn depend_on<T>(&mut self, output: &Output<T>, counts: bool) {
        if let (Some(makers), Some(maker)) = (&mut self.makers, output.label().maker) {
            makers.found.push((makers.parameter, maker.number.get()));
        }
        output.enter(self.inputs, counts);
    }
}

impl<'v> Visitor<'v> {
    pub(crate) fn finding(findings: Findings<'v>) -> Self {
        Visitor(Purpose::Find(findings))
    }

    /// Visits outputs that the call waits for, and whose data it does not take. Only such follow.
    pub(crate) fn wait_for(&mut self, outputs: &dyn Outputs) {
        if let Purpose::Find(findings) = &mut self.0 {
            findings.waits = true;
            findings.makers.iter_mut().for_each(|makers| makers.parameter = "wait_for");
        }
        outputs.visit(self);
    }

    pub(crate) fn digesting(digest: &'v mut Digest) -> Self {
        Visitor(Purpose::Digest(digest))
    }

    #[cfg(feature = "remote")]
    pub(crate) fn packing(packing: &'v mut Packing) -> Self {
        Visitor(Purpose::Pack(packing))
    }

    /// An output among the arguments; its data, if they are what its fingerprint is to be taken of.
    pub(crate) fn output<'o, T>(&mut self, output: &'o Output<T>, passes_base: bool) -> Option<&'o T> {
        match &mut self.0 {
            Purpose::Find(findings) => findings.output(output, passes_base),
            Purpose::Describe(description) => {
                let Description { given, hasher, journal, .. } = &mut **description;
                let Some(location) = output.target() else { return output.peek() };
                hasher.text(location.as_str());
                if let (Some(given), Some(journal)) = (given.last_mut(), journal) {
                    given.inputs.extend(output.as_input(journal));
                }
                None
            }
            Purpose::Digest(digest) => {
                digest.output(output.target().map(Location::as_str));
                if output.target().is_some() { None } else { output.peek() }
            }
            #[cfg(feature = "remote")]
            Purpose::Pack(packing) => packing.output(output, passes_base),
        }
    }

    /// The next argument begins.
    #[inline]
    pub fn next_argument(&mut self) {
        match &mut self.0 {
            Purpose::Find(Findings { makers: Some(makers), .. }) => {
                makers.parameter = makers.parameters.next().copied().unwrap_or_default();
            }
            Purpose::Find(_) => {}
            Purpose::Describe(description) => description.next_argument(),
            Purpose::Digest(digest) => digest.next_argument(),
            #[cfg(feature = "remote")]
            Purpose::Pack(packing) => packing.next_argument(),
        }
    }

    fn hasher(&mut self) -> Option<&mut Hasher> {
        match &mut self.0 {
            Purpose::Find(findings) => findings.hasher.as_deref_mut(),
            Purpose::Describe(description) => Some(&mut description.hasher),
            Purpose::Digest(_) => None,
            #[cfg(feature = "remote")]
            Purpose::Pack(_) => None,
        }
    }

    /// Packs the argument, if it is to be packed.
    fn pack<A: Argument<Content: Serialize>>(&mut self, argument: &A) -> bool {
        #[cfg(feature = "remote")]
        if let Purpose::Pack(packing) = &mut self.0 {
            argument.visit(&mut Visitor::packing(packing));
            packing.value(|take| argument.show(&mut |content| take(serde_json::to_value(content))));
            return true;
        }
        let _ = argument;
        false
    }

    /// Takes down what the argument is, for people. It is `plain` if this tells it from all others of its type.
    fn describe(&mut self, plain: bool, text: impl FnOnce() -> Option<String>) {
        match &mut self.0 {
            Purpose::Describe(description) => {
                if let Some(given) = description.given.last_mut() {
                    given.value = text().map(Into::into);
                }
            }
            Purpose::Digest(digest) => digest.value(text().as_deref(), plain),
            _ => {}
        }
    }

    /// A path, and what lies there, if it is a file.
    fn path(&mut self, path: &Path) {
        match &mut self.0 {
            Purpose::Find(Findings { inputs, journal: Some(journal), .. }) => {
                if let Some(content) = journal.source(path) {
                    inputs.add_content(Content::from_fingerprint(content));
                }
            }
            Purpose::Describe(description) => {
                let content = description.journal.and_then(|journal| journal.source(path));
                if let (Some(given), Some(content)) = (description.given.last_mut(), content) {
                    given.inputs.push(Input::file(path, content));
                }
            }
            _ => {}
        }
    }
}

impl Description<'_> {
    fn next_argument(&mut self) {
        if let Some(last) = self.given.last_mut() {
            last.fingerprint = Some(std::mem::take(&mut self.hasher).finish128());
        }
        self.given.extend(self.parameters.next().map(|name| Given::new(name)));
    }
}

/// Each argument for itself; with `journal`, what lies at its inputs.
pub(crate) fn describe(
    accept: impl FnOnce(&mut Visitor<'_>),
    parameters: &[&'static str],
    journal: Option<&Journal>,
) -> Vec<Given<'static>> {
    let mut given = Vec::with_capacity(parameters.len());
    let description =
        Description { given: &mut given, hasher: Hasher::default(), parameters: parameters.iter(), journal };
    let mut visitor = Visitor(Purpose::Describe(Box::new(description)));
    accept(&mut visitor);
    // The last one ends.
    visitor.next_argument();
    drop(visitor);
    given
}

#[cfg(feature = "remote")]
/// What tells whether arguments came to another process as they are: sequences are the same in any order, as a `HashSet`'s
/// elements come in any.
pub(crate) fn checksum(accept: impl FnOnce(&mut Visitor<'_>)) -> Fingerprint {
    let (mut label, mut inputs, mut hasher) = (Label::default(), Inputs::default(), Hasher::unordered());
    accept(&mut Visitor::finding(Findings {
        label: &mut label,
        inputs: &mut inputs,
        hasher: Some(&mut hasher),
        journal: None,
        makers: None,
        waits: false,
    }));
    hasher.finish128()
}

/// An argument, however it was given.
pub trait Argument {
    /// What the parameter is, or refers to.
    type Content: ?Sized;

    /// Shows its outputs; what is to be fingerprinted by content comes back.
    fn visit(&self, visitor: &mut Visitor<'_>) -> Option<&Self::Content>;

    /// Shows what it is, wherever it is.
    fn show(&self, see: &mut dyn FnMut(&Self::Content)) -> Result<(), Error>;
}

impl<T> Argument for Arg<T> {
    type Content = T;

    fn visit(&self, visitor: &mut Visitor<'_>) -> Option<&T> {
        match &self.0 {
            Kind::Value(value) => Some(value),
            Kind::Output(output, _) => visitor.output(output, true),
            Kind::Gathered(outputs) => {
                outputs.visit(visitor);
                None
            }
        }
    }

    fn show(&self, see: &mut dyn FnMut(&T)) -> Result<(), Error> {
        match &self.0 {
            Kind::Value(value) => see(value),
            Kind::Output(output, _) => output.show(see)?,
            Kind::Gathered(outputs) => see(&outputs.again().take()?),
        }
        Ok(())
    }
}

impl<U: Referent + ?Sized> Argument for RefArg<'_, U> {
    type Content = U;

    fn visit(&self, visitor: &mut Visitor<'_>) -> Option<&U> {
        match self {
            RefArg::Borrowed(value) => Some(value),
            RefArg::Output(output) => visitor.output(output, true).map(U::borrow_from),
            RefArg::Gathered(outputs) => {
                outputs.0.visit(visitor);
                None
            }
        }
    }

    fn show(&self, see: &mut dyn FnMut(&U)) -> Result<(), Error> {
        match self {
            RefArg::Borrowed(value) => see(value),
            RefArg::Output(output) => output.show(&mut |value| see(U::borrow_from(value)))?,
            RefArg::Gathered(outputs) => see(U::borrow_from(&outputs.0.again().take()?)),
        }
        Ok(())
    }
}

/// Shows an argument as well as its type allows: `(&&&&Probe(&argument)).accept(visitor)` finds the first of the traits below
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
    fn accept(&self, visitor: &mut Visitor<'_>);
}

/// Outputs, whole: `Output<T>` and collections of it.
pub trait Outputs {
    #[doc(hidden)]
    fn visit(&self, visitor: &mut Visitor<'_>);
}

impl<T> Outputs for Output<T> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visitor.output(self, true);
    }
}

impl<T, const N: usize> Outputs for [Output<T>; N] {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        self[..].visit(visitor);
    }
}

impl<T> Outputs for [Output<T>] {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        for output in self {
            visitor.output(output, false);
        }
    }
}

impl<T> Outputs for Vec<Output<T>> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        self[..].visit(visitor);
    }
}

impl<T> Outputs for Option<Output<T>> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        if let Some(output) = self {
            output.visit(visitor);
        }
    }
}

impl<A: Argument<Content: Outputs>> ByOutput for &&&Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        #[cfg(feature = "remote")]
        if let Purpose::Pack(packing) = &mut visitor.0 {
            packing.outputs();
        }
        if let Some(outputs) = self.0.visit(visitor) {
            outputs.visit(visitor);
        }
    }
}

/// A type of which more is known than serde tells: paths, by their text and by the content of the files that lie there; sets
/// whose elements come in any order.
pub trait ByKnown {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Known + Serialize>> ByKnown for &&&&Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        if visitor.pack(self.0) {
            return;
        }
        let Some(content) = self.0.visit(visitor) else { return };
        if let Some(hasher) = visitor.hasher() {
            let unordered = hasher.unordered;
            hasher.unordered |= A::Content::UNORDERED;
            hasher.serialize(content);
            hasher.unordered = unordered;
        }
        visitor.describe(A::Content::PLAIN, || Some(excerpt(content)));
        content.each_path(&mut |path| visitor.path(path));
    }
}

/// A type that serde knows: by content, the same in every process.
pub trait BySerialize {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Serialize>> BySerialize for &&Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        if visitor.pack(self.0) {
            return;
        }
        let content = self.0.visit(visitor);
        let Some(content) = content else { return };
        if let Some(hasher) = visitor.hasher() {
            hasher.serialize(content);
        }
        visitor.describe(false, || Some(excerpt(content)));
    }
}

/// A type that can be hashed.
pub trait ByHash {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Hash>> ByHash for &Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        let content = self.0.visit(visitor);
        if let (Some(content), Some(hasher)) = (content, visitor.hasher()) {
            content.hash(hasher);
        }
        if content.is_some() {
            visitor.describe(false, || None);
        }
    }
}

/// A type that shows its content only to people.
pub trait ByDebug {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Debug>> ByDebug for Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        let content = self.0.visit(visitor);
        let Some(content) = content else { return };
        if let Some(hasher) = visitor.hasher() {
            let _ = write!(hasher, "{content:?}");
        }
        visitor.describe(false, || Some(excerpt_text(&format!("{content:?}"))));
    }
}

/// A type of which nothing can be told.
pub trait ByNothing {
    #[doc(hidden)]
    fn accept(self, visitor: &mut Visitor<'_>);
}

impl<A: Argument> ByNothing for Probe<'_, A> {
    fn accept(self, visitor: &mut Visitor<'_>) {
        if let (Some(_), Visitor(Purpose::Digest(digest))) = (self.0.visit(visitor), visitor) {
            digest.untold();
        }
    }
}
