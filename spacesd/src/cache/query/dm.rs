//! Direct messages.

use rusqlite::Connection;
use spaces_api::model::{Conversation, Message};

use super::user::{user_at, user_columns};
use crate::cache::names::{get_id, id};
use crate::cache::{Cache, CacheError};
use crate::row::Identity;

/// Conversations that are listed.
const LISTED: u32 = 500;

impl Cache {
    /// The channel of the conversation with a user; none before its first message.
    pub fn dm_channel(&self, with: &Identity) -> Result<Option<u64>, CacheError> {
        use rusqlite::OptionalExtension;
        self.read(|db| {
            db.prepare_cached(
                "SELECT c.id FROM channel c JOIN user u ON u.ref = c.peer WHERE u.identity = ?1",
            )?
            .query_row([&with.0[..]], |row| get_id(row, 0))
            .optional()
        })
    }

    /// All conversations, the last active first, at most 500.
    pub fn conversations(&self) -> Result<Vec<Conversation>, CacheError> {
        self.read(conversations)
    }
}

fn conversations(db: &Connection) -> rusqlite::Result<Vec<Conversation>> {
    let mut found: Vec<Conversation> = db
        .prepare_cached(&format!(
            "SELECT c.id, COALESCE(r.unread, 0), {user},
               (SELECT max(m.id) FROM message m WHERE m.channel_id = c.id) AS newest
             FROM channel c JOIN user u ON u.ref = c.peer
               LEFT JOIN read_state r ON r.channel_id = c.id
             ORDER BY newest DESC, c.id LIMIT ?1",
            user = user_columns("u")
        ))?
        .query_map([LISTED], |row| {
            Ok(Conversation {
                channel_id: get_id(row, 0)?,
                unread: get_id(row, 1)?,
                with: user_at(row, 2)?,
                last: None,
            })
        })?
        .collect::<Result<_, _>>()?;
    for conversation in &mut found {
        conversation.last = newest(db, conversation.channel_id)?;
    }
    Ok(found)
}

fn newest(db: &Connection, channel_id: u64) -> rusqlite::Result<Option<Message>> {
    let found = super::message::select(
        db,
        "WHERE m.channel_id = ?1 ORDER BY m.id DESC LIMIT 1",
        &[&id(channel_id)],
    )?;
    Ok(found.into_iter().next())
}
