//! Taking rows of present state out.

use rusqlite::types::Value;

use super::Applier;
use super::small::{former_voice_channel, presence_event, voice_event};
use crate::cache::names::{id, user_ref};
use crate::cache::query;
use crate::row::{Row, Table};

/// Takes a row out, and says so to subscribers.
pub(super) fn gone(applier: &mut Applier<'_>, row: &Row) -> rusqlite::Result<()> {
    let (table, key): (Table, Value) = match row {
        Row::User(row) => (Table::User, user_ref(applier.db, &row.identity)?.into()),
        Row::Presence(row) => (Table::Presence, user_ref(applier.db, &row.identity)?.into()),
        Row::Agent(row) => (Table::Agent, id(row.id).into()),
        Row::Session(row) => (Table::Session, row.id.clone().into()),
        Row::Claim(row) => (Table::Claim, id(row.id).into()),
        Row::Server(row) => (Table::Server, id(row.id).into()),
        Row::Member(row) => (Table::Member, id(row.id).into()),
        Row::Channel(row) => (Table::Channel, id(row.id).into()),
        Row::Thread(row) => (Table::Thread, id(row.id).into()),
        Row::Voice(row) => (Table::Voice, user_ref(applier.db, &row.identity)?.into()),
        Row::Invite(row) => (Table::Invite, id(row.id).into()),
        Row::Ban(row) => (Table::Ban, id(row.id).into()),
        Row::Audit(row) => (Table::Audit, id(row.id).into()),
        Row::Message(_) | Row::Delivery(_) | Row::ReadMarker(_) => return Ok(()),
    };
    remove(applier, table, &key)
}

/// Takes out the row with this key (a reference for the tables of users).
pub(super) fn remove(applier: &mut Applier<'_>, table: Table, key: &Value) -> rusqlite::Result<()> {
    let db = applier.db;
    match table {
        Table::User => {
            // Messages still refer to it.
            let changed = db
                .prepare_cached("UPDATE user SET known = 0 WHERE ref = ?1 AND known = 1")?
                .execute([key])?;
            removed_user(applier, changed, key)
        }
        Table::Presence => {
            let changed = db
                .prepare_cached(
                    "UPDATE user SET online = 0, status_text = NULL
                     WHERE ref = ?1 AND (online OR status_text IS NOT NULL)",
                )?
                .execute([key])?;
            match key {
                Value::Integer(user) => presence_event(applier, changed > 0, *user),
                _ => Ok(()),
            }
        }
        Table::Voice => {
            let Value::Integer(user) = key else {
                return Ok(());
            };
            let left = former_voice_channel(applier, *user)?;
            db.prepare_cached("DELETE FROM voice WHERE user = ?1")?
                .execute([key])?;
            left.map_or(Ok(()), |left| voice_event(applier, left.cast_unsigned()))
        }
        Table::ReadMarker => Ok(()),
        Table::Channel => {
            // Its messages vanish from every read with this row, and from the
            // file in small steps afterwards.
            let changed = db
                .prepare_cached("DELETE FROM channel WHERE id = ?1")?
                .execute([key])?;
            if changed > 0 {
                db.prepare_cached("INSERT OR IGNORE INTO doomed(channel_id) VALUES (?1)")?
                    .execute([key])?;
                db.prepare_cached("DELETE FROM read_state WHERE channel_id = ?1")?
                    .execute([key])?;
                db.prepare_cached(
                    "DELETE FROM inbox WHERE message_id IN (SELECT m.id FROM inbox i
                       JOIN message m ON m.id = i.message_id WHERE m.channel_id = ?1)",
                )?
                .execute([key])?;
            }
            removed_row(applier, table, changed, key)
        }
        Table::Agent
        | Table::Session
        | Table::Claim
        | Table::Server
        | Table::Member
        | Table::Thread
        | Table::Invite
        | Table::Ban
        | Table::Audit => {
            let changed = db
                .prepare_cached(&format!("DELETE FROM {} WHERE id = ?1", table_name(table)))?
                .execute([key])?;
            removed_row(applier, table, changed, key)
        }
    }
}

/// The SQL table that holds the rows of `table`.
pub(super) const fn table_name(table: Table) -> &'static str {
    match table {
        Table::User | Table::Presence => "user",
        Table::Agent => "agent",
        Table::Session => "session",
        Table::Claim => "claim",
        Table::Server => "server",
        Table::Member => "member",
        Table::Channel => "channel",
        Table::Thread => "thread",
        Table::ReadMarker => "read_state",
        Table::Voice => "voice",
        Table::Invite => "invite",
        Table::Ban => "ban",
        Table::Audit => "audit",
    }
}

fn removed_row(
    applier: &mut Applier<'_>,
    table: Table,
    changed: usize,
    key: &Value,
) -> rusqlite::Result<()> {
    if changed == 0 {
        return Ok(());
    }
    applier.digest_changed |= matches!(table, Table::Session | Table::Claim | Table::Channel);
    let shown = match key {
        Value::Integer(number) => number.cast_unsigned().to_string(),
        Value::Text(text) => text.clone(),
        _ => String::new(),
    };
    applier.removed(table, shown)
}

fn removed_user(applier: &mut Applier<'_>, changed: usize, key: &Value) -> rusqlite::Result<()> {
    if changed == 0 {
        return Ok(());
    }
    let identity = match key {
        Value::Integer(user) => query::user::identity(applier.db, *user)?.to_string(),
        _ => String::new(),
    };
    applier.removed(Table::User, identity)
}
