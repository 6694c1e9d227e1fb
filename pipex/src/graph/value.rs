//! Arguments that are values, and nothing else: those that a template names, and those whose type has no name.

use std::borrow::Borrow;

use crate::graph::arg::{Again, Held, Referent, Take};
use crate::graph::visitor::{Argument, Visitor};
use pipex_format::model::error::Error;
use std::sync::Arc;

/// An argument for a parameter that takes values only, since its type has no name or is more than a value.
pub struct Plain<T>(T);

/// Takes it as it is.
pub fn plain<T>(value: T) -> Plain<T> {
    Plain(value)
}

impl<T> Argument for Plain<T> {
    type Content = T;

    fn visit(&self, _: &mut Visitor<'_>) -> Option<&T> {
        Some(&self.0)
    }

    fn show(&self, see: &mut dyn FnMut(&T)) -> Result<(), Error> {
        see(&self.0);
        Ok(())
    }
}

impl<T> Take for Plain<T> {
    type Taken = T;
    fn take(self) -> Result<T, Error> {
        Ok(self.0)
    }
}

/// An argument that a template names: a value, since its target must be known before anything runs.
pub struct Value<T>(T);

impl<T> Value<T> {
    /// What the template shows, or something of it.
    #[doc(hidden)]
    pub fn get(&self) -> &T {
        &self.0
    }
}

impl<T> Argument for Value<T> {
    type Content = T;

    fn visit(&self, _: &mut Visitor<'_>) -> Option<&T> {
        Some(&self.0)
    }

    fn show(&self, see: &mut dyn FnMut(&T)) -> Result<(), Error> {
        see(&self.0);
        Ok(())
    }
}

/// What a parameter of type `T` takes that a template names.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{T}` that a template names does not take a `{Self}`",
    label = "not a `{T}`",
    note = "the target must be known before anything runs, so this argument is given as a value, not as an `Output`"
)]
pub trait IntoValue<T> {
    #[doc(hidden)]
    fn into_value(self) -> Value<T>;
}

impl<T> IntoValue<T> for T {
    fn into_value(self) -> Value<T> {
        Value(self)
    }
}

impl IntoValue<String> for &str {
    fn into_value(self) -> Value<String> {
        Value(self.to_owned())
    }
}

/// As [`Value`], for a parameter taken by reference.
pub enum RefValue<'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    Borrowed(&'a U),
    #[doc(hidden)]
    Given(Arc<U::Owned>),
}

impl<U: Referent + ?Sized> RefValue<'_, U> {
    /// What the template shows, or something of it.
    #[doc(hidden)]
    pub fn get(&self) -> &U {
        match self {
            RefValue::Borrowed(value) => value,
            RefValue::Given(value) => U::borrow_from(value),
        }
    }
}

impl<U: Referent + ?Sized> Argument for RefValue<'_, U> {
    type Content = U;

    fn visit(&self, _: &mut Visitor<'_>) -> Option<&U> {
        Some(self.get())
    }

    fn show(&self, see: &mut dyn FnMut(&U)) -> Result<(), Error> {
        see(self.get());
        Ok(())
    }
}

/// What a parameter `&U` takes that a template names.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `&{U}` that a template names does not take a `{Self}`",
    label = "not a `&{U}`",
    note = "the target must be known before anything runs, so this argument is given as a value, not as an `Output`"
)]
pub trait IntoRefValue<'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    fn into_ref_value(self) -> RefValue<'a, U>;
}

impl<'a, U: Referent + ?Sized, B: Borrow<U> + ?Sized> IntoRefValue<'a, U> for &'a B {
    fn into_ref_value(self) -> RefValue<'a, U> {
        RefValue::Borrowed(self.borrow())
    }
}

/// What came from another process.
impl<'a, U: Referent + ?Sized> IntoRefValue<'a, U> for RefValue<'a, U> {
    fn into_ref_value(self) -> RefValue<'a, U> {
        self
    }
}

impl<'a> IntoRefValue<'a, str> for String {
    fn into_ref_value(self) -> RefValue<'a, str> {
        RefValue::Given(Arc::new(self))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for Plain<T> {
    fn again(&self) -> Self {
        Plain(self.0.clone())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Clone> Again for Value<T> {
    fn again(&self) -> Self {
        Value(self.0.clone())
    }
}

impl<U: Referent + ?Sized> Again for RefValue<'_, U> {
    fn again(&self) -> Self {
        match self {
            RefValue::Borrowed(value) => RefValue::Borrowed(value),
            RefValue::Given(value) => RefValue::Given(Arc::clone(value)),
        }
    }
}

impl<T> Take for Value<T> {
    type Taken = T;
    fn take(self) -> Result<T, Error> {
        Ok(self.0)
    }
}

impl<'a, U: Referent + ?Sized> Take for RefValue<'a, U> {
    type Taken = Held<'a, U>;
    fn take(self) -> Result<Held<'a, U>, Error> {
        Ok(match self {
            RefValue::Borrowed(value) => Held::Borrowed(value),
            RefValue::Given(value) => Held::Given(value),
        })
    }
}
