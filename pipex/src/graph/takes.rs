//! What a parameter of each type takes.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, btree_map, hash_map};
use std::ffi::{OsStr, OsString};
use std::hash::{BuildHasher, Hash};
use std::iter::{Chain, Filter, FilterMap, Map, Rev};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::vec;

use serde::Serialize;

use crate::graph::arg::{Arg, Gathered, Kind, RefArg, Referent};
use crate::graph::gather::{Located, Part, Tolerating};
use crate::graph::holds::HasOutputs;
use crate::graph::output::Output;
use pipex_format::model::tried::Tried;

/// What a parameter of type `T` takes: a `T`, an [`Output<T>`](Output), and outputs that make up a `T` together, such as a
/// `Vec<Output<E>>` for a `Vec<E>`.
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

/// What a parameter of a type that is called `Option` takes: also what would be in it.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `{T}` does not take a `{Self}`",
    label = "neither a `{T}`, nor what it may hold, nor an `Output` of these",
    note = "of an `Option<Output<T>>`, `Output::optional(..)` makes an `Output<Option<T>>`"
)]
pub trait IntoOptionArg<T> {
    #[doc(hidden)]
    fn into_option_arg(self) -> Arg<T>;
}

impl<T> IntoOptionArg<T> for T {
    fn into_option_arg(self) -> Arg<T> {
        Arg(Kind::Value(self))
    }
}

impl<T> IntoOptionArg<T> for Arg<T> {
    fn into_option_arg(self) -> Arg<T> {
        self
    }
}

impl<T: Clone> IntoOptionArg<T> for Output<T> {
    fn into_option_arg(self) -> Arg<T> {
        self.into_arg()
    }
}

impl<T: Clone> IntoOptionArg<T> for &Output<T> {
    fn into_option_arg(self) -> Arg<T> {
        self.into_arg()
    }
}

impl<T> IntoOptionArg<Option<T>> for T {
    fn into_option_arg(self) -> Arg<Option<T>> {
        Arg(Kind::Value(Some(self)))
    }
}

impl<T: Clone + Send + Sync + 'static> IntoOptionArg<Option<T>> for Output<T> {
    fn into_option_arg(self) -> Arg<Option<T>> {
        gathered(Some(self))
    }
}

impl<T: Clone + Send + Sync + 'static> IntoOptionArg<Option<T>> for &Output<T> {
    fn into_option_arg(self) -> Arg<Option<T>> {
        self.clone().into_option_arg()
    }
}

impl IntoOptionArg<Option<String>> for &str {
    fn into_option_arg(self) -> Arg<Option<String>> {
        Arg(Kind::Value(Some(self.to_owned())))
    }
}

impl IntoOptionArg<Option<PathBuf>> for &Path {
    fn into_option_arg(self) -> Arg<Option<PathBuf>> {
        Arg(Kind::Value(Some(self.to_owned())))
    }
}

/// What a parameter `&U` takes: a borrowed `U`, an owned one where `U` is a `str`, a slice or a `Path`, an [`Output`], and
/// outputs that make up a `U` together.
#[diagnostic::on_unimplemented(
    message = "a parameter of type `&{U}` does not take a `{Self}`",
    label = "neither a `&{U}` nor an `Output` of one",
    note = "give `&value`, or `Output::from(value)` where the call must outlive the caller"
)]
pub trait IntoRefArg<'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    fn into_ref_arg(self) -> RefArg<'a, U>;
}

impl<'b, 'a, U: Referent + ?Sized, B: Lends<'b, 'a, U> + ?Sized> IntoRefArg<'a, U> for &'b B {
    fn into_ref_arg(self) -> RefArg<'a, U> {
        self.lend()
    }
}

/// What came from another process.
impl<'a, U: Referent + ?Sized> IntoRefArg<'a, U> for Arg<U::Owned> {
    fn into_ref_arg(self) -> RefArg<'a, U> {
        match self.0 {
            Kind::Value(value) => RefArg::Given(Arc::new(value)),
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
        RefArg::Given(Arc::new(self))
    }
}

impl<'a> IntoRefArg<'a, Path> for PathBuf {
    fn into_ref_arg(self) -> RefArg<'a, Path> {
        RefArg::Given(Arc::new(self))
    }
}

impl<'a> IntoRefArg<'a, Path> for String {
    fn into_ref_arg(self) -> RefArg<'a, Path> {
        RefArg::Given(Arc::new(PathBuf::from(self)))
    }
}

impl<'a, T> IntoRefArg<'a, [T]> for Vec<T> {
    fn into_ref_arg(self) -> RefArg<'a, [T]> {
        RefArg::Given(Arc::new(self))
    }
}

/// What can be borrowed as a `U`, much as [`Borrow`](std::borrow::Borrow) has it: of `&'b self`, for as long as `'a`.
pub trait Lends<'b, 'a, U: Referent + ?Sized> {
    #[doc(hidden)]
    fn lend(&'b self) -> RefArg<'a, U>;
}

impl<'b: 'a, 'a, T> Lends<'b, 'a, T> for T {
    fn lend(&'b self) -> RefArg<'a, T> {
        RefArg::Borrowed(self)
    }
}

impl<'b: 'a, 'a, U: Referent + ?Sized> Lends<'b, 'a, U> for &U {
    fn lend(&'b self) -> RefArg<'a, U> {
        RefArg::Borrowed(self)
    }
}

macro_rules! lends {
    ($([$($generics:tt)*] $owner:ty => $lent:ty;)*) => {$(
        impl<'b: 'a, 'a, $($generics)*> Lends<'b, 'a, $lent> for $owner {
            fn lend(&'b self) -> RefArg<'a, $lent> {
                RefArg::Borrowed(self.as_ref())
            }
        }
    )*};
}
lends! {
    [] str => str;
    [] String => str;
    [] Path => Path;
    [] PathBuf => Path;
    [] str => Path;
    [] String => Path;
    [] OsStr => Path;
    [] OsString => Path;
    [T] [T] => [T];
    [T] Vec<T> => [T];
    [T, const N: usize] [T; N] => [T];
    [U: Referent + ?Sized] Box<U> => U;
    [U: Referent + ?Sized] Arc<U> => U;
    [U: Referent + ToOwned + ?Sized] Cow<'_, U> => U;
}

/// One that others hold, too: what it gives outlives the reference.
macro_rules! shares {
    ($([$($generics:tt)*] $output:ty => $lent:ty;)*) => {$(
        impl<'b, 'a, $($generics)*> Lends<'b, 'a, $lent> for $output {
            fn lend(&'b self) -> RefArg<'a, $lent> {
                self.clone().into_ref_arg()
            }
        }
    )*};
}
shares! {
    [T] Output<T> => T;
    [T] Output<Vec<T>> => [T];
    [] Output<String> => str;
    [] Output<PathBuf> => Path;
    [] Output<()> => Path;
}

/// Where a function wrote its own output.
impl<'a> IntoRefArg<'a, Path> for Output<()> {
    fn into_ref_arg(self) -> RefArg<'a, Path> {
        gathered_ref(Located(self))
    }
}

impl IntoArg<PathBuf> for Output<()> {
    fn into_arg(self) -> Arg<PathBuf> {
        gathered(Located(self))
    }
}

impl IntoArg<PathBuf> for &Output<()> {
    fn into_arg(self) -> Arg<PathBuf> {
        self.clone().into_arg()
    }
}

impl IntoArg<Vec<PathBuf>> for Vec<Output<()>> {
    fn into_arg(self) -> Arg<Vec<PathBuf>> {
        gathered(self.into_iter().map(Located).collect::<Vec<_>>())
    }
}

impl<'a> IntoRefArg<'a, [PathBuf]> for Vec<Output<()>> {
    fn into_ref_arg(self) -> RefArg<'a, [PathBuf]> {
        gathered_ref(self.into_iter().map(Located).collect::<Vec<_>>())
    }
}

/// What failed is a value.
impl<T: Clone + Send + Sync + 'static> IntoArg<Tried<T>> for Output<T> {
    fn into_arg(self) -> Arg<Tried<T>> {
        gathered(Tolerating(self))
    }
}

impl<T: Clone + Send + Sync + 'static> IntoArg<Tried<T>> for &Output<T> {
    fn into_arg(self) -> Arg<Tried<T>> {
        self.clone().into_arg()
    }
}

impl<'a, T: Clone + Send + Sync + 'static> IntoRefArg<'a, Tried<T>> for Output<T> {
    fn into_ref_arg(self) -> RefArg<'a, Tried<T>> {
        gathered_ref(Tolerating(self))
    }
}

/// Outputs that make up an argument together.
pub fn gathered<W>(outputs: impl Part<W> + HasOutputs + Clone + Send + 'static) -> Arg<W> {
    Arg(Kind::Gathered(Box::new(outputs)))
}

/// The same for a parameter that is a reference.
pub fn gathered_ref<'a, U: Referent + ?Sized>(
    outputs: impl Part<U::Owned> + HasOutputs + Clone + Send + 'static,
) -> RefArg<'a, U> {
    RefArg::Gathered(Gathered(Box::new(outputs)))
}

type Pair<K, T> = (K, T);
type Slice<T> = [T];
type Array<T, const N: usize> = [T; N];

/// Collections of outputs, and the types of the parameters that take them: what stands before and after the element in these.
///
/// They are listed: a rule for all collections would need to know that no value is a collection of itself, which Rust
/// cannot say.
macro_rules! takes {
    ($([$($generics:tt)*] $given:ty => [$($before:tt)*] [$($after:tt)*], $collect:expr;)*) => {$(
        impl<$($generics)*> IntoArg<$($before)* T $($after)*> for $given {
            fn into_arg(self) -> Arg<$($before)* T $($after)*> {
                gathered(($collect)(self))
            }
        }

        impl<$($generics)*> IntoArg<$($before)* Tried<T> $($after)*> for $given {
            fn into_arg(self) -> Arg<$($before)* Tried<T> $($after)*> {
                gathered(Tolerating(($collect)(self)))
            }
        }
    )*};
}

takes! {
    [T: Clone + Send + Sync + 'static] Vec<Output<T>> => [Vec<] [>], |all| all;
    [T: Clone + Send + Sync + 'static] &Vec<Output<T>> => [Vec<] [>], Clone::clone;
    [T: Clone + Send + Sync + 'static] &[Output<T>] => [Vec<] [>], <[_]>::to_vec;
    [T: Clone + Send + Sync + 'static, const N: usize] [Output<T>; N] => [Vec<] [>], Vec::from;
    [T: Clone + Send + Sync + 'static, const N: usize] [Output<T>; N] => [Array<] [, N>], |all| all;
    [T: Clone + Send + Sync + 'static] Vec<Vec<Output<T>>> => [Vec<Vec<] [>>], |all| all;
    [T: Clone + Send + Sync + 'static] Vec<Option<Output<T>>> => [Vec<Option<] [>>], |all| all;
    [K: Serialize + Clone + Send + 'static, T: Clone + Send + Sync + 'static] (K, Output<T>) => [Pair<K,] [>], |all| all;
    [K: Serialize + Clone + Send + 'static, T: Clone + Send + Sync + 'static]
        Vec<(K, Output<T>)> => [Vec<Pair<K,] [>>], |all| all;
    [K: Serialize + Ord + Clone + Send + 'static, T: Clone + Send + Sync + 'static]
        BTreeMap<K, Output<T>> => [BTreeMap<K,] [>], |all| all;
    [K: Serialize + Ord + Clone + Send + 'static, T: Clone + Send + Sync + 'static]
        BTreeMap<K, Vec<Output<T>>> => [BTreeMap<K, Vec<] [>>], |all| all;
    [K: Serialize + Eq + Hash + Clone + Send + 'static, T: Clone + Send + Sync + 'static, S: BuildHasher + Default + Clone + Send + 'static]
        HashMap<K, Output<T>, S> => [HashMap<K,] [, S>], |all| all;
}

impl<A: Clone + Send + Sync + 'static, B: Clone + Send + Sync + 'static> IntoArg<(A, B)> for (Output<A>, Output<B>) {
    fn into_arg(self) -> Arg<(A, B)> {
        gathered(self)
    }
}

impl<A, B, C> IntoArg<(A, B, C)> for (Output<A>, Output<B>, Output<C>)
where
    A: Clone + Send + Sync + 'static,
    B: Clone + Send + Sync + 'static,
    C: Clone + Send + Sync + 'static,
{
    fn into_arg(self) -> Arg<(A, B, C)> {
        gathered(self)
    }
}

/// The same for parameters that are references.
macro_rules! lends_parts {
    ($([$($generics:tt)*] $given:ty => [$($before:tt)*] [$($after:tt)*], $collect:expr;)*) => {$(
        impl<'a, $($generics)*> IntoRefArg<'a, $($before)* T $($after)*> for $given {
            fn into_ref_arg(self) -> RefArg<'a, $($before)* T $($after)*> {
                gathered_ref(($collect)(self))
            }
        }

        impl<'a, $($generics)*> IntoRefArg<'a, $($before)* Tried<T> $($after)*> for $given {
            fn into_ref_arg(self) -> RefArg<'a, $($before)* Tried<T> $($after)*> {
                gathered_ref(Tolerating(($collect)(self)))
            }
        }
    )*};
}

lends_parts! {
    [T: Clone + Send + Sync + 'static] Vec<Output<T>> => [Slice<] [>], |all| all;
    [T: Clone + Send + Sync + 'static, const N: usize] [Output<T>; N] => [Slice<] [>], Vec::from;
    [T: Clone + Send + Sync + 'static] Vec<Vec<Output<T>>> => [Slice<Vec<] [>>], |all| all;
    [K: Serialize + Clone + Send + 'static, T: Clone + Send + Sync + 'static]
        Vec<(K, Output<T>)> => [Slice<Pair<K,] [>>], |all| all;
    [K: Serialize + Ord + Clone + Send + 'static, T: Clone + Send + Sync + 'static]
        BTreeMap<K, Output<T>> => [BTreeMap<K,] [>], |all| all;
    [K: Serialize + Ord + Clone + Send + 'static, T: Clone + Send + Sync + 'static]
        BTreeMap<K, Vec<Output<T>>> => [BTreeMap<K, Vec<] [>>], |all| all;
    [K: Serialize + Eq + Hash + Clone + Send + 'static, T: Clone + Send + Sync + 'static, S: BuildHasher + Default + Clone + Send + 'static]
        HashMap<K, Output<T>, S> => [HashMap<K,] [, S>], |all| all;
}

/// Iterators over outputs, by name for the same reason.
macro_rules! iterates {
    ($([$($generics:ident),+] $iterator:ty;)*) => {$(
        impl<T: Clone + Send + Sync + 'static, $($generics),+> IntoArg<Vec<T>> for $iterator
        where
            $iterator: Iterator<Item = Output<T>>,
        {
            fn into_arg(self) -> Arg<Vec<T>> {
                self.collect::<Vec<_>>().into_arg()
            }
        }

        impl<'a, T: Clone + Send + Sync + 'static, $($generics),+> IntoRefArg<'a, [T]> for $iterator
        where
            $iterator: Iterator<Item = Output<T>>,
        {
            fn into_ref_arg(self) -> RefArg<'a, [T]> {
                self.collect::<Vec<_>>().into_ref_arg()
            }
        }
    )*};
}

iterates! {
    [I, F] Map<I, F>;
    [I, F] Filter<I, F>;
    [I, F] FilterMap<I, F>;
    [I, J] Chain<I, J>;
    [I] Rev<I>;
    [O] vec::IntoIter<O>;
    [K, O] btree_map::IntoValues<K, O>;
    [K, O] hash_map::IntoValues<K, O>;
}
