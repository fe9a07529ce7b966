//! Channels: lists, names, read marks.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use spaces_api::ChannelRef;
use spaces_api::model::{Channel, ChannelType, Unread, Visibility};

use super::Resolved;
use super::resolve::nearest;
use crate::cache::names::{get_id, get_time, get_word, id, username_of};
use crate::cache::{Cache, CacheError};

/// A channel with what a writer needs to know of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ChannelFacts {
    pub channel: Channel,
    /// `#name`, or `@username` for a DM.
    pub label: String,
    /// The other end of a DM.
    pub peer: Option<crate::row::Identity>,
}

impl Cache {
    /// Channels by server and position; DMs are not among them.
    pub fn channels(
        &self,
        server_id: Option<u64>,
        archived_too: bool,
    ) -> Result<Vec<Channel>, CacheError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "{} WHERE c.peer IS NULL AND (?1 IS NULL OR c.server_id = ?1)
                   AND (?2 OR NOT c.archived)
                 ORDER BY c.server_id, c.position, c.name, c.id",
                select()
            ))?
            .query_map(params![server_id.map(id), archived_too], |row| {
                Ok(facts(row)?.channel)
            })?
            .collect()
        })
    }

    /// What a reference stands for. A name that is in several servers is looked
    /// for in `server_id` first (the configured server).
    pub fn resolve_channel(
        &self,
        reference: &ChannelRef,
        server_id: Option<u64>,
    ) -> Result<Resolved<ChannelFacts>, CacheError> {
        self.read(|db| match reference {
            ChannelRef::Id(channel_id) => Ok(facts_by_id(db, *channel_id)?
                .map_or_else(|| Resolved::Unknown(Vec::new()), Resolved::One)),
            ChannelRef::Name(name) => by_name(db, name, server_id),
        })
    }

    /// The channel with this id.
    pub fn channel(&self, channel_id: u64) -> Result<Option<ChannelFacts>, CacheError> {
        self.read(|db| facts_by_id(db, channel_id))
    }

    /// Channels and conversations with something unread, most first.
    pub fn unread(&self) -> Result<Vec<Unread>, CacheError> {
        self.read(|db| {
            db.prepare_cached(&format!(
                "SELECT c.id, {label}, r.unread,
                   (SELECT count(*) FROM inbox i JOIN message m ON m.id = i.message_id
                     WHERE i.read = 0 AND m.channel_id = c.id)
                 FROM read_state r JOIN channel c ON c.id = r.channel_id
                   LEFT JOIN user p ON p.ref = c.peer
                 WHERE r.unread > 0 ORDER BY r.unread DESC, c.id",
                label = label("c", "p")
            ))?
            .query_map([], |row| {
                Ok(Unread {
                    channel_id: get_id(row, 0)?,
                    channel: row.get(1)?,
                    unread: get_id(row, 2)?,
                    mentions: get_id(row, 3)?,
                })
            })?
            .collect()
        })
    }

    /// The newest `seq` of a channel, for a read mark to the end; none if the
    /// cache has no message of it.
    pub fn newest_seq(&self, channel_id: u64) -> Result<Option<u64>, CacheError> {
        self.read(|db| {
            let newest: Option<i64> = db
                .prepare_cached("SELECT max(id) FROM message WHERE channel_id = ?1")?
                .query_row([id(channel_id)], |row| row.get(0))?;
            Ok(newest.map(i64::cast_unsigned))
        })
    }
}

/// How a channel is shown beside a message; `peer` is the user table's alias.
pub(in crate::cache) fn label(channel: &str, peer: &str) -> String {
    format!(
        "CASE WHEN {peer}.ref IS NOT NULL THEN '@' || {username} ELSE '#' || {channel}.name END",
        username = username_of(peer)
    )
}

pub(in crate::cache) fn by_id(
    db: &Connection,
    channel_id: u64,
) -> rusqlite::Result<Option<Channel>> {
    Ok(facts_by_id(db, channel_id)?.map(|facts| facts.channel))
}

pub(super) fn facts_by_id(
    db: &Connection,
    channel_id: u64,
) -> rusqlite::Result<Option<ChannelFacts>> {
    db.prepare_cached(&format!("{} WHERE c.id = ?1", select()))?
        .query_row([id(channel_id)], facts)
        .optional()
}

fn by_name(
    db: &Connection,
    name: &str,
    server_id: Option<u64>,
) -> rusqlite::Result<Resolved<ChannelFacts>> {
    let name = name.trim();
    if let Some(user) = name.strip_prefix('@') {
        return by_peer(db, user);
    }
    let (server, name) = match name.rsplit_once('/') {
        Some((server, name)) => (Some(server.trim()), name.trim()),
        None => (None, name),
    };
    let name = name.trim_start_matches('#');
    let mut found: Vec<ChannelFacts> = db
        .prepare_cached(&format!(
            "{} WHERE c.name = ?1 COLLATE NOCASE AND c.peer IS NULL
               AND (?2 IS NULL OR s.name = ?2 COLLATE NOCASE)
             ORDER BY c.archived, s.name, c.id",
            select()
        ))?
        .query_map(params![name, server], facts)?
        .collect::<Result<_, _>>()?;
    if found.len() > 1
        && let Some(preferred) = server_id
        && let Some(place) = found
            .iter()
            .position(|facts| facts.channel.server_id == preferred)
    {
        return Ok(Resolved::One(found.swap_remove(place)));
    }
    match found.len() {
        0 => Ok(Resolved::Unknown(near(db, name)?)),
        1 => Ok(Resolved::One(found.remove(0))),
        _ => Ok(Resolved::Ambiguous(found.iter().map(full_name).collect())),
    }
}

fn by_peer(db: &Connection, user: &str) -> rusqlite::Result<Resolved<ChannelFacts>> {
    let user = user.split('/').next().unwrap_or(user);
    let found = db
        .prepare_cached(&format!(
            "{} WHERE c.peer IS NOT NULL AND p.username = ?1 COLLATE NOCASE ORDER BY c.id LIMIT 1",
            select()
        ))?
        .query_row([user], facts)
        .optional()?;
    Ok(found.map_or_else(|| Resolved::Unknown(Vec::new()), Resolved::One))
}

fn near(db: &Connection, name: &str) -> rusqlite::Result<Vec<String>> {
    let known: Vec<ChannelFacts> = db
        .prepare_cached(&format!("{} WHERE c.peer IS NULL LIMIT 2000", select()))?
        .query_map([], facts)?
        .collect::<Result<_, _>>()?;
    let mut bearers = HashMap::<String, u32>::new();
    for facts in &known {
        *bearers.entry(facts.channel.name.clone()).or_default() += 1;
    }
    let shown = known.into_iter().map(|facts| {
        let shown = match bearers.get(&facts.channel.name) {
            Some(1) => facts.label.clone(),
            _ => full_name(&facts),
        };
        (facts.channel.name, shown)
    });
    Ok(nearest(name, shown))
}

/// A name that fits one channel only.
fn full_name(facts: &ChannelFacts) -> String {
    if facts.channel.server.is_empty() {
        facts.label.clone()
    } else {
        format!("{}/#{}", facts.channel.server, facts.channel.name)
    }
}

fn select() -> String {
    format!(
        "SELECT c.id, c.server_id, COALESCE(s.name, ''), c.name, c.topic, c.channel_type,
           c.visibility, c.position, c.slow_mode_secs, c.archived, c.created_at,
           COALESCE(r.unread, 0), {label}, p.identity
         FROM channel c LEFT JOIN server s ON s.id = c.server_id
           LEFT JOIN read_state r ON r.channel_id = c.id LEFT JOIN user p ON p.ref = c.peer",
        label = label("c", "p")
    )
}

fn facts(row: &Row<'_>) -> rusqlite::Result<ChannelFacts> {
    Ok(ChannelFacts {
        channel: Channel {
            id: get_id(row, 0)?,
            server_id: get_id(row, 1)?,
            server: row.get(2)?,
            name: row.get(3)?,
            topic: row.get(4)?,
            channel_type: get_word(row, 5, ChannelType::ALL)?,
            visibility: get_word(row, 6, Visibility::ALL)?,
            position: row.get(7)?,
            slow_mode_secs: row.get(8)?,
            archived: row.get(9)?,
            created_at: get_time(row, 10)?,
            unread: get_id(row, 11)?,
        },
        label: row.get(12)?,
        peer: row
            .get::<_, Option<[u8; 32]>>(13)?
            .map(crate::row::Identity),
    })
}
