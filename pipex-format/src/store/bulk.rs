//! Vectors of numbers, and of points of them, which are written and read as memory has them: all at once, where serde shows and asks for one number
//! after the other.
//!
//! The bytes are the same, on a machine of any byte order. Within other values it is done only where the program is optimized:
//! elsewhere it gains little, and to compare the type of each part with these is a tenth of what there is to be compiled for it.

use std::any::Any;
use std::collections::TryReserveError;
use std::ops::Range;

#[cfg(any(test, not(debug_assertions)))]
use castaway::cast;
use serde::de::Visitor;

/// A vector of numbers.
pub(super) trait Numbers {
    fn count(&self) -> usize;

    /// The bytes of each.
    fn width(&self) -> usize;

    /// Puts these, little-endian, behind what is there.
    fn append(&self, numbers: Range<usize>, out: &mut Vec<u8>);
}

/// Where a vector of numbers is to be.
pub(super) trait Slot {
    /// The bytes of each.
    fn width(&self) -> usize;

    /// An empty one, with room for so many.
    fn begin(&mut self, count: usize) -> Result<(), TryReserveError>;

    /// More of them.
    fn extend(&mut self, bytes: &[u8]);
}

/// A number, or some of them side by side.
trait Element: Copy + 'static {
    /// Puts these behind what is there.
    fn append(elements: &[Self], out: &mut Vec<u8>);

    fn extend(elements: &mut Vec<Self>, bytes: &[u8]);
}

impl<E: Element> Numbers for Vec<E> {
    fn count(&self) -> usize {
        self.len()
    }

    fn width(&self) -> usize {
        size_of::<E>()
    }

    fn append(&self, elements: Range<usize>, out: &mut Vec<u8>) {
        E::append(&self[elements], out);
    }
}

impl<E: Element> Slot for Option<Vec<E>> {
    fn width(&self) -> usize {
        size_of::<E>()
    }

    fn begin(&mut self, count: usize) -> Result<(), TryReserveError> {
        let mut elements = Vec::new();
        elements.try_reserve_exact(count)?;
        *self = Some(elements);
        Ok(())
    }

    fn extend(&mut self, bytes: &[u8]) {
        E::extend(self.get_or_insert_default(), bytes);
    }
}

macro_rules! numbers {
    ($($number:ident)*; $($several:ty)*) => {
        $(
            impl Element for $number {
                fn append(elements: &[$number], out: &mut Vec<u8>) {
                    let start = out.len();
                    out.resize(start + size_of_val(elements), 0);
                    for (bytes, number) in out[start..].as_chunks_mut().0.iter_mut().zip(elements) {
                        *bytes = number.to_le_bytes();
                    }
                }

                fn extend(elements: &mut Vec<$number>, bytes: &[u8]) {
                    elements.extend(bytes.as_chunks().0.iter().map(|bytes| $number::from_le_bytes(*bytes)));
                }
            }

            impl<const N: usize> Element for [$number; N] {
                fn append(elements: &[Self], out: &mut Vec<u8>) {
                    $number::append(elements.as_flattened(), out);
                }

                fn extend(elements: &mut Vec<Self>, bytes: &[u8]) {
                    let numbers = bytes.as_chunks().0.as_chunks::<N>().0.iter();
                    elements.extend(numbers.map(|bytes| bytes.map($number::from_le_bytes)));
                }
            }
        )*

        /// The value, if it is a vector of numbers.
        pub(super) fn find_numbers(value: &dyn Any) -> Option<&dyn Numbers> {
            $(
                if let Some(numbers) = value.downcast_ref::<Vec<$number>>() {
                    return Some(numbers);
                }
            )*
            $(
                if let Some(numbers) = value.downcast_ref::<Vec<$several>>() {
                    return Some(numbers);
                }
            )*
            None
        }

        /// The place of the value, if it is a vector of numbers.
        pub(super) fn find_slot(value: &mut dyn Any) -> Option<&mut dyn Slot> {
            $(
                if value.is::<Option<Vec<$number>>>() {
                    return value.downcast_mut::<Option<Vec<$number>>>().map(|slot| slot as _);
                }
            )*
            $(
                if value.is::<Option<Vec<$several>>>() {
                    return value.downcast_mut::<Option<Vec<$several>>>().map(|slot| slot as _);
                }
            )*
            None
        }

        /// The same of a part of a value, which nobody has said to outlive all others.
        #[cfg(any(test, not(debug_assertions)))]
        #[inline]
        pub(super) fn find_numbers_within<T: ?Sized>(value: &T) -> Option<&dyn Numbers> {
            // Nearly all others have another size.
            if size_of_val(value) != size_of::<Vec<u8>>() {
                return None;
            }
            $(
                if let Ok(numbers) = cast!(value, &Vec<$number>) {
                    return Some(numbers);
                }
            )*
            $(
                if let Ok(numbers) = cast!(value, &Vec<$several>) {
                    return Some(numbers);
                }
            )*
            None
        }

        /// The same.
        #[cfg(any(test, not(debug_assertions)))]
        #[inline]
        fn find_slot_within<T>(value: &mut Option<T>) -> Option<&mut dyn Slot> {
            if const { size_of::<T>() != size_of::<Vec<u8>>() } {
                return None;
            }
            $(
                let value = match cast!(value, &mut Option<Vec<$number>>) {
                    Ok(slot) => return Some(slot),
                    Err(value) => value,
                };
            )*
            $(
                let value = match cast!(value, &mut Option<Vec<$several>>) {
                    Ok(slot) => return Some(slot),
                    Err(value) => value,
                };
            )*
            let _ = value;
            None
        }
    };
}
// Points, and colours.
numbers! {
    u8 u16 u32 u64 u128 i8 i16 i32 i64 i128 f32 f64;
    [f32; 2] [f32; 3] [f32; 4] [f64; 2] [f64; 3] [f64; 4] [u8; 3] [u8; 4]
}

/// No part is looked at.
#[cfg(not(any(test, not(debug_assertions))))]
pub(super) fn find_numbers_within<T: ?Sized>(_: &T) -> Option<&dyn Numbers> {
    None
}

/// No part is looked at.
#[cfg(not(any(test, not(debug_assertions))))]
fn find_slot_within<T>(_: &mut Option<T>) -> Option<&mut dyn Slot> {
    None
}

/// The place of what this visitor gives, if it is a vector of numbers and the visitor is that of `Vec`, which gives what it is shown.
#[inline]
pub(super) fn find_slot_of_visitor<'v, 'de, V: Visitor<'de>>(
    _: &V,
    value: &'v mut Option<V::Value>,
) -> Option<&'v mut dyn Slot> {
    let slot = find_slot_within(value)?;
    // The visitors of other crates may give what they like. Under another name serde's own is only slower.
    let name = std::any::type_name::<V>();
    (name.starts_with("serde_core::de::impls::") || name.starts_with("serde::de::impls::")).then_some(slot)
}
