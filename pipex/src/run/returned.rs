//! What a task function returned: a `Result`, under whatever name, or anything else. Its type decides.

use std::error::Error as StdError;

use crate::run::body::Raised;
use pipex_format::model::error::Cause;

/// What a task function returned. Of what follows, a `Result` has its own, which the compiler finds before that of
/// [`ReturnedValue`], which all types have.
pub struct Returned<T>(pub T);

/// An error that a task function may return.
#[diagnostic::on_unimplemented(
    message = "a task cannot fail with a `{Self}`",
    label = "its error is neither an `Error` that can be sent and shared, nor a text",
    note = "implement `std::error::Error` for it (`#[derive(thiserror::Error)]`), where it is `Send`, `Sync` and `'static`; \
            or return `anyhow::Error`, a `Box<dyn std::error::Error + Send + Sync>` or a `String`"
)]
pub trait TaskError {
    #[doc(hidden)]
    fn into_cause(self) -> Cause;
}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn StdError + Send + Sync>>> TaskError for E {
    fn into_cause(self) -> Cause {
        Cause::from(self)
    }
}

/// A return type that says by its name that it is a `Result`.
#[diagnostic::on_unimplemented(
    message = "this task returns a `Result` under another name",
    label = "a `Result` that is not called `Result`",
    note = "in methods, and where a return type may name generic parameters, the name decides whether a task can fail: \
            write `Result<..>`"
)]
pub trait IsCalledResult {}

/// A task function that can fail.
#[diagnostic::on_unimplemented(
    message = "`retry_if` asks about an error, and this task has none",
    label = "there is no error to ask about",
    note = "have the function return a `Result`, or leave out `retry_if`"
)]
pub trait CanFail {}

impl<T, E> Returned<Result<T, E>> {
    /// Whether it is a `Result`.
    pub const IS_RESULT: bool = true;

    /// What came of it.
    pub fn outcome(self) -> Result<T, Raised>
    where
        E: TaskError,
    {
        self.0.map_err(|error| Raised::new(error.into_cause(), true))
    }

    /// The same, where `retry_if` says whether another attempt may go better.
    pub fn outcome_if(self, retry_if: impl FnOnce(&E) -> bool) -> Result<T, Raised>
    where
        E: TaskError,
    {
        self.0.map_err(|error| {
            let retry = retry_if(&error);
            Raised::new(error.into_cause(), retry)
        })
    }

    /// Refuses it, where the name of the type decided.
    pub fn value(self) -> Result<Result<T, E>, Raised>
    where
        Self: IsCalledResult,
    {
        Ok(self.0)
    }
}

/// A return type that is no `Result`.
pub trait ReturnedValue<T>: Sized {
    #[doc(hidden)]
    const IS_RESULT: bool = false;

    #[doc(hidden)]
    fn value(self) -> Result<T, Raised>;

    #[doc(hidden)]
    fn outcome(self) -> Result<T, Raised> {
        self.value()
    }

    #[doc(hidden)]
    fn outcome_if<F>(self, _: F) -> Result<T, Raised>
    where
        Self: CanFail,
    {
        self.value()
    }
}

impl<T> ReturnedValue<T> for Returned<T> {
    fn value(self) -> Result<T, Raised> {
        Ok(self.0)
    }
}

/// What a task gives whose function returns a `T`: what is in it if it is a `Result`, else itself.
pub type TaskOutput<T, const IS_RESULT: bool> = <When<IS_RESULT> as Gives<T>>::TaskOutput;

/// Whether a function returns a `Result`.
pub struct When<const IS_RESULT: bool>;

/// What a task gives whose function returns a `T`.
#[diagnostic::on_unimplemented(
    message = "this task returns a `{T}` that is named `Result` and is not the standard one",
    label = "not `std::result::Result`",
    note = "give your type another name where the task returns it: `type Outcome = Result;`"
)]
pub trait Gives<T> {
    #[doc(hidden)]
    type TaskOutput;
}

impl<T> Gives<T> for When<false> {
    type TaskOutput = T;
}

impl<T, E> Gives<Result<T, E>> for When<true> {
    type TaskOutput = T;
}
