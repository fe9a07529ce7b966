//! JSON-RPC 2.0 envelopes.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::RpcError;

/// The `id` of a request. JSON-RPC allows a string, a number or null. It goes
/// back as it came: a number is not read, so it may be larger than any type.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Id {
    /// As it is written in JSON.
    Number(Box<str>),
    String(String),
    Null,
}

impl Id {
    /// The number, where it is one of those that [`From<u64>`] gives.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Number(text) => text.parse().ok(),
            Self::String(_) | Self::Null => None,
        }
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self::Number(number.to_string().into())
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(text) => RawValue::from_string(text.to_string())
                .map_err(ser::Error::custom)?
                .serialize(serializer),
            Self::String(text) => serializer.serialize_str(text),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Box::<RawValue>::deserialize(deserializer)?;
        match written.get().as_bytes().first() {
            Some(b'"') => serde_json::from_str(written.get())
                .map(Self::String)
                .map_err(de::Error::custom),
            Some(b'-' | b'0'..=b'9') => Ok(Self::Number(written.get().into())),
            Some(b'n') => Ok(Self::Null),
            _ => Err(de::Error::custom("`id` must be a string, a number or null")),
        }
    }
}

/// A request as a client writes it; a notification has no `id`.
#[derive(Debug, Serialize)]
pub struct Request<'a, P> {
    pub jsonrpc: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    pub method: &'a str,
    pub params: P,
}

/// A reply as a client reads it: exactly one of `result` and `error`.
#[derive(Debug, Deserialize)]
pub struct Response {
    pub id: Id,
    #[serde(default)]
    pub result: Option<Box<RawValue>>,
    #[serde(default)]
    pub error: Option<RpcError>,
}

/// A notification that the daemon pushes to a subscriber.
#[derive(Debug, Serialize, Deserialize)]
pub struct Notification {
    pub jsonrpc: String,
    pub method: String,
    pub params: Value,
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn an_id_goes_back_as_it_came() {
        let digits = "7".repeat(100);
        for written in ["7", "-1", "1.50", "1E400", &digits, "\"a\\n\"", "null"] {
            let id: Id = serde_json::from_str(written).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), written);
        }
        for written in ["true", "{}", "[1]"] {
            assert!(serde_json::from_str::<Id>(written).is_err(), "{written}");
        }
        assert_eq!(Id::from(u64::MAX).as_u64(), Some(u64::MAX));
        assert_eq!(Id::String("7".into()).as_u64(), None);
    }
}
