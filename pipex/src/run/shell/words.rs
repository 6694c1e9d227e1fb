//! What values are in a command.

use std::borrow::Cow;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

/// A value that is words of a command.
trait Words {
    fn add(&self, words: &mut Vec<OsString>);
}

macro_rules! words {
    ($($name:ty),*: $words:expr) => {$(
        impl Words for $name {
            fn add(&self, words: &mut Vec<OsString>) {
                let word: fn(&$name) -> OsString = $words;
                words.push(word(self));
            }
        }
    )*};
}
words!(OsStr, OsString, Path, PathBuf, str, String: |text| AsRef::<OsStr>::as_ref(text).to_owned());
words!(bool, char, f32, f64, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize: |value| value.to_string().into());

macro_rules! behind {
    ($($name:ty),*) => {$(
        impl<T: Words + ?Sized> Words for $name {
            fn add(&self, words: &mut Vec<OsString>) {
                (**self).add(words);
            }
        }
    )*};
}
behind!(&T, Box<T>, Rc<T>, Arc<T>);

impl<T: Words + ToOwned + ?Sized> Words for Cow<'_, T> {
    fn add(&self, words: &mut Vec<OsString>) {
        (**self).add(words);
    }
}

impl<T: Words> Words for [T] {
    fn add(&self, words: &mut Vec<OsString>) {
        self.iter().for_each(|value| value.add(words));
    }
}

impl<T: Words, const N: usize> Words for [T; N] {
    fn add(&self, words: &mut Vec<OsString>) {
        self[..].add(words);
    }
}

impl<T: Words> Words for Vec<T> {
    fn add(&self, words: &mut Vec<OsString>) {
        self[..].add(words);
    }
}

impl<T: Words> Words for Option<T> {
    fn add(&self, words: &mut Vec<OsString>) {
        self.iter().for_each(|value| value.add(words));
    }
}

/// A value in a command. Of the methods `words` of the traits below, the compiler finds that of the first which its type has.
pub struct ShellValue<'v, T: ?Sized>(pub &'v T);

/// What is words of a command by its type.
pub trait WordsAsTyped {
    #[doc(hidden)]
    fn words(&self) -> Vec<OsString>;
}

impl<T: Words + ?Sized> WordsAsTyped for &&ShellValue<'_, T> {
    fn words(&self) -> Vec<OsString> {
        let mut words = Vec::new();
        self.0.add(&mut words);
        words
    }
}

/// What has a text.
pub trait WordsByDisplay {
    #[doc(hidden)]
    fn words(&self) -> Vec<OsString>;
}

impl<T: Display + ?Sized> WordsByDisplay for &ShellValue<'_, T> {
    fn words(&self) -> Vec<OsString> {
        vec![self.0.to_string().into()]
    }
}

/// What cannot stand in a command.
pub trait NoWords<T: ?Sized> {
    #[doc(hidden)]
    fn words(&self) -> Vec<OsString>
    where
        T: StandsInACommand;
}

impl<T: ?Sized> NoWords<T> for ShellValue<'_, T> {
    fn words(&self) -> Vec<OsString>
    where
        T: StandsInACommand,
    {
        Vec::new()
    }
}

/// A value that can stand in a command, in the words of the compiler.
#[diagnostic::on_unimplemented(
    message = "a value of type `{Self}` cannot stand in a command",
    label = "a value in it is neither a path, nor a text, nor a number, nor several of these",
    note = "implement `Display` for the type, or give a text that is made of the value; several values are a `Vec` or a slice of \
            paths, texts or numbers"
)]
pub trait StandsInACommand {}
