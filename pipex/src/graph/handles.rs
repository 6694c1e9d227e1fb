//! What a call gives: an output, or several.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;
use std::vec;

use crate::graph::held::Held;
use crate::graph::kept::Data;
use crate::graph::node::Node;
use crate::graph::outcome::{Ended, Label};
use crate::graph::output::Output;
use crate::graph::pending::{Parts, Receiver};
use crate::graph::place::{Place, Spot};
use pipex_format::model::target::Location;
use pipex_format::store::{Claim, Member, Store, StoreResult, save_together};

/// What a call of a task gives: an [`Output`], or several: a tuple of them, or what a struct that derives
/// [`Outputs`](macro@crate::Outputs) has for them.
pub trait Handles<R>: Sized {
    /// What the function itself gives.
    type Value;
    #[doc(hidden)]
    type Stores;
    /// If they are several.
    #[doc(hidden)]
    const SEVERAL: Option<Several>;

    /// Where they will be.
    #[doc(hidden)]
    fn place(
        stores: Self::Stores,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Arc<Place>;

    /// Those of a function that was simply called.
    #[doc(hidden)]
    fn given(label: Label, value: R) -> Self;

    /// These, of a run.
    #[doc(hidden)]
    fn of(outputs: &mut Handed) -> Self;

    #[doc(hidden)]
    fn value(result: R) -> Self::Value;
}

/// How several outputs are made of what their function gives.
#[derive(Clone, Copy)]
pub struct Several {
    count: u32,
    pub(crate) split: fn(Data) -> Vec<Data>,
}

/// The outputs of a run, whatever their types, on the way to who made the call.
pub enum Handed {
    One(Option<Arc<Held>>),
    Several(vec::IntoIter<Arc<Held>>),
}

impl Handed {
    /// Of a run that has ended, and gave these data, if they are in memory.
    pub(crate) fn ended(
        Ended { label, outcome }: Ended,
        place: Option<&Arc<Place>>,
        data: Option<Data>,
        several: Option<Several>,
    ) -> Self {
        let Some(Several { count, split }) = several else {
            return Handed::One(Some(Held::ended(label, place, outcome, data)));
        };
        let mut data = data.map(split).into_iter().flatten();
        let held = (0..count)
            .map(|part| Held::ended(label.clone(), part_of(place, part), outcome.clone(), data.next()))
            .collect::<Vec<_>>();
        Handed::Several(held.into_iter())
    }

    /// Of a run that has yet to happen, and who is to be given what it gives.
    pub(crate) fn pending(
        run: &Arc<dyn Node>,
        place: Option<&Arc<Place>>,
        several: Option<Several>,
    ) -> (Self, Receiver) {
        let Some(Several { count, split }) = several else {
            let held = Held::pending(run, 0, place);
            let receiver = Receiver::One(Arc::downgrade(&held));
            return (Handed::One(Some(held)), receiver);
        };
        let held = (0..count).map(|part| Held::pending(run, part, part_of(place, part))).collect::<Vec<_>>();
        let parts = Parts { held: held.iter().map(Arc::downgrade).collect(), split };
        (Handed::Several(held.into_iter()), Receiver::Several(Box::new(parts)))
    }

    /// The next of them.
    fn next(&mut self) -> Arc<Held> {
        let next = match self {
            Handed::One(one) => one.take(),
            Handed::Several(several) => several.next(),
        };
        next.expect("there are as many as the function gives")
    }
}

/// Where one of several outputs is to be.
fn part_of(place: Option<&Arc<Place>>, part: u32) -> Option<&Arc<Place>> {
    place.map(|place| &place.parts()[part as usize])
}

fn place_one<T: Send + Sync + 'static>(
    store: Box<dyn Store<T>>,
    location: Option<Location>,
    spot: &mut dyn FnMut(Location, &str) -> Spot,
) -> Arc<Place> {
    let location = location.expect("a task has a target for each of its outputs");
    let spot = spot(location, &(*store).listing().address());
    Place::new(spot, store)
}

impl<T: Send + Sync + 'static> Handles<T> for Output<T> {
    type Value = T;
    type Stores = Box<dyn Store<T>>;
    const SEVERAL: Option<Several> = None;

    fn place(
        store: Box<dyn Store<T>>,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Arc<Place> {
        place_one(store, locations.next(), spot)
    }

    fn given(label: Label, value: T) -> Self {
        Output::of(Held::given(label, value))
    }

    fn of(outputs: &mut Handed) -> Self {
        Output::of(outputs.next())
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
    const SEVERAL: Option<Several> = S::Tuple::SEVERAL;

    fn place(
        stores: Self::Stores,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Arc<Place> {
        S::Tuple::place(stores, locations, spot)
    }

    fn given(label: Label, value: S::Parts) -> Self {
        S::from_outputs(S::Tuple::given(label, value))
    }

    fn of(outputs: &mut Handed) -> Self {
        S::from_outputs(S::Tuple::of(outputs))
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

/// The stores of several outputs, as one of all their values.
struct Together<R> {
    parts: Vec<Arc<Place>>,
    values: PhantomData<fn() -> R>,
}

impl<R> Together<R> {
    fn store<T: 'static>(&self, part: usize) -> &dyn Store<T> {
        self.parts[part].store()
    }

    fn target(&self, part: usize) -> &Location {
        self.parts[part].location()
    }
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
            const SEVERAL: Option<Several> = Some(Several {
                count: $count,
                split: |data| {
                    let all: ($($value,)+) = data.take();
                    vec![$(Data::new(all.$index)),+]
                },
            });

            fn place(
                stores: Self::Stores,
                locations: &mut dyn Iterator<Item = Location>,
                spot: &mut dyn FnMut(Location, &str) -> Spot,
            ) -> Arc<Place> {
                let parts = vec![$(place_one(stores.$index, locations.next(), spot)),+];
                let store = Together::<($($value,)+)> { parts: parts.clone(), values: PhantomData };
                Place::together(parts, Box::new(store))
            }

            fn given(label: Label, values: ($($value,)+)) -> Self {
                ($(Output::of(Held::given(label.clone(), values.$index)),)+)
            }

            fn of(outputs: &mut Handed) -> Self {
                ($(Output::<$value>::of(outputs.next()),)+)
            }

            fn value(result: ($($value,)+)) -> Self::Value {
                result
            }
        }

        impl<$($value: 'static),+> Store<($($value,)+)> for Together<($($value,)+)> {
            fn exists(&self, _: &Location) -> StoreResult<bool> {
                $(if !self.store::<$value>($index).exists(self.target($index))? {
                    return Ok(false);
                })+
                Ok(true)
            }

            fn load(&self, _: &Location) -> StoreResult<($($value,)+)> {
                Ok(($(self.store::<$value>($index).load(self.target($index))?,)+))
            }

            fn save(&self, claim: Claim, values: &($($value,)+)) -> StoreResult<u64> {
                save_together(claim, &[$(&Member {
                    save: &|claim| self.store::<$value>($index).save(claim, &values.$index),
                    remove: &|| self.parts[$index].remove().map(drop),
                    is_file: self.parts[$index].listing().address().is_empty(),
                }),+])
            }

            fn remove(&self, _: &Location) -> StoreResult<()> {
                self.parts.iter().try_for_each(|part| part.remove().map(drop))
            }

            fn claim_path(&self, _: &Location) -> PathBuf {
                self.parts[0].claim_path()
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
