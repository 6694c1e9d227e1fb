//! What the arguments of a call show: the edges to other runs, their fingerprint, what lies at their inputs.

use std::path::Path;

use serde::Serialize;

use crate::graph::digest::Digest;
use crate::graph::held::Held;
use crate::graph::holds::HasOutputs;
use crate::graph::inputs::{Edge, Inputs};
use crate::graph::outcome::Label;
use crate::graph::output::Output;
#[cfg(feature = "remote")]
use crate::graph::packing::Packing;
use crate::runtime::panics::guard;
use pipex_format::journal::{Given, Input, Journal};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Cause, Error};
#[cfg(feature = "remote")]
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::hash::Hasher;
use pipex_format::model::resources::Resources;

/// The names of those that have yet to be visited.
type Parameters<'v> = std::slice::Iter<'v, &'static str>;

/// Visits the arguments of a call, from first to last.
pub struct Visitor<'v> {
    purpose: Purpose<'v>,
    /// What comes now is part of a collection: its elements have bases of their own.
    elements: bool,
    /// What failed is a value to the argument.
    tolerates: bool,
}

enum Purpose<'v> {
    /// To find what the call depends on.
    Find(Findings<'v>),
    /// To take each argument down for itself, for people to compare.
    Describe(&'v mut Description<'v>),
    /// To name a target after them.
    Digest(&'v mut Digest),
    /// To tell what the call needs.
    Measure(&'v mut Result<Resources, Cause>),
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
    pub(crate) taken: Option<&'v mut Taken>,
    /// What follows is waited for, and its data are not taken.
    pub(crate) waits: bool,
}

/// What a call takes, for people, beside the parameters that take it.
pub(crate) struct Taken {
    /// The runs that made the outputs.
    pub(crate) makers: Vec<(&'static str, u64)>,
    /// The beginnings of the values.
    pub(crate) values: Vec<(&'static str, String)>,
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

impl Taken {
    pub(crate) fn new(parameters: &'static [&'static str]) -> Self {
        Taken { makers: Vec::new(), values: Vec::new(), parameters: parameters.iter(), parameter: "" }
    }

    /// A value, unless it is of an output whose maker is known. One that cannot be shown is not the run's end.
    fn value(&mut self, text: &dyn Fn() -> Option<String>) {
        if self.makers.last().is_none_or(|(parameter, _)| *parameter != self.parameter) {
            let text = guard(|| text().unwrap_or_default()).unwrap_or_default();
            self.values.push((self.parameter, text));
        }
    }
}

impl Findings<'_> {
    /// An output among the arguments; whether its data are what its fingerprint is to be taken of.
    fn output(&mut self, output: &Held, passes_base: bool, tolerates: bool) -> bool {
        if self.waits {
            self.depend_on(output, Edge { counts: false, tolerates });
            return false;
        }
        self.label.inherit(output.label(), passes_base);
        let target = output.target();
        self.depend_on(output, Edge { counts: self.journal.is_some() && target.is_some(), tolerates });
        match (&mut self.hasher, target) {
            (Some(hasher), Some(location)) => {
                hasher.text(&location);
                output.view_name().iter().for_each(|view| hasher.text(view));
                false
            }
            (Some(_), None) => true,
            // No task run made it, so it is a value.
            (None, None) => self.taken.is_some() && output.label().maker.is_none(),
            (None, _) => false,
        }
    }

    /// The call depends on an output.
    fn depend_on(&mut self, output: &Held, edge: Edge) {
        if let (Some(taken), Some(maker)) = (&mut self.taken, output.label().maker) {
            taken.makers.push((taken.parameter, maker.number.get()));
        }
        output.enter(self.inputs, edge);
    }
}

impl<'v> Visitor<'v> {
    fn with(purpose: Purpose<'v>) -> Self {
        Visitor { purpose, elements: false, tolerates: false }
    }

    pub(crate) fn finding(findings: Findings<'v>) -> Self {
        Visitor::with(Purpose::Find(findings))
    }

    /// Visits outputs that the call waits for, and whose data it does not take. Only such follow.
    pub(crate) fn wait_for(&mut self, outputs: &dyn HasOutputs) {
        if let Purpose::Find(findings) = &mut self.purpose {
            findings.waits = true;
            findings.taken.iter_mut().for_each(|taken| taken.parameter = "wait_for");
        }
        outputs.visit(self);
    }

    pub(crate) fn digesting(digest: &'v mut Digest) -> Self {
        Visitor::with(Purpose::Digest(digest))
    }

    #[cfg(feature = "remote")]
    pub(crate) fn packing(packing: &'v mut Packing) -> Self {
        Visitor::with(Purpose::Pack(packing))
    }

    /// An output among the arguments; its data, if they are what its fingerprint is to be taken of.
    pub(crate) fn output<'o, T>(&mut self, output: &'o Output<T>) -> Option<&'o T> {
        if self.takes_data(output.held()) { output.peek() } else { None }
    }

    fn takes_data(&mut self, output: &Held) -> bool {
        let single = !self.elements;
        match &mut self.purpose {
            Purpose::Find(findings) => findings.output(output, single, self.tolerates),
            Purpose::Describe(description) => {
                let Description { given, hasher, journal, .. } = &mut **description;
                let Some(location) = output.target() else { return true };
                hasher.text(&location);
                output.view_name().iter().for_each(|view| hasher.text(view));
                if let (Some(given), Some(journal)) = (given.last_mut(), journal) {
                    given.inputs.extend(output.as_input(journal));
                }
                false
            }
            Purpose::Digest(digest) => {
                let target = output.target();
                digest.output(target.as_deref(), output.location());
                if target.is_none() {
                    return true;
                }
                output.view_name().iter().for_each(|view| digest.hasher.text(view));
                false
            }
            Purpose::Measure(_) => false,
            #[cfg(feature = "remote")]
            Purpose::Pack(packing) => packing.output(output, single),
        }
    }

    /// So many elements of a collection. How many there are tells a collection within one from its neighbours.
    pub(crate) fn elements(&mut self, count: usize, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.elements, true);
        if outer {
            self.key(&count);
        }
        visit(self);
        self.elements = outer;
    }

    /// Whether an element that may be missing is there.
    pub(crate) fn choice(&mut self, is_there: bool) {
        if self.elements {
            self.key(&is_there);
        }
    }

    /// A value beside outputs.
    pub(crate) fn key<K: Serialize>(&mut self, key: &K) {
        if let Some(hasher) = self.hasher() {
            hasher.serialize(key);
        }
        self.by_value();
    }

    /// Outputs that may have failed.
    pub(crate) fn tolerating(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.tolerates, true);
        visit(self);
        self.tolerates = outer;
        self.by_value();
    }

    /// To another process the argument goes as the value that it makes up, and not as the locations of outputs.
    pub(crate) fn by_value(&mut self) {
        #[cfg(feature = "remote")]
        if let Purpose::Pack(packing) = &mut self.purpose {
            packing.by_value();
        }
    }

    /// The argument is declared as outputs.
    pub(crate) fn declared(&mut self) {
        #[cfg(feature = "remote")]
        if let Purpose::Pack(packing) = &mut self.purpose {
            packing.outputs();
        }
    }

    /// The next argument begins.
    #[inline]
    pub fn next_argument(&mut self) {
        match &mut self.purpose {
            Purpose::Find(Findings { taken: Some(taken), .. }) => {
                taken.parameter = taken.parameters.next().copied().unwrap_or_default();
            }
            Purpose::Find(_) | Purpose::Measure(_) => {}
            Purpose::Describe(description) => description.next_argument(),
            Purpose::Digest(digest) => digest.next_argument(),
            #[cfg(feature = "remote")]
            Purpose::Pack(packing) => packing.next_argument(),
        }
    }

    /// Computes what the call needs, if that is asked; then nothing else is.
    pub fn measure(&mut self, compute: impl FnOnce(Resources) -> Result<Resources, Cause>) -> bool {
        let Purpose::Measure(needs) = &mut self.purpose else { return false };
        if let Ok(known) = needs {
            **needs = compute(*known);
        }
        true
    }

    pub(crate) fn hasher(&mut self) -> Option<&mut Hasher> {
        match &mut self.purpose {
            Purpose::Find(findings) => findings.hasher.as_deref_mut(),
            Purpose::Describe(description) => Some(&mut description.hasher),
            Purpose::Digest(digest) => Some(&mut digest.hasher),
            Purpose::Measure(_) => None,
            #[cfg(feature = "remote")]
            Purpose::Pack(_) => None,
        }
    }

    /// Packs the argument, if it is to be packed.
    pub(crate) fn pack<A: Argument<Content: Serialize>>(&mut self, argument: &A) -> bool {
        #[cfg(feature = "remote")]
        if let Purpose::Pack(packing) = &mut self.purpose {
            argument.visit(&mut Visitor::packing(packing));
            packing.value(&mut |take| argument.show(&mut |content| take(serde_json::to_value(content))));
            return true;
        }
        let _ = argument;
        false
    }

    /// Takes down what the argument is, for people. It is `plain` if this tells it from all others of its type.
    pub(crate) fn describe(&mut self, plain: bool, text: &dyn Fn() -> Option<String>) {
        match &mut self.purpose {
            Purpose::Describe(description) => {
                if let Some(given) = description.given.last_mut() {
                    given.value = text().map(Into::into);
                }
            }
            Purpose::Digest(digest) => digest.value(text().as_deref(), plain),
            Purpose::Find(Findings { taken: Some(taken), .. }) => taken.value(text),
            _ => {}
        }
    }

    /// Nothing can be told of the argument, though it is a value.
    pub(crate) fn untold(&mut self) {
        match &mut self.purpose {
            Purpose::Digest(digest) => digest.untold(),
            Purpose::Find(Findings { taken: Some(taken), .. }) => taken.value(&|| None),
            _ => {}
        }
    }

    /// A path, and what lies there, if it is a file.
    pub(crate) fn path(&mut self, path: &Path) {
        match &mut self.purpose {
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
            last.fingerprint = Some(self.hasher.restart());
        }
        if let Some(name) = self.parameters.next() {
            self.given.push(Given::new(name));
        }
    }
}

/// Each argument for itself; with `journal`, what lies at its inputs.
pub(crate) fn describe(
    accept: impl FnOnce(&mut Visitor<'_>),
    parameters: &[&'static str],
    journal: Option<&Journal>,
) -> Vec<Given<'static>> {
    let mut given = Vec::with_capacity(parameters.len());
    let mut description =
        Description { given: &mut given, hasher: Hasher::default(), parameters: parameters.iter(), journal };
    let mut visitor = Visitor::with(Purpose::Describe(&mut description));
    accept(&mut visitor);
    // The last one ends.
    visitor.next_argument();
    given
}

/// What a call needs: `known`, and what is computed from its arguments.
pub(crate) fn measure(known: Resources, accept: impl FnOnce(&mut Visitor<'_>)) -> Result<Resources, Cause> {
    let mut needs = Ok(known);
    accept(&mut Visitor::with(Purpose::Measure(&mut needs)));
    needs
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
        taken: None,
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
