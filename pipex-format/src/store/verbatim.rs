//! Texts and bytes, written as they are.

use std::any::{Any, TypeId};
use std::borrow::Cow;
use std::io::Write;

use super::StoreResult;
use super::codec::Lossy;
use super::footer::Footer;

/// Whether it is a text: `String`, `Box<str>`, `Cow<str>`.
pub(super) fn is_text(this: TypeId) -> bool {
    [TypeId::of::<String>(), TypeId::of::<Box<str>>(), TypeId::of::<Cow<'static, str>>()].contains(&this)
}

/// Whether it is bytes: `Vec<u8>`, `Box<[u8]>`.
pub(super) fn is_bytes(this: TypeId) -> bool {
    [TypeId::of::<Vec<u8>>(), TypeId::of::<Box<[u8]>>()].contains(&this)
}

/// The type's bytes, if it is one of those above.
fn find_bytes(value: &dyn Any) -> Option<&[u8]> {
    let text = value.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| value.downcast_ref::<Box<str>>().map(|text| &**text));
    let text = text.or_else(|| value.downcast_ref::<Cow<'static, str>>().map(|text| &**text));
    let bytes = text.map(str::as_bytes).or_else(|| value.downcast_ref::<Vec<u8>>().map(Vec::as_slice));
    bytes.or_else(|| value.downcast_ref::<Box<[u8]>>().map(|bytes| &**bytes))
}

/// Makes the value and puts it there, if it is of that type; whether it was.
fn give<V: 'static>(value: impl FnOnce() -> V, place: &mut dyn Any) -> bool {
    let Some(place) = place.downcast_mut::<Option<V>>() else { return false };
    *place = Some(value());
    true
}

pub(super) fn encode(value: &dyn Any, out: &mut dyn Write) -> StoreResult<()> {
    let bytes = find_bytes(value).ok_or("it is neither text nor bytes")?;
    if Footer::is_at_end(bytes) {
        let reason = "it ends as an output with a footer does, and would be taken for one".to_owned();
        return Err(Lossy(reason).into());
    }
    Ok(out.write_all(bytes)?)
}

/// Puts the text where one is to be.
pub(super) fn decode_text(bytes: &[u8], place: &mut dyn Any) -> StoreResult<()> {
    let text = str::from_utf8(bytes)?;
    let is_given = give(|| text.to_owned(), place)
        || give(|| Box::<str>::from(text), place)
        || give(|| Cow::<'static, str>::Owned(text.to_owned()), place);
    if is_given { Ok(()) } else { Err("its type is no text".into()) }
}

/// Puts the bytes where bytes are to be.
pub(super) fn decode_bytes(bytes: &[u8], place: &mut dyn Any) -> StoreResult<()> {
    let is_given = give(|| bytes.to_vec(), place) || give(|| Box::<[u8]>::from(bytes), place);
    if is_given { Ok(()) } else { Err("its type is no bytes".into()) }
}
