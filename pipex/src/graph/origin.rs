//! Where outputs come from, whatever the type of their data: runs, and other outputs.

use std::borrow::Cow;
use std::sync::Arc;

use crate::graph::dry;
use crate::graph::inputs::{Edge, Inputs};
use crate::graph::make;
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, Label, Outcome, Produced};
use crate::graph::place::{AnyPlace, Spot};
use crate::graph::settle::{is_in_run, settle};
use crate::runtime::block_on;
use pipex_format::journal::{Input, Journal};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::target::Location;

/// Where an output comes from. Nearly all runs have ended when their output is made, and pay for nothing else.
pub(crate) enum Origin {
    Ended {
        label: Label,
        outcome: Outcome,
    },
    /// Of a run that had not ended, it is so many of its outputs.
    Pending {
        node: Arc<dyn Node>,
        part: u32,
    },
    /// It is what a function makes of another.
    View(Box<View>),
}

pub(crate) struct View {
    whole: Box<dyn AnyOutput + Send + Sync>,
    /// What tells it from other views of the same.
    name: Cow<'static, str>,
}

impl View {
    pub(crate) fn new(whole: impl AnyOutput + Send + Sync + 'static, name: Cow<'static, str>) -> Box<Self> {
        Box::new(View { whole: Box::new(whole), name })
    }

    fn whole(&self) -> &dyn AnyOutput {
        &*self.whole
    }
}

/// An output, whatever the type of its data.
pub(crate) trait AnyOutput {
    fn origin(&self) -> &Origin;
    /// Where its data are by themselves.
    fn place(&self) -> Option<&dyn AnyPlace>;
}

impl dyn AnyOutput + '_ {
    /// How its run ended, if it has.
    pub(crate) fn end(&self) -> Option<Result<(), &Arc<Failure>>> {
        match self.origin() {
            Origin::Ended { outcome, .. } => Some(outcome.as_ref().map(|_| ())),
            Origin::Pending { node, .. } => node.ended(),
            Origin::View(view) => view.whole().end(),
        }
    }

    /// Whether its run would have to run, in a dry run.
    pub(crate) fn is_dry(&self) -> bool {
        match self.origin() {
            Origin::Ended { outcome, .. } => matches!(outcome, Ok(Produced::Nothing)),
            Origin::Pending { node, .. } => node.is_dry(),
            Origin::View(view) => view.whole().is_dry(),
        }
    }

    pub(crate) fn label(&self) -> &Label {
        match self.origin() {
            Origin::Ended { label, .. } => label,
            Origin::Pending { node, .. } => node.label(),
            Origin::View(view) => view.whole().label(),
        }
    }

    pub(crate) fn spot(&self) -> Option<&Spot> {
        match self.origin() {
            Origin::View(view) => view.whole().spot(),
            _ => self.place().map(AnyPlace::spot),
        }
    }

    /// The address of the store that has it; empty where targets are paths.
    fn address(&self) -> Cow<'_, str> {
        match self.origin() {
            Origin::View(view) => view.whole().address(),
            _ => self.place().map(|place| place.listing().address()).unwrap_or_default(),
        }
    }

    /// What lies at its location, as far as it is known.
    fn content(&self) -> Content {
        match self.origin() {
            Origin::Ended { outcome, .. } => match (self.place(), outcome) {
                (Some(_), Ok(Produced::Nothing)) => Content::Changes,
                (Some(place), Ok(_)) => place.spot().content(),
                _ => Content::Unknown,
            },
            Origin::Pending { node, part } => node.content(*part as usize),
            Origin::View(view) => view.whole().content(),
        }
    }

    /// Its run as a node of the graph, and which of its outputs it is, unless it has ended.
    pub(crate) fn pending_part(&self) -> Option<(&Arc<dyn Node>, u32)> {
        match self.origin() {
            Origin::Pending { node, part } if !node.has_ended() => Some((node, *part)),
            Origin::View(view) => view.whole().pending_part(),
            _ => None,
        }
    }

    /// What tells it from what lies at its target, if it is not that but a view of it.
    pub(crate) fn view_name(&self) -> Option<Cow<'_, str>> {
        let Origin::View(view) = self.origin() else { return None };
        Some(match view.whole().view_name() {
            Some(outer) => format!("{outer}.{}", view.name).into(),
            None => Cow::Borrowed(&view.name),
        })
    }

    /// Removes what lies at its target; whether there was something.
    pub(crate) fn remove(&self) -> Result<bool> {
        if let Origin::View(view) = self.origin() {
            return view.whole().remove();
        }
        let Some(place) = self.place() else { return Ok(false) };
        place.remove().map_err(|source| Error::Remove { target: place.location().clone(), source: source.into() })
    }

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

    /// The error of its run, if it has failed by now.
    pub(crate) fn outcome(&self) -> Result<()> {
        self.failure().map_or(Ok(()), |failure| Err(failure.ask()))
    }

    /// An error in a dry run, if its run would have to run: then there are no data.
    pub(crate) fn expect_made(&self) -> Result<()> {
        if self.is_dry() { Err(dry::needs(self.location().cloned())) } else { Ok(()) }
    }

    /// Waits until the run has ended.
    pub(crate) fn wait(&self) -> Result<()> {
        if let Some(node) = self.ask_for()? {
            block_on(settle(vec![node]));
        }
        self.outcome()
    }
}
