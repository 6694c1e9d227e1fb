//! Values that runs record beside their outputs: an error, a count, the name of what was best.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::excerpt::excerpt_text;

/// A value that was recorded, and what it was called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Recorded<'l> {
    /// What it was called.
    pub name: Cow<'l, str>,
    /// A number, a text or a truth value. A number that JSON does not have is its text: `"NaN"`, `"inf"`.
    pub value: Value,
}

impl Recorded<'static> {
    /// This value, called this.
    #[doc(hidden)]
    pub fn new(name: impl Into<String>, value: impl Recordable) -> Self {
        Recorded { name: Cow::Owned(name.into()), value: value.to_recorded() }
    }
}

/// What can be recorded: numbers, texts and truth values, of which two runs can be compared. An `Option` that is `None` is
/// recorded as nothing: `null`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be recorded",
    label = "neither a number nor a text nor a truth value",
    note = "record the parts that are to be compared, each under a name of its own; all else is an output"
)]
pub trait Recordable {
    #[doc(hidden)]
    fn to_recorded(&self) -> Value;
}

macro_rules! recordable {
    ($($scalar:ty)*) => {
        $(impl Recordable for $scalar {
            fn to_recorded(&self) -> Value {
                (*self).into()
            }
        })*
    };
}
recordable!(bool i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl Recordable for f64 {
    fn to_recorded(&self) -> Value {
        if self.is_finite() { (*self).into() } else { self.to_string().into() }
    }
}

impl Recordable for f32 {
    /// As it is written: 0.1 is not 0.10000000149011612.
    fn to_recorded(&self) -> Value {
        self.to_string().parse().unwrap_or(f64::from(*self)).to_recorded()
    }
}

impl Recordable for str {
    /// The beginning, as of arguments.
    fn to_recorded(&self) -> Value {
        excerpt_text(self).into()
    }
}

impl Recordable for String {
    fn to_recorded(&self) -> Value {
        self.as_str().to_recorded()
    }
}

impl<T: Recordable> Recordable for Option<T> {
    fn to_recorded(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_recorded)
    }
}

impl<T: Recordable + ?Sized> Recordable for &T {
    fn to_recorded(&self) -> Value {
        (**self).to_recorded()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_stand_in_json_as_they_are_written() {
        let (text, count) = ("x".to_owned(), &3_usize);
        for (recorded, expected) in [
            (Recorded::new("a", 0.3), json!(0.3)),
            (Recorded::new("a", 0.1_f32), json!(0.1)),
            (Recorded::new("a", f64::NAN), json!("NaN")),
            (Recorded::new("a", f32::NEG_INFINITY), json!("-inf")),
            (Recorded::new("a", 7), json!(7)),
            (Recorded::new("a", u64::MAX), json!(u64::MAX)),
            (Recorded::new("a", count), json!(3)),
            (Recorded::new("a", true), json!(true)),
            (Recorded::new("a", "linear"), json!("linear")),
            (Recorded::new("a", &text), json!("x")),
            (Recorded::new("a", None::<f64>), json!(null)),
            (Recorded::new("a", Some(1.5)), json!(1.5)),
        ] {
            assert_eq!(recorded.value, expected);
            let line = serde_json::to_string(&recorded).unwrap();
            assert_eq!(serde_json::from_str::<Recorded<'_>>(&line).unwrap(), recorded, "{line}");
        }
    }
}
