//! The content of a value, as serde shows it, into a fingerprint.

use std::fmt;

use serde::ser::{self, Serialize, Serializer};

use xxhash_rust::xxh3::Xxh3;

use super::fingerprint::{Fingerprint, fingerprint_bytes};

/// Takes the fingerprint of what is written to it.
///
/// Small contents, which nearly all arguments are, stay in the buffer and are hashed at once.
pub struct Hasher {
    buffer: [u8; 256],
    filled: usize,
    stream: Option<Box<Xxh3>>,
    /// Whether sequences are the same in any order.
    pub unordered: bool,
}

impl Default for Hasher {
    fn default() -> Self {
        Hasher { buffer: [0; 256], filled: 0, stream: None, unordered: false }
    }
}

impl Hasher {
    /// One to which sequences are the same in any order, as the elements of a `HashSet` come in any.
    pub fn unordered() -> Self {
        Hasher { unordered: true, ..Self::default() }
    }

    /// One that has been given nothing yet, and is to sequences as this one is.
    pub fn another(&self) -> Self {
        Hasher { unordered: self.unordered, ..Self::default() }
    }

    /// Takes in bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        if self.filled + bytes.len() > self.buffer.len() {
            let stream = self.stream.get_or_insert_with(|| Box::new(Xxh3::new()));
            stream.update(&self.buffer[..self.filled]);
            self.filled = 0;
            if bytes.len() > self.buffer.len() {
                stream.update(bytes);
                return;
            }
        }
        self.buffer[self.filled..self.filled + bytes.len()].copy_from_slice(bytes);
        self.filled += bytes.len();
    }

    /// Text, told from the text that follows it.
    pub fn text(&mut self, text: &str) {
        self.bytes(&(text.len() as u64).to_le_bytes());
        self.bytes(text.as_bytes());
    }

    /// The fingerprint of all that it was given.
    pub fn finish128(mut self) -> Fingerprint {
        self.restart()
    }

    /// The same; from now on it has been given nothing.
    pub fn restart(&mut self) -> Fingerprint {
        let rest = &self.buffer[..std::mem::take(&mut self.filled)];
        match self.stream.take() {
            None => fingerprint_bytes(rest),
            Some(mut stream) => {
                stream.update(rest);
                Fingerprint::new(stream.digest128())
            }
        }
    }

    /// The fingerprint of what was written so far.
    fn so_far(&self) -> Fingerprint {
        let Hasher { buffer, filled, ref stream, unordered } = *self;
        Hasher { buffer, filled, stream: stream.clone(), unordered }.finish128()
    }
}

/// For types that implement `Hash` only.
impl std::hash::Hasher for Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.bytes(bytes);
    }

    /// A type's `Hash` may ask for it.
    fn finish(&self) -> u64 {
        self.so_far().half()
    }
}

/// For types that implement `Debug` only.
impl fmt::Write for Hasher {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.bytes(text.as_bytes());
        Ok(())
    }
}

impl Hasher {
    /// Takes in a value, as serde shows it.
    pub fn serialize<T: Serialize + ?Sized>(&mut self, value: &T) {
        // A type may refuse to be serialized; what it showed until then is what is known of it.
        let _ = value.serialize(&mut *self);
    }
}

/// As serde does it, of which eight functions would be compiled for each type of element.
macro_rules! collect_seq {
    ($error:ty) => {
        fn collect_seq<I: IntoIterator<Item: Serialize>>(self, elements: I) -> Result<(), $error> {
            let elements = elements.into_iter();
            let length = match elements.size_hint() {
                (least, Some(most)) if least == most => Some(least),
                _ => None,
            };
            let mut sequence = self.serialize_seq(length)?;
            for element in elements {
                ser::SerializeSeq::serialize_element(&mut sequence, &element)?;
            }
            ser::SerializeSeq::end(sequence)
        }
    };
}
pub(crate) use collect_seq;

/// Whether two values, which these have hashed, have the same content, in whatever order the elements of sets come.
pub fn is_same(one: &dyn Fn(&mut Hasher), other: &dyn Fn(&mut Hasher)) -> bool {
    let (mut of_one, mut of_other) = (Hasher::unordered(), Hasher::unordered());
    one(&mut of_one);
    other(&mut of_other);
    of_one.finish128() == of_other.finish128()
}

/// A value that refused to be serialized.
#[derive(Debug)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value refused to be serialized")
    }
}
impl std::error::Error for Refused {}
impl ser::Error for Refused {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Refused
    }
}

macro_rules! numbers {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, value: $type) -> Result<(), Refused> {
            self.bytes(&value.to_le_bytes());
            Ok(())
        }
    )*};
}

/// Content by serde: every number in fixed width, every length before what it counts, and maps in whatever order they come
/// (the entries of a `HashMap` come in another order in every process).
impl<'h> Serializer for &'h mut Hasher {
    type Ok = ();
    type Error = Refused;
    type SerializeSeq = Elements<'h>;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Entries<'h>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    numbers! {
        serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64, serialize_i128: i128,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_u128: u128,
        serialize_f32: f32, serialize_f64: f64
    }

    fn serialize_bool(self, value: bool) -> Result<(), Refused> {
        self.bytes(&[u8::from(value)]);
        Ok(())
    }

    fn serialize_char(self, value: char) -> Result<(), Refused> {
        self.bytes(&u32::from(value).to_le_bytes());
        Ok(())
    }

    fn serialize_str(self, value: &str) -> Result<(), Refused> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Refused> {
        self.bytes(&(value.len() as u64).to_le_bytes());
        self.bytes(value);
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Refused> {
        self.serialize_bool(false)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Refused> {
        self.bytes(&[1]);
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Refused> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Refused> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Refused> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Refused> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        index: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Refused> {
        self.bytes(&index.to_le_bytes());
        value.serialize(self)
    }

    collect_seq!(Refused);

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'h>, Refused> {
        Ok(if self.unordered { Elements::Unordered(Box::new(Entries::into(self))) } else { Elements::Ordered(self, 0) })
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_tuple_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Refused> {
        self.bytes(&index.to_le_bytes());
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'h>, Refused> {
        Ok(Entries::into(self))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Refused> {
        Ok(self)
    }

    fn serialize_struct_variant(self, _: &'static str, index: u32, _: &'static str, _: usize) -> Result<Self, Refused> {
        self.bytes(&index.to_le_bytes());
        Ok(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! elements {
    ($($trait:ident: $method:ident),*) => {$(
        impl ser::$trait for &mut Hasher {
            type Ok = ();
            type Error = Refused;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
                value.serialize(&mut **self)
            }
            fn end(self) -> Result<(), Refused> {
                Ok(())
            }
        }
    )*};
}
elements! {
    SerializeTuple: serialize_element, SerializeTupleStruct: serialize_field, SerializeTupleVariant: serialize_field
}

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for &mut Hasher {
            type Ok = ();
            type Error = Refused;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), Refused> {
                self.text(name);
                value.serialize(&mut **self)
            }
            fn end(self) -> Result<(), Refused> {
                Ok(())
            }
        }
    )*};
}
fields!(SerializeStruct, SerializeStructVariant);

/// The entries of a map: each is hashed for itself, and the hashes are added up.
pub struct Entries<'h> {
    into: &'h mut Hasher,
    entry: Hasher,
    sum: u128,
    count: u64,
}

impl<'h> Entries<'h> {
    fn into(into: &'h mut Hasher) -> Self {
        let entry = into.another();
        Entries { into, entry, sum: 0, count: 0 }
    }

    fn entry_ends(&mut self) {
        let next = self.entry.another();
        let entry = std::mem::replace(&mut self.entry, next).finish128();
        self.sum = self.sum.wrapping_add(entry.get());
        self.count += 1;
    }
}

/// The elements of a sequence, and how many there are: behind them, since not every sequence knows before.
pub enum Elements<'h> {
    /// Each counts where it stands.
    Ordered(&'h mut Hasher, u64),
    /// They are the same in any order.
    Unordered(Box<Entries<'h>>),
}

impl ser::SerializeSeq for Elements<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        match self {
            Elements::Ordered(hasher, count) => {
                *count += 1;
                value.serialize(&mut **hasher)
            }
            Elements::Unordered(entries) => {
                value.serialize(&mut entries.entry)?;
                entries.entry_ends();
                Ok(())
            }
        }
    }

    fn end(self) -> Result<(), Refused> {
        match self {
            Elements::Ordered(hasher, count) => hasher.serialize_u64(count),
            Elements::Unordered(entries) => ser::SerializeMap::end(*entries),
        }
    }
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Refused;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Refused> {
        key.serialize(&mut self.entry)
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Refused> {
        value.serialize(&mut self.entry)?;
        self.entry_ends();
        Ok(())
    }

    fn end(self) -> Result<(), Refused> {
        self.into.bytes(&self.count.to_le_bytes());
        self.into.bytes(&self.sum.to_le_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, HashMap};

    fn fingerprint<T: Serialize + ?Sized>(value: &T) -> Fingerprint {
        let mut hasher = Hasher::default();
        hasher.serialize(value);
        hasher.finish128()
    }

    #[test]
    fn large_contents_are_hashed_as_small_ones_are() {
        let bytes: Vec<u8> = (0..10_000u32).map(|i| i as u8).collect();
        let mut pieces = Hasher::default();
        for (number, chunk) in bytes.chunks(7).enumerate() {
            pieces.bytes(chunk);
            let so_far = &bytes[..bytes.len().min(7 * (number + 1))];
            assert_eq!(std::hash::Hasher::finish(&pieces), fingerprint_bytes(so_far).half(), "asked in between");
        }
        assert_eq!(pieces.finish128(), fingerprint_bytes(&bytes));
    }

    #[test]
    fn maps_in_any_order_are_the_same() {
        let pairs = || (0..1000).map(|i| (i, i.to_string()));
        let (hash, tree): (HashMap<_, _>, BTreeMap<_, _>) = (pairs().collect(), pairs().collect());
        assert_eq!(fingerprint(&hash), fingerprint(&tree));
        assert_ne!(fingerprint(&hash), fingerprint(&pairs().skip(1).collect::<HashMap<_, _>>()));
    }

    #[test]
    fn where_one_value_ends_and_the_next_begins_counts() {
        assert_ne!(fingerprint(&("ab", "c")), fingerprint(&("a", "bc")));
        assert_ne!(fingerprint(&(vec![1u8], vec![2u8, 3])), fingerprint(&(vec![1u8, 2], vec![3u8])));
        assert_ne!(fingerprint(&Some(0u8)), fingerprint(&None::<u8>));
    }
}
