//! What a task gives: data in memory, a location, or a run still to come.

use std::borrow::Cow;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::sync::Arc;

use crate::graph::held::{Held, not_loaded};
use crate::graph::kept::{Data, Typed};
use crate::graph::outcome::{Failure, Label};
use crate::graph::settle::settle;
use pipex_format::model::error::Result;
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
pub struct Output<T> {
    held: Arc<Held>,
    typed: fn() -> Typed<T>,
}

impl<T: Send + Sync + 'static> Output<T> {
    /// One that holds data of this type.
    pub(crate) fn of(held: Arc<Held>) -> Self {
        Output { held, typed: Typed::new }
    }
}

impl<T> Output<T> {
    /// What it holds, whatever the type of its data.
    pub(crate) fn held(&self) -> &Arc<Held> {
        &self.held
    }

    pub(crate) fn failure(&self) -> Option<&Arc<Failure>> {
        self.held.failure()
    }

    /// The data, if they are in memory.
    pub(crate) fn peek(&self) -> Option<&T> {
        match self.held.data() {
            Some(data) => ((self.typed)().see)(data),
            None => None,
        }
    }

    /// Where the output is, or will be when it has run; `None` where nothing is saved.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.held.location()
    }

    /// The data from where they are, or `None` if they are in memory. The run has ended.
    pub(crate) fn data(&self) -> Result<Option<T>> {
        match self.held.load() {
            Ok(Some(mut data)) => Ok(((self.typed)().take)(data.get_mut())),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The data in pieces from where they are, if they are not in memory, and their store has them so. The run has ended.
    pub(crate) fn pieces(&self, count: usize) -> Result<Option<Pieces<T>>>
    where
        T: 'static,
    {
        match self.held.place() {
            Some(place) if self.held.data().is_none() && !self.held.is_dry() => {
                let pieces = place.store().pieces(place.location(), count);
                pieces.map_err(|source| not_loaded(place.location(), source))
            }
            _ => Ok(None),
        }
    }

    /// Shows the data, wherever they are. The run has ended.
    pub(crate) fn show(&self, see: &mut dyn FnMut(&T)) -> Result<()> {
        match (self.data()?, self.peek()) {
            (Some(value), _) => see(&value),
            (None, Some(value)) => see(value),
            (None, None) => {}
        }
        Ok(())
    }

    /// The value; `clone` is called only if somebody else holds the data, too. The run has ended.
    pub(crate) fn take_with(mut self, clone: fn(&T) -> T) -> Result<T> {
        match self.data() {
            Ok(None) => {}
            Ok(Some(value)) => return Ok(value),
            Err(error) => return Err(error),
        }
        // Whoever ended the run has let go of this before it said so.
        let value = match Arc::get_mut(&mut self.held) {
            Some(held) => ((self.typed)().take)(held.data_mut()),
            None => self.peek().map(clone),
        };
        Ok(value.expect("data that are in memory stay there"))
    }
}

impl<T> Output<T> {
    /// Waits until the run has ended; one that is lazy runs now, unless its target is there.
    ///
    /// # Errors
    /// The run's, if it failed.
    pub fn wait(&self) -> Result<()> {
        self.held.wait()
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
        self.held.outcome()?;
        self.held.share();
        Ok(self.clone())
    }

    /// Removes the target, so that it is made again when a call next asks for it; whether there was one.
    ///
    /// # Errors
    /// The store's, if it could not.
    pub fn remove(&self) -> Result<bool> {
        self.held.remove()
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
        T: 'static,
        U: Send + Sync + 'static,
    {
        // A value that was given is one still, so that it counts by what it is.
        if let (None, Some(value)) = (self.held.spot(), self.peek()) {
            return Output::of(Held::given(self.held.label().clone(), view(value)));
        }
        let whole = self.clone();
        let make = move || {
            let mut made = None;
            whole.show(&mut |whole| made = Some(Data::new(view(whole))))?;
            Ok(made.expect("what is shown is shown once"))
        };
        Output::of(Held::view(Arc::clone(&self.held), name.into(), Box::new(make)))
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

/// Waits until the run has ended, from async code: gives the output, or the run's error.
impl<T: 'static> IntoFuture for Output<T> {
    type Output = Result<Self>;
    type IntoFuture = Pin<Box<dyn Future<Output = Result<Self>> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async {
            let node = self.held.ask_for()?;
            settle(node.into_iter().collect()).await;
            self.held.outcome().map(|()| self)
        })
    }
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Output { held: Arc::clone(&self.held), typed: self.typed }
    }
}

/// A value that no task made, where an [`Output`] is asked for.
impl<T: Send + Sync + 'static> From<T> for Output<T> {
    fn from(value: T) -> Self {
        Output::of(Held::given(Label::default(), value))
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.held.end() {
            None => "not run yet",
            Some(Err(_)) => "failed",
            Some(Ok(())) if self.held.is_dry() => "would run",
            Some(Ok(())) if self.held.data().is_some() => "in memory",
            Some(Ok(())) => "saved",
        };
        f.debug_struct("Output").field("location", &self.location()).field("state", &state).finish()
    }
}
