//! A fingerprint as files have it: zero, if it is not known.

use std::borrow::Cow;
use std::num::ParseIntError;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fingerprint::{Fingerprint, hash_pair};

/// The fingerprint that stands in a file as this number.
#[doc(hidden)]
#[must_use]
pub fn from_number(number: u128) -> Option<Fingerprint> {
    if number == 0 { None } else { Some(Fingerprint::new(number)) }
}

/// The number that stands in a file for it.
#[doc(hidden)]
#[must_use]
pub fn to_number(fingerprint: Option<Fingerprint>) -> u128 {
    fingerprint.map_or(0, Fingerprint::get)
}

/// Half of it, as the index has it.
pub(crate) fn to_half(fingerprint: Option<Fingerprint>) -> u64 {
    fingerprint.map_or(0, Fingerprint::half)
}

/// From 32 hexadecimal digits.
pub(crate) fn from_digits(digits: &str) -> Result<Option<Fingerprint>, ParseIntError> {
    u128::from_str_radix(digits, 16).map(from_number)
}

/// 32 hexadecimal digits.
pub(crate) fn to_digits(fingerprint: Option<Fingerprint>) -> String {
    format!("{:032x}", to_number(fingerprint))
}

/// The fingerprint of three parts, of which some may not be known.
pub(crate) fn fingerprint_parts(parts: [Option<Fingerprint>; 3]) -> Fingerprint {
    let [first, second, third] = parts.map(to_number);
    hash_pair(hash_pair(first, second).get(), third)
}

/// For serde's `with`.
pub(crate) fn serialize<S: Serializer>(fingerprint: &Option<Fingerprint>, serializer: S) -> Result<S::Ok, S::Error> {
    match fingerprint {
        Some(fingerprint) => fingerprint.serialize(serializer),
        None => serializer.serialize_str(&to_digits(None)),
    }
}

/// For serde's `with`.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Fingerprint>, D::Error> {
    from_digits(&Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
}

/// For serde's `with`, where it is the second of a pair that may not be there.
#[expect(missing_docs, reason = "serde asks for them")]
pub mod pair {
    use super::{Deserialize, Deserializer, Fingerprint, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Pair(Fingerprint, #[serde(with = "super")] Option<Fingerprint>);

    type OptionalPair = Option<(Fingerprint, Option<Fingerprint>)>;

    pub fn serialize<S: Serializer>(pair: &OptionalPair, serializer: S) -> Result<S::Ok, S::Error> {
        pair.map(|(first, second)| Pair(first, second)).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<OptionalPair, D::Error> {
        Ok(Option::<Pair>::deserialize(deserializer)?.map(|Pair(first, second)| (first, second)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        #[serde(with = "super")]
        content: Option<Fingerprint>,
        #[serde(default, with = "super", skip_serializing_if = "Option::is_none")]
        format: Option<Fingerprint>,
        #[serde(default, with = "super::pair", skip_serializing_if = "Option::is_none")]
        now: Option<(Fingerprint, Option<Fingerprint>)>,
    }

    #[test]
    fn what_is_not_known_is_zero_in_json_and_comes_back_as_none() {
        let (zero, seven) = ("0".repeat(32), format!("{:032x}", 7));
        let known = Fingerprint::new(7);
        for (fields, json) in [
            (Fields { content: None, format: None, now: None }, format!(r#"{{"content":"{zero}"}}"#)),
            (
                Fields { content: Some(known), format: Some(known), now: Some((known, None)) },
                format!(r#"{{"content":"{seven}","format":"{seven}","now":["{seven}","{zero}"]}}"#),
            ),
        ] {
            assert_eq!(serde_json::to_string(&fields).unwrap(), json);
            assert_eq!(serde_json::from_str::<Fields>(&json).unwrap(), fields);
        }
        let written = format!(r#"{{"content":"{zero}","format":"{zero}","now":null}}"#);
        let read: Fields = serde_json::from_str(&written).unwrap();
        assert_eq!(read, Fields { content: None, format: None, now: None }, "where others wrote zero");
    }

    #[test]
    fn no_hash_is_taken_for_one_that_is_not_known() {
        for hash in [0, 1 << 64, u128::MAX << 64] {
            let fingerprint = Fingerprint::new(hash);
            assert_ne!(fingerprint.half(), 0);
            assert_eq!(from_number(to_number(Some(fingerprint))), Some(fingerprint));
        }
        assert_eq!([from_number(0), from_digits(&to_digits(None)).unwrap()], [None; 2]);
    }
}
