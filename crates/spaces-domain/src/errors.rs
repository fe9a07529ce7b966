//! How the module says no. A reducer's error is one line, `kind: message`; the
//! daemon reads it back with [`Refusal::parse`].

use std::fmt;

/// Why a call was refused. The names are part of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// An argument breaks a rule; the same call can never succeed.
    Invalid,
    /// What the call names is not there, or the caller may not know that it is.
    NotFound,
    /// The caller's tier does not allow it.
    PermissionDenied,
    /// The present state does not allow it: a taken name, an overlapping claim.
    Conflict,
    /// The `client_key` was used before with other content.
    KeyReused,
    /// The call that has to come first, named in the `client_key`, was not
    /// carried out (yet).
    OutOfOrder,
    /// Too many calls; the message holds `retry_after_ms=N`.
    RateLimited,
    /// The hub is closed and has no admission for the caller.
    NotAdmitted,
    /// The caller is banned from the server.
    Banned,
    /// The caller is muted in the server.
    Muted,
    /// The channel or thread is archived.
    Archived,
    /// The module broke a rule of its own.
    Internal,
}

impl ErrorKind {
    pub const ALL: [ErrorKind; 12] = [
        Self::Invalid,
        Self::NotFound,
        Self::PermissionDenied,
        Self::Conflict,
        Self::KeyReused,
        Self::OutOfOrder,
        Self::RateLimited,
        Self::NotAdmitted,
        Self::Banned,
        Self::Muted,
        Self::Archived,
        Self::Internal,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::Conflict => "conflict",
            Self::KeyReused => "key_reused",
            Self::OutOfOrder => "out_of_order",
            Self::RateLimited => "rate_limited",
            Self::NotAdmitted => "not_admitted",
            Self::Banned => "banned",
            Self::Muted => "muted",
            Self::Archived => "archived",
            Self::Internal => "internal",
        }
    }

    /// Whether the same call may succeed later without any change to it.
    pub const fn is_transient(self) -> bool {
        matches!(self, Self::RateLimited | Self::OutOfOrder)
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A refused call: why, and what to do about it. `Display` is the wire form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: ErrorKind,
    pub message: String,
}

const RETRY: &str = "retry_after_ms=";

impl Refusal {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
        }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    pub fn denied(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::PermissionDenied, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// `why`, and the milliseconds after which the same call may be made again.
    pub fn rate_limited(why: &str, retry_after_ms: u64) -> Self {
        Self::new(
            ErrorKind::RateLimited,
            format!("{why}; {RETRY}{retry_after_ms}"),
        )
    }

    /// Reads a reducer's error text. Text in another form, such as an error of
    /// the engine, is an `internal` refusal with the whole text as its message.
    pub fn parse(text: &str) -> Self {
        let parsed = text.split_once(": ").and_then(|(kind, message)| {
            ErrorKind::from_name(kind).map(|kind| Self::new(kind, message))
        });
        parsed.unwrap_or_else(|| Self::internal(text))
    }

    /// Milliseconds to wait before the same call may succeed, where stated.
    pub fn retry_after_ms(&self) -> Option<u64> {
        if self.kind != ErrorKind::RateLimited {
            return None;
        }
        let (_, rest) = self.message.rsplit_once(RETRY)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse().ok()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for String {
    fn from(refusal: Refusal) -> Self {
        refusal.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_kind_is_read_back() {
        for kind in ErrorKind::ALL {
            let refusal = Refusal::new(kind, "a: b");
            assert_eq!(Refusal::parse(&refusal.to_string()), refusal);
        }
    }

    #[test]
    fn retry_time_is_read_back() {
        let refusal = Refusal::rate_limited("200 calls at once are the limit", 250);
        assert_eq!(
            Refusal::parse(&refusal.to_string()).retry_after_ms(),
            Some(250)
        );
        assert_eq!(
            Refusal::parse("rate_limited: slow down").retry_after_ms(),
            None
        );
        assert_eq!(
            Refusal::parse("invalid: retry_after_ms=3").retry_after_ms(),
            None
        );
    }

    #[test]
    fn foreign_text_is_internal() {
        let refusal = Refusal::parse("wasm trap: unreachable");
        assert_eq!(refusal.kind, ErrorKind::Internal);
        assert_eq!(refusal.message, "wasm trap: unreachable");
    }

    proptest! {
        #[test]
        fn any_text_parses(text in ".*") {
            let refusal = Refusal::parse(&text);
            prop_assert!(refusal.to_string().ends_with(&refusal.message));
            let _ = refusal.retry_after_ms();
        }
    }
}
