//! The table behind the log.

use std::sync::Arc;

use rusqlite::{Connection, params};
use spaces_api::Timestamp;
use spaces_api::model::{Event, EventKind};

use super::{KEPT_DAYS, KEPT_EVENTS};

/// Events that one pruning step looks at.
const PRUNED_AT_ONCE: u64 = 500;

/// Writes events in the writer's transaction and holds them until it is
/// committed, when they become visible to subscribers.
pub(crate) struct Recorder {
    next: u64,
    at: Timestamp,
    recorded: Vec<Arc<Event>>,
}

impl Recorder {
    /// Continues after the newest event of `db`.
    pub fn begin(db: &Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            next: bounds(db)?.newest + 1,
            at: Timestamp::now(),
            recorded: Vec::new(),
        })
    }

    /// Appends one event.
    pub fn record(&mut self, db: &Connection, what: EventKind) -> rusqlite::Result<()> {
        let body = serde_json::to_string(&what)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
        db.prepare_cached("INSERT INTO event(cursor, at, body) VALUES (?1, ?2, ?3)")?
            .execute(params![self.next.cast_signed(), self.at.as_micros(), body])?;
        self.recorded.push(Arc::new(Event {
            cursor: self.next,
            at: self.at,
            what,
        }));
        self.next += 1;
        Ok(())
    }

    /// What was recorded; to be published after the commit.
    pub fn into_recorded(self) -> Vec<Arc<Event>> {
        self.recorded
    }
}

/// How far the log reaches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The lowest cursor from which nothing is missing.
    pub oldest_cursor: u64,
    /// The newest event's cursor, or what it was when all were pruned.
    pub newest: u64,
}

/// Reads how far the log reaches. An empty log stands at its first cursor: the
/// time, in microseconds, at which the cache was made, so that cursors of an
/// earlier cache are never taken for cursors of this one.
pub(crate) fn bounds(db: &Connection) -> rusqlite::Result<Bounds> {
    let (first, oldest, newest): (i64, Option<i64>, Option<i64>) = db
        .prepare_cached(
            "SELECT (SELECT value FROM meta WHERE key = 'first_cursor'),
                    (SELECT min(cursor) FROM event), (SELECT max(cursor) FROM event)",
        )?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(Bounds {
        oldest_cursor: oldest.map_or(first, |oldest| oldest - 1).cast_unsigned(),
        newest: newest.unwrap_or(first).cast_unsigned(),
    })
}

/// Events after `cursor`, oldest first.
pub(crate) fn since(db: &Connection, cursor: u64, limit: usize) -> rusqlite::Result<Vec<Event>> {
    db.prepare_cached(
        "SELECT cursor, at, body FROM event WHERE cursor > ?1 ORDER BY cursor LIMIT ?2",
    )?
    .query_map(
        params![
            i64::try_from(cursor).unwrap_or(i64::MAX),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ],
        |row| {
            let body = row.get_ref(2)?.as_str()?;
            let what = serde_json::from_str(body).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(
                    2,
                    rusqlite::types::Type::Text,
                    Box::new(error),
                )
            })?;
            Ok(Event {
                cursor: row.get::<_, i64>(0)?.cast_unsigned(),
                at: Timestamp::from_micros(row.get(1)?),
                what,
            })
        },
    )?
    .collect()
}

/// Deletes the oldest of what is beyond the bounds; returns how many went. The
/// newest event always stays: it holds the place of the next cursor.
pub(crate) fn prune(db: &Connection, now: Timestamp) -> rusqlite::Result<usize> {
    let newest = bounds(db)?.newest;
    let too_old = now.as_micros() - KEPT_DAYS * 86_400_000_000;
    db.prepare_cached(
        "DELETE FROM event WHERE cursor IN
           (SELECT cursor FROM
             (SELECT cursor, at FROM event WHERE cursor < ?1 ORDER BY cursor LIMIT ?4)
             WHERE cursor <= ?2 OR at < ?3)",
    )?
    .execute(params![
        newest.cast_signed(),
        newest.saturating_sub(KEPT_EVENTS).cast_signed(),
        too_old,
        PRUNED_AT_ONCE.cast_signed(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

    fn with_events(ages_in_days: impl IntoIterator<Item = i64>) -> Connection {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../cache/schema.sql"))
            .unwrap();
        db.execute_batch("INSERT INTO meta(key, value) VALUES ('first_cursor', 0); BEGIN")
            .unwrap();
        let mut event = db.prepare("INSERT INTO event VALUES (?1, ?2, '')").unwrap();
        for (cursor, days) in (1_i64..).zip(ages_in_days) {
            let at = NOW.as_micros() - days * 86_400_000_000;
            event.execute([cursor, at]).unwrap();
        }
        drop(event);
        db.execute_batch("COMMIT").unwrap();
        db
    }

    fn pruned(db: &Connection) -> Vec<usize> {
        std::iter::from_fn(|| Some(prune(db, NOW).unwrap()))
            .take_while(|deleted| *deleted > 0)
            .collect()
    }

    #[test]
    fn old_events_go_in_steps() {
        let db = with_events((0..1_100).map(|number| if number < 1_050 { 8 } else { 6 }));
        assert_eq!(pruned(&db), [500, 500, 50]);
        assert_eq!(bounds(&db).unwrap().oldest_cursor, 1_050);
    }

    #[test]
    fn events_beyond_the_number_go_whatever_their_age() {
        let kept = i64::try_from(KEPT_EVENTS).unwrap();
        let db = with_events((0..kept + 7).map(|_| 0));
        assert_eq!(pruned(&db), [7]);
        assert_eq!(bounds(&db).unwrap().oldest_cursor, 7);
    }

    #[test]
    fn the_newest_event_keeps_the_place_of_the_next() {
        let db = with_events([30, 30]);
        assert_eq!(pruned(&db), [1]);
        assert_eq!(bounds(&db).unwrap().newest, 2);
    }
}
