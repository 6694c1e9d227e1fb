//! Traces a type: gives it made-up values, and writes down what it asks for.

use std::collections::{BTreeMap, HashSet};
use std::fmt::{self, Write};

use serde::de::value::U32Deserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::schema::{Columns, Kind, Schema};

/// Stands for what the type would take anything for.
pub(super) const ANYTHING: &str = "*";

/// Enough for any type that a person wrote.
const TRACES: usize = 512;
const DEPTH: usize = 64;
const LENGTH: usize = 64 << 10;

/// Has a type ask for its parts; whether it halted.
pub(super) type Ask = fn(&mut Tracer) -> bool;

/// Has a `T` ask for its parts.
pub(super) fn ask<T: DeserializeOwned>(tracer: &mut Tracer) -> bool {
    T::deserialize(tracer).is_err()
}

pub(super) fn trace(ask: Ask) -> Schema {
    let mut tracer = Tracer::default();
    tracer.retrace(ask);
    let Tracer { columns, outermost, element, .. } = tracer;
    let shape = trace_variants(&mut tracer, ask).into();
    Schema { columns, is_recursive: tracer.is_recursive, outermost, element, ..Schema::new(shape) }
}

/// A trace takes one variant of each enum, so there is one for each variant; what they find is put behind the first.
fn trace_variants(tracer: &mut Tracer, ask: Ask) -> String {
    let mut shape = std::mem::take(&mut tracer.text);
    let mut traces = 0;
    let mut done = HashSet::new();
    while let Some((name, seen)) =
        tracer.enums.iter().find(|(name, _)| !done.contains(*name)).map(|(n, s)| (*n, s.clone()))
    {
        done.insert(name);
        let _ = write!(shape, ";{name}=");
        for variant in 0..seen.variants.len() {
            traces += 1;
            if traces > TRACES {
                return shape;
            }
            tracer.choices = seen.choices.clone();
            tracer.choices.insert(name, variant);
            tracer.wanted = Some(name);
            tracer.content = None;
            tracer.retrace(ask);
            let content = tracer.content.take().unwrap_or_default();
            let _ = write!(shape, "{}{}{content}", if variant > 0 { "|" } else { "" }, seen.variants[variant]);
        }
    }
    shape
}

#[derive(Default)]
pub(super) struct Tracer {
    text: String,
    /// The enums found, with the choices that led to each.
    enums: BTreeMap<&'static str, SeenEnum>,
    /// Which variant of each enum to take, where it is not the first.
    choices: BTreeMap<&'static str, usize>,
    /// The enum whose variant this trace is about, and what was found in it.
    wanted: Option<&'static str>,
    content: Option<String>,
    /// The structs and enums around here: one that contains itself is not followed.
    open: Vec<&'static str>,
    /// The options, sequences and maps around here, by their numbers: one of them can end a recursion.
    ends: Vec<usize>,
    count: usize,
    /// Those that have to be empty for the trace to end.
    empty: HashSet<usize>,
    recursed: bool,
    /// Whether any trace so far has.
    is_recursive: bool,
    around: Around,
    columns: Option<Columns>,
    outermost: Option<Kind>,
    element: Option<Kind>,
}

/// What is around here, but for newtypes.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Around {
    #[default]
    Nothing,
    /// A sequence: a struct would be a row.
    Rows,
    Else,
}

#[derive(Clone)]
struct SeenEnum {
    variants: &'static [&'static str],
    choices: BTreeMap<&'static str, usize>,
}

impl Tracer {
    /// Traces anew, until no type that contains itself is in the way.
    fn retrace(&mut self, ask: Ask) {
        self.empty.clear();
        for _ in 0..TRACES {
            self.text.clear();
            self.open.clear();
            self.ends.clear();
            (self.count, self.recursed, self.around) = (0, false, Around::Nothing);
            let halted = ask(self);
            self.is_recursive |= self.recursed;
            match self.ends.last() {
                Some(end) if halted && self.recursed => _ = self.empty.insert(*end),
                _ => {
                    if halted {
                        self.text.push_str("..");
                    }
                    return;
                }
            }
        }
    }

    fn say(&mut self, text: &str) -> Result<(), Halt> {
        if self.text.len() > LENGTH || self.open.len() + self.ends.len() > DEPTH {
            return Err(Halt);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Goes into a part of this kind, and takes down what stands outermost; what was around it.
    fn enter(&mut self, kind: Kind) -> Around {
        let place = match self.around {
            Around::Nothing => &mut self.outermost,
            Around::Rows => &mut self.element,
            Around::Else => return Around::Else,
        };
        place.get_or_insert(kind);
        let is_rows = self.around == Around::Nothing && kind == Kind::Sequence;
        std::mem::replace(&mut self.around, if is_rows { Around::Rows } else { Around::Else })
    }

    /// Within a type that has a name.
    fn within<R>(&mut self, name: &'static str, inner: impl FnOnce(&mut Self) -> Result<R, Halt>) -> Result<R, Halt> {
        self.open(name)?;
        let inner = inner(self)?;
        self.open.pop();
        Ok(inner)
    }

    fn open(&mut self, name: &'static str) -> Result<(), Halt> {
        self.say(name)?;
        if self.open.contains(&name) {
            self.recursed = true;
            return Err(Halt);
        }
        self.open.push(name);
        Ok(())
    }

    /// Goes into a struct; whether it is a row.
    fn begin_struct(&mut self, name: &'static str, fields: &'static [&'static str]) -> Result<bool, Halt> {
        let is_row = self.enter(Kind::Struct) == Around::Rows;
        if is_row {
            self.columns = Some(Columns { names: fields, fields: None });
        }
        self.open(name)?;
        // All the names first: they are known even where a field ends the trace.
        self.say("{")?;
        self.say(&fields.join(","))?;
        self.say("}(")?;
        Ok(is_row)
    }

    fn end_struct(&mut self, row: Option<Columns>) -> Result<(), Halt> {
        if row.is_some() {
            self.columns = row;
        }
        self.say(")")?;
        self.open.pop();
        Ok(())
    }

    /// Within something that may be empty; whether it has to be.
    fn maybe<R>(&mut self, inner: impl FnOnce(&mut Self, bool) -> Result<R, Halt>) -> Result<R, Halt> {
        self.count += 1;
        let number = self.count;
        if self.empty.contains(&number) {
            return inner(self, true);
        }
        self.ends.push(number);
        let inner = inner(self, false)?;
        self.ends.pop();
        Ok(inner)
    }

    fn elements(&mut self, count: usize) -> TracedElements<'_> {
        TracedElements { tracer: self, next: 0, count }
    }
}

/// The trace ends here.
#[derive(Debug)]
pub(super) struct Halt;

impl fmt::Display for Halt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the trace ends here")
    }
}
impl std::error::Error for Halt {}
impl de::Error for Halt {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Halt
    }
}

macro_rules! scalars {
    ($($method:ident $visit:ident $text:literal $value:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
            self.enter(Kind::Scalar);
            self.say($text)?;
            visitor.$visit($value)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Tracer {
    type Error = Halt;

    scalars! {
        deserialize_bool visit_bool "bool" false;
        deserialize_i8 visit_i8 "i8" 1;
        deserialize_i16 visit_i16 "i16" 1;
        deserialize_i32 visit_i32 "i32" 1;
        deserialize_i64 visit_i64 "i64" 1;
        deserialize_i128 visit_i128 "i128" 1;
        deserialize_u8 visit_u8 "u8" 1;
        deserialize_u16 visit_u16 "u16" 1;
        deserialize_u32 visit_u32 "u32" 1;
        deserialize_u64 visit_u64 "u64" 1;
        deserialize_u128 visit_u128 "u128" 1;
        deserialize_f32 visit_f32 "f32" 1.0;
        deserialize_f64 visit_f64 "f64" 1.0;
        deserialize_char visit_char "char" 'a';
        deserialize_str visit_str "str" "a";
        deserialize_string visit_str "str" "a";
        deserialize_bytes visit_bytes "bytes" b"a";
        deserialize_byte_buf visit_bytes "bytes" b"a";
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Halt> {
        // Only formats that describe themselves can be asked for anything.
        self.enter(Kind::Anything);
        self.say(ANYTHING)?;
        Err(Halt)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.deserialize_any(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Kind::Option);
        self.say("?")?;
        self.maybe(|tracer, empty| if empty { visitor.visit_none() } else { visitor.visit_some(tracer) })
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Kind::Scalar);
        self.say("()")?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Kind::Scalar);
        self.say(name)?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Halt> {
        self.within(name, |tracer| {
            tracer.say("(")?;
            let value = visitor.visit_newtype_struct(&mut *tracer)?;
            tracer.say(")")?;
            Ok(value)
        })
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Kind::Sequence);
        self.say("[")?;
        self.maybe(|tracer, empty| {
            let value = visitor.visit_seq(tracer.elements(usize::from(!empty)))?;
            tracer.say("]")?;
            Ok(value)
        })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Kind::Tuple);
        self.say("(")?;
        let value = visitor.visit_seq(self.elements(count))?;
        self.say(")")?;
        Ok(value)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        count: usize,
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.within(name, |tracer| tracer.deserialize_tuple(count, visitor))
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Halt> {
        self.enter(Kind::Map);
        self.say("{")?;
        self.maybe(|tracer, empty| {
            let value = visitor.visit_map(tracer.elements(usize::from(!empty)))?;
            tracer.say("}")?;
            Ok(value)
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        let is_row = self.begin_struct(name, fields)?;
        let mut elements = self.elements(fields.len());
        match visitor.visit_seq(&mut elements) {
            Ok(value) => {
                let asked = elements.next;
                self.end_struct(is_row.then_some(Columns { names: fields, fields: Some(asked) })).map(|()| value)
            }
            Err(halt) => Err(halt),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Halt> {
        self.enter(Kind::Enum);
        let choices = self.choices.clone();
        self.enums.entry(name).or_insert(SeenEnum { variants, choices });
        let variant = self.choices.get(name).copied().unwrap_or(0);
        self.within(name, |tracer| {
            let start = tracer.text.len();
            let value = visitor.visit_enum(Chosen { tracer, variant: variant as u32 });
            if tracer.wanted == Some(name) && tracer.content.is_none() {
                tracer.content = Some(tracer.text[start..].to_owned());
            }
            // What is in the first variant stands with the others, behind.
            tracer.text.truncate(start);
            value
        })
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

/// The elements of a sequence, a tuple, a struct or a map.
struct TracedElements<'t> {
    tracer: &'t mut Tracer,
    next: usize,
    count: usize,
}

impl<'de> SeqAccess<'de> for TracedElements<'_> {
    type Error = Halt;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Halt> {
        if self.next == self.count {
            return Ok(None);
        }
        if self.next > 0 {
            self.tracer.say(",")?;
        }
        self.next += 1;
        match seed.deserialize(&mut *self.tracer) {
            Ok(element) => Ok(Some(element)),
            Err(halt) => Err(halt),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.count - self.next)
    }
}

impl<'de> MapAccess<'de> for TracedElements<'_> {
    type Error = Halt;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Halt> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Halt> {
        self.tracer.say(":")?;
        seed.deserialize(&mut *self.tracer)
    }
}

/// An enum of which one variant was chosen.
struct Chosen<'t> {
    tracer: &'t mut Tracer,
    variant: u32,
}

impl<'de, 't> EnumAccess<'de> for Chosen<'t> {
    type Error = Halt;
    type Variant = &'t mut Tracer;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), Halt> {
        let variant: U32Deserializer<Halt> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self.tracer))
    }
}

impl<'de> VariantAccess<'de> for &mut Tracer {
    type Error = Halt;

    fn unit_variant(self) -> Result<(), Halt> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Halt> {
        self.say("(")?;
        let value = seed.deserialize(&mut *self)?;
        self.say(")")?;
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, count: usize, visitor: V) -> Result<V::Value, Halt> {
        self.deserialize_tuple(count, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Halt> {
        self.say("{")?;
        self.say(&fields.join(","))?;
        self.say("}")?;
        self.deserialize_tuple(fields.len(), visitor)
    }
}
