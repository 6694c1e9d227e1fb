//! Texts and bytes, written as they are.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::io::Write;

use super::StoreResult;
use super::codec::{Codec, Lossy};
use super::footer::Footer;

/// Texts, checked to be UTF-8 when they are read.
pub(super) struct Text;
/// Bytes.
pub(super) struct Bytes;

/// Whether it is a text: `String`, `Box<str>`, `Cow<str>`.
pub(super) fn is_text<T: 'static>() -> bool {
    let this = TypeId::of::<T>();
    [TypeId::of::<String>(), TypeId::of::<Box<str>>(), TypeId::of::<Cow<'static, str>>()].contains(&this)
}

/// Whether it is bytes: `Vec<u8>`, `Box<[u8]>`.
pub(super) fn is_bytes<T: 'static>() -> bool {
    [TypeId::of::<Vec<u8>>(), TypeId::of::<Box<[u8]>>()].contains(&TypeId::of::<T>())
}

/// The type's bytes, if it is one of those above.
fn find_bytes<T: 'static>(value: &T) -> Option<&[u8]> {
    let value: &dyn Any = value;
    let text = value.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| value.downcast_ref::<Box<str>>().map(|text| &**text));
    let text = text.or_else(|| value.downcast_ref::<Cow<'static, str>>().map(|text| &**text));
    let bytes = text.map(str::as_bytes).or_else(|| value.downcast_ref::<Vec<u8>>().map(Vec::as_slice));
    bytes.or_else(|| value.downcast_ref::<Box<[u8]>>().map(|bytes| &**bytes))
}

/// The value as a `T`, if that is its type.
fn give<T: 'static, V: 'static>(value: V) -> Option<T> {
    let mut value = Some(value);
    (&mut value as &mut dyn Any).downcast_mut::<Option<T>>()?.take()
}

fn encode<T: 'static>(value: &T, out: &mut dyn Write) -> StoreResult<()> {
    let bytes = find_bytes(value).ok_or("it is neither text nor bytes")?;
    if Footer::is_at_end(bytes) {
        let reason = "it ends as an output with a footer does, and would be taken for one".to_owned();
        return Err(Lossy(reason).into());
    }
    Ok(out.write_all(bytes)?)
}

impl<T: 'static> Codec<T> for Text {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        encode(value, out)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        let text = str::from_utf8(bytes)?.to_owned();
        let this = TypeId::of::<T>();
        let value = match () {
            () if this == TypeId::of::<Box<str>>() => give(text.into_boxed_str()),
            () if this == TypeId::of::<Cow<'static, str>>() => give(Cow::<'static, str>::Owned(text)),
            () => give(text),
        };
        Ok(value.ok_or("its type is no text")?)
    }

    fn name(&self) -> &'static str {
        "text"
    }

    fn allows_empty(&self) -> bool {
        true
    }
}

impl<T: 'static> Codec<T> for Bytes {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        encode(value, out)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        let bytes = bytes.to_vec();
        let value =
            if TypeId::of::<T>() == TypeId::of::<Box<[u8]>>() { give(bytes.into_boxed_slice()) } else { give(bytes) };
        Ok(value.ok_or("its type is no bytes")?)
    }

    fn name(&self) -> &'static str {
        "bytes"
    }
}
