//! `audit.*`: who did what, for moderators and up.

use crate::model::{AuditEntry, Older, results};
use crate::{Meta, ServerRef};

methods! {
    /// Admin acts in a server, newest first.
    List = "audit.list", Read, ListParams => Entries;
}

params! {
    #[derive(Default)]
    ListParams {
        #[serde(default, skip_serializing_if = "Option::is_none")]
        server: Option<ServerRef>,
        /// 1 to 500; default 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        /// Only entries with a lower id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
    }
}

results! {
    Entries {
        entries: Vec<AuditEntry>,
        /// What there is before them: this machine has the newest 100 of a server,
        /// the hub is asked for others.
        older: Older,
        meta: Meta,
    }
}
