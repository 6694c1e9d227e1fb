//! What outputs hold, whatever the type of their data: where these are, and which run, or which other output, they come from.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::sync::Arc;

use crate::graph::dry;
use crate::graph::inputs::{Edge, Inputs};
use crate::graph::kept::{AnyData, Data, Kept};
use crate::graph::make;
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, Label, Outcome, Produced};
use crate::graph::place::{Place, Spot};
use crate::graph::settle::{is_in_run, settle};
use crate::runtime::block_on;
use pipex_format::journal::{Input, Journal};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::target::Location;

/// What an output and its clones share. Where all of those have gone whose run has yet to end, nobody will ask for its data, and the
/// last of them has the data to itself.
pub struct Held<D: ?Sized = AnyData> {
    source: Source,
    origin: Origin,
    /// The data that came later.
    kept: Kept,
    /// The data that it was made with.
    given: D,
}

/// In place of data that are given with an output.
struct Nothing;

/// Where the data are to be had that are not in memory.
enum Source {
    Nowhere,
    Place(Arc<Place>),
    /// They are made of another output's.
    View(Box<Make>),
}

type Make = dyn Fn() -> Result<Data> + Send + Sync;

/// Where an output comes from. Nearly all runs have ended when their output is made, and pay for nothing else.
enum Origin {
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

struct View {
    whole: Arc<Held>,
    /// What tells it from other views of the same.
    name: Cow<'static, str>,
}

impl Held {
    fn new(source: Source, data: Option<Data>, origin: Origin) -> Arc<Self> {
        Arc::new(Held { source, origin, kept: Kept::new(data), given: Nothing })
    }

    /// Of a value that is there.
    pub(crate) fn given<T: Send + Sync + 'static>(label: Label, value: T) -> Arc<Self> {
        let origin = Origin::Ended { label, outcome: Ok(Produced::Value) };
        Arc::new(Held { source: Source::Nowhere, origin, kept: Kept::default(), given: Some(value) })
    }

    /// Of a run that has ended, and gave these data, if they are in memory.
    pub(crate) fn ended(label: Label, place: Option<&Arc<Place>>, outcome: Outcome, data: Option<Data>) -> Arc<Self> {
        Self::new(Source::at(place), data, Origin::Ended { label, outcome })
    }

    /// Of a run that has yet to happen.
    pub(crate) fn pending(node: &Arc<dyn Node>, part: u32, place: Option<&Arc<Place>>) -> Arc<Self> {
        Self::new(Source::at(place), None, Origin::Pending { node: Arc::clone(node), part })
    }

    /// Of what is made of another's data wherever it is taken.
    pub(crate) fn view(whole: Arc<Held>, name: Cow<'static, str>, make: Box<Make>) -> Arc<Self> {
        Self::new(Source::View(make), None, Origin::View(Box::new(View { whole, name })))
    }

    /// Where its data are by themselves.
    pub(crate) fn place(&self) -> Option<&Arc<Place>> {
        match &self.source {
            Source::Place(place) => Some(place),
            _ => None,
        }
    }

    /// The data, if they are in memory.
    pub(crate) fn data(&self) -> Option<&AnyData> {
        match self.kept.get() {
            Some(data) => Some(data.get()),
            None if self.given.is::<Nothing>() => None,
            None => Some(&self.given),
        }
    }

    /// The same for the only one that holds them.
    pub(crate) fn data_mut(&mut self) -> &mut AnyData {
        match self.kept.get_mut() {
            Some(data) => data.get_mut(),
            None => &mut self.given,
        }
    }

    /// Is given what its run gave.
    pub(crate) fn receive(&self, data: Data) {
        self.kept.set(data);
    }

    /// The data from where they are, or `None` if they are in memory. The run has ended.
    pub(crate) fn load(&self) -> Result<Option<Data>> {
        self.outcome()?;
        if self.data().is_some() {
            return Ok(None);
        }
        self.expect_made()?;
        self.kept.load(&|| match &self.source {
            Source::View(make) => make(),
            Source::Place(place) => place.load().map_err(|source| not_loaded(place.location(), source)),
            Source::Nowhere => unreachable!("a run that ended well left data or a place"),
        })
    }

    /// Those who load the data share them from now on.
    pub(crate) fn share(&self) {
        self.kept.share();
    }

    /// How its run ended, if it has.
    pub(crate) fn end(&self) -> Option<Result<(), &Arc<Failure>>> {
        match &self.origin {
            Origin::Ended { outcome, .. } => Some(outcome.as_ref().map(|_| ())),
            Origin::Pending { node, .. } => node.ended(),
            Origin::View(view) => view.whole.end(),
        }
    }

    /// Whether its run would have to run, in a dry run.
    pub(crate) fn is_dry(&self) -> bool {
        match &self.origin {
            Origin::Ended { outcome, .. } => matches!(outcome, Ok(Produced::Nothing)),
            Origin::Pending { node, .. } => node.is_dry(),
            Origin::View(view) => view.whole.is_dry(),
        }
    }

    pub(crate) fn label(&self) -> &Label {
        match &self.origin {
            Origin::Ended { label, .. } => label,
            Origin::Pending { node, .. } => node.label(),
            Origin::View(view) => view.whole.label(),
        }
    }

    pub(crate) fn spot(&self) -> Option<&Spot> {
        match &self.origin {
            Origin::View(view) => view.whole.spot(),
            _ => self.place().map(|place| place.spot()),
        }
    }

    /// The address of the store that has it; empty where targets are paths.
    fn address(&self) -> Cow<'_, str> {
        match &self.origin {
            Origin::View(view) => view.whole.address(),
            _ => self.place().map(|place| place.listing().address()).unwrap_or_default(),
        }
    }

    /// What lies at its location, as far as it is known.
    fn content(&self) -> Content {
        match &self.origin {
            Origin::Ended { outcome, .. } => match (self.place(), outcome) {
                (Some(_), Ok(Produced::Nothing)) => Content::Changes,
                (Some(place), Ok(_)) => place.spot().content(),
                _ => Content::Unknown,
            },
            Origin::Pending { node, part } => node.content(*part as usize),
            Origin::View(view) => view.whole.content(),
        }
    }

    /// Its run as a node of the graph, and which of its outputs it is, unless it has ended.
    pub(crate) fn pending_part(&self) -> Option<(&Arc<dyn Node>, u32)> {
        match &self.origin {
            Origin::Pending { node, part } if !node.has_ended() => Some((node, *part)),
            Origin::View(view) => view.whole.pending_part(),
            _ => None,
        }
    }

    /// What tells it from what lies at its target, if it is not that but a view of it.
    pub(crate) fn view_name(&self) -> Option<Cow<'_, str>> {
        let Origin::View(view) = &self.origin else { return None };
        Some(match view.whole.view_name() {
            Some(outer) => format!("{outer}.{}", view.name).into(),
            None => Cow::Borrowed(&view.name),
        })
    }

    /// Removes what lies at its target; whether there was something.
    pub(crate) fn remove(&self) -> Result<bool> {
        if let Origin::View(view) = &self.origin {
            return view.whole.remove();
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

impl Source {
    fn at(place: Option<&Arc<Place>>) -> Self {
        match place {
            Some(place) => Source::Place(Arc::clone(place)),
            None => Source::Nowhere,
        }
    }
}

pub(crate) fn not_loaded(target: &Location, source: Box<dyn StdError + Send + Sync>) -> Error {
    Error::Load { target: target.clone(), source: source.into() }
}
