//! Requests and replies as lines, shared by the blocking and the async client.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use spaces_api::jsonrpc::{Id, Request};
use spaces_api::{
    Access, ErrorKind, MAX_REQUEST_BYTES, METHODS, OLDEST_PROTOCOL, PROTOCOL, RpcError, VERSION,
};
use uuid::Uuid;

use crate::error::Error;

/// The largest reply that is read; a guard against a peer gone mad.
pub(crate) const MAX_REPLY_BYTES: usize = 64 * 1024 * 1024;

/// A request ready to be sent, with what is needed to judge its failure.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) method: String,
    /// Ends with a newline.
    pub(crate) line: Vec<u8>,
    pub(crate) client_key: Option<Uuid>,
    /// Whether sending it twice does no harm.
    pub(crate) repeatable: bool,
}

impl Outgoing {
    /// Builds a request. A write without a client key is given one, so that it
    /// can be repeated when its fate is unknown.
    pub(crate) fn new(
        id: u64,
        method: &str,
        access: Option<Access>,
        params: &impl Serialize,
    ) -> Result<Self, Error> {
        let malformed = |error: serde_json::Error| Error::Malformed {
            method: method.to_owned(),
            why: format!("the parameters cannot be written as JSON: {error}"),
        };
        let mut params = serde_json::to_value(params).map_err(malformed)?;
        let is_write = matches!(access, Some(Access::Write | Access::Admin));
        let mut client_key = None;
        if let Value::Object(fields) = &mut params {
            client_key = fields
                .get("client_key")
                .and_then(Value::as_str)
                .and_then(|key| key.parse().ok());
            if is_write && !fields.contains_key("client_key") {
                let key = Uuid::new_v4();
                fields.insert("client_key".to_owned(), Value::String(key.to_string()));
                client_key = Some(key);
            }
        }
        let request = Request {
            jsonrpc: "2.0",
            id: Some(Id::from(id)),
            method,
            params,
        };
        let mut line = serde_json::to_vec(&request).map_err(malformed)?;
        if line.len() > MAX_REQUEST_BYTES {
            return Err(RpcError::new(
                ErrorKind::TooLarge,
                format!(
                    "the request `{method}` is {} bytes long; at most {MAX_REQUEST_BYTES} are taken",
                    line.len()
                ),
            )
            .hint("shorten it, or share the text as a file and post where it is")
            .into());
        }
        line.push(b'\n');
        Ok(Self {
            method: method.to_owned(),
            line,
            client_key,
            repeatable: client_key.is_some()
                || matches!(access, Some(Access::Read | Access::Local)),
        })
    }

    pub(crate) fn lost(&self, why: impl ToString) -> Error {
        Error::ConnectionLost {
            method: self.method.clone(),
            why: why.to_string(),
            client_key: self.client_key,
        }
    }

    /// What a fault of the connection means for this request.
    pub(crate) fn failed(&self, error: io::Error) -> Error {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => self.lost("the daemon closed it"),
            io::ErrorKind::InvalidData => self.malformed(error),
            _ => self.lost(error),
        }
    }

    pub(crate) fn timeout(&self, after: std::time::Duration) -> Error {
        Error::Timeout {
            method: self.method.clone(),
            after,
            client_key: self.client_key,
        }
    }

    pub(crate) fn malformed(&self, why: impl ToString) -> Error {
        Error::Malformed {
            method: self.method.clone(),
            why: why.to_string(),
        }
    }
}

/// The access of a method by its name; absent for one that this client does not
/// know.
pub(crate) fn access_of(method: &str) -> Option<Access> {
    METHODS
        .iter()
        .find(|known| known.name == method)
        .map(|known| known.access)
}

/// What has come from the daemon, as whole lines.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    received: Vec<u8>,
    /// How much of `received` has been looked at for a newline.
    searched: usize,
}

impl Lines {
    /// Takes what was read.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The next whole line, if it is there.
    ///
    /// # Errors
    /// `InvalidData` for a line that is no JSON-RPC message or longer than any may be.
    pub(crate) fn next(&mut self) -> io::Result<Option<Incoming>> {
        let Some(line) = self.take_line() else {
            if self.received.len() > MAX_REPLY_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("it is longer than {MAX_REPLY_BYTES} bytes"),
                ));
            }
            return Ok(None);
        };
        serde_json::from_slice(&line)
            .map(Some)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
    }

    fn take_line(&mut self) -> Option<Vec<u8>> {
        let end = self.received[self.searched..]
            .iter()
            .position(|byte| *byte == b'\n');
        let Some(end) = end else {
            self.searched = self.received.len();
            return None;
        };
        let rest = self.received.split_off(self.searched + end + 1);
        self.searched = 0;
        Some(std::mem::replace(&mut self.received, rest))
    }
}

/// A line from the daemon: a reply or a notification.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Incoming {
    #[serde(default)]
    pub(crate) id: Option<Id>,
    #[serde(default)]
    pub(crate) method: Option<String>,
    #[serde(default)]
    pub(crate) params: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) result: Option<Box<RawValue>>,
    #[serde(default)]
    pub(crate) error: Option<Box<RawValue>>,
}

impl Incoming {
    pub(crate) fn is_notification(&self) -> bool {
        self.method.is_some() && self.id.is_none()
    }

    /// Whether this answers the request. A reply without an id says that the
    /// request could not even be read.
    pub(crate) fn answers(&self, id: u64) -> bool {
        match &self.id {
            Some(answered) => answered.as_u64() == Some(id),
            None => self.error.is_some(),
        }
    }

    /// The id of the request that this answers, where the daemon knew it.
    #[cfg(feature = "tokio")]
    pub(crate) fn answered_id(&self) -> Option<u64> {
        self.id.as_ref().and_then(Id::as_u64)
    }

    /// The result as text, or the error.
    pub(crate) fn outcome(self, request: &Outgoing) -> Result<Box<RawValue>, Error> {
        if let Some(error) = self.error {
            return match serde_json::from_str::<RpcError>(error.get()) {
                Ok(error) => Err(judge(error, &request.method)),
                Err(why) => Err(request.malformed(format!("{why} in the error {}", error.get()))),
            };
        }
        self.result
            .ok_or_else(|| request.malformed("it has neither a result nor an error"))
    }
}

/// Tells an error that comes from a daemon of another version from one that is
/// the caller's.
fn judge(error: RpcError, method: &str) -> Error {
    let other_protocol = !(OLDEST_PROTOCOL..=PROTOCOL).contains(&error.data.protocol);
    let skewed = match error.kind() {
        ErrorKind::VersionSkew => true,
        ErrorKind::MethodNotFound => {
            access_of(method).is_some() && (other_protocol || error.data.version != VERSION)
        }
        ErrorKind::InvalidParams | ErrorKind::InvalidRequest => other_protocol,
        _ => false,
    };
    if skewed {
        return Error::VersionSkew {
            daemon_version: error.data.version.clone(),
            daemon_protocol: error.data.protocol,
        };
    }
    Error::Rpc(error)
}

/// What a daemon of any version says of itself in `daemon.ping`.
#[derive(Deserialize)]
pub(crate) struct SelfDescription {
    pub(crate) version: String,
    pub(crate) protocol: u32,
}

impl SelfDescription {
    /// The error to report for an answer that could not be read.
    pub(crate) fn explain(self, unreadable: Error) -> Error {
        if self.version == VERSION && self.protocol == PROTOCOL {
            return unreadable;
        }
        Error::VersionSkew {
            daemon_version: self.version,
            daemon_protocol: self.protocol,
        }
    }
}

#[cfg(test)]
mod tests {
    use spaces_api::{ErrorKind, PROTOCOL, RpcError, VERSION};

    use super::{Lines, SelfDescription, judge};
    use crate::error::Error;

    fn answered(kind: ErrorKind, method: &str, version: &str, protocol: u32) -> Error {
        let mut error = RpcError::new(kind, "no");
        error.data.version = version.into();
        error.data.protocol = protocol;
        judge(error, method)
    }

    #[test]
    fn an_answer_that_only_another_version_gives_is_told_as_that() {
        let skewed = |error| matches!(error, Error::VersionSkew { .. });
        let next = PROTOCOL + 1;
        for (kind, method, version, protocol, expected) in [
            (
                ErrorKind::MethodNotFound,
                "message.send",
                "0.0.1",
                PROTOCOL,
                true,
            ),
            (
                ErrorKind::MethodNotFound,
                "message.send",
                VERSION,
                PROTOCOL,
                false,
            ),
            (
                ErrorKind::MethodNotFound,
                "message.sned",
                "0.0.1",
                PROTOCOL,
                false,
            ),
            (
                ErrorKind::InvalidParams,
                "message.send",
                "9.0.0",
                next,
                true,
            ),
            (
                ErrorKind::InvalidParams,
                "message.send",
                VERSION,
                PROTOCOL,
                false,
            ),
            (
                ErrorKind::VersionSkew,
                "message.send",
                VERSION,
                PROTOCOL,
                true,
            ),
            (ErrorKind::Busy, "message.send", "9.0.0", next, false),
        ] {
            let error = answered(kind, method, version, protocol);
            assert_eq!(
                skewed(error),
                expected,
                "{kind} {method} {version} {protocol}"
            );
        }
    }

    #[test]
    fn an_unreadable_answer_of_another_version_is_no_parse_error() {
        let explained = |version: &str, protocol| {
            let unreadable = Error::Malformed {
                method: "daemon.status".into(),
                why: "missing field `hub`".into(),
            };
            let version = version.to_owned();
            SelfDescription { version, protocol }.explain(unreadable)
        };
        for (version, protocol, hint) in [
            ("0.0.1", PROTOCOL, "restart the daemon"),
            ("9.0.0", PROTOCOL + 1, "upgrade this client"),
        ] {
            let error = explained(version, protocol);
            assert_eq!(error.kind(), ErrorKind::VersionSkew);
            assert!(error.to_string().contains(version), "{error}");
            assert!(
                error.hint().unwrap().starts_with(hint),
                "{:?}",
                error.hint()
            );
        }
        assert_eq!(explained(VERSION, PROTOCOL).kind(), ErrorKind::Internal);
    }

    #[test]
    fn lines_are_whole_however_they_are_cut() {
        let text = "{\"id\":1,\"result\":\"ä\"}\n{\"method\":\"event\"}\n";
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut found = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                lines.push(piece);
                while let Some(line) = lines.next().unwrap() {
                    found.push(line);
                }
            }
            assert!(found[0].answers(1) && found[1].is_notification(), "{size}");
            assert_eq!(found.len(), 2);
        }
    }

    #[test]
    fn a_line_that_is_no_message_is_an_error() {
        let mut lines = Lines::default();
        lines.push(b"hello\n");
        let error = lines.next().unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
    }
}
