//! The shape of a type, as serde asks for it: what two types must share for the bytes of one to be read as the other.
//!
//! bincode writes no names and no types, so a struct whose fields have changed places reads as nonsense without a word. The
//! shape is traced through the type's `Deserialize`, which is given made-up values and tells what it asks for, as
//! [serde-reflection](https://docs.rs/serde-reflection) does. A type that refuses a made-up value, say a date that must not
//! be empty, ends the trace there: what follows is known by its fields' names only.

use std::any::TypeId;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use serde::de::DeserializeOwned;

use super::tracer::{ANYTHING, Ask, ask, trace};
use crate::model::fingerprint::{AsIs, Fingerprint, fingerprint_bytes};

/// What is known of a type from how it asks for its parts.
#[derive(Debug)]
pub(super) struct Schema {
    /// The shape: `[Reading{station:str,celsius:?f64}]`.
    pub(super) shape: Box<str>,
    /// The shape's fingerprint.
    pub(super) fingerprint: Fingerprint,
    /// If it is a sequence of structs, its columns as a table.
    #[cfg_attr(not(any(feature = "arrow", feature = "csv")), expect(dead_code, reason = "tables ask for it"))]
    pub(super) columns: Option<Columns>,
    /// Whether the type contains itself.
    pub(super) is_recursive: bool,
    /// What it is, within newtypes; `None` if it does not ask.
    pub(super) outermost: Option<Kind>,
    /// If it is a sequence, what its elements are.
    pub(super) element: Option<Kind>,
}

/// What a type asks for, as far as text formats tell it apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar,
    Option,
    Sequence,
    Tuple,
    Map,
    Struct,
    Enum,
    /// It asks what is there.
    Anything,
}

/// The columns of a sequence of structs.
#[derive(Debug, Clone, Copy)]
#[cfg_attr(not(any(feature = "arrow", feature = "csv")), expect(dead_code, reason = "tables ask for it"))]
pub(super) struct Columns {
    /// The names that the fields answer to: beside a field's own its aliases (`#[serde(alias = "..")]`), not told apart.
    pub(super) names: &'static [&'static str],
    /// How many fields there are; `None` if the trace did not come so far.
    pub(super) fields: Option<usize>,
}

/// The schema of `T`, traced once.
pub(super) fn schema<T: DeserializeOwned + 'static>() -> Arc<Schema> {
    find_schema(TypeId::of::<T>(), ask::<T>)
}

fn find_schema(key: TypeId, ask: Ask) -> Arc<Schema> {
    // Each call asks. The ids are hashes already.
    type Schemas = HashMap<TypeId, Arc<Schema>, BuildHasherDefault<AsIs>>;
    static SCHEMAS: LazyLock<RwLock<Schemas>> = LazyLock::new(RwLock::default);
    if let Some(schema) = SCHEMAS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Arc::clone(schema);
    }
    // A type that panics at a made-up value would do so at a damaged one; here it only has no shape.
    let untold = |_| Schema { is_recursive: true, ..Schema::new("..".into()) };
    let schema = Arc::new(std::panic::catch_unwind(|| trace(ask)).unwrap_or_else(untold));
    SCHEMAS.write().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(&schema));
    schema
}

impl Schema {
    /// Of a type of which only the shape is known.
    pub(super) fn new(shape: Box<str>) -> Self {
        let fingerprint = fingerprint_bytes(shape.as_bytes());
        Schema { shape, fingerprint, columns: None, is_recursive: false, outermost: None, element: None }
    }

    /// Whether the type begins with a length, and the one that stands there is beyond any disk.
    pub(super) fn is_too_long(&self, bytes: &[u8]) -> bool {
        let has_length = self.shape.starts_with(['[', '{']) || self.shape.starts_with("str");
        has_length && bytes.first_chunk().is_some_and(|length| u64::from_le_bytes(*length) > 1 << 48)
    }

    /// Whether the type asks what stands there (`#[serde(flatten)]`, `#[serde(untagged)]`, `serde_json::Value`): bincode, which
    /// writes no types, could not tell it.
    pub(super) fn asks_what_is_there(&self) -> bool {
        self.shape.contains(ANYTHING)
    }
}
