//! What tells one content from another: a 128-bit XXH3 hash.

use std::borrow::Cow;
use std::fmt;
use std::num::{NonZeroU64, ParseIntError};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A 128-bit hash ([XXH3](https://xxhash.com)) of a content: bytes, a function's tokens, the arguments of a call.
///
/// Good against accidents, not against an adversary.
///
/// One that is not known is `None`, which takes no more room: the lower half of a fingerprint is never zero.
///
/// ```
/// use pipex::Fingerprint;
///
/// assert_eq!(size_of::<Option<Fingerprint>>(), 16);
/// assert_eq!(Fingerprint::new(7).to_string(), "00000000000000000000000000000007");
/// ```
// As two halves, the higher first: a `u128` would have what it stands in aligned, and so made larger.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u64, NonZeroU64);

/// The fingerprint of a location and its store's address.
pub type Key = Fingerprint;

impl Fingerprint {
    /// The fingerprint with this value. Where its lower half is zero, which one hash in 2⁶⁴ has, that becomes one.
    #[must_use]
    pub const fn new(hash: u128) -> Self {
        let half = match NonZeroU64::new(hash as u64) {
            Some(half) => half,
            None => NonZeroU64::MIN,
        };
        Fingerprint((hash >> 64) as u64, half)
    }

    /// Its value.
    #[must_use]
    pub const fn get(self) -> u128 {
        (self.0 as u128) << 64 | self.1.get() as u128
    }

    /// The fingerprint of what has the one and then the other.
    #[doc(hidden)]
    pub fn then(self, next: Fingerprint) -> Fingerprint {
        hash_pair(self.get(), next.get())
    }

    /// The same for constants; while a program runs it takes ten times as long.
    pub(super) const fn constant_then(self, next: Fingerprint) -> Fingerprint {
        Fingerprint::new(xxhash_rust::const_xxh3::xxh3_128(&join(self.get(), next.get())))
    }

    /// 32 hexadecimal digits.
    pub(crate) fn digits(self) -> [u8; 32] {
        let (high, low) = (self.0, self.1.get());
        let mut digits = [0; 32];
        for (place, part) in [high >> 32, high, low >> 32, low].into_iter().enumerate() {
            digits[8 * place..8 * place + 8].copy_from_slice(&eight_digits(part as u32));
        }
        digits
    }

    /// Half of it: enough to tell whether something has changed. Never zero.
    #[doc(hidden)]
    pub const fn half(self) -> u64 {
        self.1.get()
    }
}

/// The hexadecimal digits of a number, all at once: each four bits get a byte of their own, and what they lack to a digit or a letter.
fn eight_digits(number: u32) -> [u8; 8] {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let mut bits = u64::from(number);
    bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    bits = (bits | bits << 4) & (0x0f * ONES);
    let letters = (bits + 6 * ONES) >> 4 & ONES;
    (bits + u64::from(b'0') * ONES + letters * u64::from(b'a' - b'9' - 1)).to_be_bytes()
}

/// From 32 hexadecimal digits, as it is displayed.
impl FromStr for Fingerprint {
    type Err = ParseIntError;

    fn from_str(digits: &str) -> Result<Self, ParseIntError> {
        u128::from_str_radix(digits, 16).map(Fingerprint::new)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(str::from_utf8(&self.digits()).expect("digits are ASCII"))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let digits = Cow::<str>::deserialize(deserializer)?;
        digits.parse().map_err(serde::de::Error::custom)
    }
}

/// 32 hexadecimal digits.
impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(str::from_utf8(&self.digits()).expect("digits are ASCII"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The fingerprint of two numbers.
pub(super) fn hash_pair(first: u128, next: u128) -> Fingerprint {
    fingerprint_bytes(&join(first, next))
}

const fn join(first: u128, next: u128) -> [u8; 32] {
    let (first, next) = (first.to_le_bytes(), next.to_le_bytes());
    let mut both = [0; 32];
    let mut place = 0;
    while place < 16 {
        both[place] = first[place];
        both[16 + place] = next[place];
        place += 1;
    }
    both
}

/// The fingerprint of no bytes.
pub const NO_BYTES: Fingerprint = Fingerprint::new(xxhash_rust::const_xxh3::xxh3_128(&[]));

/// The fingerprint of bytes.
pub fn fingerprint_bytes(bytes: &[u8]) -> Fingerprint {
    Fingerprint::new(xxhash_rust::xxh3::xxh3_128(bytes))
}

/// What tells this process, now, from all others.
pub fn fingerprint_process() -> Fingerprint {
    let now = std::time::SystemTime::now();
    fingerprint_bytes(format!("{:?} {} {now:?}", gethostname::gethostname(), std::process::id()).as_bytes())
}

/// A key that is a hash already.
#[derive(Default)]
pub struct AsIs(u64);

impl std::hash::Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u64(&mut self, half: u64) {
        self.0 ^= half;
    }

    fn write_usize(&mut self, address: usize) {
        self.0 ^= (address as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
