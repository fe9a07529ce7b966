//! What the cache has not of a channel's past, and how messages are shown that
//! the hub gave for it.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};
use spaces_api::model::{Author, Message, Reaction};

use super::message::{Found, PageQuery};
use crate::cache::names::{get_id, id, known_user_ref};
use crate::cache::{Cache, CacheError};
use crate::row::{Identity, MessageRow, PageEnd};

/// Messages that a page lacks: the channel has them, the cache does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// How many of the page's messages, its oldest, are older than what is missing.
    pub beyond: usize,
    /// What is missing ends here.
    pub end: PageEnd,
}

impl Cache {
    /// Messages of a channel as they are read, from rows that the cache does not
    /// hold.
    pub fn show(&self, channel_id: u64, rows: &[MessageRow]) -> Result<Vec<Message>, CacheError> {
        self.read(|db| {
            let facts = super::channel::facts_by_id(db, channel_id)?;
            let label = facts.map_or_else(|| format!("#{channel_id}"), |facts| facts.label);
            let mut names = Names::default();
            rows.iter()
                .map(|row| message(db, &mut names, row, &label))
                .collect()
        })
    }
}

impl PageQuery {
    /// Whether a message of the channel belongs to the page.
    pub fn fits(&self, row: &MessageRow) -> bool {
        self.before.is_none_or(|before| row.id < before)
            && self.after.is_none_or(|after| row.id > after)
            && self
                .thread_id
                .is_none_or(|_| row.thread_id == self.thread_id)
            && self.author.is_none_or(|author| row.author == author)
            && self.kind.is_none_or(|kind| row.kind == kind)
    }

    /// Whether the page may leave messages of the channel out.
    pub fn chooses(&self) -> bool {
        self.thread_id.is_some() || self.author.is_some() || self.kind.is_some()
    }
}

/// The first gap on the way back through a page. `found` is the page, newest
/// first; with `more`, the cache has a page before it.
pub(super) fn gap(
    db: &Connection,
    query: &PageQuery,
    found: &[Found],
    more: bool,
) -> rusqlite::Result<Option<Gap>> {
    let apart = || found.iter().rev().skip(1).any(|found| found.apart);
    if more && query.before.is_none() && !query.chooses() && !apart() {
        // The common case: a full page of neighbours.
        return Ok(None);
    }
    let channel = id(query.channel_id);
    let before = query.before.map_or(i64::MAX, id);
    let next: Option<(u64, u64, bool)> = db
        .prepare_cached(
            "SELECT id, ordinal, apart FROM message WHERE channel_id = ?1 AND id >= ?2
             ORDER BY id LIMIT 1",
        )?
        .query_row([channel, before], |row| {
            Ok((get_id(row, 0)?, get_id(row, 1)?, row.get(2)?))
        })
        .optional()?;
    if let (Some((next, ordinal, true)), Some(before)) = (next, query.before) {
        let end = match next == before {
            true => PageEnd::BeforeOrdinal(ordinal),
            false => PageEnd::BeforeId(before),
        };
        let beyond = found.len();
        return Ok(Some(Gap { beyond, end }));
    }
    let edge: Option<(u64, u64)> = db
        .prepare_cached(
            "SELECT id, ordinal FROM message
             WHERE channel_id = ?1 AND apart = 1 AND id < ?2 AND id > ?3
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![channel, before, query.after.map_or(0, id)], |row| {
            Ok((get_id(row, 0)?, get_id(row, 1)?))
        })
        .optional()?;
    if let Some((edge, ordinal)) = edge {
        let older = |found: &&Found| found.note.message.id < Some(edge);
        let beyond = found.iter().filter(older).count();
        let end = PageEnd::BeforeOrdinal(ordinal);
        return Ok((beyond > 0 || !more).then_some(Gap { beyond, end }));
    }
    let known = next.is_some() || !found.is_empty() || {
        db.prepare_cached("SELECT EXISTS(SELECT 1 FROM message WHERE channel_id = ?1)")?
            .query_row([channel], |row| row.get(0))?
    };
    let end = query.before.map_or(PageEnd::Newest, PageEnd::BeforeId);
    Ok((!known).then_some(Gap { beyond: 0, end }))
}

/// Names of users, each looked up once.
#[derive(Default)]
struct Names(HashMap<Identity, String>);

impl Names {
    fn of(&mut self, db: &Connection, user: &Identity) -> rusqlite::Result<String> {
        if let Some(name) = self.0.get(user) {
            return Ok(name.clone());
        }
        let name = match known_user_ref(db, user)? {
            Some(known) => super::user::username(db, known)?,
            None => user.to_string()[..12].to_owned(),
        };
        self.0.insert(*user, name.clone());
        Ok(name)
    }

    fn of_all(&mut self, db: &Connection, users: &[Identity]) -> rusqlite::Result<Vec<String>> {
        users.iter().map(|user| self.of(db, user)).collect()
    }
}

fn message(
    db: &Connection,
    names: &mut Names,
    row: &MessageRow,
    channel: &str,
) -> rusqlite::Result<Message> {
    let mut reactions = Vec::with_capacity(row.reactions.len());
    for (emoji, users) in &row.reactions {
        reactions.push(Reaction {
            emoji: emoji.clone(),
            users: names.of_all(db, users)?,
        });
    }
    Ok(Message {
        id: Some(row.id),
        seq: Some(row.seq),
        channel_id: row.channel_id,
        channel: channel.to_owned(),
        thread_id: row.thread_id,
        author: Author {
            identity: row.author.to_string(),
            username: names.of(db, &row.author)?,
            agent: row.agent_address.clone(),
        },
        session_id: row.session_id.clone(),
        kind: row.kind,
        content: match row.deleted {
            true => String::new(),
            false => row.content.clone(),
        },
        context: row.context.clone(),
        reply_to: row.reply_to,
        mentions: names.of_all(db, &row.mentions)?,
        reactions,
        created_at: row.created_at,
        edited_at: row.edited_at,
        deleted: row.deleted,
        pending: false,
        client_key: None,
    })
}
