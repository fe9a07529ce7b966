//! Messages: pages, single ones, those of a session.

use std::collections::HashMap;
use std::sync::LazyLock;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params_from_iter};
use spaces_api::model::{Author, Message, MessageKind, Note, Reaction};
use spaces_api::{MessageRef, Timestamp};
use uuid::Uuid;

use super::past::{self, Gap};
use crate::cache::names::{
    get_context, get_id, get_identity, get_list, get_optional_id, get_optional_time, get_time,
    get_word, id, known_user_ref, known_word_ref, username_of,
};
use crate::cache::{Cache, CacheError};
use crate::row::Identity;
use crate::row::Known;

/// Which messages a page is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PageQuery {
    pub channel_id: u64,
    pub thread_id: Option<u64>,
    /// Only lower ids: the page before.
    pub before: Option<u64>,
    /// Only higher ids: the page after.
    pub after: Option<u64>,
    pub author: Option<Identity>,
    pub kind: Option<MessageKind>,
    pub limit: u32,
}

/// Messages, oldest first, with cursors for both neighbours. The cache holds a
/// bounded part of a channel, so a page says what it is missing: see [`Gap`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagePage {
    pub messages: Vec<Message>,
    /// For the page before; none where the cache has nothing before it.
    pub before: Option<u64>,
    /// For what is newer; none when there is no message at all.
    pub after: Option<u64>,
    /// What is missing before or between the messages; none where nothing is, so
    /// that a page without `before` is then the channel's first. Not looked for on
    /// a page that goes forward.
    pub gap: Option<Gap>,
}

impl Cache {
    /// The newest message of those in these channels that the hub shows to
    /// everybody, notes not counted. Looks back through so many at most.
    pub fn newest_open(&self, channels: &[u64]) -> Result<Option<Known>, CacheError> {
        const LOOKED_THROUGH: u32 = 10_000;
        self.read(|db| {
            let mut newest = db.prepare_cached(
                "SELECT id, seq, created_at, channel_id FROM message
                 WHERE private = 0 AND ordinal > 0 ORDER BY id DESC LIMIT ?1",
            )?;
            let mut rows = newest.query([LOOKED_THROUGH])?;
            while let Some(row) = rows.next()? {
                if channels.contains(&get_id(row, 3)?) {
                    return Ok(Some(Known {
                        id: get_id(row, 0)?,
                        seq: get_id(row, 1)?,
                        created_at: get_time(row, 2)?,
                    }));
                }
            }
            Ok(None)
        })
    }

    /// The newest page, or the one before or after a message.
    pub fn messages(&self, query: &PageQuery) -> Result<MessagePage, CacheError> {
        self.read(|db| page(db, query))
    }

    /// One message by id, or by the client key with which this machine wrote it.
    pub fn message(&self, reference: &MessageRef) -> Result<Option<Message>, CacheError> {
        self.read(|db| match reference {
            MessageRef::Id(message_id) => by_id(db, *message_id),
            MessageRef::Name(name) => match name.parse::<Uuid>() {
                Ok(key) => by_client_key(db, &key),
                Err(_) => Ok(None),
            },
        })
    }

    /// The id of the message that this machine wrote with this key, once the hub
    /// has shown it.
    pub fn message_id_of(&self, client_key: &Uuid) -> Result<Option<u64>, CacheError> {
        self.read(|db| id_of_key(db, client_key))
    }

    /// What a session wrote, newest first.
    pub fn messages_of_session(
        &self,
        session_id: &str,
        limit: u32,
    ) -> Result<Vec<Message>, CacheError> {
        self.read(|db| {
            let Some(session) = known_word_ref(db, session_id)? else {
                return Ok(Vec::new());
            };
            select(
                db,
                "WHERE m.session = ?1 AND NOT m.deleted AND m.channel_id NOT IN doomed
                 ORDER BY m.id DESC LIMIT ?2",
                &[&session, &limit],
            )
        })
    }
}

fn page(db: &Connection, query: &PageQuery) -> rusqlite::Result<MessagePage> {
    let mut conditions = vec!["m.channel_id = ?"];
    let mut values: Vec<Value> = vec![id(query.channel_id).into()];
    if let Some(thread) = query.thread_id {
        conditions.push("m.thread_id = ?");
        values.push(id(thread).into());
    }
    if let Some(author) = &query.author {
        // An unknown one has number 0, which no user has.
        conditions.push("m.author = ?");
        values.push(known_user_ref(db, author)?.unwrap_or(0).into());
    }
    if let Some(kind) = query.kind {
        conditions.push("m.kind = ?");
        values.push((kind as i64).into());
        if kind != MessageKind::Text {
            // Lets the index over everything but plain text be used.
            conditions.push("m.kind <> 0");
        }
    }
    if let Some(before) = query.before {
        conditions.push("m.id < ?");
        values.push(id(before).into());
    }
    if let Some(after) = query.after {
        conditions.push("m.id > ?");
        values.push(id(after).into());
    }
    conditions.push("m.channel_id NOT IN doomed");
    let forward = query.after.is_some() && query.before.is_none();
    values.push((i64::from(query.limit) + 1).into());
    let tail = format!(
        "WHERE {} ORDER BY m.id {} LIMIT ?",
        conditions.join(" AND "),
        if forward { "ASC" } else { "DESC" }
    );
    let values: Vec<&dyn ToSql> = values.iter().map(|value| value as &dyn ToSql).collect();
    let mut found = read_all(db, &tail, &values)?;
    let more = found.len() > query.limit as usize;
    found.truncate(query.limit as usize);
    let gap = match forward {
        true => None,
        false => past::gap(db, query, &found, more)?,
    };
    let mut messages: Vec<_> = found.into_iter().map(|found| found.note.message).collect();
    if !forward {
        messages.reverse();
    }
    let first = messages.first().and_then(|message| message.id);
    let last = messages.last().and_then(|message| message.id);
    Ok(MessagePage {
        before: if forward {
            first
        } else {
            first.filter(|_| more)
        },
        after: last.or(query.after),
        messages,
        gap,
    })
}

pub(in crate::cache) fn by_id(
    db: &Connection,
    message_id: u64,
) -> rusqlite::Result<Option<Message>> {
    let found = select(
        db,
        "WHERE m.id = ?1 AND m.channel_id NOT IN doomed",
        &[&id(message_id)],
    )?;
    Ok(found.into_iter().next())
}

pub(in crate::cache) fn by_client_key(
    db: &Connection,
    key: &Uuid,
) -> rusqlite::Result<Option<Message>> {
    let found = select(
        db,
        "WHERE m.client_key = ?1 AND m.channel_id NOT IN doomed
           AND m.author = (SELECT value FROM meta WHERE key = 'me')",
        &[&&key.as_bytes()[..]],
    )?;
    Ok(found.into_iter().next())
}

pub(in crate::cache) fn id_of_key(db: &Connection, key: &Uuid) -> rusqlite::Result<Option<u64>> {
    db.prepare_cached(
        "SELECT id FROM message WHERE client_key = ?1
           AND author = (SELECT value FROM meta WHERE key = 'me')",
    )?
    .query_row([&key.as_bytes()[..]], |row| get_id(row, 0))
    .optional()
}

/// Messages `m` chosen by `tail`: conditions, order and limit.
pub(in crate::cache) fn select(
    db: &Connection,
    tail: &str,
    values: &[&dyn ToSql],
) -> rusqlite::Result<Vec<Message>> {
    Ok(select_notes(db, tail, values)?
        .into_iter()
        .map(|note| note.message)
        .collect())
}

/// As [`select`], with what only notes have.
pub(in crate::cache) fn select_notes(
    db: &Connection,
    tail: &str,
    values: &[&dyn ToSql],
) -> rusqlite::Result<Vec<Note>> {
    Ok(read_all(db, tail, values)?
        .into_iter()
        .map(|found| found.note)
        .collect())
}

/// A message, and whether the one before it in its channel is not here.
pub(super) struct Found {
    pub note: Note,
    pub apart: bool,
}

fn read_all(db: &Connection, tail: &str, values: &[&dyn ToSql]) -> rusqlite::Result<Vec<Found>> {
    let read: Vec<Read> = db
        .prepare_cached(&format!("{} {tail}", *SELECT))?
        .query_map(params_from_iter(values), read)?
        .collect::<Result<_, _>>()?;
    let mut names = HashMap::new();
    read.into_iter()
        .map(|read| name_users(db, &mut names, read))
        .collect()
}

/// Columns and joins of a whole message; other queries may add tables after it.
static SELECT: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {COLUMNS} {}", joins(), COLUMNS = columns()));

fn columns() -> String {
    format!(
        "m.id, m.seq, m.channel_id, COALESCE({label}, iif(m.channel_id = 0, 'note', '#' || m.channel_id)), m.thread_id,
         u.identity, {username}, a.text, s.text, m.kind, m.content,
         r.text, b.text, m.commit_hash, m.paths, m.reply_to, m.mentions, m.reactions,
         m.created_at, m.edited_at, m.deleted, m.done_at, {done_by}, m.apart",
        label = super::channel::label("c", "p"),
        username = username_of("u"),
        done_by = username_of("d"),
    )
}

fn joins() -> &'static str {
    "FROM message m JOIN user u ON u.ref = m.author
       LEFT JOIN channel c ON c.id = m.channel_id LEFT JOIN user p ON p.ref = c.peer
       LEFT JOIN word a ON a.ref = m.agent LEFT JOIN word s ON s.ref = m.session
       LEFT JOIN word r ON r.ref = m.repo LEFT JOIN word b ON b.ref = m.branch
       LEFT JOIN user d ON d.ref = m.done_by"
}

/// A message in which users are still numbers.
struct Read {
    found: Found,
    mentions: Vec<i64>,
    reactions: Vec<(String, Vec<i64>)>,
}

fn read(row: &Row<'_>) -> rusqlite::Result<Read> {
    let done_at: Option<Timestamp> = get_optional_time(row, 21)?;
    let message = Message {
        id: Some(get_id(row, 0)?),
        seq: Some(get_id(row, 1)?),
        channel_id: get_id(row, 2)?,
        channel: row.get(3)?,
        thread_id: get_optional_id(row, 4)?,
        author: Author {
            identity: get_identity(row, 5)?.to_string(),
            username: row.get(6)?,
            agent: row.get(7)?,
        },
        session_id: row.get(8)?,
        kind: get_word(row, 9, MessageKind::ALL)?,
        content: row.get(10)?,
        context: get_context(row, 11)?,
        reply_to: get_optional_id(row, 15)?,
        mentions: Vec::new(),
        reactions: Vec::new(),
        created_at: get_time(row, 18)?,
        edited_at: get_optional_time(row, 19)?,
        deleted: row.get(20)?,
        pending: false,
        client_key: None,
    };
    let note = Note {
        message,
        done: done_at.is_some(),
        done_by: if done_at.is_some() {
            row.get(22)?
        } else {
            None
        },
        done_at,
    };
    Ok(Read {
        found: Found {
            note,
            apart: row.get(23)?,
        },
        mentions: get_list(row, 16)?,
        reactions: get_list(row, 17)?,
    })
}

fn name_users(
    db: &Connection,
    names: &mut HashMap<i64, String>,
    read: Read,
) -> rusqlite::Result<Found> {
    let mut name_all = |users: &[i64]| -> rusqlite::Result<Vec<String>> {
        let mut named = Vec::with_capacity(users.len());
        for user in users {
            let name = match names.get(user) {
                Some(name) => name.clone(),
                None => {
                    let name = super::user::username(db, *user)?;
                    names.insert(*user, name.clone());
                    name
                }
            };
            named.push(name);
        }
        Ok(named)
    };
    let mut found = read.found;
    let message = &mut found.note.message;
    message.mentions = name_all(&read.mentions)?;
    for (emoji, users) in read.reactions {
        message.reactions.push(Reaction {
            emoji,
            users: name_all(&users)?,
        });
    }
    Ok(found)
}
