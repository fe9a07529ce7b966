//! The tables of present state: everything but messages and deliveries.

use rusqlite::types::Value;
use rusqlite::{ToSql, params};
use spaces_api::model::EventKind;

use super::Applier;
use crate::cache::names::{id, list, micros, user_ref};
use crate::cache::query;
use crate::row::{ChannelRow, ClaimRow, Row, SessionRow, Table, UserRow};

/// Stores a row and records an event if it is new or differs in more than its
/// last sign of life.
pub(super) fn put(applier: &mut Applier<'_>, row: &Row) -> rusqlite::Result<()> {
    match row {
        Row::User(row) => put_user(applier, row),
        Row::Presence(row) => {
            let user = user_ref(applier.db, &row.identity)?;
            let changed = Upsert {
                table: "user",
                key: &["ref"],
                loud: &["online", "status_text"],
                quiet: &["last_seen"],
            }
            .update(
                applier,
                params![user, row.online, row.status_text, row.last_seen.as_micros()],
            )?;
            presence_event(applier, changed, user)
        }
        Row::Agent(row) => {
            let owner = user_ref(applier.db, &row.owner)?;
            Upsert {
                table: "agent",
                key: &["id"],
                loud: &["address", "owner", "tool", "description", "created_at"],
                quiet: &["last_seen"],
            }
            .run(
                applier,
                params![
                    id(row.id),
                    row.address,
                    owner,
                    row.tool,
                    row.description,
                    row.created_at.as_micros(),
                    row.last_seen.as_micros(),
                ],
            )?;
            Ok(())
        }
        Row::Session(row) => put_session(applier, row),
        Row::Claim(row) => put_claim(applier, row),
        Row::Server(row) => {
            Upsert {
                table: "server",
                key: &["id"],
                loud: &[
                    "name",
                    "description",
                    "icon_url",
                    "visibility",
                    "created_at",
                ],
                quiet: &[],
            }
            .run(
                applier,
                params![
                    id(row.id),
                    row.name,
                    row.description,
                    row.icon_url,
                    row.visibility as i64,
                    row.created_at.as_micros(),
                ],
            )?;
            Ok(())
        }
        Row::Member(row) => {
            let user = user_ref(applier.db, &row.identity)?;
            let changed = Upsert {
                table: "member",
                key: &["id"],
                loud: &["server_id", "user", "role", "joined_at", "muted_until"],
                quiet: &[],
            }
            .run(
                applier,
                params![
                    id(row.id),
                    id(row.server_id),
                    user,
                    row.role as i64,
                    row.joined_at.as_micros(),
                    micros(row.muted_until),
                ],
            )?;
            if changed
                && applier.ready
                && let Some(member) = query::member::by_id(applier.db, row.id)?
            {
                applier.event(EventKind::Member { member })?;
            }
            Ok(())
        }
        Row::Channel(row) => put_channel(applier, row),
        Row::Thread(row) => {
            let creator = user_ref(applier.db, &row.creator)?;
            Upsert {
                table: "thread",
                key: &["id"],
                loud: &["channel_id", "name", "creator", "archived", "created_at"],
                quiet: &["last_message_at"],
            }
            .run(
                applier,
                params![
                    id(row.id),
                    id(row.channel_id),
                    row.name,
                    creator,
                    row.archived,
                    row.created_at.as_micros(),
                    row.last_message_at.as_micros(),
                ],
            )?;
            Ok(())
        }
        Row::Voice(row) => {
            let user = user_ref(applier.db, &row.identity)?;
            let left: Option<i64> = former_voice_channel(applier, user)?
                .filter(|channel| *channel != id(row.channel_id));
            let changed = Upsert {
                table: "voice",
                key: &["user"],
                loud: &[
                    "channel_id",
                    "muted",
                    "deafened",
                    "speaking",
                    "since",
                    "agent",
                ],
                quiet: &[],
            }
            .run(
                applier,
                params![
                    user,
                    id(row.channel_id),
                    row.muted,
                    row.deafened,
                    row.speaking,
                    row.since.as_micros(),
                    row.agent,
                ],
            )?;
            if let Some(left) = left {
                voice_event(applier, left.cast_unsigned())?;
            }
            if changed {
                voice_event(applier, row.channel_id)?;
            }
            Ok(())
        }
        Row::Invite(row) => {
            let by = user_ref(applier.db, &row.by)?;
            Upsert {
                table: "invite",
                key: &["id"],
                loud: &["server_id", "role", "uses", "max_uses", "expires_at", "by"],
                quiet: &[],
            }
            .run(
                applier,
                params![
                    id(row.id),
                    id(row.server_id),
                    row.role as i64,
                    row.uses,
                    row.max_uses,
                    micros(row.expires_at),
                    by,
                ],
            )?;
            Ok(())
        }
        Row::Ban(row) => {
            let user = user_ref(applier.db, &row.identity)?;
            let by = user_ref(applier.db, &row.by)?;
            Upsert {
                table: "ban",
                key: &["id"],
                loud: &["server_id", "user", "reason", "until", "by"],
                quiet: &[],
            }
            .run(
                applier,
                params![
                    id(row.id),
                    id(row.server_id),
                    user,
                    row.reason,
                    micros(row.until),
                    by,
                ],
            )?;
            Ok(())
        }
        Row::Audit(row) => {
            let actor = user_ref(applier.db, &row.actor)?;
            Upsert {
                table: "audit",
                key: &["id"],
                loud: &["server_id", "actor", "action", "target", "detail", "at"],
                quiet: &[],
            }
            .run(
                applier,
                params![
                    id(row.id),
                    id(row.server_id),
                    actor,
                    row.action,
                    row.target,
                    row.detail,
                    row.at.as_micros(),
                ],
            )?;
            Ok(())
        }
        Row::Message(_) | Row::Delivery(_) | Row::ReadMarker(_) => Ok(()),
    }
}

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

fn put_user(applier: &mut Applier<'_>, row: &UserRow) -> rusqlite::Result<()> {
    let user = user_ref(applier.db, &row.identity)?;
    let changed = Upsert {
        table: "user",
        key: &["ref"],
        loud: &[
            "username",
            "display_name",
            "bio",
            "avatar_url",
            "kind",
            "created_at",
            "known",
        ],
        quiet: &[],
    }
    .update(
        applier,
        params![
            user,
            row.username,
            row.display_name,
            row.bio,
            row.avatar_url,
            row.kind as i64,
            row.created_at.as_micros(),
            true,
        ],
    )?;
    applier.digest_changed |= changed;
    presence_event(applier, changed, user)
}

fn put_session(applier: &mut Applier<'_>, row: &SessionRow) -> rusqlite::Result<()> {
    let owner = user_ref(applier.db, &row.owner)?;
    let changed = Upsert {
        table: "session",
        key: &["id"],
        loud: &[
            "agent_id",
            "owner",
            "tool",
            "repo",
            "branch",
            "commit_hash",
            "paths",
            "task",
            "state",
            "started_at",
            "ended_at",
        ],
        quiet: &["last_seen"],
    }
    .run(
        applier,
        params![
            row.id,
            id(row.agent_id),
            owner,
            row.tool,
            row.context.repo,
            row.context.branch,
            row.context.commit,
            list(&row.context.paths),
            row.task,
            row.state as i64,
            row.started_at.as_micros(),
            micros(row.ended_at),
            row.last_seen.as_micros(),
        ],
    )?;
    if changed {
        applier.digest_changed = true;
        if applier.ready
            && let Some(session) = query::session::by_id(applier.db, &row.id)?
        {
            applier.event(EventKind::Session { session })?;
        }
    }
    Ok(())
}

fn put_claim(applier: &mut Applier<'_>, row: &ClaimRow) -> rusqlite::Result<()> {
    let owner = user_ref(applier.db, &row.owner)?;
    let changed = Upsert {
        table: "claim",
        key: &["id"],
        loud: &[
            "session_id",
            "owner",
            "repo",
            "patterns",
            "task",
            "exclusive",
            "reason",
            "expires_at",
        ],
        quiet: &[],
    }
    .run(
        applier,
        params![
            id(row.id),
            row.session_id,
            owner,
            row.repo,
            list(&row.patterns),
            row.task,
            row.exclusive,
            row.reason,
            row.expires_at.as_micros(),
        ],
    )?;
    if changed {
        applier.digest_changed = true;
        if applier.ready
            && let Some(claim) = query::claim::by_id(applier.db, row.id)?
        {
            applier.event(EventKind::Claim { claim })?;
        }
    }
    Ok(())
}

fn put_channel(applier: &mut Applier<'_>, row: &ChannelRow) -> rusqlite::Result<()> {
    let mut peer = None;
    for identity in &row.dm_between {
        let user = user_ref(applier.db, identity)?;
        // A DM to oneself has oneself as the other end.
        if peer.is_none() || Some(user) != applier.me {
            peer = Some(user);
        }
    }
    let changed = Upsert {
        table: "channel",
        key: &["id"],
        loud: &[
            "server_id",
            "name",
            "topic",
            "channel_type",
            "visibility",
            "position",
            "slow_mode_secs",
            "archived",
            "created_at",
            "peer",
        ],
        quiet: &[],
    }
    .run(
        applier,
        params![
            id(row.id),
            id(row.server_id),
            row.name,
            row.topic,
            row.channel_type as i64,
            row.visibility as i64,
            row.position,
            row.slow_mode_secs,
            row.archived,
            row.created_at.as_micros(),
            peer,
        ],
    )?;
    applier
        .db
        .prepare_cached("DELETE FROM doomed WHERE channel_id = ?1")?
        .execute([id(row.id)])?;
    if changed
        && applier.ready
        && let Some(channel) = query::channel::by_id(applier.db, row.id)?
    {
        applier.event(EventKind::Channel { channel })?;
    }
    Ok(())
}

fn presence_event(applier: &mut Applier<'_>, changed: bool, user: i64) -> rusqlite::Result<()> {
    if changed
        && applier.ready
        && let Some(user) = query::user::by_ref(applier.db, user)?
    {
        applier.event(EventKind::Presence { user })?;
    }
    Ok(())
}

fn former_voice_channel(applier: &Applier<'_>, user: i64) -> rusqlite::Result<Option<i64>> {
    use rusqlite::OptionalExtension;
    applier
        .db
        .prepare_cached("SELECT channel_id FROM voice WHERE user = ?1")?
        .query_row([user], |row| row.get(0))
        .optional()
}

fn voice_event(applier: &mut Applier<'_>, channel_id: u64) -> rusqlite::Result<()> {
    if !applier.ready {
        return Ok(());
    }
    let participants = query::voice::roster(applier.db, Some(channel_id))?;
    applier.event(EventKind::Voice {
        participants,
        channel_id,
    })
}

/// Writes a row and tells whether it differs from what was there in a column
/// that matters (`loud`); `quiet` columns are kept up to date without a word.
struct Upsert {
    table: &'static str,
    key: &'static [&'static str],
    loud: &'static [&'static str],
    quiet: &'static [&'static str],
}

impl Upsert {
    /// `values` are key, loud and quiet columns, in that order.
    fn run(&self, applier: &Applier<'_>, values: &[&dyn ToSql]) -> rusqlite::Result<bool> {
        let columns = [self.key, self.loud, self.quiet].concat();
        let marks = vec!["?"; columns.len()].join(", ");
        let sets = assignments(&columns[self.key.len()..], |_, column| {
            format!("{column} = excluded.{column}")
        });
        let sql = format!(
            "INSERT INTO {table}({columns}) VALUES ({marks})
             ON CONFLICT({key}) DO UPDATE SET {sets}
             WHERE ({loud}) IS NOT ({excluded})",
            table = self.table,
            columns = columns.join(", "),
            key = self.key.join(", "),
            loud = self.loud.join(", "),
            excluded = assignments(self.loud, |_, column| format!("excluded.{column}")),
        );
        let changed = applier.db.prepare_cached(&sql)?.execute(values)? > 0;
        if !changed {
            self.keep_quiet_columns(applier, values)?;
        }
        Ok(changed)
    }

    /// As `run`, for a row that is known to exist.
    fn update(&self, applier: &Applier<'_>, values: &[&dyn ToSql]) -> rusqlite::Result<bool> {
        let keys = self.key.len();
        let sql = format!(
            "UPDATE {table} SET {sets} WHERE {key} AND ({loud}) IS NOT ({values})",
            table = self.table,
            sets = assignments(&[self.loud, self.quiet].concat(), |place, column| {
                format!("{column} = ?{}", keys + place + 1)
            }),
            key = self.key_condition(),
            loud = self.loud.join(", "),
            values = assignments(self.loud, |place, _| format!("?{}", keys + place + 1)),
        );
        let changed = applier.db.prepare_cached(&sql)?.execute(values)? > 0;
        if !changed {
            self.keep_quiet_columns(applier, values)?;
        }
        Ok(changed)
    }

    fn keep_quiet_columns(
        &self,
        applier: &Applier<'_>,
        values: &[&dyn ToSql],
    ) -> rusqlite::Result<()> {
        if self.quiet.is_empty() {
            return Ok(());
        }
        let keys = self.key.len();
        let sql = format!(
            "UPDATE {table} SET {sets} WHERE {key}",
            table = self.table,
            sets = assignments(self.quiet, |place, column| {
                format!("{column} = ?{}", keys + place + 1)
            }),
            key = self.key_condition(),
        );
        let quiet = &values[keys + self.loud.len()..];
        let values = [&values[..keys], quiet].concat();
        applier.db.prepare_cached(&sql)?.execute(&values[..])?;
        Ok(())
    }

    fn key_condition(&self) -> String {
        assignments(self.key, |place, column| {
            format!("{column} = ?{}", place + 1)
        })
    }
}

fn assignments(columns: &[&str], write: impl Fn(usize, &str) -> String) -> String {
    let written: Vec<_> = columns
        .iter()
        .enumerate()
        .map(|(place, column)| write(place, column))
        .collect();
    written.join(", ")
}
