//! How a call takes its arguments: as values, as outputs of other calls, or as collections of these.

use std::borrow::Borrow;
use std::ops::Deref;
use std::path::{Path, PathBuf};

use crate::graph::output::Output;
use crate::graph::visitor::Visitor;
use pipex_format::model::error::Error;

/// An argument for a parameter taken by value.
pub struct Arg<T>(pub(crate) Kind<T>);

pub(crate) enum Kind<T> {
    Value(T),
    /// The function is `T::clone`: known here, where `T: Clone` is, and needed where it no longer is.
    Output(Output<T>, fn(&T) -> T),
    Gathered(Box<dyn Gather<T>>),
}

/// Outputs that make up a `T` together.
pub(crate) trait Gather<T>: Send {
    fn again(&self) -> Box<dyn Gather<T>>;
    fn visit(&self, visitor: &mut Visitor<'_>);
    fn take(self: Box<Self>) -> Result<T, Error>;
}

impl<T: Clone + Send + Sync + 'static> Gather<Vec<T>> for Vec<Output<T>> {
    fn again(&self) -> Box<dyn Gather<Vec<T>>> {
        Box::new(self.clone())
    }

    fn visit(&self, visitor: &mut Visitor<'_>) {
        for output in self {
            visitor.output(output, false);
        }
    }

    fn take(self: Box<Self>) -> Result<Vec<T>, Error> {
        self.into_iter().map(|output| output.take_with(T::clone)).collect()
    }
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

/// What a parameter of type `T` takes: a `T`, an [`Output<T>`](Output), and for a `Vec<T>` outputs of its elements.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{T}` does not take a `{Self}`",
    label = "neither a `{T}` nor an `Output` of one",
    note = "an `Output<T>` is taken by value only if `T: Clone`; declare the parameter as `&T` if it is not"
)]
pub trait IntoArg<T> {
    #[doc(hidden)]
    fn into_arg(self) -> Arg<T>;
}

impl<T> IntoArg<T> for T {
    fn into_arg(self) -> Arg<T> {
        Arg(Kind::Value(self))
    }
}

/// What came from another process.
impl<T> IntoArg<T> for Arg<T> {
    fn into_arg(self) -> Arg<T> {
        self
    }
}

impl<T: Clone> IntoArg<T> for Output<T> {
    fn into_arg(self) -> Arg<T> {
        Arg(Kind::Output(self, T::clone))
    }
}

impl<T: Clone> IntoArg<T> for &Output<T> {
    fn into_arg(self) -> Arg<T> {
        self.clone().into_arg()
    }
}

impl<T: Clone + Send + Sync + 'static> IntoArg<Vec<T>> for Vec<Output<T>> {
    fn into_arg(self) -> Arg<Vec<T>> {
        Arg(Kind::Gathered(Box::new(self)))
    }
}

impl<T: Clone + Send + Sync + 'static> IntoArg<Vec<T>> for &Vec<Output<T>> {
    fn into_arg(self) -> Arg<Vec<T>> {
        self.clone().into_arg()
    }
}

impl<T: Clone + Send + Sync + 'static> IntoArg<Vec<T>> for &[Output<T>] {
    fn into_arg(self) -> Arg<Vec<T>> {
        self.to_vec().into_arg()
    }
}

impl<T: Clone + Send + Sync + 'static, const N: usize> IntoArg<Vec<T>> for [Output<T>; N] {
    fn into_arg(self) -> Arg<Vec<T>> {
        Vec::from(self).into_arg()
    }
}

impl IntoArg<String> for &str {
    fn into_arg(self) -> Arg<String> {
        Arg(Kind::Value(self.to_owned()))
    }
}

impl IntoArg<PathBuf> for &Path {
    fn into_arg(self) -> Arg<PathBuf> {
        Arg(Kind::Value(self.to_owned()))
    }
}

impl IntoArg<PathBuf> for &str {
    fn into_arg(self) -> Arg<PathBuf> {
        Arg(Kind::Value(self.into()))
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
    Output(Output<U::Owned>),
    #[doc(hidden)]
    Gathered(Gathered<U::Owned>),
}

#[doc(hidden)]
pub struct Gathered<T>(pub(crate) Box<dyn Gather<T>>);

impl<'a, U: Referent + ?Sized> RefArg<'a, U> {
    /// What the body borrows from; an output's data are loaded now, unless they are kept.
    pub(crate) fn take(self) -> Result<Held<'a, U>, Error> {
        Ok(match self {
            RefArg::Borrowed(value) => Held::Borrowed(value),
            RefArg::Gathered(outputs) => Held::Owned(outputs.0.take()?),
            RefArg::Output(output) => match output.data()? {
                Some(value) => Held::Owned(value),
                None => Held::Shared(output),
            },
        })
    }
}

/// What a parameter `&U` takes: a borrowed `U`, an owned one where `U` is a `str`, a slice or a `Path`, or an [`Output`].
#[diagnostic::on_unimplemented(
    message = "a parameter of type `&{U}` does not take a `{Self}`",
    label = "neither a `&{U}` nor an `Output` of one",
    note = "give `&value`, or `Output::from(value)` where the call must outlive the caller; an `Output` itself is given by value: `output.clone()`"
)]
pub trait IntoRefArg<'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    fn into_ref_arg(self) -> RefArg<'a, U>;
}

impl<'a, U: Referent + ?Sized, B: Borrow<U> + ?Sized> IntoRefArg<'a, U> for &'a B {
    fn into_ref_arg(self) -> RefArg<'a, U> {
        RefArg::Borrowed(self.borrow())
    }
}

/// What came from another process.
impl<'a, U: Referent + ?Sized> IntoRefArg<'a, U> for Arg<U::Owned> {
    fn into_ref_arg(self) -> RefArg<'a, U> {
        match self.0 {
            Kind::Value(value) => RefArg::Output(Output::from(value)),
            Kind::Output(output, _) => RefArg::Output(output),
            Kind::Gathered(outputs) => RefArg::Gathered(Gathered(outputs)),
        }
    }
}

impl<'a, U: Referent + ?Sized> IntoRefArg<'a, U> for Output<U::Owned> {
    fn into_ref_arg(self) -> RefArg<'a, U> {
        RefArg::Output(self)
    }
}

impl<'a> IntoRefArg<'a, str> for String {
    fn into_ref_arg(self) -> RefArg<'a, str> {
        RefArg::Output(Output::from(self))
    }
}

impl<'a> IntoRefArg<'a, Path> for PathBuf {
    fn into_ref_arg(self) -> RefArg<'a, Path> {
        RefArg::Output(Output::from(self))
    }
}

impl<'a, T> IntoRefArg<'a, [T]> for Vec<T> {
    fn into_ref_arg(self) -> RefArg<'a, [T]> {
        RefArg::Output(Output::from(self))
    }
}

impl<'a, T: Clone + Send + Sync + 'static> IntoRefArg<'a, [T]> for Vec<Output<T>> {
    fn into_ref_arg(self) -> RefArg<'a, [T]> {
        RefArg::Gathered(Gathered(Box::new(self)))
    }
}

/// What a body borrows a parameter from.
pub enum Held<'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    Borrowed(&'a U),
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
                Ok(($($name.take()?,)*))
            }
        }
    )*};
}
tuples! {
    () (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L) (A B C D E F G H I J K L M)
}
