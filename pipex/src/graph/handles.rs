//! What a call gives: an output, or several.

use std::any::Any;
use std::sync::{Arc, Weak};

use crate::graph::node::Node;
use crate::graph::outcome::Ended;
use crate::graph::output::{Held, Output};
use crate::graph::pending::{Receive, Receiver};
use crate::graph::place::{AnyPlace as _, PartPlace, Place, Spot};
use pipex_format::model::target::Location;
use pipex_format::store::{Claim, Member, Store, StoreResult, save_together};

/// What a call of a task gives: an [`Output`], or several: a tuple of them, or what a struct that derives
/// [`Outputs`](macro@crate::Outputs) has for them.
pub trait Handles<R>: Sized {
    /// What the function itself gives.
    type Value;
    #[doc(hidden)]
    type Stores;
    /// How many there are.
    #[doc(hidden)]
    const COUNT: usize;

    /// Where they will be.
    #[doc(hidden)]
    fn place(
        stores: Self::Stores,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Place<R>;

    /// Those of a run that has ended, and gave this, if it is in memory.
    #[doc(hidden)]
    fn ended(run: Ended, place: Option<Arc<Place<R>>>, value: Option<R>) -> Self;

    /// Those of a run that has yet to happen, and who is to be given what it gives.
    #[doc(hidden)]
    fn pending(run: &Arc<dyn Node>, place: Option<&Arc<Place<R>>>) -> (Self, Receiver<R>)
    where
        R: Send + Sync + 'static;

    #[doc(hidden)]
    fn value(result: R) -> Self::Value;
}

fn place_one<T>(
    store: Box<dyn Store<T>>,
    location: Location,
    spot: &mut dyn FnMut(Location, &str) -> Spot,
) -> Place<T> {
    let spot = spot(location, &(*store).listing().address());
    Place::new(spot, store)
}

impl<T> Handles<T> for Output<T> {
    type Value = T;
    type Stores = Box<dyn Store<T>>;
    const COUNT: usize = 1;

    fn place(
        store: Box<dyn Store<T>>,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Place<T> {
        let location = locations.next().expect("a task has a target for each of its outputs");
        place_one(store, location, spot)
    }

    fn ended(Ended { label, outcome }: Ended, place: Option<Arc<Place<T>>>, value: Option<T>) -> Self {
        Output::ended(label, place, outcome, value)
    }

    fn pending(run: &Arc<dyn Node>, place: Option<&Arc<Place<T>>>) -> (Self, Receiver<T>)
    where
        T: Send + Sync + 'static,
    {
        let output = Output::pending(Arc::clone(run), 0, place.cloned());
        let receiver = Receiver::One(output.downgrade());
        (output, receiver)
    }

    fn value(result: T) -> T {
        result
    }
}

/// What a struct that derives `Outputs` has for its outputs: they are made of a tuple of them.
pub trait FromOutputs: Sized {
    /// The struct.
    type Value;
    /// Its fields, as a tuple.
    type Parts;
    /// An output of each of them.
    type Tuple: Handles<Self::Parts>;
    #[doc(hidden)]
    fn from_outputs(outputs: Self::Tuple) -> Self;
    #[doc(hidden)]
    fn value(parts: Self::Parts) -> Self::Value;
}

impl<S: FromOutputs> Handles<S::Parts> for S {
    type Value = S::Value;
    type Stores = <S::Tuple as Handles<S::Parts>>::Stores;
    const COUNT: usize = S::Tuple::COUNT;

    fn place(
        stores: Self::Stores,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Place<S::Parts> {
        S::Tuple::place(stores, locations, spot)
    }

    fn ended(run: Ended, place: Option<Arc<Place<S::Parts>>>, values: Option<S::Parts>) -> Self {
        S::from_outputs(S::Tuple::ended(run, place, values))
    }

    fn pending(run: &Arc<dyn Node>, place: Option<&Arc<Place<S::Parts>>>) -> (Self, Receiver<S::Parts>)
    where
        S::Parts: Send + Sync + 'static,
    {
        let (outputs, receiver) = S::Tuple::pending(run, place);
        (S::from_outputs(outputs), receiver)
    }

    fn value(result: S::Parts) -> S::Value {
        <S as FromOutputs>::value(result)
    }
}

/// Values that are several outputs together: tuples, and structs that derive [`Outputs`](macro@crate::Outputs).
#[diagnostic::on_unimplemented(
    message = "a `{Self}` is not several outputs",
    label = "neither a tuple of two to eight nor a struct that derives `pipex::Outputs`",
    note = "a task with several targets gives a value for each: return a tuple in their order, or derive `pipex::Outputs` for \
            the struct that it returns, and name the targets like its fields"
)]
pub trait Outputs: Sized {
    /// The values, as a tuple.
    type Parts;
    /// The outputs that a call of the task gives.
    type Handles: Handles<Self::Parts, Value = Self>;
    /// The names of the values; a tuple has none.
    #[doc(hidden)]
    const NAMES: &'static [&'static str];
    #[doc(hidden)]
    fn into_parts(self) -> Self::Parts;
}

/// A tuple, of which one value has this type.
pub trait Nth<const INDEX: usize> {
    /// The type of that value.
    type Value;
}

/// Stores for several outputs, one for the values of each type.
pub(crate) struct Together<P>(P);

/// No value of this type.
fn none<T>() -> Option<T> {
    None
}

/// The place of a part, of which it is known what it is the place of.
fn typed<T: 'static>(part: &Arc<dyn PartPlace>) -> Arc<Place<T>> {
    let part: Arc<dyn Any + Send + Sync> = Arc::clone(part) as _;
    part.downcast().expect("the places of parts are in the order of the parts")
}

macro_rules! tuples {
    ($($count:literal: $all:tt = $($value:ident $name:ident $index:tt),+;)*) => {$(
        $(nth! { $index $value $all })+

        impl<$($value: Send + Sync + 'static),+> Outputs for ($($value,)+) {
            type Parts = Self;
            type Handles = ($(Output<$value>,)+);
            const NAMES: &'static [&'static str] = &[];

            fn into_parts(self) -> Self {
                self
            }
        }

        impl<$($value: Send + Sync + 'static),+> Handles<($($value,)+)> for ($(Output<$value>,)+) {
            type Value = ($($value,)+);
            type Stores = ($(Box<dyn Store<$value>>,)+);
            const COUNT: usize = $count;

            fn place(
                stores: Self::Stores,
                locations: &mut dyn Iterator<Item = Location>,
                spot: &mut dyn FnMut(Location, &str) -> Spot,
            ) -> Place<($($value,)+)> {
                let mut next = || locations.next().expect("a task has a target for each of its outputs");
                let places = ($(Arc::new(place_one(stores.$index, next(), spot)),)+);
                let parts: Vec<Arc<dyn PartPlace>> = vec![$(Arc::clone(&places.$index) as _),+];
                Place::together(parts, Box::new(Together(places)))
            }

            fn ended(
                Ended { label, outcome }: Ended,
                place: Option<Arc<Place<($($value,)+)>>>,
                values: Option<($($value,)+)>,
            ) -> Self {
                let parts = place.as_ref().map(|place| place.parts());
                $(let $name = parts.map(|parts| typed::<$value>(&parts[$index]));)+
                let values = match values {
                    Some(values) => ($(Some(values.$index),)+),
                    None => ($(none::<$value>(),)+),
                };
                ($(Output::ended(label.clone(), $name, outcome.clone(), values.$index),)+)
            }

            fn pending(
                run: &Arc<dyn Node>,
                place: Option<&Arc<Place<($($value,)+)>>>,
            ) -> (Self, Receiver<($($value,)+)>) {
                let parts = place.map(|place| place.parts());
                let outputs = ($({
                    let place = parts.map(|parts| typed::<$value>(&parts[$index]));
                    Output::pending(Arc::clone(run), $index, place)
                },)+);
                let receiver = Receiver::Several(Box::new(($(outputs.$index.downgrade(),)+)));
                (outputs, receiver)
            }

            fn value(result: ($($value,)+)) -> Self::Value {
                result
            }
        }

        impl<$($value: Send + Sync),+> Receive<($($value,)+)> for ($(Weak<Held<$value>>,)+) {
            fn receive(&self, values: ($($value,)+)) {
                // Dropped here if nobody can ask for it.
                $(if let Some(held) = self.$index.upgrade() {
                    held.receive(values.$index);
                })+
            }
        }

        impl<$($value),+> Store<($($value,)+)> for Together<($(Arc<Place<$value>>,)+)> {
            fn exists(&self, _: &Location) -> StoreResult<bool> {
                $(if !self.0.$index.store().exists(&self.0.$index.location)? {
                    return Ok(false);
                })+
                Ok(true)
            }

            fn load(&self, _: &Location) -> StoreResult<($($value,)+)> {
                Ok(($(self.0.$index.store().load(&self.0.$index.location)?,)+))
            }

            fn save(&self, claim: Claim, values: &($($value,)+)) -> StoreResult<u64> {
                save_together(claim, &[$(&Member {
                    save: &|claim| self.0.$index.store().save(claim, &values.$index),
                    remove: &|| self.0.$index.remove().map(drop),
                    is_file: self.0.$index.store().listing().address().is_empty(),
                }),+])
            }

            fn remove(&self, _: &Location) -> StoreResult<()> {
                $(self.0.$index.remove()?;)+
                Ok(())
            }

            fn claim_path(&self, _: &Location) -> std::path::PathBuf {
                self.0.0.store().claim_path(&self.0.0.location)
            }
        }
    )*};
}

macro_rules! nth {
    ($index:tt $value:ident ($($all:ident),+)) => {
        impl<$($all),+> Nth<$index> for ($($all,)+) {
            type Value = $value;
        }
    };
}

tuples! {
    2: (A, B) = A a 0, B b 1;
    3: (A, B, C) = A a 0, B b 1, C c 2;
    4: (A, B, C, D) = A a 0, B b 1, C c 2, D d 3;
    5: (A, B, C, D, E) = A a 0, B b 1, C c 2, D d 3, E e 4;
    6: (A, B, C, D, E, F) = A a 0, B b 1, C c 2, D d 3, E e 4, F f 5;
    7: (A, B, C, D, E, F, G) = A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6;
    8: (A, B, C, D, E, F, G, H) = A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7;
}
