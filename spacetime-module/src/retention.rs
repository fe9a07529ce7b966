//! Deletes what is over its age or count, and what a deletion left behind: a
//! bounded batch of each at every run, oldest first, found by index.
//!
//! The engine reads the whole of an index range before it gives the first row,
//! so nothing here asks for more than it is about to delete: rows by age with a
//! [`Sweep`], messages and audit entries by their ordinals.

use crate::schema::*;
use crate::{channels, clock, deliveries, hub, invites};
use spaces_domain::sweep::Sweep;
use spacetimedb::{ReducerContext, ScheduleAt, Table, Timestamp, reducer};
use std::ops::Range;

/// Rows of one kind that one run deletes.
const BATCH: usize = 2_000;
/// Channels that one run looks at.
const CHANNELS: usize = 1_000;
/// Ranges of one table that one run reads.
const RANGES: usize = 100;
/// The span of time that the first sweep begins with.
const FIRST_WIDTH_MICROS: u64 = 3_600_000_000;
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
        prune_mutes(ctx, ctx.timestamp),
        prune_messages(ctx, &settings),
        finish_deletions(ctx),
    ];
    if full.contains(&true) {
        run_soon(ctx, timer.id);
    }
    Ok(())
}

/// Deletes rows of one table by one of its indexes on a time; says whether more
/// may be left.
macro_rules! prune_by {
    ($name:ident, $table:ident.$index:ident, |$ctx:ident, $row:ident| $delete:expr) => {
        fn $name(ctx: &ReducerContext, before: Timestamp) -> bool {
            let read = |span: Range<Timestamp>| ctx.db.$table().$index().filter(span).collect();
            sweep(ctx, stringify!($table), before, read, |$ctx, $row| {
                $delete;
            })
        }
    };
}

prune_by!(prune_keys, idempotency_key.created_at, |ctx, row| {
    ctx.db.idempotency_key().key().delete(&row.key)
});
prune_by!(prune_audit, audit_entry.at, |ctx, row| ctx.db.audit_entry().id().delete(row.id));
prune_by!(prune_sessions, agent_session.last_seen, |ctx, row| {
    ctx.db.agent_session().id().delete(&row.id)
});
prune_by!(prune_notes, done_note.at, |ctx, row| {
    ctx.db.note().id().delete(row.note_id);
    ctx.db.done_note().note_id().delete(row.note_id)
});
prune_by!(prune_buckets, rate_bucket.at, |ctx, row| {
    ctx.db.rate_bucket().identity().delete(row.identity)
});
prune_by!(prune_slow_mode, slow_mode.at, |ctx, row| ctx.db.slow_mode().key().delete(&row.key));
// A recipient whose deliveries are dropped is told of the gap.
prune_by!(prune_deliveries, delivery.created_at, |ctx, row| deliveries::expire(ctx, row));

/// Few and of any time to come, unlike all else: new ones may be over before
/// old ones, so they are looked up from the beginning.
fn prune_mutes(ctx: &ReducerContext, now: Timestamp) -> bool {
    let over: Vec<KeptMute> = ctx.db.kept_mute().until().filter(..now).take(BATCH).collect();
    for mute in &over {
        ctx.db.kept_mute().key().delete(&mute.key);
    }
    over.len() == BATCH
}

/// Deletes at most a batch of the rows of a table that are older than `before`,
/// from where the last run stopped. New rows are never older than that.
fn sweep<Row>(
    ctx: &ReducerContext,
    table_name: &str,
    before: Timestamp,
    read: impl Fn(Range<Timestamp>) -> Vec<Row>,
    delete: impl Fn(&ReducerContext, Row),
) -> bool {
    let end = micros(before);
    let known = ctx.db.prune_sweep().table_name().find(table_name.to_owned());
    let begin = known
        .as_ref()
        .map(|row| Sweep { from: row.from_micros, width: row.width_micros })
        // A clock that was set back, or a longer age: perhaps there are older rows now.
        .filter(|sweep| sweep.from <= end)
        .unwrap_or_else(|| beginning(ctx));
    let (at, more) =
        run_sweep(begin, end, BATCH, |range| read(span(range)), |row| delete(ctx, row));
    let row = PruneSweep {
        table_name: table_name.to_owned(),
        from_micros: at.from,
        width_micros: at.width,
    };
    match known {
        Some(_) => drop(ctx.db.prune_sweep().table_name().update(row)),
        None => drop(ctx.db.prune_sweep().insert(row)),
    }
    more
}

/// No row is older than the hub.
fn beginning(ctx: &ReducerContext) -> Sweep {
    let from = hub::info(ctx).map_or(0, |info| micros(info.created_at));
    Sweep { from, width: FIRST_WIDTH_MICROS }
}

fn micros(at: Timestamp) -> u64 {
    u64::try_from(at.to_micros_since_unix_epoch()).unwrap_or(0)
}

fn span(range: &Range<u64>) -> Range<Timestamp> {
    let at = |micros: u64| {
        Timestamp::from_micros_since_unix_epoch(i64::try_from(micros).unwrap_or(i64::MAX))
    };
    at(range.start)..at(range.end)
}

/// Goes on with a sweep until `most` rows are done, all below `end` are, or this
/// was enough reading for one run; says whether more may be left.
fn run_sweep<Row>(
    mut sweep: Sweep,
    end: u64,
    most: usize,
    read: impl Fn(&Range<u64>) -> Vec<Row>,
    mut each: impl FnMut(Row),
) -> (Sweep, bool) {
    let mut left = most;
    for _ in 0..RANGES {
        let Some(range) = sweep.range(end) else {
            return (sweep, false);
        };
        let rows = read(&range);
        let found = rows.len();
        rows.into_iter().take(left).for_each(&mut each);
        sweep = sweep.after(&range, found, left);
        left = left.saturating_sub(found);
        if left == 0 {
            break;
        }
    }
    (sweep, sweep.range(end).is_some())
}

/// Deletes messages over their age or beyond their channel's count. Goes round
/// the channels, some at each run.
fn prune_messages(ctx: &ReducerContext, settings: &HubSettings) -> bool {
    if settings.message_days == 0 && settings.messages_per_channel == 0 {
        return false;
    }
    let known = ctx.db.prune_cursor().id().find(0);
    let begin = known.as_ref().map_or(Sweep { from: 0, width: 1 }, |cursor| Sweep {
        from: cursor.channel_id,
        width: cursor.width,
    });
    // Channels get their ids from the hub's one counter.
    let end = ctx.db.hub_counter().id().find(0).map_or(0, |counter| counter.seq) + 1;
    let mut left = BATCH;
    let mut unfinished = None;
    let read = |range: &Range<u64>| {
        ctx.db.channel_tail().in_order().filter(range.clone()).collect::<Vec<_>>()
    };
    let (at, more) = run_sweep(begin, end, CHANNELS, read, |tail| {
        let channel_id = tail.channel_id;
        if left > 0 {
            left = left.saturating_sub(prune_channel(ctx, settings, tail, left));
        }
        if left == 0 {
            unfinished.get_or_insert(channel_id);
        }
    });
    let row = PruneCursor {
        id: 0,
        channel_id: match unfinished {
            // Perhaps not done with this channel: the next run begins with it.
            Some(channel_id) => channel_id,
            None if more => at.from,
            None => 0,
        },
        width: at.width,
    };
    match known {
        Some(_) => drop(ctx.db.prune_cursor().id().update(row)),
        None => drop(ctx.db.prune_cursor().insert(row)),
    }
    unfinished.is_some()
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
    // A channel that is gone is its deletion's business.
    let Some(channel) = channels::find_any(ctx, tail.channel_id) else {
        return 0;
    };
    let open = channel.visibility == ChannelVisibility::Open;
    let first = tail.pruned_ordinal + 1;
    // Most channels have nothing to delete, which their oldest message tells.
    let oldest = messages(ctx, open, tail.channel_id, first..first + 1);
    if !oldest.iter().all(over) || first > tail.last_ordinal {
        return 0;
    }
    let batch = messages(ctx, open, tail.channel_id, first..first + most as u64);
    let reached = batch.iter().find(|message| !over(message)).map_or_else(
        || tail.last_ordinal.min(tail.pruned_ordinal + most as u64),
        |kept| kept.ordinal - 1,
    );
    let gone = batch.iter().filter(|message| message.ordinal <= reached);
    let count = gone.map(|message| delete_message(ctx, open, message.id)).count();
    ctx.db.channel_tail().channel_id().update(ChannelTail { pruned_ordinal: reached, ..tail });
    count
}

/// Messages of a channel by their ordinals, in order.
fn messages(
    ctx: &ReducerContext,
    open: bool,
    channel_id: u64,
    ordinals: Range<u64>,
) -> Vec<Message> {
    let range = (channel_id, ordinals);
    match open {
        true => ctx.db.message().by_channel_ordinal().filter(range).collect(),
        false => ctx.db.private_message().by_channel_ordinal().filter(range).collect(),
    }
}

fn delete_message(ctx: &ReducerContext, open: bool, id: u64) {
    match open {
        true => ctx.db.message().id().delete(id),
        false => ctx.db.private_message().id().delete(id),
    };
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
    let Ok(tail) = channels::tail(ctx, channel_id) else {
        return false;
    };
    if tail.pruned_ordinal >= tail.last_ordinal {
        return false;
    }
    let first = tail.pruned_ordinal + 1;
    for message in messages(ctx, open, channel_id, first..first + BATCH as u64) {
        delete_message(ctx, open, message.id);
    }
    let pruned_ordinal = tail.pruned_ordinal + BATCH as u64;
    let more = pruned_ordinal < tail.last_ordinal;
    ctx.db.channel_tail().channel_id().update(ChannelTail { pruned_ordinal, ..tail });
    more
}

fn delete_channel_rows(ctx: &ReducerContext, channel_id: u64) -> bool {
    let readers: Vec<ChannelMember> =
        ctx.db.channel_member().channel_id().filter(channel_id).take(BATCH / 10).collect();
    // Each may have an inbox full of the channel.
    let mut withdrawn = 0;
    for reader in &readers {
        withdrawn += deliveries::withdraw_channel(ctx, reader.identity, channel_id);
        ctx.db.channel_member().id().delete(reader.id);
        if withdrawn >= BATCH {
            return true;
        }
    }
    let markers: Vec<ReadMarker> =
        ctx.db.read_marker().channel_id().filter(channel_id).take(BATCH).collect();
    for marker in &markers {
        ctx.db.read_marker().id().delete(marker.id);
    }
    let open = ctx.db.thread().by_channel().filter(channel_id);
    let private = ctx.db.private_thread().by_channel().filter(channel_id);
    let threads: Vec<u64> = open.chain(private).map(|thread| thread.id).take(BATCH).collect();
    for id in &threads {
        ctx.db.thread().id().delete(id);
        ctx.db.private_thread().id().delete(id);
    }
    if readers.len() == BATCH / 10 || [markers.len(), threads.len()].contains(&BATCH) {
        return true;
    }
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
    let bans: Vec<Ban> = ctx.db.ban().server_id().filter(server_id).take(BATCH).collect();
    for ban in &bans {
        ctx.db.ban().id().delete(ban.id);
    }
    let offers: Vec<Invite> = ctx.db.invite().by_server().filter(server_id).take(BATCH).collect();
    let offered = offers.len();
    offers.into_iter().for_each(|invite| invites::delete(ctx, invite));
    ctx.db.kept_mute().server_id().delete(server_id);
    delete_audit(ctx, server_id) || [members.len(), bans.len(), offered].contains(&BATCH)
}

/// Deletes the newest of a deleted server's audit, whose tail then says what
/// is left.
fn delete_audit(ctx: &ReducerContext, server_id: u64) -> bool {
    let Some(tail) = ctx.db.audit_tail().server_id().find(server_id) else {
        return false;
    };
    let last_ordinal = tail.last_ordinal.saturating_sub(BATCH as u64);
    let newest = (server_id, last_ordinal + 1..=tail.last_ordinal);
    let entries: Vec<AuditEntry> =
        ctx.db.audit_entry().by_server_ordinal().filter(newest).collect();
    for entry in entries {
        ctx.db.audit_entry().id().delete(entry.id);
    }
    if last_ordinal == 0 {
        ctx.db.audit_tail().server_id().delete(server_id);
        return false;
    }
    ctx.db.audit_tail().server_id().update(AuditTail { server_id, last_ordinal });
    true
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
