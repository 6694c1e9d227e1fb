//! Lines as JSON, byte for byte what serde_json writes, with less work: the names of fields stand as they are, and a text
//! that has nothing to be escaped, which nearly all have, is copied. What lines do not have, serde_json writes.

use std::fmt;

use serde::ser::{self, Impossible, Serialize};

/// Appends the value.
pub(super) fn append<T: Serialize>(value: &T, out: &mut Vec<u8>) {
    let start = out.len();
    if value.serialize(Json(out)).is_err() {
        out.truncate(start);
        // Into memory, and of types that can be written.
        let _ = serde_json::to_writer(out, value);
    }
}

struct Json<'o>(&'o mut Vec<u8>);

/// It has something that lines do not have.
#[derive(Debug)]
struct Unknown;

impl fmt::Display for Unknown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no line has that")
    }
}

impl std::error::Error for Unknown {}

impl ser::Error for Unknown {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Unknown
    }
}

type Written = Result<(), Unknown>;

impl Json<'_> {
    /// As serde_json has it.
    fn by_serde_json<T: Serialize>(self, value: T) -> Written {
        serde_json::to_writer(self.0, &value).map_err(|_| Unknown)
    }

    fn text(out: &mut Vec<u8>, text: &str) -> Written {
        // Without an early end, so that many bytes are looked at at once.
        let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
        if !text.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
            return Json(out).by_serde_json(text);
        }
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
        Ok(())
    }

    /// The name of a field or variant of ours.
    fn name(out: &mut Vec<u8>, name: &str) {
        out.push(b'"');
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    }
}

macro_rules! by_serde_json {
    ($($method:ident: $type:ty,)*) => {$(
        fn $method(self, value: $type) -> Written {
            self.by_serde_json(value)
        }
    )*};
}

impl<'o> ser::Serializer for Json<'o> {
    type Ok = ();
    type Error = Unknown;
    type SerializeSeq = Parts<'o>;
    type SerializeTuple = Parts<'o>;
    type SerializeTupleStruct = Impossible<(), Unknown>;
    type SerializeTupleVariant = Impossible<(), Unknown>;
    type SerializeMap = Impossible<(), Unknown>;
    type SerializeStruct = Parts<'o>;
    type SerializeStructVariant = Impossible<(), Unknown>;

    by_serde_json! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
    }

    fn serialize_str(self, text: &str) -> Written {
        Json::text(self.0, text)
    }

    fn serialize_bytes(self, _: &[u8]) -> Written {
        Err(Unknown)
    }

    fn serialize_none(self) -> Written {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Written {
        self.0.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Written {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Written {
        Json::text(self.0, variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Written {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Written {
        self.0.push(b'{');
        Json::name(self.0, variant);
        value.serialize(Json(self.0))?;
        self.0.push(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Parts<'o>, Unknown> {
        Ok(Parts::begin(self.0, b'[', b']'))
    }

    fn serialize_tuple(self, _: usize) -> Result<Parts<'o>, Unknown> {
        Ok(Parts::begin(self.0, b'[', b']'))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Unknown> {
        Err(Unknown)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Unknown> {
        Err(Unknown)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Unknown> {
        Err(Unknown)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Parts<'o>, Unknown> {
        Ok(Parts::begin(self.0, b'{', b'}'))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Unknown> {
        Err(Unknown)
    }
}

/// Elements or fields, one after the other.
struct Parts<'o> {
    out: &'o mut Vec<u8>,
    is_first: bool,
    end: u8,
}

impl<'o> Parts<'o> {
    fn begin(out: &'o mut Vec<u8>, begin: u8, end: u8) -> Self {
        out.push(begin);
        Parts { out, is_first: true, end }
    }

    fn next(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.is_first) {
            self.out.push(b',');
        }
        self.out
    }

    fn finish(self) -> Written {
        self.out.push(self.end);
        Ok(())
    }
}

impl ser::SerializeSeq for Parts<'_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(Json(self.next()))
    }

    fn end(self) -> Written {
        self.finish()
    }
}

impl ser::SerializeTuple for Parts<'_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Written {
        value.serialize(Json(self.next()))
    }

    fn end(self) -> Written {
        self.finish()
    }
}

impl ser::SerializeStruct for Parts<'_> {
    type Ok = ();
    type Error = Unknown;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Written {
        let out = self.next();
        Json::name(out, name);
        value.serialize(Json(out))
    }

    fn end(self) -> Written {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::append;
    use crate::journal::{Ended, Given, Input, Line, Over, There, Why};
    use crate::model::fingerprint::Fingerprint;
    use crate::model::provenance::Provenance;
    use crate::model::state::State;
    use crate::store::Stamp;

    fn assert_same<T: serde::Serialize>(value: &T) {
        let mut ours = b"before".to_vec();
        append(value, &mut ours);
        let theirs = serde_json::to_string(value).unwrap();
        assert_eq!(String::from_utf8(ours).unwrap(), format!("before{theirs}"));
    }

    #[test]
    fn it_is_what_serde_json_writes() {
        let print = |number| Some(Fingerprint::new(number));
        let mut ended = Ended::new(3, "clean \"EWR\"\n\u{1f327}\u{7f}\u{1}\\".into(), State::Failed, Why::Stale);
        assert_same(&Line::Ended(Box::new(ended.clone())));
        let there = There::new(print(7), Stamp::new(u64::MAX), 4_321);
        ended.there = Some(there.made_by(Provenance::new(print(1), None, print(3)).with_format(print(4))));
        ended.now = Some((Fingerprint::new(5), None));
        ended.target = Some("out/day/EWR-1".into());
        (ended.at, ended.elapsed) = (0.1 + 0.2, 1e-9);
        let mut given = Given::new("hours");
        given.value = Some("[1, 2]".into());
        given.inputs = vec![Input::new("out/a".to_owned(), "sqlite:x".to_owned(), None); 2];
        ended.given = vec![given, Given::new("station")];
        assert_same(&Line::Ended(Box::new(ended)));
        assert_same(&Line::Over(Over { elapsed: f64::NAN, state: None }));
        // No line has these.
        assert_same(&BTreeMap::from([("a", vec![Some(1_i128)]), ("b", vec![None])]));
        assert_same(&(u64::MAX, -1_i8, 1.5_f32, 'x', [[(); 2]; 1], std::time::Duration::from_millis(1_500)));
    }
}
