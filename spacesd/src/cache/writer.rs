//! The one writer: takes whatever waits and commits it in one transaction, so
//! that a burst costs one commit and readers see whole batches.

mod housekeeping;

use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, params};
use spaces_api::Receipt;
use spaces_api::model::EventKind;
use tokio::sync::oneshot;

use super::apply::{Applier, mark_read};
use super::names::{id, user_ref};
use super::state::{Changed, Facts, get, set};
use super::{Limits, Shared, query, store};
use crate::events::log::Recorder;
use crate::log_pages::LogPages;
use crate::row::{Batch, Identity};

/// Changes that one transaction takes; what is more waits for the next.
const CHANGES_PER_COMMIT: usize = 20_000;

/// Waits between attempts while the disk refuses.
const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(5);

pub(super) enum Job {
    Bind {
        hub: String,
        me: Option<Identity>,
        done: oneshot::Sender<()>,
    },
    Apply {
        batch: Batch,
        done: oneshot::Sender<()>,
    },
    Receipts {
        receipts: Vec<(u64, Receipt)>,
        done: oneshot::Sender<()>,
    },
    Record {
        what: Box<EventKind>,
        done: oneshot::Sender<()>,
    },
    AckInbox {
        ids: Vec<u64>,
        done: oneshot::Sender<u64>,
    },
    MarkShown {
        ids: Vec<u64>,
        done: oneshot::Sender<()>,
    },
    MarkRead {
        channel_id: u64,
        seq: u64,
        done: oneshot::Sender<()>,
    },
    Limits(Limits),
    /// The file of this epoch is of no use: a reader met damage in it, or the hub
    /// holds something else.
    Useless {
        epoch: u64,
        why: String,
    },
    Close {
        done: oneshot::Sender<()>,
    },
}

/// Starts the thread; it ends with [`Job::Close`] or the last sender.
pub(super) fn start(
    mut db: Connection,
    shared: Arc<Shared>,
) -> Result<mpsc::Sender<Job>, store::StoreError> {
    let (sender, jobs) = mpsc::channel();
    let me = get(&db, "me")?;
    let log = LogPages::watch(&mut db)?;
    let mut writer = Writer {
        db,
        log,
        shared,
        me,
        limits: Limits::default(),
        tidy_at: Instant::now(),
        more_to_tidy: true,
    };
    thread::Builder::new()
        .name("cache-writer".to_owned())
        .spawn(move || writer.run(&jobs))?;
    Ok(sender)
}

struct Writer {
    db: Connection,
    log: LogPages,
    shared: Arc<Shared>,
    /// The number of the reader's own user.
    me: Option<i64>,
    limits: Limits,
    tidy_at: Instant,
    /// There is more than one step took away.
    more_to_tidy: bool,
}

/// What to tell a job's sender after the commit.
enum Reply {
    Done(oneshot::Sender<()>),
    Count(oneshot::Sender<u64>, u64),
}

impl Writer {
    fn run(&mut self, jobs: &mpsc::Receiver<Job>) {
        loop {
            let first = match jobs.recv_timeout(self.patience()) {
                Ok(job) => Some(job),
                Err(mpsc::RecvTimeoutError::Timeout) => None,
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            };
            let quiet = first.is_none();
            let mut waiting = Waiting::gather(first, jobs);
            self.commit_until_done(&mut waiting.jobs);
            if let Some(done) = waiting.close {
                self.close();
                // Whoever closed and went away needs no answer.
                let _ = done.send(());
                return;
            }
            self.keep_house(quiet);
        }
        self.close();
    }

    /// Lets go of the file, which folds the write-ahead log into it.
    fn close(&mut self) {
        self.persist_as_of();
        self.shared.pool.let_go();
        if let Ok(nothing) = Connection::open_in_memory() {
            self.db = nothing;
        }
    }

    /// Commits, trying again while the disk refuses and beginning anew where the
    /// file is at fault.
    fn commit_until_done(&mut self, jobs: &mut Vec<Job>) {
        let mut wait = FIRST_RETRY;
        while !jobs.is_empty() {
            let error = match self.commit(jobs) {
                Ok(()) => {
                    self.shared.state.set_fault(None);
                    return;
                }
                Err(error) => error,
            };
            if may_pass(&error) {
                tracing::warn!(%error, "the cache cannot be written; trying again");
                self.shared.state.set_fault(Some(format!(
                    "the cache cannot be written: {error}; reads show an older state until there is room"
                )));
                if self.shared.state.closing() {
                    jobs.clear();
                }
                thread::sleep(wait);
                wait = (wait * 2).min(LAST_RETRY);
            } else {
                self.begin_anew(&error.to_string());
                // A batch is a difference to what is gone now.
                jobs.retain(|job| !matches!(job, Job::Apply { .. }));
            }
        }
    }

    fn commit(&mut self, jobs: &mut Vec<Job>) -> rusqlite::Result<()> {
        if self.rebinds(jobs) {
            self.begin_anew("it belongs to another hub or identity");
        }
        self.db.execute_batch("BEGIN IMMEDIATE")?;
        match self.write(jobs) {
            Ok(written) => {
                // A commit that fails leaves the transaction open.
                self.db
                    .execute_batch("COMMIT")
                    .inspect_err(|_| self.roll_back())?;
                self.me = written.me;
                self.shared.state.publish(&written.facts, written.changed);
                if let Some(hub) = written.hub {
                    self.shared.state.set_hub(hub);
                }
                if let Some(identity) = written.identity {
                    self.shared.state.set_me(Some(identity));
                }
                self.shared.tail.publish(written.recorder.into_recorded());
                for reply in take_replies(jobs, &written.counts) {
                    // Whoever does not wait has dropped the receiver.
                    match reply {
                        Reply::Done(done) => drop(done.send(())),
                        Reply::Count(done, count) => drop(done.send(count)),
                    }
                }
                Ok(())
            }
            Err(error) => {
                self.roll_back();
                Err(error)
            }
        }
    }

    fn roll_back(&self) {
        // SQLite may have rolled back by itself; then this is an error that
        // means the same.
        let _ = self.db.execute_batch("ROLLBACK");
    }

    /// Writes what the jobs ask for, inside the transaction.
    fn write(&mut self, jobs: &[Job]) -> rusqlite::Result<Written> {
        let db = &self.db;
        let before = Facts::load(db)?;
        let mut written = Written {
            facts: before,
            recorder: Recorder::begin(db)?,
            me: self.me,
            hub: None,
            identity: None,
            changed: Changed::default(),
            counts: Vec::new(),
        };
        for job in jobs {
            match job {
                Job::Bind { hub, me, .. } => {
                    set(db, "hub", hub)?;
                    written.hub = Some(hub.clone());
                    if let Some(me) = me {
                        let user = user_ref(db, me)?;
                        set(db, "me", user)?;
                        written.me = Some(user);
                        written.identity = Some(*me);
                    }
                }
                Job::Apply { batch, .. } => written.apply(db, batch)?,
                Job::Receipts { receipts, .. } => written.receipts(db, receipts)?,
                Job::Record { what, .. } => written.recorder.record(db, (**what).clone())?,
                Job::AckInbox { ids, .. } => {
                    let acked = set_flag(db, "read", ids)?;
                    written.counts.push(acked);
                    written.changed.digest |= acked > 0;
                }
                Job::MarkShown { ids, .. } if ids.is_empty() => {}
                Job::MarkShown { ids, .. } => {
                    written.changed.digest |= set_flag(db, "shown", ids)? > 0;
                }
                Job::MarkRead {
                    channel_id, seq, ..
                } => {
                    mark_read(db, *channel_id, *seq)?;
                    written.changed.digest = true;
                }
                Job::Limits(limits) => {
                    self.limits = *limits;
                    self.more_to_tidy = true;
                }
                Job::Useless { epoch, why } => {
                    if *epoch == self.shared.pool.epoch() {
                        return Err(damage(why));
                    }
                }
                Job::Close { .. } => {}
            }
        }
        written.facts.store(&before, db)?;
        set(db, "as_of", self.shared.state.as_of().as_micros())?;
        Ok(written)
    }

    /// True if a job binds the cache to something else than what fills it.
    fn rebinds(&self, jobs: &[Job]) -> bool {
        let mut bound_hub = self.shared.state.hub();
        let mut bound_me = self.shared.state.me();
        for job in jobs {
            if let Job::Bind { hub, me, .. } = job {
                let other_hub = bound_hub.as_ref().is_some_and(|bound| bound != hub);
                let other_me = matches!((bound_me, me), (Some(bound), Some(me)) if bound != *me);
                if other_hub || other_me {
                    return true;
                }
                bound_hub = Some(hub.clone());
                bound_me = me.or(bound_me);
            }
        }
        false
    }

    /// Replaces the file by an empty one that belongs to the same hub and user.
    fn begin_anew(&mut self, why: &str) {
        tracing::warn!(reason = why, "the cache is begun anew");
        self.shared.pool.shut();
        let mut wait = FIRST_RETRY;
        loop {
            match self.new_file() {
                Ok(()) => break,
                Err(error) => {
                    tracing::error!(%error, "no new cache could be made; trying again");
                    self.shared
                        .state
                        .set_fault(Some(format!("no new cache could be made: {error}")));
                    if self.shared.state.closing() {
                        return;
                    }
                    thread::sleep(wait);
                    wait = (wait * 2).min(LAST_RETRY);
                }
            }
        }
        let everything = Changed {
            digest: true,
            names: true,
        };
        // First that it is not filled: nobody is to take it for an empty hub.
        self.shared.state.publish(&Facts::default(), everything);
        self.shared.pool.reopen();
        self.shared.state.note_rebuilt();
    }

    fn new_file(&mut self) -> Result<(), store::StoreError> {
        // The old file must be closed before its name is given to a new one.
        self.db = Connection::open_in_memory()?;
        self.db = self.shared.store.create()?;
        self.log = LogPages::watch(&mut self.db)?;
        self.me = None;
        if let Some(hub) = self.shared.state.hub() {
            set(&self.db, "hub", hub)?;
        }
        if let Some(me) = self.shared.state.me() {
            let user = user_ref(&self.db, &me)?;
            set(&self.db, "me", user)?;
            self.me = Some(user);
        }
        let newest = crate::events::log::bounds(&self.db)?.newest;
        self.shared.tail.reset(newest);
        Ok(())
    }

    /// Writes when the cache last equalled the hub, so that it is known after a
    /// restart.
    fn persist_as_of(&self) {
        let as_of = self.shared.state.as_of().as_micros();
        if let Err(error) = set(&self.db, "as_of", as_of) {
            tracing::warn!(%error, "the time of the last sync could not be written");
        }
    }
}

/// Jobs for one transaction, up to a bound or a request to close.
#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    close: Option<oneshot::Sender<()>>,
}

impl Waiting {
    fn gather(first: Option<Job>, more: &mpsc::Receiver<Job>) -> Self {
        let mut waiting = Self::default();
        let mut changes = 0;
        let mut next = first;
        while let Some(job) = next {
            match job {
                Job::Close { done } => {
                    waiting.close = Some(done);
                    break;
                }
                Job::Apply { ref batch, .. } => changes += batch.changes.len(),
                Job::Receipts { ref receipts, .. } => changes += receipts.len(),
                _ => changes += 1,
            }
            waiting.jobs.push(job);
            if changes >= CHANGES_PER_COMMIT {
                break;
            }
            next = more.try_recv().ok();
        }
        waiting
    }
}

/// What a transaction has done, to be made known after its commit.
struct Written {
    facts: Facts,
    recorder: Recorder,
    me: Option<i64>,
    hub: Option<String>,
    identity: Option<Identity>,
    changed: Changed,
    /// One for each [`Job::AckInbox`], in order.
    counts: Vec<u64>,
}

impl Written {
    fn apply(&mut self, db: &Connection, batch: &Batch) -> rusqlite::Result<()> {
        let mut applier = Applier {
            db,
            recorder: &mut self.recorder,
            me: self.me,
            ready: self.facts.ready,
            last_seq: self.facts.last_seq,
            added: 0,
            digest_changed: false,
            messages_changed: false,
            names_changed: false,
        };
        applier.batch(batch)?;
        self.facts.ready = applier.ready;
        self.facts.last_seq = applier.last_seq;
        self.facts.messages = self.facts.messages.saturating_add_signed(applier.added);
        self.facts.message_changes += u64::from(applier.messages_changed);
        self.changed.digest |= applier.digest_changed;
        self.changed.names |= applier.names_changed;
        Ok(())
    }

    fn receipts(&mut self, db: &Connection, receipts: &[(u64, Receipt)]) -> rusqlite::Result<()> {
        for (change, receipt) in receipts {
            if *change <= self.facts.last_receipt_change {
                continue;
            }
            let mut receipt = receipt.clone();
            if receipt.message_id.is_none() {
                receipt.message_id = query::message::id_of_key(db, &receipt.client_key)?;
            }
            self.recorder.record(db, EventKind::Receipt { receipt })?;
            self.facts.last_receipt_change = *change;
        }
        Ok(())
    }
}

fn take_replies(jobs: &mut Vec<Job>, counts: &[u64]) -> Vec<Reply> {
    let mut counts = counts.iter().copied();
    jobs.drain(..)
        .filter_map(|job| match job {
            Job::Bind { done, .. }
            | Job::Apply { done, .. }
            | Job::Receipts { done, .. }
            | Job::Record { done, .. }
            | Job::MarkShown { done, .. }
            | Job::MarkRead { done, .. }
            | Job::Close { done } => Some(Reply::Done(done)),
            Job::AckInbox { done, .. } => Some(Reply::Count(done, counts.next().unwrap_or(0))),
            Job::Limits(_) | Job::Useless { .. } => None,
        })
        .collect()
}

/// Sets a flag of inbox items, of all if `ids` is empty; returns how many did
/// not have it.
fn set_flag(db: &Connection, flag: &str, ids: &[u64]) -> rusqlite::Result<u64> {
    let mut changed = 0;
    if ids.is_empty() {
        changed += db
            .prepare_cached(&format!("UPDATE inbox SET {flag} = 1 WHERE {flag} = 0"))?
            .execute([])?;
    }
    for item in ids {
        changed += db
            .prepare_cached(&format!(
                "UPDATE inbox SET {flag} = 1 WHERE id = ?1 AND {flag} = 0"
            ))?
            .execute(params![id(*item)])?;
    }
    Ok(changed as u64)
}

/// True where the same statement may succeed later.
fn may_pass(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::SystemIoFailure
                | ErrorCode::ReadOnly
                | ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
        )
    )
}

fn damage(text: &str) -> rusqlite::Error {
    rusqlite::Error::SqliteFailure(
        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT),
        Some(text.to_owned()),
    )
}
