//! The arguments of a call: values, outputs of other calls, or collections of these.

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::graph::gather::Gather;
use crate::graph::output::Output;
use crate::graph::visitor::{Argument, Visitor};
use pipex_format::model::error::Error;

/// An argument for a parameter taken by value.
pub struct Arg<T>(pub(crate) Kind<T>);

pub(crate) enum Kind<T> {
    Value(T),
    /// The function is `T::clone`: known here, where `T: Clone` is, and needed where it no longer is.
    Output(Output<T>, fn(&T) -> T),
    Gathered(Box<dyn Gather<T>>),
}

impl<T> Arg<T> {
    /// The value itself; an output's data are loaded now.
    pub(crate) fn take(self) -> Result<T, Error> {
        match self.0 {
            Kind::Value(value) => Ok(value),
            Kind::Output(output, clone) => output.take_with(clone),
            Kind::Gathered(outputs) => outputs.take(),
        }
    }
}

impl<T> Argument for Arg<T> {
    type Content = T;

    fn visit(&self, visitor: &mut Visitor<'_>) -> Option<&T> {
        match &self.0 {
            Kind::Value(value) => Some(value),
            Kind::Output(output, _) => visitor.output(output),
            Kind::Gathered(outputs) => {
                outputs.visit(visitor);
                None
            }
        }
    }

    fn show(&self, see: &mut dyn FnMut(&T)) -> Result<(), Error> {
        match &self.0 {
            Kind::Value(value) => see(value),
            Kind::Output(output, _) => output.show(see)?,
            Kind::Gathered(outputs) => see(&outputs.again().take()?),
        }
        Ok(())
    }
}

/// What is behind a reference: itself, or the slice of an owner. Like `ToOwned`, but nothing has to be `Clone`.
pub trait Referent {
    /// The owned form: `String` for `str`, `Vec<T>` for `[T]`, `PathBuf` for `Path`, else the type itself.
    type Owned;
    #[doc(hidden)]
    fn borrow_from(owned: &Self::Owned) -> &Self;
}

impl<T> Referent for T {
    type Owned = T;
    fn borrow_from(owned: &T) -> &T {
        owned
    }
}

impl Referent for str {
    type Owned = String;
    fn borrow_from(owned: &String) -> &str {
        owned
    }
}

impl<T> Referent for [T] {
    type Owned = Vec<T>;
    fn borrow_from(owned: &Vec<T>) -> &[T] {
        owned
    }
}

impl Referent for Path {
    type Owned = PathBuf;
    fn borrow_from(owned: &PathBuf) -> &Path {
        owned
    }
}

/// An argument for a parameter taken by reference, then the very thing that the reference is to.
pub enum RefArg<'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    Borrowed(&'a U),
    #[doc(hidden)]
    Given(Arc<U::Owned>),
    #[doc(hidden)]
    Output(Output<U::Owned>),
    #[doc(hidden)]
    Gathered(Gathered<U::Owned>),
}

#[doc(hidden)]
pub struct Gathered<T>(pub(crate) Box<dyn Gather<T>>);

impl<'a, U: Referent + ?Sized> RefArg<'a, U> {
    /// What the body borrows from; an output's data are loaded now, unless they are kept.
    pub(crate) fn take(self) -> Result<Held<'a, U>, Error> {
        match self {
            RefArg::Borrowed(value) => Ok(Held::Borrowed(value)),
            RefArg::Given(value) => Ok(Held::Given(value)),
            RefArg::Gathered(outputs) => match outputs.0.take() {
                Ok(value) => Ok(Held::Owned(value)),
                Err(error) => Err(error),
            },
            RefArg::Output(output) => match output.data() {
                Ok(Some(value)) => Ok(Held::Owned(value)),
                Ok(None) => Ok(Held::Shared(output)),
                Err(error) => Err(error),
            },
        }
    }
}

impl<U: Referent + ?Sized> Argument for RefArg<'_, U> {
    type Content = U;

    fn visit(&self, visitor: &mut Visitor<'_>) -> Option<&U> {
        match self {
            RefArg::Borrowed(value) => Some(value),
            RefArg::Given(value) => Some(U::borrow_from(value)),
            RefArg::Output(output) => visitor.output(output).map(U::borrow_from),
            RefArg::Gathered(outputs) => {
                outputs.0.visit(visitor);
                None
            }
        }
    }

    fn show(&self, see: &mut dyn FnMut(&U)) -> Result<(), Error> {
        match self {
            RefArg::Borrowed(value) => see(value),
            RefArg::Given(value) => see(U::borrow_from(value)),
            RefArg::Output(output) => output.show(&mut |value| see(U::borrow_from(value)))?,
            RefArg::Gathered(outputs) => see(U::borrow_from(&outputs.0.again().take()?)),
        }
        Ok(())
    }
}

/// What a body borrows a parameter from.
pub enum Held<'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    Borrowed(&'a U),
    /// Whoever calls it again has it, too.
    #[doc(hidden)]
    Given(Arc<U::Owned>),
    #[doc(hidden)]
    Owned(U::Owned),
    /// The data are in memory, in the output.
    #[doc(hidden)]
    Shared(Output<U::Owned>),
}

impl<U: Referent + ?Sized> Deref for Held<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        match self {
            Held::Borrowed(value) => value,
            Held::Given(value) => U::borrow_from(value),
            Held::Owned(value) => U::borrow_from(value),
            Held::Shared(output) => {
                U::borrow_from(output.peek().expect("an output without data is never held as shared"))
            }
        }
    }
}

/// An argument that can be given once more, to a run that is tried again. Of outputs it is the location, not the data.
#[diagnostic::on_unimplemented(
    message = "a task with `retries` gives its arguments again, and this one cannot be cloned",
    label = "used up by the first attempt",
    note = "derive `Clone` for its type, declare the parameter as a reference, or leave out `retries`"
)]
pub trait Again {
    #[doc(hidden)]
    fn again(&self) -> Self;
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for Arg<T> {
    fn again(&self) -> Self {
        Arg(match &self.0 {
            Kind::Value(value) => Kind::Value(value.clone()),
            Kind::Output(output, clone) => Kind::Output(output.clone(), *clone),
            Kind::Gathered(outputs) => Kind::Gathered(outputs.again()),
        })
    }
}

impl<U: Referent + ?Sized> Again for RefArg<'_, U> {
    fn again(&self) -> Self {
        match self {
            RefArg::Borrowed(value) => RefArg::Borrowed(value),
            RefArg::Given(value) => RefArg::Given(Arc::clone(value)),
            RefArg::Output(output) => RefArg::Output(output.clone()),
            RefArg::Gathered(outputs) => RefArg::Gathered(Gathered(outputs.0.again())),
        }
    }
}

/// The arguments of a call: a tuple, taken from first to last.
pub trait Args {
    /// What the body gets.
    type Taken;
    #[doc(hidden)]
    fn take(self) -> Result<Self::Taken, Error>;
}

/// One argument, taken.
pub trait Take {
    /// What the body gets.
    type Taken;
    #[doc(hidden)]
    fn take(self) -> Result<Self::Taken, Error>;
}

impl<T> Take for Arg<T> {
    type Taken = T;
    fn take(self) -> Result<T, Error> {
        Arg::take(self)
    }
}

impl<'a, U: Referent + ?Sized> Take for RefArg<'a, U> {
    type Taken = Held<'a, U>;
    fn take(self) -> Result<Held<'a, U>, Error> {
        RefArg::take(self)
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {$(
        impl<$($name: Take),*> Args for ($($name,)*) {
            type Taken = ($($name::Taken,)*);
            #[allow(non_snake_case)]
            fn take(self) -> Result<Self::Taken, Error> {
                let ($($name,)*) = self;
                $(let $name = match $name.take() {
                    Ok(taken) => taken,
                    Err(error) => return Err(error),
                };)*
                Ok(($($name,)*))
            }
        }
    )*};
}
tuples! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L) (A B C D E F G H I J K L M)
}
