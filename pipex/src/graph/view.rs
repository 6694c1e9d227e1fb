//! Views: outputs that are what a function makes of another output, wherever it is taken.

use std::borrow::Cow;
use std::sync::Arc;

use crate::graph::inputs::{Edge, Inputs};
use crate::graph::kept::Kept;
use crate::graph::make;
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, Label};
use crate::graph::output::Output;
use crate::graph::place::Spot;
use crate::graph::settle::{is_in_run, settle};
use crate::runtime::block_on;
use pipex_format::journal::{Input, Journal};
use pipex_format::model::contents::Content;
use pipex_format::model::error::Result;
use pipex_format::model::target::Location;

/// What is made of another output.
pub(crate) struct View<T> {
    source: Box<dyn Source<T>>,
    /// What tells it from other views of the same.
    name: Cow<'static, str>,
    pub(crate) data: Kept<T>,
}

/// The other output, and what is made of it.
trait Source<T>: Send + Sync {
    fn whole(&self) -> &dyn AnyOutput;
    /// Makes it. The run has ended.
    fn make(&self) -> Result<T>;
}

/// An output, whatever the type of its data.
pub(crate) trait AnyOutput {
    /// How its run ended, if it has.
    fn end(&self) -> Option<Result<(), &Arc<Failure>>>;
    /// Whether its run would have to run, in a dry run.
    fn is_dry(&self) -> bool;
    fn label(&self) -> &Label;
    fn spot(&self) -> Option<&Spot>;
    /// The address of the store that has it; empty where targets are paths.
    fn address(&self) -> Cow<'_, str>;
    /// What lies at its location, as far as it is known.
    fn content(&self) -> Content;
    /// Its run as a node of the graph, and which of its outputs it is, unless it has ended.
    fn pending_part(&self) -> Option<(&Arc<dyn Node>, u32)>;
    /// What tells it from what lies at its target, if it is not that but a view of it.
    fn view_name(&self) -> Option<Cow<'_, str>>;
    /// Removes what lies at its target; whether there was something.
    fn remove(&self) -> Result<bool>;
}

impl dyn AnyOutput + '_ {
    /// Where the output is, or will be when it has run; `None` where nothing is saved.
    pub(crate) fn location(&self) -> Option<&Location> {
        self.spot().filter(|spot| !spot.is_in_memory()).map(|spot| &spot.location)
    }

    /// The target, which names the output among the arguments of other calls, whether something is saved there or not: from the
    /// root of the project, so that it is the same wherever the program is started.
    pub(crate) fn target(&self) -> Option<Cow<'_, str>> {
        self.spot().map(Spot::name)
    }

    pub(crate) fn failure(&self) -> Option<&Arc<Failure>> {
        self.end()?.err()
    }

    /// How it stands in the journal as what a run took.
    pub(crate) fn as_input(&self, journal: &Journal) -> Option<Input<'static>> {
        let spot = self.spot()?;
        let content = if let Content::Is(_) = self.content() { journal.content(spot.key) } else { None };
        Some(Input::new(spot.location.as_str().to_owned(), self.address().into_owned(), content))
    }

    /// Enters it among the inputs of a call.
    pub(crate) fn enter(&self, inputs: &mut Inputs, edge: Edge) {
        inputs.tolerates |= edge.tolerates;
        if let Some((node, part)) = self.pending_part() {
            inputs.add_pending(Arc::clone(node), part, edge);
        } else if let Some(failure) = self.failure() {
            inputs.add_failure(Arc::clone(failure), edge);
        } else if edge.counts {
            inputs.add_content(self.content());
        }
    }

    /// Somebody asks for it: an error if a flow's body does, where only what it does not need is to be made. What a task's body
    /// asks for is a part of its run.
    fn ask(&self) -> Result<()> {
        if is_in_run() { Ok(()) } else { make::check(self.location(), self.label().is_behind) }
    }

    /// Asks for it: its run, unless it has ended.
    pub(crate) fn ask_for(&self) -> Result<Option<Arc<dyn Node>>> {
        let Some((node, _)) = self.pending_part() else { return Ok(None) };
        self.ask()?;
        Ok(Some(Arc::clone(node)))
    }

    /// How its run ended, which it has.
    pub(crate) fn outcome(&self) -> Result<()> {
        self.failure().map_or(Ok(()), |failure| Err(failure.ask()))
    }

    /// Waits until the run has ended.
    pub(crate) fn wait(&self) -> Result<()> {
        if let Some(node) = self.ask_for()? {
            block_on(settle(vec![node]));
        }
        self.outcome()
    }
}

struct Viewed<W, V> {
    whole: Output<W>,
    view: V,
}

impl<T, W: Send + Sync, V: Fn(&W) -> T + Send + Sync> Source<T> for Viewed<W, V> {
    fn whole(&self) -> &dyn AnyOutput {
        &self.whole
    }

    fn make(&self) -> Result<T> {
        let mut made = None;
        self.whole.show(&mut |whole| made = Some((self.view)(whole)))?;
        Ok(made.expect("what is shown is shown once"))
    }
}

impl<T> View<T> {
    pub(crate) fn new<W: Send + Sync + 'static>(
        whole: Output<W>,
        name: Cow<'static, str>,
        view: impl Fn(&W) -> T + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(View { source: Box::new(Viewed { whole, view }), name, data: Kept::default() })
    }

    pub(crate) fn whole(&self) -> &dyn AnyOutput {
        self.source.whole()
    }

    pub(crate) fn make(&self) -> Result<T> {
        self.source.make()
    }

    /// What tells it from other views of what is saved.
    pub(crate) fn name(&self) -> Cow<'_, str> {
        match self.whole().view_name() {
            Some(outer) => format!("{outer}.{}", self.name).into(),
            None => Cow::Borrowed(&self.name),
        }
    }
}
