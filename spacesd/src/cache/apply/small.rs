//! The tables of present state: everything but messages and deliveries.

use rusqlite::{OptionalExtension, params};
use spaces_api::model::EventKind;

use super::Applier;
use super::upsert::Upsert;
use crate::cache::names::{id, list, micros, user_ref};
use crate::cache::query;
use crate::row::{ChannelRow, ClaimRow, Row, SessionRow, UserRow};

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

pub(super) fn presence_event(
    applier: &mut Applier<'_>,
    changed: bool,
    user: i64,
) -> rusqlite::Result<()> {
    if changed
        && applier.ready
        && let Some(user) = query::user::by_ref(applier.db, user)?
    {
        applier.event(EventKind::Presence { user })?;
    }
    Ok(())
}

pub(super) fn former_voice_channel(
    applier: &Applier<'_>,
    user: i64,
) -> rusqlite::Result<Option<i64>> {
    applier
        .db
        .prepare_cached("SELECT channel_id FROM voice WHERE user = ?1")?
        .query_row([user], |row| row.get(0))
        .optional()
}

pub(super) fn voice_event(applier: &mut Applier<'_>, channel_id: u64) -> rusqlite::Result<()> {
    if !applier.ready {
        return Ok(());
    }
    let participants = query::voice::roster(applier.db, Some(channel_id))?;
    applier.event(EventKind::Voice {
        participants,
        channel_id,
    })
}
