use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{PROTOCOL, VERSION};

macro_rules! error_kinds {
    ($(#[doc = $doc:literal] $kind:ident = $name:literal, $code:literal, $exit:literal;)*) => {
        /// What went wrong, as a stable word that programs may rely on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
        pub enum ErrorKind {
            $(#[doc = $doc] #[serde(rename = $name)] $kind,)*
        }

        impl ErrorKind {
            /// Every kind, in the order of the exit codes.
            pub const ALL: &[Self] = &[$(Self::$kind,)*];

            /// The stable word: `data.kind` in an error reply.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            /// The JSON-RPC error code.
            pub const fn code(self) -> i64 {
                match self { $(Self::$kind => $code,)* }
            }

            /// The exit code with which `spacesctl` ends on this kind.
            pub const fn exit_code(self) -> u8 {
                match self { $(Self::$kind => $exit,)* }
            }

            /// What the kind means, in one line, for help texts.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $doc.trim_ascii(),)* }
            }
        }
    };
}

error_kinds! {
    /// The request is not valid JSON.
    ParseError = "parse_error", -32700, 65;
    /// The JSON is not a JSON-RPC 2.0 request.
    InvalidRequest = "invalid_request", -32600, 65;
    /// There is no such method.
    MethodNotFound = "method_not_found", -32601, 64;
    /// A parameter is missing, unknown, of the wrong type or out of range.
    InvalidParams = "invalid_params", -32602, 2;
    /// A fault of the program itself; please report it.
    Internal = "internal", -32603, 70;
    /// No channel, user, message or other thing of that name or id.
    NotFound = "not_found", -32004, 3;
    /// The name fits more than one thing; the candidates are listed.
    AmbiguousName = "ambiguous_name", -32005, 4;
    /// Your role does not allow this.
    PermissionDenied = "permission_denied", -32003, 5;
    /// It clashes with what is there: a name in use, a claim held by another.
    Conflict = "conflict", -32009, 6;
    /// This client key was used for another content before.
    KeyReused = "key_reused", -32010, 7;
    /// A text, request or batch is over its limit.
    TooLarge = "too_large", -32013, 8;
    /// Too many writes in a short time; try again later.
    RateLimited = "rate_limited", -32029, 9;
    /// The outbox holds as much as it may; nothing was accepted.
    OutboxFull = "outbox_full", -32014, 10;
    /// This needs the hub, and the hub cannot be reached.
    HubUnreachable = "hub_unreachable", -32020, 11;
    /// The hub refused the write for good; the reason is given.
    Rejected = "rejected", -32021, 12;
    /// The cache has not been loaded yet; try again in a moment.
    NotReady = "not_ready", -32022, 13;
    /// The daemon serves as many requests as it may; try again.
    Busy = "busy", -32023, 14;
    /// The disk is full or read-only; nothing was accepted.
    DiskFull = "disk_full", -32024, 15;
    /// The event cursor is older than the kept events; start again from a read.
    CursorExpired = "cursor_expired", -32025, 16;
    /// Client and daemon speak different protocol versions.
    VersionSkew = "version_skew", -32026, 17;
    /// No daemon answers on the socket (made by clients, never sent).
    DaemonUnreachable = "daemon_unreachable", -32030, 18;
    /// The daemon did not answer in time (made by clients, never sent).
    Timeout = "timeout", -32031, 19;
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A JSON-RPC error object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct RpcError {
    /// JSON-RPC code; see [`ErrorKind::code`].
    pub code: i64,
    /// What was tried and what happened, for people.
    pub message: String,
    /// The same for programs.
    pub data: Box<ErrorData>,
}

/// The machine-readable half of an [`RpcError`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ErrorData {
    pub kind: ErrorKind,
    /// What to do next, where there is something to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Names that were perhaps meant, best first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<String>,
    /// For `rate_limited` and `busy`: when to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// Further detail by kind (the receipt of a rejected write, for example).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Value>,
    /// Version of the program that made the error.
    pub version: String,
    /// Its [`PROTOCOL`].
    pub protocol: u32,
}

impl RpcError {
    /// An error of this kind; `message` says what was tried and what happened.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            code: kind.code(),
            message: message.into(),
            data: Box::new(ErrorData {
                kind,
                hint: None,
                candidates: Vec::new(),
                retry_after_ms: None,
                detail: None,
                version: VERSION.to_owned(),
                protocol: PROTOCOL,
            }),
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.data.hint = Some(hint.into());
        self
    }

    /// Adds the names that were perhaps meant.
    #[must_use]
    pub fn candidates<T: Into<String>>(mut self, names: impl IntoIterator<Item = T>) -> Self {
        self.data.candidates = names.into_iter().map(Into::into).collect();
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub fn retry_after_ms(mut self, millis: u64) -> Self {
        self.data.retry_after_ms = Some(millis);
        self
    }

    /// Adds further detail.
    #[must_use]
    pub fn detail(mut self, detail: Value) -> Self {
        self.data.detail = Some(detail);
        self
    }

    /// The kind of the error.
    pub fn kind(&self) -> ErrorKind {
        self.data.kind
    }
}

impl fmt::Display for RpcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for RpcError {}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::ErrorKind;

    #[test]
    fn words_and_codes_are_distinct() {
        let words: HashSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
        let codes: HashSet<_> = ErrorKind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(words.len(), ErrorKind::ALL.len());
        assert_eq!(codes.len(), ErrorKind::ALL.len());
    }

    #[test]
    fn the_word_is_what_serde_writes() {
        for kind in ErrorKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert!(
                kind.meaning().ends_with(['.', 't', 'e']),
                "{kind}: a meaning"
            );
        }
    }
}
