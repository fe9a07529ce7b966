use std::fmt::Write as _;
use std::io;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use serde_json::{Value, json};
use spaces_client::Error;
use spaces_client::spaces_api::{ErrorKind, Receipt};
use spaces_client::spool::SpoolError;

use crate::output::clean;
use crate::skew;

/// Why a command did not do what it was asked: what was tried and what happened,
/// what to do next, and which names were perhaps meant.
#[derive(Clone, Debug)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: ErrorKind,
    /// What was tried and what happened.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Names that were perhaps meant, best first.
    pub candidates: Vec<String>,
    /// Further detail for `--json`: the receipt of a refused write.
    pub detail: Option<Value>,
    /// No daemon answered: a write may be left in the spool.
    pub daemon_down: bool,
    /// The reader of the output went away: not worth a word.
    silent: bool,
}

const ERROR: Style = AnsiColor::Red.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default();

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            candidates: Vec::new(),
            detail: None,
            daemon_down: false,
            silent: false,
        }
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A write that the hub refused for good.
    pub fn rejected(receipt: &Receipt) -> Self {
        let reason = receipt.reason.as_deref().unwrap_or("no reason was given");
        let mut failure = Self::new(
            ErrorKind::Rejected,
            format!("the hub refused it: {reason}"),
        )
        .hint(format!(
            "it is kept: `spacesctl outbox show {key}`, then `outbox retry {key}` or `outbox drop {key}`",
            key = receipt.client_key
        ));
        failure.detail = serde_json::to_value(receipt).ok();
        failure
    }

    /// A request that a daemon of another version does not understand may be right:
    /// the difference is then worth more than how to write it otherwise.
    fn blame_version(&mut self, daemon: &str) {
        let not_understood = matches!(
            self.kind,
            ErrorKind::InvalidParams | ErrorKind::InvalidRequest | ErrorKind::MethodNotFound
        );
        if not_understood && let Some(notice) = skew::notice(daemon) {
            self.hint = Some(match self.hint.take() {
                Some(hint) => format!("{notice}; {hint}"),
                None => notice,
            });
        }
    }

    /// Writes the failure to stderr and gives the exit code.
    pub fn report(&self, as_json: bool) -> ExitCode {
        if self.silent {
            return ExitCode::SUCCESS;
        }
        if as_json {
            eprintln!("{}", self.to_json());
        } else {
            anstream::eprint!("{}", self.to_text());
        }
        ExitCode::from(self.kind.exit_code())
    }

    fn to_json(&self) -> Value {
        let mut error = json!({ "kind": self.kind, "message": self.message });
        if let Some(hint) = &self.hint {
            error["hint"] = json!(hint);
        }
        if !self.candidates.is_empty() {
            error["candidates"] = json!(self.candidates);
        }
        if let Some(detail) = &self.detail {
            error["detail"] = detail.clone();
        }
        json!({ "error": error })
    }

    fn to_text(&self) -> String {
        let mut text = format!("{ERROR}error:{ERROR:#} {}\n", clean(&self.message));
        if !self.candidates.is_empty() {
            let _ = writeln!(
                text,
                "  {HINT}did you mean:{HINT:#} {}",
                clean(&self.candidates.join(", "))
            );
        }
        if let Some(hint) = &self.hint {
            let _ = writeln!(text, "  {HINT}hint:{HINT:#} {}", clean(hint));
        }
        text
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(error.kind(), error.to_string());
        failure.candidates = error.candidates().to_vec();
        // The candidates have a line of their own.
        failure.hint = error
            .hint()
            .filter(|hint| failure.candidates.is_empty() || !hint.starts_with("did you mean"));
        failure.daemon_down = error.is_daemon_down();
        match &error {
            Error::Rpc(error) => {
                failure.detail.clone_from(&error.data.detail);
                failure.blame_version(&error.data.version);
            }
            Error::VersionSkew { daemon_version, .. } => {
                if let Some(notice) = skew::notice(daemon_version) {
                    failure.message = notice;
                    failure.hint = None;
                }
            }
            _ => {}
        }
        failure
    }
}

impl From<SpoolError> for Failure {
    fn from(error: SpoolError) -> Self {
        let mut failure = match &error {
            SpoolError::Io { source, .. } => {
                Self::from(io::Error::new(source.kind(), source.to_string()))
            }
            _ => Self::new(ErrorKind::Internal, ""),
        };
        failure.message = error.to_string();
        let remedy = match failure.kind {
            ErrorKind::DiskFull => "make room on that disk, or make it writable, and repeat it",
            _ => "start the daemon and repeat it",
        };
        failure.hint = Some(format!("nothing was kept: {remedy}"));
        failure
    }
}

impl From<io::Error> for Failure {
    /// Faults of the output. A reader that went away (`| head`) is none.
    fn from(error: io::Error) -> Self {
        let mut failure = Self::new(
            match error.kind() {
                io::ErrorKind::StorageFull
                | io::ErrorKind::QuotaExceeded
                | io::ErrorKind::ReadOnlyFilesystem => ErrorKind::DiskFull,
                _ => ErrorKind::Internal,
            },
            error.to_string(),
        );
        failure.silent = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }
}

#[cfg(test)]
mod tests {
    use spaces_client::spaces_api::{ErrorKind, RpcError, VERSION};

    use super::Failure;

    #[test]
    fn text_says_what_happened_what_was_meant_and_what_to_do() {
        let error = RpcError::new(ErrorKind::NotFound, "there is no channel #genral")
            .candidates(["#general"])
            .hint("list them with `spacesctl channel list`");
        let failure = Failure::from(spaces_client::Error::from(error));
        let text = anstream::adapter::strip_str(&failure.to_text()).to_string();
        assert_eq!(
            text,
            "error: there is no channel #genral\n  did you mean: #general\n  \
             hint: list them with `spacesctl channel list`\n"
        );
        let json = failure.to_json();
        assert_eq!(json["error"]["kind"], "not_found");
        assert_eq!(json["error"]["candidates"][0], "#general");
    }

    #[test]
    fn what_another_version_does_not_understand_is_blamed_on_the_version() {
        let from = |kind, version: &str| {
            let mut error = RpcError::new(kind, "unknown parameter `paths`").hint("known: `id`");
            error.data.version = version.into();
            Failure::from(spaces_client::Error::from(error))
                .hint
                .unwrap()
        };
        let hint = from(ErrorKind::InvalidParams, "0.0.1");
        assert!(
            hint.starts_with("spacesd 0.0.1 is running, spacesctl is "),
            "{hint}"
        );
        assert!(
            hint.contains("restart it with") && hint.ends_with("; known: `id`"),
            "{hint}"
        );
        assert_eq!(from(ErrorKind::InvalidParams, VERSION), "known: `id`");
        assert_eq!(from(ErrorKind::NotFound, "0.0.1"), "known: `id`");

        let failure = Failure::from(spaces_client::Error::VersionSkew {
            daemon_version: "0.0.1".into(),
            daemon_protocol: 1,
        });
        let text = anstream::adapter::strip_str(&failure.to_text()).to_string();
        let said =
            format!("error: spacesd 0.0.1 is running, spacesctl is {VERSION}: restart it with ");
        assert!(text.starts_with(&said), "{text}");
    }

    #[test]
    fn peer_text_in_an_error_cannot_drive_the_terminal() {
        let failure = Failure::new(ErrorKind::NotFound, "no \u{1b}]0;owned\u{7} such");
        assert!(!failure.to_text().contains("owned"));
    }
}
