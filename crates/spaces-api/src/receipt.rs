use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Timestamp;

/// What is known about a write. It never claims more than what happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Receipt {
    /// The idempotency key: a repeat with this key is the same write.
    pub client_key: Uuid,
    pub state: ReceiptState,
    /// The hub's id of what was written, once the hub has shown it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<u64>,
    /// When the daemon had the write on disk.
    pub queued_at: Timestamp,
    /// When the hub confirmed the write as durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// Why the hub refused it; only with `rejected`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ReceiptState {
    /// On this machine's disk; will be sent.
    Queued,
    /// Committed and durable on the hub.
    Sent,
    /// Refused by the hub for good; see the reason.
    Rejected,
}

impl ReceiptState {
    /// The word used on the wire and in text output.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Rejected => "rejected",
        }
    }
}

/// How long a writer wants to wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Wait {
    /// Until the write is on this machine's disk.
    #[default]
    Queued,
    /// Until the hub has confirmed or refused it, or `timeout_ms` has passed;
    /// then the receipt says truthfully `queued`.
    Sent,
}

/// What every write takes beside its own parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    pub client_key: Option<Uuid>,
    pub wait: Wait,
    /// Limit of a wait for `sent`, in milliseconds. Default 10,000, at most 60,000.
    pub timeout_ms: Option<u64>,
    /// The agent session for which the call is made; holds it to the agent tier.
    pub session: Option<String>,
}

/// Parameters of a write: they carry a [`Delivery`].
pub trait WriteParams {
    /// The common part of the parameters.
    fn delivery(&self) -> Delivery;
}

/// The result of a write that makes nothing which the caller needs to know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Written {
    pub receipt: Receipt,
}
