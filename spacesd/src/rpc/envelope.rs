//! JSON-RPC 2.0 envelopes: what a request is, and how a reply is written.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use spaces_api::jsonrpc::Id;
use spaces_api::{ErrorKind, MAX_BATCH, OLDEST_PROTOCOL, PROTOCOL, RpcError, VERSION};

use crate::nearest::nearest;

/// The members of a request object. `spaces_protocol` is ours: the protocol that
/// the client speaks, checked where it is given.
const MEMBERS: [&str; 5] = ["jsonrpc", "id", "method", "params", "spaces_protocol"];

/// What arrived in one piece: a request, or several.
pub(super) enum Incoming<'a> {
    Single(Result<Request<'a>, Invalid>),
    Batch(Vec<Result<Request<'a>, Invalid>>),
}

/// A well-formed request.
#[derive(Debug)]
pub(super) struct Request<'a> {
    /// Absent in a notification, to which nothing is replied.
    pub id: Option<Id>,
    pub method: Cow<'a, str>,
    pub params: Option<&'a RawValue>,
}

/// Something that is not a request, with the id that could be made out.
#[derive(Debug)]
pub(super) struct Invalid {
    pub id: Id,
    pub error: RpcError,
}

impl<'a> Incoming<'a> {
    /// Reads what arrived. Any bytes at all give a request or an error to reply with.
    pub fn parse(bytes: &'a [u8]) -> Self {
        if bytes.trim_ascii_start().first() != Some(&b'[') {
            return Self::Single(Request::parse(bytes));
        }
        let calls: Vec<&RawValue> = match serde_json::from_slice(bytes) {
            Ok(calls) => calls,
            Err(error) => return Self::Single(Err(not_json(&error))),
        };
        if calls.is_empty() {
            let error = RpcError::new(ErrorKind::InvalidRequest, "the batch is empty");
            return Self::Single(Err(Invalid::anonymous(error)));
        }
        if calls.len() > MAX_BATCH {
            let message = format!(
                "the batch has {} calls; at most {MAX_BATCH} are served",
                calls.len()
            );
            let error =
                RpcError::new(ErrorKind::TooLarge, message).hint("send several smaller batches");
            return Self::Single(Err(Invalid::anonymous(error)));
        }
        Self::Batch(
            calls
                .into_iter()
                .map(|call| Request::parse(call.get().as_bytes()))
                .collect(),
        )
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Members<'a> {
    #[serde(borrow)]
    jsonrpc: Cow<'a, str>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Id>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(default)]
    spaces_protocol: Option<u32>,
}

/// Keeps `"id": null` apart from no id at all: the one is a request, the other a
/// notification.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Id>, D::Error> {
    Id::deserialize(deserializer).map(Some)
}

impl<'a> Request<'a> {
    fn parse(bytes: &'a [u8]) -> Result<Self, Invalid> {
        let members: Members<'a> =
            serde_json::from_slice(bytes).map_err(|error| explain(bytes, &error))?;
        let request = Self {
            id: members.id,
            method: members.method,
            params: members.params,
        };
        if members.jsonrpc != "2.0" {
            let message = format!("`jsonrpc` is \"{}\"; this is JSON-RPC 2.0", members.jsonrpc);
            return Err(request.invalid(RpcError::new(ErrorKind::InvalidRequest, message)));
        }
        if let Some(params) = request.params
            && !matches!(params.get().as_bytes().first(), Some(b'{' | b'['))
        {
            let error = RpcError::new(
                ErrorKind::InvalidRequest,
                "`params` must be an object of named parameters",
            );
            return Err(request.invalid(error));
        }
        match members.spaces_protocol.map_or(Ok(()), check_protocol) {
            Ok(()) => Ok(request),
            Err(error) => Err(request.invalid(error)),
        }
    }

    fn invalid(self, error: RpcError) -> Invalid {
        Invalid {
            id: self.id.unwrap_or(Id::Null),
            error,
        }
    }
}

impl Invalid {
    fn anonymous(error: RpcError) -> Self {
        Self {
            id: Id::Null,
            error,
        }
    }
}

/// Refuses a client that speaks another protocol, and says which side to upgrade.
pub fn check_protocol(client: u32) -> Result<(), RpcError> {
    if (OLDEST_PROTOCOL..=PROTOCOL).contains(&client) {
        return Ok(());
    }
    let message = format!(
        "the client speaks protocol {client}, spacesd {VERSION} speaks {OLDEST_PROTOCOL} to {PROTOCOL}"
    );
    let hint = if client > PROTOCOL {
        "spacesd is older than the client: install the same version of both and restart spacesd (spacesctl down && spacesctl up)"
    } else {
        "the client is older than spacesd: upgrade the client"
    };
    Err(RpcError::new(ErrorKind::VersionSkew, message).hint(hint))
}

fn not_json(error: &serde_json::Error) -> Invalid {
    let message = format!("the request is not valid JSON: {error}");
    Invalid::anonymous(RpcError::new(ErrorKind::ParseError, message))
}

/// Says why these bytes are not a request. Off the hot path.
fn explain(bytes: &[u8], error: &serde_json::Error) -> Invalid {
    let text: &RawValue = match serde_json::from_slice(bytes) {
        Ok(text) => text,
        Err(error) => return not_json(&error),
    };
    let Ok(members) = serde_json::from_str::<BTreeMap<String, &RawValue>>(text.get()) else {
        let message = "a request is a JSON object with `jsonrpc`, `method`, `params` and `id`";
        return Invalid::anonymous(RpcError::new(ErrorKind::InvalidRequest, message));
    };
    let id = members
        .get("id")
        .and_then(|id| serde_json::from_str(id.get()).ok())
        .unwrap_or(Id::Null);
    let stranger = members
        .keys()
        .find(|name| !MEMBERS.contains(&name.as_str()));
    let message = match stranger {
        Some(name) => match nearest(name, MEMBERS) {
            Some(meant) => {
                format!("unknown member `{name}` in the request; did you mean `{meant}`?")
            }
            None => format!(
                "unknown member `{name}` in the request; known: {}",
                MEMBERS.join(", ")
            ),
        },
        None => format!("not a JSON-RPC 2.0 request: {error}"),
    };
    Invalid {
        id,
        error: RpcError::new(ErrorKind::InvalidRequest, message),
    }
}

/// A reply, or nothing for a notification. `result` is JSON text.
pub(super) fn reply(id: Option<&Id>, result: Result<Vec<u8>, RpcError>) -> Option<Vec<u8>> {
    let id = id?;
    match result {
        Ok(result) => {
            let mut out = Vec::with_capacity(result.len() + 64);
            out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
            write_json(&mut out, id);
            out.extend_from_slice(b",\"result\":");
            out.extend_from_slice(&result);
            out.push(b'}');
            Some(out)
        }
        Err(error) => Some(failure(id, &error)),
    }
}

/// An error reply.
pub(super) fn failure(id: &Id, error: &RpcError) -> Vec<u8> {
    #[derive(Serialize)]
    struct Failure<'a> {
        jsonrpc: &'a str,
        id: &'a Id,
        error: &'a RpcError,
    }
    let mut out = Vec::with_capacity(256);
    write_json(
        &mut out,
        &Failure {
            jsonrpc: "2.0",
            id,
            error,
        },
    );
    out
}

/// A notification that is pushed to a subscriber; `params` is JSON text.
pub(super) fn notification(method: &str, params: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(params.len() + 64);
    out.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"method\":");
    write_json(&mut out, method);
    out.extend_from_slice(b",\"params\":");
    out.extend_from_slice(params);
    out.push(b'}');
    out
}

/// The replies of a batch, or nothing where all of it was notifications.
pub(super) fn batch(replies: impl IntoIterator<Item = Option<Vec<u8>>>) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    for reply in replies.into_iter().flatten() {
        out.push(if out.is_empty() { b'[' } else { b',' });
        out.extend_from_slice(&reply);
    }
    (!out.is_empty()).then(|| {
        out.push(b']');
        out
    })
}

fn write_json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(out, value)
        .expect("envelopes are plain data with text keys, written to memory");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Incoming, check_protocol, failure};
    use spaces_api::{ErrorKind, OLDEST_PROTOCOL, PROTOCOL};

    fn invalid(text: &str) -> (Value, i64, String) {
        match Incoming::parse(text.as_bytes()) {
            Incoming::Single(Err(invalid)) => (
                serde_json::to_value(&invalid.id).unwrap(),
                invalid.error.code,
                invalid.error.message,
            ),
            _ => panic!("{text} was taken for a request"),
        }
    }

    #[test]
    fn an_absent_id_is_a_notification_and_null_is_not() {
        for (text, notification) in [
            (r#"{"jsonrpc":"2.0","method":"a"}"#, true),
            (r#"{"jsonrpc":"2.0","method":"a","id":null}"#, false),
            (r#" {"jsonrpc":"2.0","method":"a","id":"x"} "#, false),
        ] {
            match Incoming::parse(text.as_bytes()) {
                Incoming::Single(Ok(request)) => {
                    assert_eq!(request.id.is_none(), notification, "{text}")
                }
                _ => panic!("{text}"),
            }
        }
    }

    #[test]
    fn what_is_not_a_request_is_told_so() {
        assert_eq!(invalid("{").1, -32700);
        assert_eq!(invalid("[1,").1, -32700);
        assert_eq!(invalid("[]").1, -32600);
        assert_eq!(invalid("7").1, -32600);
        assert_eq!(invalid(r#"{"jsonrpc":"1.0","method":"a","id":4}"#).0, 4);
        assert_eq!(
            invalid(r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#),
            (
                Value::Null,
                -32600,
                invalid(r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#).2
            )
        );
        assert_eq!(
            invalid(r#"{"jsonrpc":"2.0","method":"a","id":{}}"#).1,
            -32600
        );
        assert_eq!(
            invalid(r#"{"jsonrpc":"2.0","method":"a","params":3,"id":1}"#).1,
            -32600
        );
        assert!(
            invalid(r#"{"jsonrpc":"2.0","method":"a","parms":{},"id":1}"#)
                .2
                .contains("`params`")
        );
    }

    #[test]
    fn protocol_skew_names_the_side_to_upgrade() {
        assert!(check_protocol(PROTOCOL).is_ok());
        let newer = check_protocol(PROTOCOL + 1).unwrap_err();
        assert_eq!(newer.kind(), ErrorKind::VersionSkew);
        assert!(newer.data.hint.unwrap().contains("restart spacesd"));
        if OLDEST_PROTOCOL > 0 {
            let older = check_protocol(OLDEST_PROTOCOL - 1).unwrap_err();
            assert!(older.data.hint.unwrap().contains("upgrade the client"));
        }
        let text = format!(
            r#"{{"jsonrpc":"2.0","method":"a","id":9,"spaces_protocol":{}}}"#,
            PROTOCOL + 1
        );
        assert_eq!(
            (invalid(&text).0, invalid(&text).1),
            (json!(9), ErrorKind::VersionSkew.code())
        );
    }

    fn check(bytes: &[u8]) {
        let results = match Incoming::parse(bytes) {
            Incoming::Single(one) => vec![one],
            Incoming::Batch(many) => many,
        };
        assert!(!results.is_empty());
        for invalid in results.into_iter().filter_map(Result::err) {
            let reply: Value =
                serde_json::from_slice(&failure(&invalid.id, &invalid.error)).unwrap();
            assert!(reply["error"]["code"].is_i64());
        }
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_request_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            check(&bytes);
        }

        #[test]
        fn any_mangled_request_does_too(cut in 0usize..60, byte in any::<u8>(), keep in any::<bool>()) {
            let mut text = br#"[{"jsonrpc":"2.0","method":"a.b","params":{"x":[1]},"id":1}]"#.to_vec();
            let cut = cut.min(text.len() - 1);
            if keep { text[cut] = byte } else { text.truncate(cut) }
            check(&text);
        }
    }
}
