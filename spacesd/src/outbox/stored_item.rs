//! A row of the outbox's table.

use rusqlite::Row;
use rusqlite::types::Type;
use spaces_api::model::OutboxItem;
use spaces_api::{Receipt, ReceiptState, Timestamp};
use uuid::Uuid;

use super::content::Digest;
use super::store::Stored;
use crate::operation::Call;

/// How an item stands on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Queued = 0,
    Sent = 1,
    Rejected = 2,
    /// Taken out by the user: shown as rejected, no longer listed.
    Dropped = 3,
}

/// An item as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct StoredItem {
    pub id: i64,
    pub state: State,
    pub receipt: Receipt,
    pub method: String,
    pub target: String,
    pub digest: Digest,
    pub bytes: u64,
    pub attempts: u32,
    /// The call as JSON; gone once sent or dropped.
    pub call: Option<String>,
}

/// What [`read_item`] reads.
pub(super) const COLUMNS: &str = "id, state, client_key, message_id, queued_at, settled_at, reason, method, \
                       target, digest, bytes, attempts, call";

impl StoredItem {
    /// As `outbox.list` shows it.
    pub fn shown(self) -> OutboxItem {
        OutboxItem {
            last_error: self.receipt.reason.clone(),
            receipt: self.receipt,
            method: self.method,
            target: self.target,
            bytes: self.bytes,
            attempts: self.attempts,
        }
    }

    /// The call, if it is there and can be read.
    pub fn parsed(&self) -> Option<Call> {
        serde_json::from_str(self.call.as_deref()?).ok()
    }
}

/// An item from a row of its [`COLUMNS`].
pub(super) fn read_item(row: &Row<'_>) -> Stored<StoredItem> {
    let state = match row.get::<_, i64>("state")? {
        0 => State::Queued,
        1 => State::Sent,
        2 => State::Rejected,
        3 => State::Dropped,
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(1, other)),
    };
    let settled_at: Option<i64> = row.get("settled_at")?;
    let key: Vec<u8> = row.get("client_key")?;
    let key = Uuid::from_slice(&key)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, error.into()))?;
    Ok(StoredItem {
        id: row.get("id")?,
        state,
        receipt: Receipt {
            client_key: key,
            state: match state {
                State::Queued => ReceiptState::Queued,
                State::Sent => ReceiptState::Sent,
                State::Rejected | State::Dropped => ReceiptState::Rejected,
            },
            message_id: row
                .get::<_, Option<i64>>("message_id")?
                .map(i64::cast_unsigned),
            queued_at: Timestamp::from_micros(row.get("queued_at")?),
            sent_at: settled_at
                .filter(|_| state == State::Sent)
                .map(Timestamp::from_micros),
            reason: row.get("reason")?,
        },
        method: row.get("method")?,
        target: row.get("target")?,
        digest: row.get("digest")?,
        bytes: row.get::<_, i64>("bytes")?.cast_unsigned(),
        attempts: row.get("attempts")?,
        call: row.get("call")?,
    })
}
