//! The one thread that writes `outbox.db`. It commits whatever waits in one
//! transaction, so that posts which arrive together share one fsync; marks of
//! what was sent ride along, or go a moment later without an fsync.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use spaces_api::{Receipt, ReceiptState, Timestamp};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::content::{self, Digest};
use super::damage::{self, Loaded};
use super::error::{ItemError, SubmitError};
use super::memory::{Live, Settled};
use super::store::{Mark, Store, Stored};
use super::stored_item::{State, StoredItem};
use super::{Entry, MAX_ITEM_BYTES, Pending, ReceiptChange, Shared};
use crate::operation::Call;

mod group;

/// Most commands in one transaction.
const GROUP: usize = 1024;
/// How long marks wait for a post whose transaction they can share.
const MARKS_LINGER: Duration = Duration::from_millis(5);
/// Marks that are written without waiting any longer.
const MARKS_HELD: usize = 512;
/// How long nothing must happen before the file is tended.
const QUIET: Duration = Duration::from_millis(200);
/// How long before the log is made longer, which is done with soon after the start.
const BREATH: Duration = Duration::from_millis(20);
/// How often a failing disk is tried again.
const RETRY: Duration = Duration::from_millis(500);
/// How often old receipts are removed.
const HOUSEKEEPING: Duration = Duration::from_secs(600);
/// Rows looked at in one step of that.
const PRUNED_AT_ONCE: usize = 500;

/// A question to the file, which sends its own answer.
type Query = Box<dyn FnOnce(&Store) -> Stored<()> + Send>;

/// What the writer is asked for.
pub(super) enum Command {
    Submit {
        items: Vec<NewItem>,
        reply: oneshot::Sender<Result<Vec<Receipt>, SubmitError>>,
    },
    Retry {
        key: Uuid,
        reply: oneshot::Sender<Result<Receipt, ItemError>>,
    },
    Discard {
        key: Uuid,
        reply: oneshot::Sender<Result<Receipt, ItemError>>,
    },
    /// Items up to this place may reach the hub from now on.
    Tried {
        through: i64,
        reply: oneshot::Sender<bool>,
    },
    Mark(MarkOf),
    NumberBeyond(i64),
    /// Runs after what was sent before it is written.
    Read(Query),
    Close {
        reply: oneshot::Sender<()>,
    },
}

/// Something true of an item that is written later.
#[derive(Clone, Debug)]
pub(super) enum MarkOf {
    Settled(Settled),
    MessageId { key: Uuid, id: u64 },
}

/// A write made ready in its caller's task.
pub(super) struct NewItem {
    call: Arc<Call>,
    json: String,
    digest: Digest,
    method: &'static str,
    target: String,
}

impl NewItem {
    pub fn prepare(entry: Entry) -> Result<Self, SubmitError> {
        // Serializing plain data into memory does not fail.
        let unreadable = |error: serde_json::Error| SubmitError::DiskFull(error.to_string());
        let json = serde_json::to_string(&entry.call).map_err(unreadable)?;
        let bytes = json.len() as u64;
        if bytes > MAX_ITEM_BYTES {
            return Err(SubmitError::TooLarge {
                bytes,
                max: MAX_ITEM_BYTES,
            });
        }
        Ok(Self {
            digest: content::digest(&entry.call).map_err(unreadable)?,
            call: Arc::new(entry.call),
            json,
            method: entry.method,
            target: entry.target,
        })
    }
}

/// The way to the writer. The writer ends when the last one is dropped.
#[derive(Clone)]
pub(super) struct Inbox(Sender<Command>);

impl Inbox {
    /// Hands a command over. After the end it is dropped, and with it its reply.
    pub fn send(&self, command: Command) {
        // The dropped reply tells the caller.
        let _ = self.0.send(command);
    }
}

/// Fills the memory from the file and starts the thread.
pub(super) fn start(loaded: Loaded, shared: Arc<Shared>) -> io::Result<Inbox> {
    let (sender, commands) = mpsc::channel();
    let mut writer = Writer {
        store: loaded.store,
        shared,
        commands,
        group: Vec::new(),
        marks: Vec::new(),
        marks_due: None,
        withdrawn: Vec::new(),
        retry_at: None,
        housekeeping_at: Instant::now() + QUIET,
        closing: None,
    };
    writer.fill_memory(loaded.queued, loaded.rejected, loaded.tried_through);
    if let Some(error) = writer.store.fault.take() {
        writer.disk_failed(&error);
    }
    std::thread::Builder::new()
        .name("outbox".into())
        .spawn(move || writer.run())?;
    Ok(Inbox(sender))
}

struct Writer {
    store: Store,
    shared: Arc<Shared>,
    commands: Receiver<Command>,
    /// What the next transaction carries out.
    group: Vec<Command>,
    /// Marks not yet written, in order.
    marks: Vec<MarkOf>,
    marks_due: Option<Instant>,
    /// Taken out of the queue by the running transaction; put back if it fails.
    withdrawn: Vec<(Pending, Live)>,
    /// Set while the disk fails.
    retry_at: Option<Instant>,
    housekeeping_at: Instant,
    closing: Option<oneshot::Sender<()>>,
}

impl Writer {
    fn run(mut self) {
        loop {
            let quiet = match self.commands.recv_timeout(self.patience()) {
                Ok(first) => {
                    self.gather(first);
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            let now = Instant::now();
            let marks_due = self.marks_due.is_some_and(|due| due <= now);
            if !self.group.is_empty() || marks_due || self.marks.len() >= MARKS_HELD {
                self.write();
            } else if quiet {
                self.use_quiet_time(now);
            }
            if self.closing.is_some() {
                break;
            }
        }
        self.end();
    }

    /// Until when the thread may sleep.
    fn patience(&self) -> Duration {
        let now = Instant::now();
        let mut wake = self.housekeeping_at;
        for due in [self.marks_due, self.retry_at].into_iter().flatten() {
            wake = wake.min(due);
        }
        if self.retry_at.is_none() {
            if self.store.log.is_worth_moving() {
                wake = wake.min(now + QUIET);
            } else if self.store.log.wants_room() {
                wake = wake.min(now + BREATH);
            }
        }
        wake.saturating_duration_since(now)
    }

    /// Takes what waits.
    fn gather(&mut self, first: Command) {
        self.sort_in(first);
        while self.group.len() < GROUP
            && let Ok(next) = self.commands.try_recv()
        {
            self.sort_in(next);
        }
    }

    fn sort_in(&mut self, command: Command) {
        match command {
            Command::Mark(mark) => {
                self.marks.push(mark);
                let linger = if self.retry_at.is_some() {
                    RETRY
                } else {
                    MARKS_LINGER
                };
                self.marks_due.get_or_insert(Instant::now() + linger);
            }
            Command::NumberBeyond(change) => self.store.number_beyond_change(change),
            Command::Close { reply } => self.closing = Some(reply),
            other => self.group.push(other),
        }
    }

    /// Nothing waits: move the log, try a failing disk, remove what is old.
    fn use_quiet_time(&mut self, now: Instant) {
        if self.retry_at.is_some_and(|at| at <= now) {
            self.probe_disk();
        } else if self.store.log.is_worth_moving() {
            self.move_log();
        } else if self.housekeeping_at <= now {
            self.keep_house(now);
        } else if self.retry_at.is_none() && self.store.log.wants_room() {
            self.store.log.make_room();
        }
    }

    fn move_log(&mut self) {
        if let Err(error) = self.remember_front().and_then(|()| self.store.checkpoint()) {
            self.store.log.not_moved();
            self.disk_failed(&error);
        }
    }

    /// Remembers where the queue begins, so that a start reads no further back.
    fn remember_front(&mut self) -> Stored<()> {
        if !self.marks.is_empty() {
            // An item may be settled here and queued on disk.
            return Ok(());
        }
        let front = self.shared.memory().first().unwrap_or(self.store.last_id());
        self.store.begin(false)?;
        let written = self
            .store
            .set_mark(Mark::QueuedFrom, front)
            .and_then(|()| self.store.commit());
        if written.is_err() {
            self.store.roll_back();
        }
        written
    }

    fn keep_house(&mut self, now: Instant) {
        self.housekeeping_at = now + HOUSEKEEPING;
        match self.prune() {
            Ok(true) => self.housekeeping_at = now + QUIET,
            Ok(false) => {}
            Err(error) => {
                self.store.roll_back();
                self.disk_failed(&error);
            }
        }
    }

    /// Removes old receipts, a few at a time. True if there are more.
    fn prune(&mut self) -> Stored<bool> {
        let limits = self.shared.memory().limits;
        let kept = i64::try_from(limits.keep_sent.as_micros()).unwrap_or(i64::MAX);
        let before = Timestamp::now().as_micros().saturating_sub(kept);
        self.store.begin(false)?;
        let more = self
            .store
            .prune(Timestamp::from_micros(before), PRUNED_AT_ONCE)?;
        self.store.prune_rejected(limits.max_items)?;
        self.store.commit()?;
        let rejected = self.store.count_rejected()?;
        let unwritten = self.marks.iter().filter(|mark| mark.rejects()).count() as u64;
        self.shared.memory().rejected = rejected + unwritten;
        Ok(more)
    }

    fn probe_disk(&mut self) {
        if self.store.abandoned && !self.replace_file("its replacement failed before") {
            self.retry_at = Some(Instant::now() + RETRY);
            return;
        }
        let probed = self.store.begin(true).and_then(|()| {
            self.store.keep_numbering()?;
            self.store.commit()
        });
        match probed {
            Ok(()) => self.disk_works(),
            Err(error) => {
                self.store.roll_back();
                self.disk_failed(&error);
            }
        }
    }

    fn disk_works(&mut self) {
        if self.retry_at.take().is_some() {
            tracing::info!("the outbox can be written again");
            self.shared.memory().fault = None;
        }
    }

    fn disk_failed(&mut self, error: &rusqlite::Error) {
        if self.retry_at.is_none() {
            tracing::error!(%error, "the outbox cannot be written; writes are refused until it can");
        }
        self.retry_at = Some(Instant::now() + RETRY);
        self.shared.memory().fault = Some(SubmitError::of_disk(error).to_string());
    }

    /// The file broke while in use: begins a new one with what is in memory and
    /// what can still be read.
    fn replace_file(&mut self, what: &str) -> bool {
        let queued = self.shared.memory().snapshot();
        let rescued: Vec<StoredItem> = queued
            .iter()
            .filter_map(|pending| self.as_stored(pending))
            .collect();
        match damage::replace(&mut self.store, what, &rescued) {
            Ok(notice) => {
                let mut memory = self.shared.memory();
                memory.rejected = self.store.count_rejected().unwrap_or(memory.rejected);
                memory.notice = Some(notice);
                true
            }
            Err(error) => {
                tracing::error!(%error, "the damaged outbox could not be replaced");
                false
            }
        }
    }

    fn as_stored(&self, pending: &Pending) -> Option<StoredItem> {
        let memory = self.shared.memory();
        let live = memory.live(pending.call.client_key)?;
        Some(StoredItem {
            id: pending.order,
            state: State::Queued,
            receipt: live.receipt.clone(),
            method: pending.method.clone().into_owned(),
            target: pending.target.to_string(),
            digest: live.digest,
            bytes: pending.bytes,
            attempts: live.attempts,
            call: serde_json::to_string(&*pending.call).ok(),
        })
    }

    fn fill_memory(&mut self, queued: Vec<StoredItem>, rejected: u64, tried_through: i64) {
        self.shared.memory().rejected = rejected;
        for item in queued {
            let Some(call) = item.parsed() else {
                self.reject_unreadable(item);
                continue;
            };
            let pending = Pending {
                order: item.id,
                call: Arc::new(call),
                method: super::memory::method_name(item.method),
                target: item.target.into(),
                queued_at: item.receipt.queued_at,
                bytes: item.bytes,
            };
            let tried = item.id <= tried_through;
            self.shared
                .memory()
                .add(pending, item.receipt, item.digest, tried);
        }
    }

    fn reject_unreadable(&mut self, item: StoredItem) {
        tracing::error!(key = %item.receipt.client_key, "a queued write cannot be read; it is rejected");
        let mut receipt = item.receipt;
        receipt.state = ReceiptState::Rejected;
        receipt.reason = Some("unreadable: this version cannot read the stored call".into());
        self.shared.memory().rejected += 1;
        self.sort_in(Command::Mark(MarkOf::Settled(Settled {
            id: item.id,
            receipt,
            attempts: item.attempts,
        })));
    }

    fn end(mut self) {
        self.shared.memory().closed = true;
        // What waits was promised nothing yet, but it was there in time.
        while let Ok(command) = self.commands.try_recv() {
            self.sort_in(command);
        }
        self.write();
        if let Err(error) = self.remember_front().and_then(|()| self.store.empty_log()) {
            tracing::warn!(%error, "the outbox was closed without moving its log; the next start does it");
        }
        let closing = self.closing.take();
        drop(self);
        if let Some(reply) = closing {
            // Who asked may have gone away.
            let _ = reply.send(());
        }
    }

    fn announce(&self, change_seq: i64, receipt: Receipt) {
        // Without a listener there is nobody to tell.
        let _ = self.shared.changes.send(ReceiptChange {
            change_seq: change_seq.cast_unsigned(),
            receipt,
        });
    }
}

impl MarkOf {
    fn rejects(&self) -> bool {
        matches!(self, Self::Settled(settled) if settled.receipt.state == ReceiptState::Rejected)
    }
}
