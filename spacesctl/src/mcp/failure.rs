//! What went wrong, as an agent reads it: a tool error with a kind, what
//! happened, and what to do next.

use serde_json::{Value, json};
use spaces_api::{ErrorKind, Receipt};
use spaces_client::Error;
use spaces_client::spool::SpoolError;

use crate::peers::inline;

/// Longest message, hint or name in an error: they may hold names from peers.
const MAX_CHARS: usize = 600;
const MAX_CANDIDATES: usize = 10;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolError {
    pub kind: ErrorKind,
    message: String,
    hint: Option<String>,
    candidates: Vec<String>,
}

impl ToolError {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            candidates: Vec::new(),
        }
    }

    /// What is wrong with the arguments, and what they should be.
    pub fn invalid(message: impl Into<String>, hint: &str) -> Self {
        Self::new(ErrorKind::InvalidParams, message).hint(hint)
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A write that the hub refused for good.
    pub fn rejected(receipt: &Receipt) -> Self {
        let reason = receipt.reason.as_deref().unwrap_or("no reason was given");
        Self::new(ErrorKind::Rejected, format!("the hub refused it: {reason}"))
    }

    /// One JSON object.
    pub fn to_json(&self) -> Value {
        let mut error = json!({
            "kind": self.kind,
            "message": inline(&self.message, MAX_CHARS),
        });
        if let Some(hint) = &self.hint {
            error["hint"] = json!(inline(hint, MAX_CHARS));
        }
        if !self.candidates.is_empty() {
            let names = self.candidates.iter().take(MAX_CANDIDATES);
            error["candidates"] = names.map(|name| json!(inline(name, MAX_CHARS))).collect();
        }
        error
    }
}

impl From<Error> for ToolError {
    fn from(error: Error) -> Self {
        let hint = match error.kind() {
            // The agent has no client keys; what may be repeated was repeated.
            ErrorKind::Timeout => Some(
                "the daemon may have accepted it: look (activity, claim list, note list) before \
                 you repeat it; `spacesctl doctor` says what is wrong"
                    .to_owned(),
            ),
            ErrorKind::DaemonUnreachable => {
                Some("start it with `spacesctl up`, then repeat the call".to_owned())
            }
            ErrorKind::KeyReused => None,
            _ => error.hint(),
        };
        Self {
            kind: error.kind(),
            message: error.to_string(),
            hint,
            candidates: error.candidates().to_vec(),
        }
    }
}

impl From<SpoolError> for ToolError {
    fn from(error: SpoolError) -> Self {
        Self::new(ErrorKind::DiskFull, error.to_string())
            .hint("nothing was kept: start the daemon with `spacesctl up` and repeat the call")
    }
}
