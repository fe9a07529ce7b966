//! `outbox.*`: the durable queue of writes.

use crate::Receipt;
use crate::model::{OutboxItem, OutboxStatus, results};
use uuid::Uuid;

methods! {
    /// Writes that wait, and those that were rejected, oldest first.
    List = "outbox.list", Local, ListParams => Items;
    /// The receipt of a write; known for 30 days after it was sent.
    Show = "outbox.show", Local, KeyParams => Shown;
    /// Queues a rejected write again.
    Retry = "outbox.retry", Local, KeyParams => Shown;
    /// Takes a rejected write out of the outbox, or a queued one that was never tried.
    Drop = "outbox.drop", Local, KeyParams => Shown;
    /// Waits until nothing is queued, or the time is over.
    Flush = "outbox.flush", Local, FlushParams => Flushed;
}

params! {
    #[derive(Default)]
    ListParams {
        /// Only rejected ones.
        #[serde(default)]
        rejected: bool,
        /// 1 to 1,000; default 100.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    }
    KeyParams {
        client_key: Uuid,
    }
    #[derive(Default)]
    FlushParams {
        /// In milliseconds; default 10,000, at most 60,000.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        timeout_ms: Option<u64>,
    }
}

results! {
    Items {
        items: Vec<OutboxItem>,
        status: OutboxStatus,
    }
    Shown {
        receipt: Receipt,
        /// Absent once sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        item: Option<OutboxItem>,
    }
    Flushed {
        still_queued: u64,
    }
}
