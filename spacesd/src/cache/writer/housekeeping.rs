//! What the writer does between batches: the log is moved into the database; old
//! history, channels that are gone, and old events go in small steps, so that no
//! batch waits long for one.

use std::time::{Duration, Instant};

use rusqlite::{Connection, params};
use spaces_api::Timestamp;

use super::Writer;
use crate::cache::Limits;
use crate::cache::apply::delete_message;
use crate::cache::state::{Changed, Facts};

/// How often the writer looks for what there is to tidy, and writes `as_of`.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// Tidying waits for a quiet time, but no longer than this.
const TIDY_WITHIN: Duration = Duration::from_secs(60);

/// So long without a job is a quiet time.
const QUIET: Duration = Duration::from_millis(100);

/// Pages of the log that are moved into the database in a quiet time. It takes
/// some milliseconds, for which no batch is to wait.
const WORTH_MOVING: u32 = 500;

/// Pages that are moved even in a busy time, since what comes meanwhile waits in
/// memory.
const FULL: u32 = 2000;

/// Messages that one step deletes.
const STEP: i64 = 500;

/// Inbox items that are kept; the oldest that were read go first.
const KEPT_INBOX: i64 = 10_000;

impl Writer {
    /// How long no job makes the time a quiet one.
    pub(super) fn patience(&self) -> Duration {
        if self.more_to_tidy {
            Duration::ZERO
        } else if self.log.reach(WORTH_MOVING) {
            QUIET
        } else {
            self.tidy_at
                .saturating_duration_since(Instant::now())
                .max(QUIET)
        }
    }

    /// What is due, and can wait for a quiet time only if it is not overdue.
    pub(super) fn keep_house(&mut self, quiet: bool) {
        if self.log.reach(if quiet { WORTH_MOVING } else { FULL }) {
            self.move_log();
        }
        let now = Instant::now();
        let due = self.more_to_tidy || now >= self.tidy_at;
        if (quiet && due) || now >= self.tidy_at + TIDY_WITHIN {
            self.more_to_tidy = self.tidy();
            self.tidy_at = Instant::now() + TIDY_EVERY;
        }
    }

    fn move_log(&mut self) {
        let moved = self
            .db
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        match moved {
            Ok(()) => self.log.moved(),
            Err(error) if crate::cache::store::is_damage(&error) => {
                self.begin_anew(&error.to_string());
            }
            Err(error) => {
                tracing::warn!(%error, "the cache's log could not be moved into it; trying again when it is longer");
                self.log.not_moved(FULL);
            }
        }
    }

    /// Takes one step; true if there is more to do at once.
    fn tidy(&mut self) -> bool {
        self.persist_as_of();
        match self.step() {
            Ok(more) => more,
            Err(error) => {
                self.roll_back();
                if crate::cache::store::is_damage(&error) {
                    self.begin_anew(&error.to_string());
                } else {
                    tracing::warn!(%error, "old history could not be deleted; trying again later");
                }
                false
            }
        }
    }

    fn step(&mut self) -> rusqlite::Result<bool> {
        let db = &self.db;
        let before = Facts::load(db)?;
        let mut facts = before;
        let now = Timestamp::now();
        let chosen = match of_doomed_channels(db)? {
            doomed if doomed.is_empty() => beyond_limits(db, &self.limits, facts.messages, now)?,
            doomed => doomed,
        };
        db.execute_batch("BEGIN IMMEDIATE")?;
        let mut deleted = 0;
        for message in &chosen {
            deleted += u64::from(delete_message(db, *message, self.me)?);
        }
        let events = crate::events::log::prune(db, now)?;
        let items = db
            .prepare_cached(
                "DELETE FROM inbox WHERE read = 1 AND id <=
                   (SELECT id FROM inbox ORDER BY id DESC LIMIT 1 OFFSET ?1)",
            )?
            .execute([KEPT_INBOX])?;
        if deleted == 0 && events == 0 && items == 0 {
            db.execute_batch("ROLLBACK")?;
            return Ok(false);
        }
        facts.messages = facts.messages.saturating_sub(deleted);
        facts.message_changes += u64::from(deleted > 0);
        facts.store(&before, db)?;
        db.execute_batch("COMMIT")?;
        let changed = Changed {
            digest: deleted > 0,
            names: false,
        };
        self.shared.state.publish(&facts, changed);
        Ok(deleted > 0 || events > 0)
    }
}

fn of_doomed_channels(db: &Connection) -> rusqlite::Result<Vec<i64>> {
    let doomed: Vec<i64> = db
        .prepare_cached("SELECT channel_id FROM doomed LIMIT 16")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for channel in doomed {
        let messages: Vec<i64> = db
            .prepare_cached("SELECT id FROM message WHERE channel_id = ?1 LIMIT ?2")?
            .query_map([channel, STEP], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        if !messages.is_empty() {
            return Ok(messages);
        }
        db.prepare_cached("DELETE FROM doomed WHERE channel_id = ?1")?
            .execute([channel])?;
    }
    Ok(Vec::new())
}

/// The oldest messages that are too many or too old. Open notes stay: they wait
/// for a reader, however long.
fn beyond_limits(
    db: &Connection,
    limits: &Limits,
    messages: u64,
    now: Timestamp,
) -> rusqlite::Result<Vec<i64>> {
    let excess = i64::try_from(messages.saturating_sub(limits.max_messages))
        .unwrap_or(i64::MAX)
        .min(STEP);
    let too_old = limits.max_age_days.map_or(i64::MIN, |days| {
        now.as_micros() - i64::from(days) * 86_400_000_000
    });
    // Ids grow with time, so the oldest are at the beginning of the table.
    db.prepare_cached(
        "SELECT id FROM
           (SELECT id, created_at FROM message
             WHERE NOT (kind = 6 AND done_at IS NULL AND deleted = 0) ORDER BY id LIMIT ?1)
         LIMIT max(?2, (SELECT count(*) FROM
           (SELECT created_at FROM message
             WHERE NOT (kind = 6 AND done_at IS NULL AND deleted = 0) ORDER BY id LIMIT ?1)
           WHERE created_at < ?3))",
    )?
    .query_map(params![STEP, excess, too_old], |row| row.get(0))?
    .collect()
}
