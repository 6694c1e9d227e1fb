//! What a task gives: data in memory, a location, or a run still to come.

use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, OnceLock};

use crate::graph::dry;
use crate::graph::inputs::Inputs;
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, Label, Outcome, Place, Produced};
use crate::graph::pending::Awaited;
use crate::graph::settle::settle;
use crate::runtime::block_on;
use pipex_format::journal::{Input, Journal};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::target::Location;

/// What a task gives: data in memory (`do_nothing`, `prefect`, `save = false`), a location (`cache`, `prefect.cache`), or a
/// run that has yet to happen. Cheap to clone; the data are loaded only where a function needs them.
///
/// ```
/// use pipex::{Output, task};
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// #[task]
/// fn sum(xs: Vec<u32>) -> u32 {
///     xs.iter().sum()
/// }
///
/// let doubled: Vec<Output<u32>> = (1..=3).map(|x| double(x).submit()).collect();
/// assert_eq!(sum(doubled).run()?.load()?, 12);
/// # Ok::<(), pipex::Error>(())
/// ```
pub struct Output<T>(Handle<T>);

/// The run that makes it. Nearly all have ended when their output is made, and pay for nothing else.
enum Handle<T> {
    Settled(Arc<Settled<T>>),
    Pending(Arc<Awaited<T>>),
}

struct Settled<T> {
    label: Label,
    place: Option<Place<T>>,
    end: End<T>,
}

enum End<T> {
    InMemory(T),
    Saved {
        kept: OnceLock<T>,
    },
    /// In a dry run: there would be something.
    Nothing,
    Failed(Arc<Failure>),
}

impl<T> Output<T> {
    /// The output of a run that has ended.
    pub(crate) fn ended(label: Label, place: Option<Place<T>>, ended: Outcome<T>) -> Self {
        let end = match ended {
            Ok(Produced::Value(value)) => End::InMemory(value),
            Ok(Produced::Saved) => End::Saved { kept: OnceLock::new() },
            Ok(Produced::Nothing) => End::Nothing,
            Err(failure) => End::Failed(failure),
        };
        Output(Handle::Settled(Arc::new(Settled { label, place, end })))
    }

    /// The output of a run that has yet to happen.
    pub(crate) fn pending(awaited: Arc<Awaited<T>>) -> Self {
        Output(Handle::Pending(awaited))
    }

    /// Itself, unless its run failed.
    pub(crate) fn into_result(self) -> Result<Self> {
        match self.failure() {
            Some(failure) => Err(failure.ask()),
            None => Ok(self),
        }
    }

    /// How the run ended, if it has.
    fn end(&self) -> Option<Result<(), &Arc<Failure>>> {
        match &self.0 {
            Handle::Settled(settled) => Some(match &settled.end {
                End::Failed(failure) => Err(failure),
                _ => Ok(()),
            }),
            Handle::Pending(awaited) => awaited.run.ended(),
        }
    }

    /// Whether its run would have to run, in a dry run.
    pub(crate) fn is_dry(&self) -> bool {
        match &self.0 {
            Handle::Settled(settled) => matches!(settled.end, End::Nothing),
            Handle::Pending(awaited) => awaited.run.dry.load(Ordering::Acquire),
        }
    }

    /// Enters it among the inputs of a call; it `counts` if what lies at its target is one of them.
    pub(crate) fn enter(&self, inputs: &mut Inputs, counts: bool) {
        if let Some(node) = self.unsettled() {
            inputs.add_pending(node, counts);
        } else if let Some(failure) = self.failure() {
            inputs.add_failure(Arc::clone(failure), counts);
        } else if counts {
            inputs.add_content(self.content());
        }
    }

    pub(crate) fn failure(&self) -> Option<&Arc<Failure>> {
        self.end()?.err()
    }

    pub(crate) fn label(&self) -> &Label {
        match &self.0 {
            Handle::Settled(settled) => &settled.label,
            Handle::Pending(awaited) => &awaited.run.label,
        }
    }

    fn place(&self) -> Option<&Place<T>> {
        match &self.0 {
            Handle::Settled(settled) => settled.place.as_ref(),
            Handle::Pending(awaited) => awaited.run.place.as_ref(),
        }
    }

    /// The data, if they are in memory.
    pub(crate) fn peek(&self) -> Option<&T> {
        match &self.0 {
            Handle::Settled(settled) => match &settled.end {
                End::InMemory(value) => Some(value),
                End::Saved { kept } => kept.get(),
                End::Failed(_) | End::Nothing => None,
            },
            Handle::Pending(awaited) => awaited.data.get(),
        }
    }

    /// Where the output is, or will be when it has run; `None` where nothing is saved.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.place().filter(|place| !place.is_in_memory()).map(|place| &place.location)
    }

    /// The target, which names the output among the arguments of other calls, whether something is saved there or not.
    pub(crate) fn target(&self) -> Option<&Location> {
        self.place().map(|place| &place.location)
    }

    /// What lies at its location, as far as it is known.
    pub(crate) fn content(&self) -> Content {
        match &self.0 {
            Handle::Settled(settled) => match (&settled.place, &settled.end) {
                (Some(place), End::Saved { .. } | End::InMemory(_)) => place.content(),
                (Some(_), End::Nothing) => Content::Changes,
                _ => Content::Unknown,
            },
            Handle::Pending(awaited) => awaited.run.content(),
        }
    }

    /// How it stands in the journal as what a run took.
    pub(crate) fn as_input(&self, journal: &Journal) -> Option<Input<'static>> {
        let place = self.place()?;
        let content = if let Content::Is(_) = self.content() { journal.content(place.key) } else { None };
        let store = place.store.listing().address().into_owned();
        Some(Input::new(place.location.as_str().to_owned(), store, content))
    }

    /// The data from where they are, or `None` if they are in memory. The run has ended.
    pub(crate) fn data(&self) -> Result<Option<T>> {
        if let Some(failure) = self.failure() {
            return Err(failure.ask());
        }
        if self.peek().is_some() {
            return Ok(None);
        }
        if self.is_dry() {
            return Err(dry::needs(self.location().cloned()));
        }
        let place = self.place().expect("a run that ended well left data or a place");
        place
            .store
            .load(&place.location)
            .map(Some)
            .map_err(|source| Error::Load { target: place.location.clone(), source: source.into() })
    }

    /// Shows the data, wherever they are. The run has ended.
    pub(crate) fn show(&self, see: &mut dyn FnMut(&T)) -> Result<()> {
        match self.data()? {
            Some(value) => see(&value),
            None => self.peek().into_iter().for_each(see),
        }
        Ok(())
    }

    /// The value; `clone` is called only if somebody else holds the data, too. The run has ended.
    pub(crate) fn take_with(self, clone: fn(&T) -> T) -> Result<T> {
        if let Some(value) = self.data()? {
            return Ok(value);
        }
        let in_memory = "data that are in memory stay there";
        let shared = match self.0 {
            Handle::Settled(settled) => match Arc::try_unwrap(settled) {
                Ok(Settled { place, end, .. }) => {
                    return match end {
                        End::InMemory(value) => Ok(value),
                        End::Saved { kept } => Ok(kept.into_inner().expect(in_memory)),
                        End::Failed(failure) => Err(failure.ask()),
                        End::Nothing => Err(dry::needs(place.map(|place| place.location))),
                    };
                }
                Err(shared) => Handle::Settled(shared),
            },
            // Whoever ended the run has let go of this before it said so.
            Handle::Pending(awaited) => match Arc::try_unwrap(awaited) {
                Ok(awaited) => return Ok(awaited.data.into_inner().expect(in_memory)),
                Err(shared) => Handle::Pending(shared),
            },
        };
        Ok(clone(Output(shared).peek().expect(in_memory)))
    }
}

impl<T> Output<T> {
    /// Waits until the run has ended; one that is lazy runs now, unless its target is there.
    ///
    /// # Errors
    /// The run's, if it failed.
    pub fn wait(&self) -> Result<()> {
        if let Some(node) = self.unsettled() {
            block_on(settle(vec![node]));
        }
        self.failure().map_or(Ok(()), |failure| Err(failure.ask()))
    }

    /// The data: loaded from the location, or cloned where they are in memory.
    ///
    /// # Errors
    /// The run's, if it failed; the store's, if what is there cannot be loaded.
    pub fn load(&self) -> Result<T>
    where
        T: Clone,
    {
        self.wait()?;
        self.clone().take_with(T::clone)
    }

    /// The data, moved out where they are in memory and nobody else holds them; else as [`load`](Output::load).
    ///
    /// # Errors
    /// As `load`.
    pub fn take(self) -> Result<T>
    where
        T: Clone,
    {
        self.wait()?;
        self.take_with(T::clone)
    }

    /// Loads the data now and shares them with every `&T` consumer, as long as this output or a clone of it lives.
    ///
    /// For one large output that a thousand tasks read: without it, each of them loads its own.
    ///
    /// # Errors
    /// As [`load`](Output::load).
    pub fn keep(&self) -> Result<Self> {
        self.wait()?;
        if let Some(value) = self.data()? {
            // If another thread was faster, its value is as good.
            match &self.0 {
                Handle::Settled(settled) => {
                    if let End::Saved { kept } = &settled.end {
                        let _ = kept.set(value);
                    }
                }
                Handle::Pending(awaited) => _ = awaited.data.set(value),
            }
        }
        Ok(self.clone())
    }

    /// Removes the target, so that it is made again when a call next asks for it; whether there was one.
    ///
    /// # Errors
    /// The store's, if it could not.
    pub fn remove(&self) -> Result<bool> {
        let Some(place) = self.place() else { return Ok(false) };
        let removed = place.store.exists(&place.location).and_then(|there| {
            if there {
                place.store.remove(&place.location)?;
            }
            Ok(there)
        });
        removed.map_err(|source| Error::Remove { target: place.location.clone(), source: source.into() })
    }

    /// This run as a node of the graph, unless it has ended.
    pub(crate) fn unsettled(&self) -> Option<Arc<dyn Node>> {
        match &self.0 {
            Handle::Pending(awaited) if awaited.run.ended().is_none() => Some(Arc::clone(&awaited.node)),
            _ => None,
        }
    }
}

/// Waits until the run has ended, from async code: gives the output, or the run's error.
impl<T: Send + Sync + 'static> IntoFuture for Output<T> {
    type Output = Result<Self>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Self>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            settle(self.unsettled().into_iter().collect()).await;
            self.into_result()
        })
    }
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Output(match &self.0 {
            Handle::Settled(settled) => Handle::Settled(Arc::clone(settled)),
            Handle::Pending(awaited) => Handle::Pending(Arc::clone(awaited)),
        })
    }
}

/// A value that no task made, where an [`Output`] is asked for.
impl<T> From<T> for Output<T> {
    fn from(value: T) -> Self {
        Output::ended(Label::default(), None, Ok(Produced::Value(value)))
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.end() {
            None => "not run yet",
            Some(Err(_)) => "failed",
            Some(Ok(())) if self.is_dry() => "would run",
            Some(Ok(())) if self.peek().is_some() => "in memory",
            Some(Ok(())) => "saved",
        };
        f.debug_struct("Output").field("location", &self.location()).field("state", &state).finish()
    }
}
