//! From bincode to JSON, by the shape of the type that stands beside it: see `docs/src/format.md`.

use std::collections::HashMap;

use serde_json::{Map, Number, Value};

/// The value that these bytes are of, if the shape says enough to read all of them.
pub fn decode(shape: &str, bytes: &[u8]) -> Option<Value> {
    let mut parts = shape.split(';');
    let (outermost, enums) = (parts.next()?, parts);
    let enums = enums.filter_map(|part| part.split_once('=')).collect();
    let mut decoder = Decoder { enums, rest: bytes, depth: 0, empty: 0 };
    let mut shape = ShapeCursor(outermost);
    let value = decoder.decode_value(&mut shape)?;
    (shape.0.is_empty() && decoder.rest.is_empty()).then_some(value)
}

/// What has yet to be read of a shape.
#[derive(Clone, Copy)]
struct ShapeCursor<'s>(&'s str);

impl<'s> ShapeCursor<'s> {
    fn take(&mut self, text: &str) -> bool {
        match self.0.strip_prefix(text) {
            Some(rest) => {
                self.0 = rest;
                true
            }
            None => false,
        }
    }

    /// A name: up to what ends one.
    fn take_name(&mut self) -> &'s str {
        let end = self.0.find(['(', ')', '{', '}', '[', ']', ',', ':', '|', ';', '?', '*']).unwrap_or(self.0.len());
        let (name, rest) = self.0.split_at(end);
        self.0 = rest;
        name
    }

    /// Passes over one shape.
    fn skip(&mut self) {
        let mut depth = 0;
        let end = self.0.char_indices().find(|(_, c)| {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' if depth == 0 => return true,
                ')' | ']' | '}' => depth -= 1,
                ',' | ':' | '|' if depth == 0 => return true,
                _ => {}
            }
            false
        });
        self.0 = &self.0[end.map_or(self.0.len(), |(end, _)| end)..];
    }
}

struct Decoder<'s, 'b> {
    /// The variants of each enum.
    enums: HashMap<&'s str, &'s str>,
    rest: &'b [u8],
    depth: usize,
    /// How many elements took no bytes.
    empty: usize,
}

/// How many elements that take no bytes are shown: nothing else bounds how many are said to be there.
const MAX_EMPTY: usize = 1 << 16;

impl<'s> Decoder<'s, '_> {
    fn decode_value(&mut self, shape: &mut ShapeCursor<'s>) -> Option<Value> {
        // A shape that a file claims to have is not to take all of the stack.
        self.depth += 1;
        let value = if self.depth > 128 { None } else { self.decode_here(shape) };
        self.depth -= 1;
        value
    }

    fn decode_element<R>(&mut self, decode: impl FnOnce(&mut Self) -> Option<R>) -> Option<R> {
        let before = self.rest.len();
        let element = decode(self)?;
        self.empty += usize::from(self.rest.len() == before);
        (self.empty <= MAX_EMPTY).then_some(element)
    }

    fn decode_here(&mut self, shape: &mut ShapeCursor<'s>) -> Option<Value> {
        if shape.take("?") {
            return match self.take_bytes::<1>()? {
                [0] => {
                    shape.skip();
                    Some(Value::Null)
                }
                _ => self.decode_value(shape),
            };
        }
        if shape.take("[") {
            let count = self.take_length()?;
            let element = *shape;
            let mut elements = Vec::new();
            for _ in 0..count {
                *shape = element;
                elements.push(self.decode_element(|decoder| decoder.decode_value(shape))?);
            }
            *shape = element;
            shape.skip();
            return shape.take("]").then_some(Value::Array(elements));
        }
        if shape.take("{") {
            let count = self.take_length()?;
            let entry = *shape;
            let mut entries = Vec::new();
            for _ in 0..count {
                *shape = entry;
                entries.push(self.decode_element(|decoder| {
                    let key = decoder.decode_value(shape)?;
                    shape.take(":").then_some(())?;
                    Some((key, decoder.decode_value(shape)?))
                })?);
            }
            *shape = entry;
            shape.skip();
            shape.take(":").then_some(())?;
            shape.skip();
            return shape.take("}").then(|| build_map(entries));
        }
        if shape.0.starts_with("()") {
            shape.take("()");
            return Some(Value::Null);
        }
        if shape.0.starts_with('(') {
            return self.decode_list(shape).map(Value::Array);
        }
        let name = shape.take_name();
        match name {
            "bool" => Some((self.take_bytes::<1>()? != [0]).into()),
            "i8" => Some(i8::from_le_bytes(self.take_bytes()?).into()),
            "i16" => Some(i16::from_le_bytes(self.take_bytes()?).into()),
            "i32" => Some(i32::from_le_bytes(self.take_bytes()?).into()),
            "i64" => Some(i64::from_le_bytes(self.take_bytes()?).into()),
            "i128" => Some(i128::from_le_bytes(self.take_bytes()?).to_string().into()),
            "u8" => Some(u8::from_le_bytes(self.take_bytes()?).into()),
            "u16" => Some(u16::from_le_bytes(self.take_bytes()?).into()),
            "u32" => Some(u32::from_le_bytes(self.take_bytes()?).into()),
            "u64" => Some(u64::from_le_bytes(self.take_bytes()?).into()),
            "u128" => Some(u128::from_le_bytes(self.take_bytes()?).to_string().into()),
            "f32" => Some(encode_float(f64::from(f32::from_le_bytes(self.take_bytes()?)))),
            "f64" => Some(encode_float(f64::from_le_bytes(self.take_bytes()?))),
            "char" => self.decode_char(),
            "str" => {
                let length = self.take_length()?;
                let text = String::from_utf8(self.take_slice(length)?.to_vec()).ok()?;
                Some(text.into())
            }
            "bytes" => {
                let length = self.take_length()?;
                Some(self.take_slice(length)?.to_vec().into())
            }
            _ => self.decode_named(name, shape),
        }
    }

    /// A struct or an enum.
    fn decode_named(&mut self, name: &'s str, shape: &mut ShapeCursor<'s>) -> Option<Value> {
        if let Some(variants) = self.enums.get(name).copied() {
            let variant = u32::from_le_bytes(self.take_bytes()?);
            let mut variants = ShapeCursor(variants);
            for _ in 0..variant {
                variants.skip();
                variants.take("|").then_some(())?;
            }
            let name = variants.take_name();
            return match self.decode_fields(&mut variants)? {
                Value::Null => Some(name.into()),
                content => Some(Value::Object(Map::from_iter([(name.to_owned(), content)]))),
            };
        }
        // What ends here without a word is a unit, or is not known.
        if name.is_empty() || name == ".." { None } else { self.decode_fields(shape) }
    }

    /// What stands behind the name of a struct or a variant.
    fn decode_fields(&mut self, shape: &mut ShapeCursor<'s>) -> Option<Value> {
        if shape.take("{") {
            let names = shape.0.split_once('}')?.0;
            shape.0 = &shape.0[names.len() + 1..];
            let values = self.decode_list(shape)?;
            let names = names.split(',').map(str::to_owned);
            return Some(Value::Object(names.zip(values).collect()));
        }
        if !shape.0.starts_with('(') {
            return Some(Value::Null);
        }
        let mut values = self.decode_list(shape)?;
        Some(if values.len() == 1 { values.remove(0) } else { Value::Array(values) })
    }

    /// `(u8,str)`.
    fn decode_list(&mut self, shape: &mut ShapeCursor<'s>) -> Option<Vec<Value>> {
        shape.take("(").then_some(())?;
        let mut values = Vec::new();
        while !shape.take(")") {
            values.push(self.decode_value(shape)?);
            if !shape.take(",") && !shape.0.starts_with(')') {
                return None;
            }
        }
        Some(values)
    }

    fn decode_char(&mut self) -> Option<Value> {
        let length = match self.rest.first()? {
            0x00..=0x7f => 1,
            0xc0..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        let text = std::str::from_utf8(self.take_slice(length)?).ok()?;
        Some(text.into())
    }

    fn take_length(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.take_bytes()?)).ok()
    }

    fn take_bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*bytes)
    }

    fn take_slice(&mut self, length: usize) -> Option<&[u8]> {
        let (slice, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(slice)
    }
}

/// A map whose keys are texts, or can stand for one; else a list of pairs.
fn build_map(entries: Vec<(Value, Value)>) -> Value {
    let as_text = |key: &Value| match key {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    };
    match entries.iter().map(|(key, value)| Some((as_text(key)?, value.clone()))).collect() {
        Some(map) => Value::Object(map),
        None => entries.into_iter().map(|(key, value)| Value::Array(vec![key, value])).collect(),
    }
}

/// JSON has no NaN and no infinity: they are told as texts.
fn encode_float(value: f64) -> Value {
    Number::from_f64(value).map_or_else(|| value.to_string().into(), Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_no_bytes_is_not_counted_for_ever() {
        let units = |count: u64| decode("[()]", &count.to_le_bytes());
        assert_eq!(units(2), Some(serde_json::json!([null, null])));
        assert_eq!(units(u64::MAX), None);
        assert_eq!(decode("{():()}", &u64::MAX.to_le_bytes()), None);
        assert_eq!(decode("[str]", &u64::MAX.to_le_bytes()), None);
        let nested = [1_u64.to_le_bytes(), u64::MAX.to_le_bytes()].concat();
        assert_eq!(decode("[[(Unit,())]]", &nested), None);
    }

    #[test]
    fn a_shape_nests_no_deeper_than_the_stack_allows() {
        let deep = format!("{}u8", "?".repeat(1_000_000));
        assert_eq!(decode(&deep, &[1; 1_000_001]), None);
        let tuples = format!("{}u8{}", "(".repeat(1_000_000), ")".repeat(1_000_000));
        assert_eq!(decode(&tuples, &[1]), None);
    }
}
