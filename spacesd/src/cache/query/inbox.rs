//! What is addressed to the caller.

use rusqlite::{Connection, params};
use spaces_api::Timestamp;
use spaces_api::model::{InboxItem, InboxReason};

use crate::cache::names::{get_id, get_optional_id, get_time, get_word, id};
use crate::cache::{Cache, CacheError};

impl Cache {
    /// Inbox items, newest first; only unread ones unless `read_too`.
    pub fn inbox(
        &self,
        read_too: bool,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Vec<InboxItem>, CacheError> {
        self.read(|db| {
            select(
                db,
                if read_too {
                    "WHERE id < ?1 ORDER BY id DESC LIMIT ?2"
                } else {
                    "WHERE read = 0 AND id < ?1 ORDER BY id DESC LIMIT ?2"
                },
                params![before.map_or(i64::MAX, id), limit],
            )
        })
    }

    /// Number of unread items.
    pub fn inbox_unread(&self) -> Result<u64, CacheError> {
        self.read(|db| {
            db.prepare_cached("SELECT count(*) FROM inbox WHERE read = 0")?
                .query_row([], |row| get_id(row, 0))
        })
    }
}

pub(in crate::cache) fn item(db: &Connection, item_id: u64) -> rusqlite::Result<Option<InboxItem>> {
    let found = select(db, "WHERE id = ?1", params![id(item_id)])?;
    Ok(found.into_iter().next())
}

pub(super) fn unshown(db: &Connection, limit: u32) -> rusqlite::Result<Vec<InboxItem>> {
    select(
        db,
        "WHERE read = 0 AND shown = 0 ORDER BY id DESC LIMIT ?1",
        params![limit],
    )
}

struct Read {
    id: u64,
    reason: InboxReason,
    message_id: Option<u64>,
    detail: Option<String>,
    at: Timestamp,
    read: bool,
}

fn select(
    db: &Connection,
    tail: &str,
    values: &[&dyn rusqlite::ToSql],
) -> rusqlite::Result<Vec<InboxItem>> {
    let read: Vec<Read> = db
        .prepare_cached(&format!(
            "SELECT id, reason, message_id, detail, created_at, read FROM inbox {tail}"
        ))?
        .query_map(values, |row| {
            Ok(Read {
                id: get_id(row, 0)?,
                reason: get_word(row, 1, InboxReason::ALL)?,
                message_id: get_optional_id(row, 2)?,
                detail: row.get(3)?,
                at: get_time(row, 4)?,
                read: row.get(5)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    read.into_iter()
        .map(|read| {
            let message = match read.message_id {
                Some(message_id) => super::message::by_id(db, message_id)?,
                None => None,
            };
            Ok(InboxItem {
                id: read.id,
                reason: read.reason,
                message,
                detail: read.detail,
                at: read.at,
                read: read.read,
            })
        })
        .collect()
}
