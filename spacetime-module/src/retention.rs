//! Deletes what is over its age or count, and what a deletion left behind: a
//! bounded batch of each at every run, oldest first, found by index.

use crate::schema::*;
use crate::{clock, deliveries, hub};
use spacetimedb::{ReducerContext, ScheduleAt, Table, Timestamp, reducer};

/// Rows of one kind that one run deletes.
const BATCH: usize = 2_000;
/// Channels that one run looks at.
const CHANNELS: usize = 200;
/// The pause before the next run where one run was not enough.
const AGAIN_SECS: u32 = 1;
/// A bucket that was not touched for so long is full.
const BUCKET_SECS: u32 = 86_400;

#[reducer]
pub fn prune(ctx: &ReducerContext, timer: RetentionTimer) -> Result<(), String> {
    hub::require_scheduler(ctx)?;
    let settings = hub::settings(ctx)?;
    let before = |days| clock::days_before(ctx.timestamp, days);
    let day = clock::seconds_before(ctx.timestamp, BUCKET_SECS);
    let full = [
        prune_keys(ctx, before(settings.idempotency_days)),
        prune_deliveries(ctx, before(settings.delivery_days)),
        prune_audit(ctx, before(settings.audit_days)),
        prune_sessions(ctx, before(settings.session_days)),
        prune_notes(ctx, before(settings.session_days)),
        prune_buckets(ctx, day),
        prune_slow_mode(ctx, day),
        prune_messages(ctx, &settings),
        finish_deletions(ctx),
    ];
    if full.contains(&true) {
        run_soon(ctx, timer.id);
    }
    Ok(())
}

/// Deletes rows of one table by one of its indexes; says whether more may be left.
macro_rules! prune_by {
    ($name:ident, $table:ident.$index:ident, $key:ident) => {
        fn $name(ctx: &ReducerContext, before: Timestamp) -> bool {
            let over: Vec<_> = ctx.db.$table().$index().filter(..before).take(BATCH).collect();
            for row in &over {
                ctx.db.$table().$key().delete(&row.$key);
            }
            over.len() == BATCH
        }
    };
}

prune_by!(prune_keys, idempotency_key.created_at, key);
prune_by!(prune_audit, audit_entry.at, id);
prune_by!(prune_sessions, agent_session.last_seen, id);
prune_by!(prune_buckets, rate_bucket.at, identity);
prune_by!(prune_slow_mode, slow_mode.at, key);

fn prune_notes(ctx: &ReducerContext, before: Timestamp) -> bool {
    let over: Vec<DoneNote> = ctx.db.done_note().at().filter(..before).take(BATCH).collect();
    for done in &over {
        ctx.db.note().id().delete(done.note_id);
        ctx.db.done_note().note_id().delete(done.note_id);
    }
    over.len() == BATCH
}

/// A recipient whose deliveries are dropped is told of the gap.
fn prune_deliveries(ctx: &ReducerContext, before: Timestamp) -> bool {
    let over: Vec<Delivery> = ctx.db.delivery().created_at().filter(..before).take(BATCH).collect();
    let full = over.len() == BATCH;
    over.into_iter().for_each(|delivery| deliveries::expire(ctx, delivery));
    full
}

/// Deletes messages over their age or beyond their channel's count. Goes round
/// the channels, some at each run.
fn prune_messages(ctx: &ReducerContext, settings: &HubSettings) -> bool {
    if settings.message_days == 0 && settings.messages_per_channel == 0 {
        return false;
    }
    let cursor = ctx.db.prune_cursor().id().find(0).map_or(0, |cursor| cursor.channel_id);
    let tails: Vec<ChannelTail> =
        ctx.db.channel_tail().in_order().filter(cursor + 1..).take(CHANNELS).collect();
    let mut left = BATCH;
    let round_ends = tails.len() < CHANNELS;
    let mut reached = tails.last().map_or(0, |tail| tail.channel_id);
    for tail in tails {
        let channel_id = tail.channel_id;
        left = left.saturating_sub(prune_channel(ctx, settings, tail, left));
        if left == 0 {
            // Perhaps not done with this channel: the next run begins with it.
            reached = channel_id - 1;
            break;
        }
    }
    set_cursor(ctx, if round_ends && left > 0 { 0 } else { reached });
    left == 0
}

fn set_cursor(ctx: &ReducerContext, channel_id: u64) {
    let row = PruneCursor { id: 0, channel_id };
    match ctx.db.prune_cursor().id().find(0) {
        Some(_) => drop(ctx.db.prune_cursor().id().update(row)),
        None => drop(ctx.db.prune_cursor().insert(row)),
    }
}

/// Deletes at most `most` of a channel's messages; says how many.
fn prune_channel(
    ctx: &ReducerContext,
    settings: &HubSettings,
    tail: ChannelTail,
    most: usize,
) -> usize {
    let beyond_count = match settings.messages_per_channel {
        0 => 0,
        kept => tail.last_ordinal.saturating_sub(kept),
    };
    let too_old = match settings.message_days {
        0 => None,
        days => Some(clock::days_before(ctx.timestamp, days)),
    };
    let over = |message: &Message| {
        message.ordinal <= beyond_count || too_old.is_some_and(|before| message.created_at < before)
    };
    let oldest = (tail.channel_id, tail.pruned_ordinal + 1..);
    let open = ctx.db.channel().id().find(tail.channel_id).is_some();
    let messages: Vec<Message> = match open {
        true => {
            let oldest = ctx.db.message().by_channel_ordinal().filter(oldest);
            oldest.take_while(over).take(most).collect()
        }
        false => {
            let oldest = ctx.db.private_message().by_channel_ordinal().filter(oldest);
            oldest.take_while(over).take(most).collect()
        }
    };
    for message in &messages {
        match open {
            true => ctx.db.message().id().delete(message.id),
            false => ctx.db.private_message().id().delete(message.id),
        };
    }
    if let Some(last) = messages.last() {
        let pruned_ordinal = last.ordinal;
        ctx.db.channel_tail().channel_id().update(ChannelTail { pruned_ordinal, ..tail });
    }
    messages.len()
}

/// Leaves the rows of something that is deleted for later runs.
pub fn delete_later(ctx: &ReducerContext, what: Deleted, target_id: u64) {
    ctx.db.deletion().insert(Deletion { id: 0, what, target_id });
    soon(ctx);
}

/// Goes on with one deletion.
fn finish_deletions(ctx: &ReducerContext) -> bool {
    let Some(deletion) = ctx.db.deletion().iter().next() else {
        return false;
    };
    let id = deletion.target_id;
    let rest = match deletion.what {
        Deleted::Server => delete_server_rows(ctx, id),
        Deleted::Channel => delete_messages(ctx, id, true) || delete_channel_rows(ctx, id),
        Deleted::PrivateChannel => delete_messages(ctx, id, false) || delete_channel_rows(ctx, id),
    };
    if !rest {
        ctx.db.deletion().id().delete(deletion.id);
    }
    true
}

fn delete_messages(ctx: &ReducerContext, channel_id: u64, open: bool) -> bool {
    let batch: Vec<u64> = match open {
        true => {
            let messages = ctx.db.message().by_channel_ordinal().filter(channel_id);
            messages.take(BATCH).map(|message| message.id).collect()
        }
        false => {
            let messages = ctx.db.private_message().by_channel_ordinal().filter(channel_id);
            messages.take(BATCH).map(|message| message.id).collect()
        }
    };
    for id in &batch {
        match open {
            true => ctx.db.message().id().delete(id),
            false => ctx.db.private_message().id().delete(id),
        };
    }
    batch.len() == BATCH
}

fn delete_channel_rows(ctx: &ReducerContext, channel_id: u64) -> bool {
    let readers: Vec<ChannelMember> =
        ctx.db.channel_member().channel_id().filter(channel_id).take(BATCH / 10).collect();
    for reader in &readers {
        deliveries::withdraw_channel(ctx, reader.identity, channel_id);
        ctx.db.channel_member().id().delete(reader.id);
    }
    let markers: Vec<ReadMarker> =
        ctx.db.read_marker().channel_id().filter(channel_id).take(BATCH).collect();
    for marker in &markers {
        ctx.db.read_marker().id().delete(marker.id);
    }
    if readers.len() == BATCH / 10 || markers.len() == BATCH {
        return true;
    }
    ctx.db.thread().by_channel().delete(channel_id);
    ctx.db.private_thread().by_channel().delete(channel_id);
    ctx.db.voice_state().by_channel().delete(channel_id);
    ctx.db.private_voice_state().by_channel().delete(channel_id);
    ctx.db.private_typing().channel_id().delete(channel_id);
    ctx.db.channel_tail().channel_id().delete(channel_id);
    false
}

fn delete_server_rows(ctx: &ReducerContext, server_id: u64) -> bool {
    let members: Vec<ServerMember> =
        ctx.db.server_member().server_id().filter(server_id).take(BATCH).collect();
    for member in &members {
        ctx.db.server_member().id().delete(member.id);
    }
    let entries: Vec<AuditEntry> =
        ctx.db.audit_entry().by_server_ordinal().filter(server_id).take(BATCH).collect();
    for entry in &entries {
        ctx.db.audit_entry().id().delete(entry.id);
    }
    let bans: Vec<Ban> = ctx.db.ban().server_id().filter(server_id).take(BATCH).collect();
    for ban in &bans {
        ctx.db.ban().id().delete(ban.id);
    }
    ctx.db.audit_tail().server_id().delete(server_id);
    [members.len(), entries.len(), bans.len()].contains(&BATCH)
}

/// Lets `prune` run soon, unless such a run is waiting already.
pub fn soon(ctx: &ReducerContext) {
    run_soon(ctx, 0);
}

/// As [`soon`]; the timer of the present run, `running`, does not count.
fn run_soon(ctx: &ReducerContext, running: u64) {
    let is_waiting = |timer: RetentionTimer| {
        timer.id != running && matches!(timer.scheduled_at, ScheduleAt::Time(_))
    };
    if !ctx.db.retention_timer().iter().any(is_waiting) {
        ctx.db.retention_timer().insert(RetentionTimer {
            id: 0,
            scheduled_at: ScheduleAt::Time(ctx.timestamp + clock::seconds(AGAIN_SECS)),
        });
    }
}
