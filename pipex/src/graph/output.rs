//! What a task gives: data in memory, a location, or a run still to come.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use crate::graph::dry;
use crate::graph::kept::Kept;
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, Label, Outcome, Produced};
use crate::graph::pending::Awaited;
use crate::graph::place::{AnyPlace, Place, Spot};
use crate::graph::settle::settle;
use crate::graph::view::{AnyOutput, View};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::target::Location;
use pipex_format::store::Pieces;

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
    View(Arc<View<T>>),
}

struct Settled<T> {
    label: Label,
    place: Option<Arc<Place<T>>>,
    end: End<T>,
}

enum End<T> {
    InMemory(T),
    Saved(Kept<T>),
    /// In a dry run: there would be something.
    Nothing,
    Failed(Arc<Failure>),
}

impl<T> Output<T> {
    /// The output of a run that has ended: of its value, if it gave one that is in memory.
    pub(crate) fn ended(label: Label, place: Option<Arc<Place<T>>>, outcome: Outcome, value: Option<T>) -> Self {
        let end = match (outcome, value) {
            (Err(failure), _) => End::Failed(failure),
            (Ok(Produced::Value), Some(value)) => End::InMemory(value),
            (Ok(Produced::Nothing), _) => End::Nothing,
            (Ok(Produced::Saved | Produced::Value), _) => End::Saved(Kept::default()),
        };
        Self::settled(label, place, end)
    }

    fn settled(label: Label, place: Option<Arc<Place<T>>>, end: End<T>) -> Self {
        Output(Handle::Settled(Arc::new(Settled { label, place, end })))
    }

    /// The output of a run that has yet to happen.
    pub(crate) fn pending(awaited: Arc<Awaited<T>>) -> Self {
        Output(Handle::Pending(awaited))
    }

    /// The output, whatever the type of its data.
    pub(crate) fn any(&self) -> &(dyn AnyOutput + '_) {
        self
    }

    pub(crate) fn failure(&self) -> Option<&Arc<Failure>> {
        self.any().failure()
    }

    /// Where its data are by themselves.
    fn place(&self) -> Option<&Place<T>> {
        match &self.0 {
            Handle::Settled(settled) => settled.place.as_deref(),
            Handle::Pending(awaited) => awaited.place.as_deref(),
            Handle::View(_) => None,
        }
    }

    /// The data, if they are in memory.
    pub(crate) fn peek(&self) -> Option<&T> {
        match &self.0 {
            Handle::Settled(settled) => match &settled.end {
                End::InMemory(value) => Some(value),
                End::Saved(kept) => kept.get(),
                End::Failed(_) | End::Nothing => None,
            },
            Handle::Pending(awaited) => awaited.data.get(),
            Handle::View(view) => view.data.get(),
        }
    }

    /// Where the output is, or will be when it has run; `None` where nothing is saved.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.any().location()
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
        match self.kept() {
            Some(kept) => kept.load(&|| self.read()),
            None => Ok(Some(self.read()?)),
        }
    }

    fn read(&self) -> Result<T> {
        if let Handle::View(view) = &self.0 {
            return view.make();
        }
        let Some(place) = self.place() else { unreachable!("a run that ended well left data or a place") };
        match place.store().load(&place.location) {
            Ok(data) => Ok(data),
            Err(source) => Err(not_loaded(&place.location, source)),
        }
    }

    /// The data in pieces from where they are, if they are not in memory, and their store has them so. The run has ended.
    pub(crate) fn pieces(&self, count: usize) -> Result<Option<Pieces<T>>>
    where
        T: 'static,
    {
        let is_elsewhere = self.peek().is_some() || self.is_dry();
        let Some(place) = self.place().filter(|_| !is_elsewhere) else { return Ok(None) };
        place.store().pieces(&place.location, count).map_err(|source| not_loaded(&place.location, source))
    }

    /// Shows the data, wherever they are. The run has ended.
    pub(crate) fn show(&self, see: &mut dyn FnMut(&T)) -> Result<()> {
        match self.data()? {
            Some(value) => see(&value),
            None => self.peek().into_iter().for_each(see),
        }
        Ok(())
    }

    fn kept(&self) -> Option<&Kept<T>> {
        match &self.0 {
            Handle::Settled(settled) => match &settled.end {
                End::Saved(kept) => Some(kept),
                _ => None,
            },
            Handle::Pending(awaited) => Some(&awaited.data),
            Handle::View(view) => Some(&view.data),
        }
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
                        End::Saved(kept) => Ok(kept.into_inner().expect(in_memory)),
                        End::Failed(failure) => Err(failure.ask()),
                        End::Nothing => Err(needs(place.as_deref().map(Place::any))),
                    };
                }
                Err(shared) => Handle::Settled(shared),
            },
            // Whoever ended the run has let go of this before it said so.
            Handle::Pending(awaited) => match Arc::try_unwrap(awaited) {
                Ok(awaited) => return Ok(awaited.data.into_inner().expect(in_memory)),
                Err(shared) => Handle::Pending(shared),
            },
            Handle::View(view) => match Arc::try_unwrap(view) {
                Ok(view) => return Ok(view.data.into_inner().expect(in_memory)),
                Err(shared) => Handle::View(shared),
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
        self.any().wait()
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

    /// Shares the data, once they have been loaded for the first that needs them, with every `&T` consumer, as long as this output
    /// or a clone of it lives.
    ///
    /// For one large output that a thousand tasks read: without it, each of them loads its own. Nothing is loaded, and nothing
    /// runs, for whom nobody asks.
    ///
    /// # Errors
    /// The run's, if it has failed by now.
    pub fn keep(&self) -> Result<Self> {
        if let Some(failure) = self.failure() {
            return Err(failure.ask());
        }
        if let Some(kept) = self.kept() {
            kept.share();
        }
        Ok(self.clone())
    }

    /// Removes the target, so that it is made again when a call next asks for it; whether there was one.
    ///
    /// # Errors
    /// The store's, if it could not.
    pub fn remove(&self) -> Result<bool> {
        AnyOutput::remove(self)
    }

    /// What `view` makes of the data, as an output without a task: it is made wherever it is taken, and never saved.
    ///
    /// A call that takes it depends on this output, and on the name of the view: change the name where `view` comes to make
    /// something else. A task is the better place for what takes long, and for what is to be compared by what it is.
    ///
    /// ```
    /// use pipex::task;
    ///
    /// #[task]
    /// fn fit(seed: u64) -> (f64, Vec<f64>) {
    ///     (0.5, vec![seed as f64; 1_000])
    /// }
    ///
    /// #[task]
    /// fn show(error: f64) -> String {
    ///     format!("{error}")
    /// }
    ///
    /// let fit = fit(7).submit();
    /// let error = fit.map("error", |(error, _)| *error);
    /// assert_eq!(show(error).run()?.load()?, "0.5");
    /// # Ok::<(), pipex::Error>(())
    /// ```
    #[must_use]
    pub fn map<U>(
        &self,
        name: impl Into<Cow<'static, str>>,
        view: impl Fn(&T) -> U + Send + Sync + 'static,
    ) -> Output<U>
    where
        T: Send + Sync + 'static,
    {
        // A value that was given is one still, so that it counts by what it is.
        match (self.spot(), self.peek()) {
            (None, Some(value)) => Output::settled(self.label().clone(), None, End::InMemory(view(value))),
            _ => Output(Handle::View(View::new(self.clone(), name.into(), view))),
        }
    }

    /// One that is not there, or one that is, as an output that may not be there: what a parameter `Option<T>` takes.
    ///
    /// ```
    /// use pipex::{Output, task};
    ///
    /// #[task]
    /// fn mean(values: &[f64]) -> f64 {
    ///     values.iter().sum::<f64>() / values.len() as f64
    /// }
    ///
    /// #[task]
    /// fn scale(value: f64, by: Option<f64>) -> f64 {
    ///     value * by.unwrap_or(1.0)
    /// }
    ///
    /// // What is known goes in as it is: a value, an output of one, `None`.
    /// assert_eq!(scale(2.0, 3.0).run()?.load()?, 6.0);
    /// assert_eq!(scale(2.0, None).run()?.load()?, 2.0);
    /// assert_eq!(scale(2.0, mean(&[3.0]).run()?).run()?.load()?, 6.0);
    /// // And what is only known to be an `Option`:
    /// let by: Option<Output<f64>> = Some(mean(vec![3.0]).submit());
    /// assert_eq!(scale(2.0, Output::optional(by)).run()?.load()?, 6.0);
    /// # Ok::<(), pipex::Error>(())
    /// ```
    #[must_use]
    pub fn optional(output: Option<Self>) -> Output<Option<T>>
    where
        T: Clone + Send + Sync + 'static,
    {
        match output {
            Some(output) => output.map("some", |value| Some(value.clone())),
            None => Output::from(None),
        }
    }
}

impl<A: Clone + Send + Sync + 'static, B: Clone + Send + Sync + 'static> Output<(A, B)> {
    /// The two, each as an output: views of what is saved in one place.
    ///
    /// A task that is to save them apart has two targets: see [`Outputs`](trait@crate::Outputs).
    ///
    /// ```
    /// use pipex::task;
    ///
    /// #[task]
    /// fn split(values: Vec<f64>) -> (Vec<f64>, Vec<f64>) {
    ///     values.into_iter().partition(|value| *value < 0.0)
    /// }
    ///
    /// #[task]
    /// fn sum(values: &[f64]) -> f64 {
    ///     values.iter().sum()
    /// }
    ///
    /// let (losses, gains) = split(vec![1.0, -2.0, 3.0]).submit().unzip();
    /// assert_eq!(sum(losses).run()?.load()?, -2.0);
    /// assert_eq!(sum(gains).run()?.load()?, 4.0);
    /// # Ok::<(), pipex::Error>(())
    /// ```
    #[must_use]
    pub fn unzip(&self) -> (Output<A>, Output<B>) {
        (self.map("0", |(first, _)| first.clone()), self.map("1", |(_, second)| second.clone()))
    }
}

impl<T> AnyOutput for Output<T> {
    fn end(&self) -> Option<Result<(), &Arc<Failure>>> {
        match &self.0 {
            Handle::Settled(settled) => Some(match &settled.end {
                End::Failed(failure) => Err(failure),
                _ => Ok(()),
            }),
            Handle::Pending(awaited) => awaited.node.ended(),
            Handle::View(view) => view.whole().end(),
        }
    }

    fn is_dry(&self) -> bool {
        match &self.0 {
            Handle::Settled(settled) => matches!(settled.end, End::Nothing),
            Handle::Pending(awaited) => awaited.node.is_dry(),
            Handle::View(view) => view.whole().is_dry(),
        }
    }

    fn label(&self) -> &Label {
        match &self.0 {
            Handle::Settled(settled) => &settled.label,
            Handle::Pending(awaited) => awaited.node.label(),
            Handle::View(view) => view.whole().label(),
        }
    }

    fn spot(&self) -> Option<&Spot> {
        match (&self.0, self.place()) {
            (Handle::View(view), _) => view.whole().spot(),
            (_, Some(place)) => Some(place),
            (_, None) => None,
        }
    }

    fn address(&self) -> Cow<'_, str> {
        match &self.0 {
            Handle::View(view) => view.whole().address(),
            _ => match self.place() {
                Some(place) => place.store().listing().address(),
                None => Cow::Borrowed(""),
            },
        }
    }

    fn content(&self) -> Content {
        match &self.0 {
            Handle::Settled(settled) => match (&settled.place, &settled.end) {
                (Some(place), End::Saved(_) | End::InMemory(_)) => place.content(),
                (Some(_), End::Nothing) => Content::Changes,
                _ => Content::Unknown,
            },
            Handle::Pending(awaited) => awaited.node.content(awaited.part as usize),
            Handle::View(view) => view.whole().content(),
        }
    }

    fn pending_part(&self) -> Option<(&Arc<dyn Node>, u32)> {
        match &self.0 {
            Handle::Pending(awaited) if !awaited.node.has_ended() => Some((&awaited.node, awaited.part)),
            Handle::View(view) => view.whole().pending_part(),
            _ => None,
        }
    }

    fn view_name(&self) -> Option<Cow<'_, str>> {
        match &self.0 {
            Handle::View(view) => Some(view.name()),
            _ => None,
        }
    }

    fn remove(&self) -> Result<bool> {
        if let Handle::View(view) = &self.0 {
            return view.whole().remove();
        }
        match self.place() {
            Some(place) => remove(place.any()),
            None => Ok(false),
        }
    }
}

fn not_loaded(target: &Location, source: Box<dyn StdError + Send + Sync>) -> Error {
    Error::Load { target: target.clone(), source: source.into() }
}

fn remove(place: &dyn AnyPlace) -> Result<bool> {
    place.remove().map_err(|source| Error::Remove { target: place.location().clone(), source: source.into() })
}

fn needs(place: Option<&dyn AnyPlace>) -> Error {
    dry::needs(place.map(|place| place.location().clone()))
}

/// Waits until the run has ended, from async code: gives the output, or the run's error.
impl<T: Send + Sync + 'static> IntoFuture for Output<T> {
    type Output = Result<Self>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Self>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let node = self.any().ask_for()?;
            settle(node.into_iter().collect()).await;
            self.any().outcome().map(|()| self)
        })
    }
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Output(match &self.0 {
            Handle::Settled(settled) => Handle::Settled(Arc::clone(settled)),
            Handle::Pending(awaited) => Handle::Pending(Arc::clone(awaited)),
            Handle::View(view) => Handle::View(Arc::clone(view)),
        })
    }
}

/// A value that no task made, where an [`Output`] is asked for.
impl<T> From<T> for Output<T> {
    fn from(value: T) -> Self {
        Output::settled(Label::default(), None, End::InMemory(value))
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
