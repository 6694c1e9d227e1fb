//! Views: outputs that are what a function makes of another output, wherever it is taken.

use std::borrow::Cow;
use std::sync::Arc;

use crate::graph::kept::Kept;
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, Label};
use crate::graph::output::Output;
use crate::graph::place::Spot;
use pipex_format::model::contents::Content;
use pipex_format::model::error::Result;

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
