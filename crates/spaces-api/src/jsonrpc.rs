//! JSON-RPC 2.0 envelopes.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::RpcError;

/// The `id` of a request. JSON-RPC allows a string, a number or null.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Id {
    Number(serde_json::Number),
    String(String),
    Null,
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
