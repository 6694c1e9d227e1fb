//! What came from another process, opened as what its type is.

use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Wire;
use crate::graph::arg::{Arg, Kind, Referent};
use crate::graph::kept::{Data, known};
use crate::graph::output::Output;
use crate::graph::packing::{is_marked, to_json};
use crate::graph::value::RefValue;
use crate::run::carrier::Travel;
use pipex_format::model::error::JobError;
use pipex_format::store::{FileStore, Store};
use pipex_format::wire::Value;

/// Opens arguments of type `T`, as well as it can: `(&&&&Parcel::<T>::new()).open(..)` finds the first of the traits below
/// that applies, since method look-up takes off one reference after the other.
pub struct Parcel<T>(PhantomData<fn() -> T>);

impl<T> Parcel<T> {
    #[doc(hidden)]
    #[must_use]
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Self {
        Parcel(PhantomData)
    }
}

/// What an argument is.
type Opened<T> = Result<Arg<T>, JobError>;

fn is_no(parameter: &str, problem: impl ToString) -> JobError {
    JobError::Argument { parameter: parameter.to_owned(), problem: format!("cannot be read: {}", problem.to_string()) }
}

/// An output that a saved run left, whose data are always loaded: nobody else holds them.
fn loaded<T>(output: Output<T>) -> Arg<T> {
    Arg(Kind::Output(output, |_| unreachable!("data that are loaded are moved")))
}

fn file_store<T: Serialize + DeserializeOwned + 'static>() -> Option<Box<dyn Store<T>>> {
    Some(Box::new(FileStore::new()))
}

/// A parameter that is declared as an output.
pub trait OpenOutput<T> {
    #[doc(hidden)]
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<T>;
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> OpenOutput<Output<T>> for &&&Parcel<Output<T>> {
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<Output<T>> {
        wire.output(parameter, wire.get(parameter)?, file_store).map(|output| Arg(Kind::Value(output)))
    }
}

/// A parameter that is declared as outputs.
pub trait OpenOutputs<T> {
    #[doc(hidden)]
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<T>;
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> OpenOutputs<Vec<Output<T>>>
    for &&&Parcel<Vec<Output<T>>>
{
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<Vec<Output<T>>> {
        let all = wire.get(parameter)?.as_array().ok_or_else(|| is_no(parameter, "it is a list of outputs"))?;
        let outputs = all.iter().map(|value| wire.output(parameter, value, file_store)).collect::<Result<_, _>>()?;
        Ok(Arg(Kind::Value(outputs)))
    }
}

/// A list: of values, or of outputs.
pub trait OpenMany<T> {
    #[doc(hidden)]
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<T>;
}

impl<E: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> OpenMany<Vec<E>> for &&Parcel<Vec<E>> {
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<Vec<E>> {
        match wire.get(parameter)? {
            Value::Array(all) if all.first().is_some_and(is_marked) => {
                let outputs = all.iter().map(|value| wire.output(parameter, value, file_store));
                let outputs = outputs.collect::<Result<Vec<Output<E>>, _>>()?;
                Ok(Arg(Kind::Gathered(Box::new(outputs))))
            }
            _ => OpenOne::open(&&Parcel::<Vec<E>>::new(), wire, parameter),
        }
    }
}

/// A type that serde knows.
pub trait OpenOne<T> {
    #[doc(hidden)]
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<T>;
}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> OpenOne<T> for &Parcel<T> {
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<T> {
        let value = wire.get(parameter)?;
        if is_marked(value) {
            return wire.output(parameter, value, file_store).map(loaded);
        }
        let value = T::deserialize(value).map_err(|error| is_no(parameter, error))?;
        Ok(Arg(Kind::Value(value)))
    }
}

/// A type of which only a store of its own knows something.
pub trait OpenPlace<T> {
    #[doc(hidden)]
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<T>;
}

impl<T: Send + Sync + 'static> OpenPlace<T> for Parcel<T> {
    fn open(&self, wire: &Wire<'_>, parameter: &str) -> Opened<T> {
        wire.output(parameter, wire.get(parameter)?, || None).map(loaded)
    }
}

/// Opens what is always a value: an argument that a template names.
#[doc(hidden)]
pub fn open_value<T: Serialize + DeserializeOwned + Send + Sync + 'static>(
    wire: &Wire<'_>,
    parameter: &str,
) -> Opened<T> {
    OpenOne::open(&&Parcel::<T>::new(), wire, parameter)
}

impl<T> Arg<T> {
    /// The value, for a parameter that a template names.
    #[doc(hidden)]
    pub fn value(self, parameter: &str) -> Result<T, JobError> {
        match self.0 {
            Kind::Value(value) => Ok(value),
            _ => Err(is_no(parameter, "a template names it, so it is given as a value")),
        }
    }

    /// The same, for one that is a reference.
    #[doc(hidden)]
    pub fn shared<U: Referent<Owned = T> + ?Sized>(self, parameter: &str) -> Result<RefValue<'static, U>, JobError> {
        self.value(parameter).map(|value| RefValue::Given(Arc::new(value)))
    }
}

/// An output that serde knows: it can be sent as a value.
pub trait Travels<R> {
    #[doc(hidden)]
    fn travel(&self) -> Option<fn() -> Travel>;
}

impl<R: Serialize + DeserializeOwned + Send + Sync + 'static> Travels<R> for Parcel<R> {
    fn travel(&self) -> Option<fn() -> Travel> {
        Some(|| Travel {
            to: |data| to_json(known::<R>(data)),
            from: |value| R::deserialize(value).map(Data::new).map_err(|error| error.to_string()),
        })
    }
}

/// An output that can be sent only by its location.
pub trait Stays<R> {
    #[doc(hidden)]
    fn travel(&self) -> Option<fn() -> Travel>;
}

impl<R> Stays<R> for &Parcel<R> {
    fn travel(&self) -> Option<fn() -> Travel> {
        None
    }
}
