//! Grids: the same calls for each combination of values.

use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};
use std::ops::Deref;
use std::sync::Arc;
use std::{slice, vec};

use serde::Serialize;

use crate::graph::arg::{Arg, RefArg};
use crate::graph::handles::Handles;
use crate::graph::holds::HasOutputs;
use crate::graph::output::Output;
use crate::graph::takes::{IntoArg, IntoRefArg, Lends};
use crate::graph::visitor::Visitor;
use crate::run::call::Call;
use pipex_format::model::tried::Tried;

/// All combinations of some values, each a key: [`grid!`](macro@crate::grid) makes them.
///
/// [`submit`](Grid::submit) and [`lazy`](Grid::lazy) make a call of each key, and give the [`Cells`] with their outputs, on which
/// the next call of each is made. A call that is given no `base` has the key as its base, such as `segment=retail,rate=0.1`: so
/// are targets and task runs called, in logs, errors and the `pipex` command.
///
/// ```
/// use pipex::{Tried, flow, grid, task};
///
/// #[task]
/// fn fit(segment: &str, rate: f64) -> Result<f64, String> {
///     if rate < 1.0 { Ok(segment.len() as f64 * rate) } else { Err("it does not converge".to_owned()) }
/// }
///
/// #[task]
/// fn score(model: f64, segment: &str) -> f64 {
///     model + segment.len() as f64
/// }
///
/// #[task(target = "{path}/best.txt")]
/// fn best(scores: Vec<((&'static str, f64), Tried<f64>)>) -> String {
///     let worked = scores.into_iter().filter_map(|(key, score)| Some((key, score.ok()?)));
///     let best = worked.max_by(|(_, one), (_, other)| one.total_cmp(other));
///     best.map(|((segment, rate), _)| format!("{segment} at {rate}")).unwrap_or_default()
/// }
///
/// #[flow(path = "out")]
/// fn compare() -> pipex::Result<String> {
///     let scores = grid!(segment in ["retail", "trade"], rate in [0.1, 0.5, 1.0])
///         .submit(|(segment, rate)| fit(segment, rate))
///         .submit(|(segment, _), model| score(model, segment));
///     best(scores).run()?.load()
/// }
///
/// assert_eq!(compare()?, "retail at 0.5");
/// # Ok::<(), pipex::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use = "a grid makes nothing by itself: submit a call of each key"]
pub struct Grid<K> {
    /// Each with its name.
    keys: Vec<(Arc<str>, K)>,
}

/// What calls gave for each key of a [`Grid`].
///
/// Outputs go where a `Vec<T>`, a `Vec<(K, T)>` or a `BTreeMap<K, T>` is asked for; where the calls may have failed, a
/// [`Tried<T>`](crate::Tried) in place of each `T` goes on with those that did not.
#[derive(Debug, Clone)]
pub struct Cells<K, V> {
    cells: Vec<(K, V)>,
    names: Vec<Arc<str>>,
}

/// A grid of all combinations of the values, the last varies fastest.
///
/// It is read like nested loops: `grid!(station in STATIONS, day in days_of(station))` has the days of each station, and a key
/// is a tuple of one value each, or, where there is one name only, the value. Values are `Clone` and `Display`.
///
/// ```
/// let grid = pipex::grid!(letter in ['a', 'b'], number in 1..=2);
/// assert_eq!(grid.keys().copied().collect::<Vec<_>>(), [('a', 1), ('a', 2), ('b', 1), ('b', 2)]);
/// assert_eq!(grid.names().collect::<Vec<_>>(), ["letter=a,number=1", "letter=a,number=2", "letter=b,number=1", "letter=b,number=2"]);
/// ```
#[macro_export]
macro_rules! grid {
    ($($name:ident in $values:expr),+ $(,)?) => {{
        let mut cells = ::std::vec::Vec::new();
        $crate::__grid!(cells, [$($name)+], $($name in $values,)+);
        $crate::Grid::from_cells(cells)
    }};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __grid {
    ($cells:ident, [$one:ident],) => {
        $cells.push(($crate::internal::name_key(&[(::core::stringify!($one), &$one)]), $one.clone()));
    };
    ($cells:ident, [$($names:ident)+],) => {
        $cells.push((
            $crate::internal::name_key(&[$((::core::stringify!($names), &$names)),+]),
            ($($names.clone(),)+),
        ));
    };
    ($cells:ident, $names:tt, $name:ident in $values:expr, $($rest:tt)*) => {
        for $name in $values {
            $crate::__grid!($cells, $names, $($rest)*);
        }
    };
}

/// The name of a key: `segment=retail,rate=0.1`. What cannot stand in the name of a file becomes a `-`.
pub fn name_key(parts: &[(&str, &dyn Display)]) -> String {
    let mut key = String::new();
    for (place, (name, value)) in parts.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        let _ = write!(key, "{comma}{name}={value}");
    }
    key.replace(|letter: char| letter == '/' || letter == '\\' || letter.is_control(), "-")
}

impl<K> Grid<K> {
    #[doc(hidden)]
    pub fn from_cells(cells: Vec<(String, K)>) -> Self {
        Grid { keys: cells.into_iter().map(|(name, key)| (Arc::from(name), key)).collect() }
    }

    /// The keys, the last value varies fastest.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.keys.iter().map(|(_, key)| key)
    }

    /// What they are called: `segment=retail,rate=0.1`.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|(name, _)| &**name)
    }
}

impl<K: Clone> Grid<K> {
    /// Submits a call of each key, as [`Call::submit`] does.
    pub fn submit<R, O>(self, mut call: impl FnMut(K) -> Call<'static, R, O>) -> Cells<K, O>
    where
        R: Send + Sync + 'static,
        O: Handles<R>,
    {
        self.each(|name, key| named(call(key), name).submit())
    }

    /// Makes a call of each key lazily, as [`Call::lazy`] does.
    #[must_use = "lazy calls that nobody asks for never run"]
    pub fn lazy<R, O>(self, mut call: impl FnMut(K) -> Call<'static, R, O>) -> Cells<K, O>
    where
        R: Send + Sync + 'static,
        O: Handles<R>,
    {
        self.each(|name, key| named(call(key), name).lazy())
    }

    fn each<V>(self, mut give: impl FnMut(&str, K) -> V) -> Cells<K, V> {
        let cells = self.keys.iter().map(|(name, key)| (key.clone(), give(name, key.clone()))).collect();
        Cells { cells, names: self.keys.into_iter().map(|(name, _)| name).collect() }
    }
}

impl<K: Clone, V: Clone> Cells<K, V> {
    /// Submits the next call of each key, with what the last one gave, as [`Call::submit`] does.
    pub fn submit<R, O>(&self, mut call: impl FnMut(K, V) -> Call<'static, R, O>) -> Cells<K, O>
    where
        R: Send + Sync + 'static,
        O: Handles<R>,
    {
        self.each(|name, key, given| named(call(key, given), name).submit())
    }

    /// Makes the next call of each key lazily, as [`Call::lazy`] does.
    #[must_use = "lazy calls that nobody asks for never run"]
    pub fn lazy<R, O>(&self, mut call: impl FnMut(K, V) -> Call<'static, R, O>) -> Cells<K, O>
    where
        R: Send + Sync + 'static,
        O: Handles<R>,
    {
        self.each(|name, key, given| named(call(key, given), name).lazy())
    }

    /// What there is for each key from now on: one of several outputs, say.
    pub fn map<U>(&self, mut give: impl FnMut(&K, V) -> U) -> Cells<K, U> {
        self.each(|_, key, given| give(&key, given))
    }

    fn each<U>(&self, mut give: impl FnMut(&str, K, V) -> U) -> Cells<K, U> {
        let cells = self.cells.iter().zip(&self.names);
        let cells = cells.map(|((key, value), name)| (key.clone(), give(name, key.clone(), value.clone()))).collect();
        Cells { cells, names: self.names.clone() }
    }

    /// The cells of each group, in the order of the groups: `cells.group_by(|(segment, _)| *segment)`.
    #[must_use]
    pub fn group_by<G: Ord>(&self, mut group: impl FnMut(&K) -> G) -> BTreeMap<G, Cells<K, V>> {
        let mut groups: BTreeMap<G, Cells<K, V>> = BTreeMap::new();
        for ((key, value), name) in self.cells.iter().zip(&self.names) {
            let cells = groups.entry(group(key)).or_insert_with(|| Cells { cells: Vec::new(), names: Vec::new() });
            cells.cells.push((key.clone(), value.clone()));
            cells.names.push(Arc::clone(name));
        }
        groups
    }

    /// What there is for each key.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.cells.iter().map(|(_, value)| value)
    }

    /// The keys.
    pub fn keys(&self) -> impl Iterator<Item = &K> {
        self.cells.iter().map(|(key, _)| key)
    }

    /// What there is for this key.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&V>
    where
        K: PartialEq,
    {
        self.cells.iter().find(|(other, _)| other == key).map(|(_, value)| value)
    }
}

/// The call, called like the key unless it has a name of its own.
fn named<'a, R, O>(call: Call<'a, R, O>, name: &str) -> Call<'a, R, O> {
    if call.asked.base.is_none() { call.base(name) } else { call }
}

/// As a slice of keys and what there is for them.
impl<K, V> Deref for Cells<K, V> {
    type Target = [(K, V)];

    fn deref(&self) -> &[(K, V)] {
        &self.cells
    }
}

impl<K, V> IntoIterator for Cells<K, V> {
    type Item = (K, V);
    type IntoIter = vec::IntoIter<(K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.cells.into_iter()
    }
}

impl<'c, K, V> IntoIterator for &'c Cells<K, V> {
    type Item = &'c (K, V);
    type IntoIter = slice::Iter<'c, (K, V)>;

    fn into_iter(self) -> Self::IntoIter {
        self.cells.iter()
    }
}

/// For `wait_for`, and structs that hold outputs.
impl<K, V: HasOutputs> HasOutputs for Cells<K, V> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visitor.elements(self.cells.len(), |visitor| self.cells.iter().for_each(|(_, value)| value.visit(visitor)));
    }
}

/// Cells are what their values are together, or their keys with their values.
macro_rules! takes_cells {
    ($([$($bound:tt)*] $whole:ty, $lent:ty, $collect:expr;)*) => {$(
        impl<K: $($bound)*, T: Clone + Send + Sync + 'static> IntoArg<$whole> for Cells<K, Output<T>> {
            fn into_arg(self) -> Arg<$whole> {
                ($collect)(self.cells).into_arg()
            }
        }

        impl<K: Clone + $($bound)*, T: Clone + Send + Sync + 'static> IntoArg<$whole> for &Cells<K, Output<T>> {
            fn into_arg(self) -> Arg<$whole> {
                self.clone().into_arg()
            }
        }

        impl<'a, K: $($bound)*, T: Clone + Send + Sync + 'static> IntoRefArg<'a, $lent> for Cells<K, Output<T>> {
            fn into_ref_arg(self) -> RefArg<'a, $lent> {
                ($collect)(self.cells).into_ref_arg()
            }
        }

        impl<'b, 'a, K: Clone + $($bound)*, T: Clone + Send + Sync + 'static> Lends<'b, 'a, $lent> for Cells<K, Output<T>> {
            fn lend(&'b self) -> RefArg<'a, $lent> {
                self.clone().into_ref_arg()
            }
        }
    )*};
}

fn outputs<K, V>(cells: Vec<(K, V)>) -> Vec<V> {
    cells.into_iter().map(|(_, value)| value).collect()
}

takes_cells! {
    [Sized] Vec<T>, [T], outputs;
    [Sized] Vec<Tried<T>>, [Tried<T>], outputs;
    [Serialize + Clone + Send + 'static] Vec<(K, T)>, [(K, T)], |cells| cells;
    [Serialize + Clone + Send + 'static] Vec<(K, Tried<T>)>, [(K, Tried<T>)], |cells| cells;
    [Serialize + Ord + Clone + Send + 'static] BTreeMap<K, T>, BTreeMap<K, T>, BTreeMap::from_iter;
    [Serialize + Ord + Clone + Send + 'static] BTreeMap<K, Tried<T>>, BTreeMap<K, Tried<T>>, BTreeMap::from_iter;
}
