//! What expressions of `#[task]` see of the arguments, and what they give: how much of something a call needs.

use std::fmt::Display;

use crate::graph::visitor::Argument;
use pipex_format::model::error::Cause;

/// Has an argument looked at, wherever it is; an output's data are loaded for that.
pub fn see<A: Argument, T>(argument: &A, look: impl FnOnce(&A::Content) -> Result<T, Cause>) -> Result<T, Cause> {
    let (mut look, mut seen) = (Some(look), None);
    argument.show(&mut |content| seen = look.take().map(|look| look(content)))?;
    seen.unwrap_or_else(|| Err("an argument has no data".into()))
}

/// An argument as an expression sees it: `(&Seen(value)).seen()` is the value if it is `Copy`, else a reference to it, since
/// method look-up takes the first of the traits below that applies.
pub struct Seen<'s, T: ?Sized>(pub &'s T);

/// The value itself.
pub trait SeeCopy<T> {
    #[doc(hidden)]
    fn seen(&self) -> T;
}

impl<T: Copy> SeeCopy<T> for Seen<'_, T> {
    fn seen(&self) -> T {
        *self.0
    }
}

/// A reference to the value.
pub trait SeeReference<'s, T: ?Sized> {
    #[doc(hidden)]
    fn seen(&self) -> &'s T;
}

impl<'s, T: ?Sized> SeeReference<'s, T> for &Seen<'s, T> {
    fn seen(&self) -> &'s T {
        self.0
    }
}

/// A number of bytes, threads or GPUs.
#[diagnostic::on_unimplemented(
    message = "what a task needs is a number, and this is a `{Self}`",
    label = "no number of bytes, threads or GPUs",
    note = "write a text with a unit (`memory = \"4GB\"`), a number (`threads = 4`), or an expression that gives one (`memory = rows.len() * 64`)"
)]
pub trait Quantity: Copy + Display {
    #[doc(hidden)]
    fn whole(self) -> Option<u64>;
}

macro_rules! quantities {
    ($($integer:ty)*) => {$(
        impl Quantity for $integer {
            fn whole(self) -> Option<u64> {
                self.try_into().ok()
            }
        }
    )*};
}
quantities! { u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize }

impl Quantity for f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
    fn whole(self) -> Option<u64> {
        (self >= 0.0 && self < 2.0_f64.powi(64)).then(|| self.ceil() as u64)
    }
}

impl<Q: Quantity> Quantity for &Q {
    fn whole(self) -> Option<u64> {
        (*self).whole()
    }
}

/// What an expression gave: a number of 0 or more.
pub fn amount<Q: Quantity>(of: &'static str, amount: Q) -> Result<u64, Cause> {
    amount.whole().ok_or_else(|| format!("`{of}` came to {amount}, which is no amount").into())
}
