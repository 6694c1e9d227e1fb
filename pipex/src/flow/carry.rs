//! A flow's result as its signature has it: whether it can be a [`pipex::Error`](Error), and what it says if it is an error.

use std::any::type_name;
use std::error::Error as StdError;
use std::fmt;
use std::iter::successors;
use std::marker::PhantomData;

use crate::graph::dry;
use pipex_format::model::error::Error;
use pipex_format::say::say;

/// Tells whether a flow's result can be a [`pipex::Error`](Error): `(&FlowResult::<R>::new()).carry(..)` finds [`CarryError`]
/// if it can, else [`CannotCarry`].
pub struct FlowResult<R>(PhantomData<R>);

impl<R> FlowResult<R> {
    #[doc(hidden)]
    #[must_use]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        FlowResult(PhantomData)
    }
}

impl<R> Clone for FlowResult<R> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<R> Copy for FlowResult<R> {}

/// Why a flow, or `main`, ended with an error.
pub struct Failed {
    pub(crate) text: String,
    /// Whether it is the end of a dry run; `None` where its type does not tell what it was made from.
    is_dry: Option<bool>,
}

impl Failed {
    pub(crate) fn new(error: &(dyn StdError + 'static)) -> Self {
        let mut sources = successors(Some(error), |error: &&(dyn StdError + 'static)| (*error).source());
        let is_dry =
            sources.any(|error| matches!(error.downcast_ref(), Some(Error::Dry { .. } | Error::NotAsked { .. })));
        // What has no source may be one that passes on what another says.
        let tells = is_dry || error.is::<Error>() || error.source().is_some();
        Failed { text: format!("{error:?}"), is_dry: tells.then_some(is_dry) }
    }

    /// Whether this is the end of a dry run that could not go on.
    pub(crate) fn ends_dry_run(&self) -> bool {
        self.is_dry.unwrap_or_else(|| dry::needed().is_some())
    }
}

/// A result that can be an error; the flow's own error comes first.
pub trait CarryError<R> {
    #[doc(hidden)]
    fn carry(&self, error: Error, value: R) -> R;
}

impl<T, E: From<Error>> CarryError<Result<T, E>> for FlowResult<Result<T, E>> {
    fn carry(&self, error: Error, value: Result<T, E>) -> Result<T, E> {
        value.and(Err(error.into()))
    }
}

/// A result that cannot: the error is logged.
pub trait CannotCarry<R> {
    #[doc(hidden)]
    fn carry(&self, error: Error, value: R) -> R;
}

impl<R> CannotCarry<R> for &FlowResult<R> {
    fn carry(&self, error: Error, value: R) -> R {
        cannot_carry(error, value)
    }
}

/// A result whose error has sources.
pub trait TellCauses<R> {
    #[doc(hidden)]
    fn failure(&self, value: &R) -> Option<Failed>;
}

impl<T, E: StdError + 'static> TellCauses<Result<T, E>> for &FlowResult<Result<T, E>> {
    fn failure(&self, value: &Result<T, E>) -> Option<Failed> {
        value.as_ref().err().map(|error| Failed::new(error))
    }
}

/// A result whose error is behind a pointer, such as `Box<dyn Error + Send + Sync>`.
pub trait TellShared<R> {
    #[doc(hidden)]
    fn failure(&self, value: &R) -> Option<Failed>;
}

impl<T, E: AsRef<dyn StdError + Send + Sync> + fmt::Debug> TellShared<Result<T, E>> for &&&FlowResult<Result<T, E>> {
    fn failure(&self, value: &Result<T, E>) -> Option<Failed> {
        value.as_ref().err().map(|error| Failed { text: format!("{error:?}"), ..Failed::new(error.as_ref()) })
    }
}

/// The same, of a `Box<dyn Error>`.
pub trait TellBoxed<R> {
    #[doc(hidden)]
    fn failure(&self, value: &R) -> Option<Failed>;
}

impl<T, E: AsRef<dyn StdError> + fmt::Debug> TellBoxed<Result<T, E>> for &&FlowResult<Result<T, E>> {
    fn failure(&self, value: &Result<T, E>) -> Option<Failed> {
        value.as_ref().err().map(|error| Failed { text: format!("{error:?}"), ..Failed::new(error.as_ref()) })
    }
}

/// A result that tells why it is an error.
pub trait TellError<R> {
    #[doc(hidden)]
    fn failure(&self, value: &R) -> Option<Failed>;
}

impl<T, E: fmt::Debug> TellError<Result<T, E>> for FlowResult<Result<T, E>> {
    fn failure(&self, value: &Result<T, E>) -> Option<Failed> {
        value.as_ref().err().map(|error| Failed { text: format!("{error:?}"), is_dry: None })
    }
}

impl<T, E> FlowResult<Result<T, E>> {
    /// Of a result whose error tells nothing. What is its own is found before what a trait has for all.
    #[doc(hidden)]
    pub fn failure(self, value: &Result<T, E>) -> Option<Failed> {
        let text = || format!("a {}, which says no more: derive `Debug` for it", type_name::<E>());
        value.as_ref().err().map(|_| Failed { text: text(), is_dry: None })
    }
}

/// A result that is none.
pub trait TellNothing<R>: Sized {
    #[doc(hidden)]
    fn failure(self, _: &R) -> Option<Failed> {
        None
    }
}

impl<R> TellNothing<R> for FlowResult<R> {}

/// For a flow whose result has no name to ask about.
pub fn cannot_carry<R>(error: Error, value: R) -> R {
    if tracing::dispatcher::has_been_set() {
        tracing::error!(target: "pipex", "{error:?}");
    } else {
        say(&format!("{error:?}"));
    }
    value
}
