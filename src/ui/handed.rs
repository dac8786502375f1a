//! What the server hands to an island, in the page itself.
//!
//! `#[island]` wants props that serde can write and read on both sides, and writes them in the browser too, where nobody
//! reads that. This writes on the server only and reads by [`Receive`].

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::model::receive::Receive;

/// A prop of an island.
#[derive(Clone, Debug, PartialEq)]
pub struct Handed<T>(
    /// What is handed over.
    pub T,
);

impl<T: Serialize> Serialize for Handed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[cfg(feature = "ssr")]
        return self.0.serialize(serializer);
        #[cfg(not(feature = "ssr"))]
        serializer.serialize_unit()
    }
}

impl<'de, T: Receive> Deserialize<'de> for Handed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        T::receive(&value).map(Self).ok_or_else(|| D::Error::custom("another shape"))
    }
}
