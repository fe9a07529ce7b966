//! One transaction: the marks first, then the commands in their order. Nothing
//! is told to anyone before it is committed.

use std::collections::HashMap;
use std::sync::Arc;

use spaces_api::{Receipt, ReceiptState, Timestamp};
use uuid::Uuid;

use super::{Command, MarkOf, NewItem, Writer};
use crate::outbox::content::Digest;
use crate::outbox::error::{ItemError, SubmitError};
use crate::outbox::memory::method_name;
use crate::outbox::store::{Mark, Stored, is_damage};
use crate::outbox::stored_item::{State, StoredItem};
use crate::outbox::{Limits, Pending};

/// What a command came to, to be told once it is committed.
enum Done {
    Submitted(Result<Submitted, SubmitError>),
    Retried(Result<Fresh, ItemError>),
    Discarded(Result<Discarded, ItemError>),
    Tried,
    /// Carried out after the transaction.
    Read,
}

struct Submitted {
    receipts: Vec<Receipt>,
    fresh: Vec<Fresh>,
}

/// An item that is queued now.
struct Fresh {
    pending: Pending,
    receipt: Receipt,
    digest: Digest,
    change: i64,
    was_rejected: bool,
}

struct Discarded {
    receipt: Receipt,
    change: i64,
    was_rejected: bool,
}

/// What the commands before, in the same transaction, have added.
#[derive(Default)]
struct Added {
    keys: HashMap<Uuid, (Digest, Receipt)>,
    items: u64,
    bytes: u64,
}

/// Receipts that have changed, with the numbers of the changes.
type Changes = Vec<(i64, Receipt)>;

impl Writer {
    /// Writes the marks and the group in one transaction and answers.
    pub(super) fn write(&mut self) {
        let group = std::mem::take(&mut self.group);
        let durable = group.iter().any(Command::writes);
        if durable || !self.marks.is_empty() {
            self.write_transaction(group, durable);
        } else {
            let questions = group.into_iter().map(|command| (command, Done::Read));
            self.finish(Vec::new(), questions);
        }
        if self.store.log.is_full() {
            self.move_log();
        }
    }

    fn write_transaction(&mut self, group: Vec<Command>, durable: bool) {
        let mut attempt = self.attempt(&group, durable);
        if let Err(error) = &attempt
            && is_damage(error)
            && self.replace_file(&error.to_string())
        {
            attempt = self.attempt(&group, durable);
        }
        match attempt {
            Ok((marked, done)) => {
                self.disk_works();
                self.marks_written();
                self.withdrawn.clear();
                self.finish(marked, group.into_iter().zip(done));
            }
            Err(error) => {
                self.disk_failed(&error);
                self.refuse(group, &SubmitError::of_disk(&error));
            }
        }
    }

    /// One try. After an error nothing has changed.
    fn attempt(&mut self, group: &[Command], durable: bool) -> Stored<(Changes, Vec<Done>)> {
        let attempted = self.store.begin(durable).and_then(|()| {
            let marked = self.apply_marks()?;
            let mut added = Added::default();
            let done = group
                .iter()
                .map(|command| self.apply(command, &mut added))
                .collect::<Stored<Vec<Done>>>()?;
            self.store.commit()?;
            Ok((marked, done))
        });
        if attempted.is_err() {
            self.store.roll_back();
            let mut memory = self.shared.memory();
            for (pending, live) in self.withdrawn.drain(..) {
                memory.put_back(pending, live);
            }
        }
        attempted
    }

    fn apply_marks(&mut self) -> Stored<Changes> {
        let mut marked = Vec::with_capacity(self.marks.len());
        for mark in &self.marks {
            let change = self.store.take_change();
            match mark {
                MarkOf::Settled(settled) => {
                    let written = self.store.settle(
                        settled.id,
                        &settled.receipt,
                        settled.attempts,
                        change,
                    )?;
                    if written {
                        marked.push((change, settled.receipt.clone()));
                    }
                }
                MarkOf::MessageId { key, id } => {
                    if self.store.set_message_id(*key, *id, change)?
                        && let Some(item) = self.store.find(*key)?
                    {
                        marked.push((change, item.receipt));
                    }
                }
            }
        }
        Ok(marked)
    }

    fn apply(&mut self, command: &Command, added: &mut Added) -> Stored<Done> {
        Ok(match command {
            Command::Submit { items, .. } => Done::Submitted(self.submit(items, added)?),
            Command::Retry { key, .. } => Done::Retried(self.retry(*key, added)?),
            Command::Discard { key, .. } => Done::Discarded(self.discard(*key)?),
            Command::Tried { through, .. } => {
                self.store.set_mark(Mark::TriedThrough, *through)?;
                Done::Tried
            }
            Command::Read(_)
            | Command::Mark(_)
            | Command::NumberBeyond(_)
            | Command::Close { .. } => Done::Read,
        })
    }

    fn submit(
        &mut self,
        items: &[NewItem],
        added: &mut Added,
    ) -> Stored<Result<Submitted, SubmitError>> {
        let now = Timestamp::now();
        let mut receipts = Vec::with_capacity(items.len());
        let mut staged: HashMap<Uuid, (Digest, Receipt)> = HashMap::new();
        let mut fresh = Vec::with_capacity(items.len());
        for item in items {
            let key = item.call.client_key;
            let known = match staged.get(&key).or_else(|| added.keys.get(&key)) {
                Some(known) => Some(known.clone()),
                None => self.known(key)?,
            };
            match known {
                Some((digest, receipt)) if digest == item.digest => receipts.push(receipt),
                Some(_) => return Ok(Err(SubmitError::KeyReused(key))),
                None => {
                    let receipt = Receipt {
                        client_key: key,
                        state: ReceiptState::Queued,
                        message_id: None,
                        queued_at: now,
                        sent_at: None,
                        reason: None,
                    };
                    staged.insert(key, (item.digest, receipt.clone()));
                    receipts.push(receipt.clone());
                    fresh.push((item, receipt));
                }
            }
        }
        let bytes = fresh.iter().map(|(item, _)| item.json.len() as u64).sum();
        if let Err(full) = self.has_room(fresh.len() as u64, bytes, added) {
            return Ok(Err(full));
        }
        let fresh = fresh
            .into_iter()
            .map(|(item, receipt)| self.insert(item, receipt))
            .collect::<Stored<Vec<Fresh>>>()?;
        added.keys.extend(staged);
        added.items += fresh.len() as u64;
        added.bytes += bytes;
        Ok(Ok(Submitted { receipts, fresh }))
    }

    fn known(&self, key: Uuid) -> Stored<Option<(Digest, Receipt)>> {
        let live = self
            .shared
            .memory()
            .live(key)
            .map(|live| (live.digest, live.receipt.clone()));
        match live {
            Some(known) => Ok(Some(known)),
            None => Ok(self
                .store
                .find(key)?
                .map(|item| (item.digest, item.receipt))),
        }
    }

    fn has_room(&self, items: u64, bytes: u64, added: &Added) -> Result<(), SubmitError> {
        if items == 0 {
            return Ok(());
        }
        let memory = self.shared.memory();
        let Limits {
            max_items,
            max_bytes,
            ..
        } = memory.limits;
        let held = memory.queued() + added.items;
        let held_bytes = memory.bytes() + added.bytes;
        if held + items > max_items || held_bytes + bytes > max_bytes {
            return Err(SubmitError::Full {
                items: held,
                bytes: held_bytes,
                max_items,
                max_bytes,
            });
        }
        Ok(())
    }

    fn insert(&mut self, item: &NewItem, receipt: Receipt) -> Stored<Fresh> {
        let id = self.store.take_id();
        let change = self.store.take_change();
        let bytes = item.json.len() as u64;
        self.store.insert(
            &StoredItem {
                id,
                state: State::Queued,
                receipt: receipt.clone(),
                method: item.method.to_owned(),
                target: item.target.clone(),
                digest: item.digest,
                bytes,
                attempts: 0,
                call: Some(item.json.clone()),
            },
            change,
        )?;
        Ok(Fresh {
            pending: Pending {
                order: id,
                call: Arc::clone(&item.call),
                method: item.method.into(),
                target: item.target.as_str().into(),
                queued_at: receipt.queued_at,
                bytes,
            },
            receipt,
            digest: item.digest,
            change,
            was_rejected: false,
        })
    }

    fn retry(&mut self, key: Uuid, added: &mut Added) -> Stored<Result<Fresh, ItemError>> {
        let Some(item) = self.store.find(key)? else {
            return Ok(Err(ItemError::Unknown));
        };
        let call = match (item.state, item.parsed()) {
            (State::Rejected, Some(call)) => call,
            _ => return Ok(Err(self.wrong_state(item.receipt))),
        };
        if let Err(full) = self.has_room(1, item.bytes, added) {
            return Ok(Err(full.into()));
        }
        let now = Timestamp::now();
        let (id, change) = (self.store.take_id(), self.store.take_change());
        self.store.requeue(item.id, id, now, change)?;
        added.items += 1;
        added.bytes += item.bytes;
        let receipt = Receipt {
            state: ReceiptState::Queued,
            queued_at: now,
            reason: None,
            ..item.receipt
        };
        added.keys.insert(key, (item.digest, receipt.clone()));
        Ok(Ok(Fresh {
            pending: Pending {
                order: id,
                call: Arc::new(call),
                method: method_name(item.method),
                target: item.target.into(),
                queued_at: now,
                bytes: item.bytes,
            },
            receipt,
            digest: item.digest,
            change,
            was_rejected: true,
        }))
    }

    fn discard(&mut self, key: Uuid) -> Stored<Result<Discarded, ItemError>> {
        let Some(item) = self.store.find(key)? else {
            return Ok(Err(ItemError::Unknown));
        };
        let reason = match item.state {
            State::Rejected => match &item.receipt.reason {
                Some(reason) => format!("{reason} (dropped)"),
                None => "dropped".to_owned(),
            },
            State::Queued if self.withdraw(key) => "dropped before it was sent".to_owned(),
            _ => return Ok(Err(self.wrong_state(item.receipt))),
        };
        let change = self.store.take_change();
        self.store.drop_item(item.id, &reason, change)?;
        Ok(Ok(Discarded {
            receipt: Receipt {
                state: ReceiptState::Rejected,
                reason: Some(reason),
                ..item.receipt
            },
            change,
            was_rejected: item.state == State::Rejected,
        }))
    }

    /// Takes a queued item away from the sender, unless the hub may have it.
    fn withdraw(&mut self, key: Uuid) -> bool {
        let mut memory = self.shared.memory();
        if memory.live(key).is_none_or(|live| live.tried) {
            return false;
        }
        let removed = memory.remove(key);
        drop(memory);
        let withdrawn = removed.is_some();
        self.withdrawn.extend(removed);
        withdrawn
    }

    fn wrong_state(&self, stored: Receipt) -> ItemError {
        let memory = self.shared.memory();
        let live = memory.live(stored.client_key);
        ItemError::WrongState {
            tried: live
                .is_some_and(|live| live.tried && live.receipt.state == ReceiptState::Queued),
            receipt: Box::new(live.map_or(stored, |live| live.receipt.clone())),
        }
    }

    /// The disk answers for what is marked from now on.
    fn marks_written(&mut self) {
        self.marks_due = None;
        let mut memory = self.shared.memory();
        for mark in self.marks.drain(..) {
            if let MarkOf::Settled(settled) = mark {
                memory.forget_settled(settled.receipt.client_key);
            }
        }
    }

    /// The transaction is committed: answers who asked, then tells everyone, also
    /// what the marks have changed.
    fn finish(&mut self, mut changes: Changes, done: impl Iterator<Item = (Command, Done)>) {
        let mut arrived = 0;
        let mut left = 0;
        for (command, done) in done {
            match (command, done) {
                (Command::Submit { reply, .. }, Done::Submitted(outcome)) => {
                    let (answer, fresh) = match outcome {
                        Ok(Submitted { receipts, fresh }) => (Ok(receipts), fresh),
                        Err(error) => (Err(error), Vec::new()),
                    };
                    arrived += fresh.len() as u64;
                    changes.extend(fresh.into_iter().map(|item| self.queued(item)));
                    // Who asked may have gone away; the write is accepted all the same.
                    let _ = reply.send(answer);
                }
                (Command::Retry { reply, .. }, Done::Retried(outcome)) => {
                    let answer = outcome.map(|item| {
                        arrived += 1;
                        let (change, receipt) = self.queued(item);
                        changes.push((change, receipt.clone()));
                        receipt
                    });
                    let _ = reply.send(answer);
                }
                (Command::Discard { reply, .. }, Done::Discarded(outcome)) => {
                    let answer = outcome.map(|discarded| {
                        left += 1;
                        if discarded.was_rejected {
                            let mut memory = self.shared.memory();
                            memory.rejected = memory.rejected.saturating_sub(1);
                        }
                        changes.push((discarded.change, discarded.receipt.clone()));
                        discarded.receipt
                    });
                    let _ = reply.send(answer);
                }
                (Command::Tried { reply, .. }, Done::Tried) => {
                    let _ = reply.send(true);
                }
                (Command::Read(query), _) => {
                    if let Err(error) = query(&self.store) {
                        tracing::error!(%error, "the outbox could not be read");
                    }
                }
                _ => {}
            }
        }
        // Who asked has the answer; what was asked for goes to the hub before others
        // hear of it.
        if arrived > 0 {
            self.shared.arrivals.send_modify(|count| *count += arrived);
        }
        if left > 0 {
            self.shared.departures.send_modify(|count| *count += left);
        }
        for (change, receipt) in changes {
            self.announce(change, receipt);
        }
    }

    /// The item is queued: its change of the receipt, to be announced.
    fn queued(&self, item: Fresh) -> (i64, Receipt) {
        let mut memory = self.shared.memory();
        if item.was_rejected {
            memory.rejected = memory.rejected.saturating_sub(1);
        }
        memory.add(item.pending, item.receipt.clone(), item.digest, false);
        (item.change, item.receipt)
    }

    /// The transaction failed: tells everyone, and keeps the marks for the next.
    fn refuse(&mut self, group: Vec<Command>, error: &SubmitError) {
        self.marks_due = self.retry_at.filter(|_| !self.marks.is_empty());
        for command in group {
            match command {
                Command::Submit { reply, .. } => drop(reply.send(Err(error.clone()))),
                Command::Retry { reply, .. } | Command::Discard { reply, .. } => {
                    drop(reply.send(Err(ItemError::Store(error.clone()))));
                }
                Command::Tried { reply, .. } => drop(reply.send(false)),
                Command::Read(query) => {
                    if let Err(error) = query(&self.store) {
                        tracing::error!(%error, "the outbox could not be read");
                    }
                }
                Command::Mark(_) | Command::NumberBeyond(_) | Command::Close { .. } => {}
            }
        }
    }
}

impl Command {
    /// Does its caller wait for the disk?
    fn writes(&self) -> bool {
        matches!(
            self,
            Self::Submit { .. } | Self::Retry { .. } | Self::Discard { .. } | Self::Tried { .. }
        )
    }
}
