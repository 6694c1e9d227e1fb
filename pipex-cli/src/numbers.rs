//! What is made of numbers, as these: for serde's `with`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A fingerprint that may not be known: zero, if it is not.
pub mod fingerprint {
    use pipex_format::model::fingerprint::Fingerprint;
    use pipex_format::model::or_zero::{from_number, to_number};

    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(fingerprint: &Option<Fingerprint>, serializer: S) -> Result<S::Ok, S::Error> {
        to_number(*fingerprint).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Fingerprint>, D::Error> {
        u128::deserialize(deserializer).map(from_number)
    }
}

pub mod stored {
    use pipex_format::journal::{Provenance, Stored};
    use pipex_format::model::or_zero::{from_number, to_number};

    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(stored: &Stored, serializer: S) -> Result<S::Ok, S::Error> {
        let Provenance { code, arguments, inputs, format, .. } = stored.provenance;
        [stored.content, code, arguments, inputs, format, stored.original].map(to_number).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Stored, D::Error> {
        let numbers = <[u128; 6]>::deserialize(deserializer)?;
        let [content, code, arguments, inputs, format, original] = numbers.map(from_number);
        let provenance = Provenance::new(code, arguments, inputs).with_format(format);
        let mut stored = Stored::new(content, provenance);
        stored.original = original;
        Ok(stored)
    }
}

/// Nanoseconds since 1970.
pub mod moment {
    use jiff::Timestamp;
    use serde::de::Error as _;

    use super::{Deserialize, Deserializer, Serialize, Serializer};

    pub fn serialize<S: Serializer>(moment: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        moment.as_nanosecond().serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        Timestamp::from_nanosecond(i128::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
