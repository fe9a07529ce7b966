//! `hub.*`: how the hub is run. Its settings are for the owner and the admins of
//! its first server.

use super::None;
use crate::model::{Admission, results};
use crate::{Meta, UserRef, Written};

methods! {
    /// The hub's settings. Asked of the hub.
    Settings = "hub.settings", Read, None => Settled;
    /// Changes what is given; the rest stays.
    Set = "hub.set", Admin, SetParams => Written;
    /// Lets an identity into a closed hub without an invite.
    Admit = "hub.admit", Admin, AdmitParams => Written;
    /// Shuts a user out of the hub: of all servers, and of a closed hub itself.
    ShutOut = "hub.shut_out", Admin, ShutOutParams => Written;
}

write_params! {
    #[derive(Default)]
    SetParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether one needs an invite.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        admission: Option<Admission>,
        /// Calls per second that one user may make in the long run.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate_per_sec: Option<u32>,
        /// Calls that one user may make at once after a pause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rate_burst: Option<u32>,
        /// Messages older than this are deleted; 0 keeps them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message_days: Option<u32>,
        /// Messages beyond so many in a channel are deleted, the oldest first; 0
        /// keeps them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        messages_per_channel: Option<u64>,
        /// What waits in an inbox longer than this is deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        delivery_days: Option<u32>,
        /// How long a write is known by its client key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        idempotency_days: Option<u32>,
        /// Entries of the audit older than this are deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        audit_days: Option<u32>,
        /// Ended sessions and done notes older than this are deleted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_days: Option<u32>,
        /// A session of which nothing is heard for so long is ended.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session_timeout_secs: Option<u32>,
    }
    AdmitParams {
        /// 64 hexadecimal digits, as `daemon.status` shows them to the one whom the hub
        /// does not admit.
        identity: String,
    }
    ShutOutParams {
        user: UserRef,
    }
}

results! {
    Settled {
        name: String,
        admission: Admission,
        rate_per_sec: u32,
        rate_burst: u32,
        /// 0 keeps messages for ever.
        message_days: u32,
        /// 0 keeps all.
        messages_per_channel: u64,
        delivery_days: u32,
        idempotency_days: u32,
        audit_days: u32,
        session_days: u32,
        session_timeout_secs: u32,
        meta: Meta,
    }
}
