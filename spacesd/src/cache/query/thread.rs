//! Threads.

use rusqlite::{Connection, OptionalExtension, Row, params};
use spaces_api::model::Thread;

use super::Resolved;
use crate::cache::names::{get_id, get_time, id, username_of};
use crate::cache::{Cache, CacheError};

/// Threads that are listed.
const LISTED: u32 = 1000;

impl Cache {
    /// Threads of a channel, the last active first, at most 1,000.
    pub fn threads(&self, channel_id: u64, archived_too: bool) -> Result<Vec<Thread>, CacheError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "{} WHERE t.channel_id = ?1 AND (?2 OR NOT t.archived)
                 ORDER BY t.last_message_at DESC, t.id LIMIT ?3",
                select()
            ))?
            .query_map(params![id(channel_id), archived_too, LISTED], thread)?
            .collect()
        })
    }

    /// One thread by id.
    pub fn thread(&self, thread_id: u64) -> Result<Option<Thread>, CacheError> {
        self.read(|db| by_id(db, thread_id))
    }

    /// The thread of a channel with this name, the newest if there are several.
    pub fn resolve_thread(
        &self,
        channel_id: u64,
        name: &str,
    ) -> Result<Resolved<Thread>, CacheError> {
        let threads = self.threads(channel_id, true)?;
        if let Some(found) = threads
            .iter()
            .filter(|thread| thread.name.eq_ignore_ascii_case(name))
            .max_by_key(|thread| thread.id)
        {
            return Ok(Resolved::One(found.clone()));
        }
        Ok(Resolved::Unknown(super::resolve::nearest(
            name,
            threads
                .into_iter()
                .map(|thread| (thread.name.clone(), thread.name)),
        )))
    }
}

fn by_id(db: &Connection, thread_id: u64) -> rusqlite::Result<Option<Thread>> {
    db.prepare_cached(&format!("{} WHERE t.id = ?1", select()))?
        .query_row([id(thread_id)], thread)
        .optional()
}

fn select() -> String {
    format!(
        "SELECT t.id, t.channel_id, t.name, {}, t.archived, t.created_at, t.last_message_at
         FROM thread t JOIN user u ON u.ref = t.creator",
        username_of("u")
    )
}

fn thread(row: &Row<'_>) -> rusqlite::Result<Thread> {
    Ok(Thread {
        id: get_id(row, 0)?,
        channel_id: get_id(row, 1)?,
        name: row.get(2)?,
        creator: row.get(3)?,
        archived: row.get(4)?,
        created_at: get_time(row, 5)?,
        last_message_at: get_time(row, 6)?,
    })
}
