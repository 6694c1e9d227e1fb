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
