//! Messages, their text index, and the counts of what is unread.

use rusqlite::{Connection, OptionalExtension, params};
use spaces_api::model::{EventKind, MessageKind};
use uuid::Uuid;

use super::Applier;
use crate::cache::names::{id, list, micros, optional_word_ref, user_ref};
use crate::cache::query;
use crate::row::MessageRow;

/// A message that came by subscription or from a page of history: news only if
/// its `seq` is beyond what was known.
pub(super) fn put(applier: &mut Applier<'_>, row: &MessageRow) -> rusqlite::Result<()> {
    let news = row.seq > applier.last_seq;
    store(applier, row, news)
}

/// A message that came by the inbox: deliveries keep no step with `last_seq`,
/// and each is news.
pub(super) fn put_delivered(applier: &mut Applier<'_>, row: &MessageRow) -> rusqlite::Result<()> {
    store(applier, row, true)
}

fn store(applier: &mut Applier<'_>, row: &MessageRow, news: bool) -> rusqlite::Result<()> {
    let Some(put) = put_message(applier.db, row, applier.me)? else {
        return Ok(());
    };
    if put == Put::Added {
        applier.added += 1;
    }
    applier.digest_changed = true;
    if applier.ready
        && news
        && let Some(message) = query::message::by_id(applier.db, row.id)?
    {
        applier.event(EventKind::Message { message })?;
    }
    Ok(())
}

/// Takes out a note that the hub has no longer.
pub(super) fn remove(applier: &mut Applier<'_>, row: &MessageRow) -> rusqlite::Result<()> {
    if delete_message(applier.db, id(row.id), applier.me)? {
        applier.added -= 1;
        applier.digest_changed = true;
        applier.event(EventKind::Removed {
            kind: "note".to_owned(),
            id: row.id.to_string(),
        })?;
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cache) enum Put {
    Added,
    Changed,
}

/// What the table held of a message before.
struct Before {
    seq: i64,
    deleted: bool,
    content: String,
    keyed: bool,
}

/// Inserts or replaces a message; none if the table has this state of it, or a
/// newer one, already.
pub(in crate::cache) fn put_message(
    db: &Connection,
    row: &MessageRow,
    me: Option<i64>,
) -> rusqlite::Result<Option<Put>> {
    let before = db
        .prepare_cached(
            "SELECT seq, deleted, content, client_key IS NOT NULL FROM message WHERE id = ?1",
        )?
        .query_row([id(row.id)], |found| {
            Ok(Before {
                seq: found.get(0)?,
                deleted: found.get(1)?,
                content: found.get(2)?,
                keyed: found.get(3)?,
            })
        })
        .optional()?;
    let adds_key = |before: &Before| !before.keyed && row.client_key.is_some();
    if let Some(before) = &before
        && (before.seq > id(row.seq) || (before.seq == id(row.seq) && !adds_key(before)))
    {
        return Ok(None);
    }
    let content = if row.deleted {
        ""
    } else {
        row.content.as_str()
    };
    if let Some(before) = &before
        && before.content != content
    {
        unindex(db, id(row.id), &before.content)?;
    }
    let author = user_ref(db, &row.author)?;
    // Others may use any key they like; only one's own tell a pending copy.
    let key = row.client_key.filter(|_| me.is_none_or(|me| me == author));
    write_row(db, row, content, author, key)?;
    if before.is_none() && row.channel_id != 0 {
        join_neighbours(db, row)?;
    }
    if before
        .as_ref()
        .is_none_or(|before| before.content != content)
        && !content.is_empty()
    {
        db.prepare_cached("INSERT INTO message_text(rowid, content) VALUES (?1, ?2)")?
            .execute(params![id(row.id), content])?;
    }

    let was_live = before.as_ref().is_some_and(|before| !before.deleted);
    // Notes are in no channel, so nothing of them is ever unread.
    if row.channel_id != 0 && me != Some(author) && was_live == row.deleted {
        let change = if row.deleted { -1 } else { 1 };
        count_unread(db, id(row.channel_id), id(row.id), change)?;
    }
    if row.deleted {
        db.prepare_cached("UPDATE inbox SET read = 1 WHERE message_id = ?1")?
            .execute([id(row.id)])?;
    }
    Ok(Some(before.map_or(Put::Added, |_| Put::Changed)))
}

/// Notes whether the message before a new one is here, and that it is now before
/// the next one. Ids and places grow together, so the nearest ids are looked at.
fn join_neighbours(db: &Connection, row: &MessageRow) -> rusqlite::Result<()> {
    let place = [id(row.channel_id), id(row.id)];
    let before: Option<i64> = db
        .prepare_cached(
            "SELECT ordinal FROM message WHERE channel_id = ?1 AND id < ?2
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row(place, |found| found.get(0))
        .optional()?;
    if before.unwrap_or(0) + 1 < id(row.ordinal) {
        db.prepare_cached("UPDATE message SET apart = 1 WHERE id = ?1")?
            .execute([id(row.id)])?;
    }
    db.prepare_cached(
        "UPDATE message SET apart = 0 WHERE apart = 1 AND ordinal = ?3 + 1 AND id =
           (SELECT id FROM message WHERE channel_id = ?1 AND id > ?2 ORDER BY id LIMIT 1)",
    )?
    .execute([place[0], place[1], id(row.ordinal)])?;
    Ok(())
}

fn write_row(
    db: &Connection,
    row: &MessageRow,
    content: &str,
    author: i64,
    key: Option<Uuid>,
) -> rusqlite::Result<()> {
    let mut mentions = Vec::with_capacity(row.mentions.len());
    for identity in &row.mentions {
        mentions.push(user_ref(db, identity)?);
    }
    let mut reactions = Vec::with_capacity(row.reactions.len());
    for (emoji, users) in &row.reactions {
        let mut refs = Vec::with_capacity(users.len());
        for identity in users {
            refs.push(user_ref(db, identity)?);
        }
        reactions.push((emoji, refs));
    }
    let done_by = match &row.note_done {
        Some((identity, _)) => Some(user_ref(db, identity)?),
        None => None,
    };
    let agent = optional_word_ref(db, row.agent_address.as_deref())?;
    let session = optional_word_ref(db, row.session_id.as_deref())?;
    let repo = optional_word_ref(db, row.context.repo.as_deref())?;
    let branch = optional_word_ref(db, row.context.branch.as_deref())?;
    db.prepare_cached(
        "INSERT INTO message(id, seq, channel_id, thread_id, author, agent, session, kind,
           repo, branch, commit_hash, paths, reply_to, mentions, reactions, created_at, edited_at,
           deleted, private, done_by, done_at, client_key, content, ordinal)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,
           ?19, ?20, ?21, ?22, ?23, ?24)
         ON CONFLICT(id) DO UPDATE SET seq = ?2, channel_id = ?3, thread_id = ?4, author = ?5,
           agent = ?6, session = ?7, kind = ?8, repo = ?9, branch = ?10, commit_hash = ?11,
           paths = ?12, reply_to = ?13, mentions = ?14, reactions = ?15, created_at = ?16,
           edited_at = ?17, deleted = ?18, private = ?19, done_by = ?20, done_at = ?21,
           client_key = COALESCE(?22, client_key), content = ?23",
    )?
    .execute(params![
        id(row.id),
        id(row.seq),
        id(row.channel_id),
        row.thread_id.map(id),
        author,
        agent,
        session,
        row.kind as i64,
        repo,
        branch,
        row.context.commit,
        list(&row.context.paths),
        row.reply_to.map(id),
        list(&mentions),
        list(&reactions),
        row.created_at.as_micros(),
        micros(row.edited_at),
        row.deleted,
        row.private,
        done_by,
        row.note_done.as_ref().map(|(_, at)| at.as_micros()),
        key.as_ref().map(|key| key.as_bytes().as_slice()),
        content,
        id(row.ordinal),
    ])?;
    Ok(())
}

/// Takes a message out for good: retention, or its channel is gone. Returns
/// false if it was not there.
pub(in crate::cache) fn delete_message(
    db: &Connection,
    message_id: i64,
    me: Option<i64>,
) -> rusqlite::Result<bool> {
    let found: Option<(i64, i64, bool, String)> = db
        .prepare_cached("SELECT channel_id, author, deleted, content FROM message WHERE id = ?1")?
        .query_row([message_id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })
        .optional()?;
    let Some((channel_id, author, deleted, content)) = found else {
        return Ok(false);
    };
    unindex(db, message_id, &content)?;
    db.prepare_cached("DELETE FROM message WHERE id = ?1")?
        .execute([message_id])?;
    db.prepare_cached("DELETE FROM inbox WHERE message_id = ?1")?
        .execute([message_id])?;
    if channel_id != 0 {
        db.prepare_cached(
            "UPDATE message SET apart = 1 WHERE apart = 0 AND id =
               (SELECT id FROM message WHERE channel_id = ?1 AND id > ?2 ORDER BY id LIMIT 1)",
        )?
        .execute([channel_id, message_id])?;
    }
    if channel_id != 0 && !deleted && me != Some(author) {
        count_unread(db, channel_id, message_id, -1)?;
    }
    Ok(true)
}

/// The text index holds no copy of the text, so it has to be told the old one.
fn unindex(db: &Connection, message_id: i64, content: &str) -> rusqlite::Result<()> {
    if !content.is_empty() {
        db.prepare_cached(
            "INSERT INTO message_text(message_text, rowid, content) VALUES ('delete', ?1, ?2)",
        )?
        .execute(params![message_id, content])?;
    }
    Ok(())
}

fn count_unread(
    db: &Connection,
    channel_id: i64,
    message_id: i64,
    change: i64,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO read_state(channel_id, last_read, unread) VALUES (?1, 0, MAX(?3, 0))
         ON CONFLICT(channel_id) DO UPDATE SET unread = MAX(unread + ?3, 0) WHERE last_read < ?2",
    )?
    .execute(params![channel_id, message_id, change])?;
    Ok(())
}

/// Moves a read mark forward, never back, and takes what was passed out of the
/// count and the inbox. Costs as much as there was between the two marks, so
/// each message is counted once; to the newest message it costs nothing.
pub(in crate::cache) fn mark_read(
    db: &Connection,
    channel_id: u64,
    seq: u64,
) -> rusqlite::Result<()> {
    let (channel_id, seq) = (id(channel_id), id(seq));
    let before: i64 = db
        .prepare_cached("SELECT last_read FROM read_state WHERE channel_id = ?1")?
        .query_row([channel_id], |row| row.get(0))
        .optional()?
        .unwrap_or(0);
    if seq <= before {
        return Ok(());
    }
    let newest: Option<i64> = db
        .prepare_cached("SELECT max(id) FROM message WHERE channel_id = ?1")?
        .query_row([channel_id], |row| row.get(0))?;
    let unread: i64 = if newest.is_none_or(|newest| newest <= seq) {
        0
    } else {
        let me: Option<i64> = db
            .prepare_cached("SELECT value FROM meta WHERE key = 'me'")?
            .query_row([], |row| row.get(0))
            .optional()?;
        db.prepare_cached(
            "SELECT COALESCE((SELECT unread FROM read_state WHERE channel_id = ?1), 0)
               - (SELECT count(*) FROM message
                  WHERE channel_id = ?1 AND id > ?2 AND id <= ?3 AND deleted = 0
                    AND author IS NOT ?4)",
        )?
        .query_row(params![channel_id, before, seq, me], |row| row.get(0))?
    };
    db.prepare_cached(
        "INSERT INTO read_state(channel_id, last_read, unread) VALUES (?1, ?2, ?3)
         ON CONFLICT(channel_id) DO UPDATE SET last_read = ?2, unread = ?3",
    )?
    .execute(params![channel_id, seq, unread.max(0)])?;
    db.prepare_cached(
        "UPDATE inbox SET read = 1 WHERE read = 0 AND EXISTS
           (SELECT 1 FROM message WHERE message.id = inbox.message_id
             AND channel_id = ?1 AND message.id <= ?2)",
    )?
    .execute([channel_id, seq])?;
    Ok(())
}

// `schema.sql` names these kinds by number in its partial indexes.
const _: () = assert!(MessageKind::Text as i64 == 0 && MessageKind::Note as i64 == 6);
