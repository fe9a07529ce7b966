//! Bringing a batch of the hub's changes into the tables, with the events that
//! they make, inside the writer's transaction.

mod message;
mod removal;
mod small;
mod snapshot;
mod upsert;

use rusqlite::{Connection, params};
use spaces_api::model::{EventKind, InboxReason, MessageKind};

use super::names::{id, known_user_ref, user_ref};
use super::query;
use crate::events::log::Recorder;
use crate::row::{Batch, Change, DeliveryRow, Identity, MessageRow, Row, Table};

pub(super) use message::{delete_message, mark_read};

/// What the writer knows while it applies.
pub(super) struct Applier<'a> {
    pub db: &'a Connection,
    pub recorder: &'a mut Recorder,
    /// Whose cache this is; none before the first `bind`.
    pub me: Option<i64>,
    /// False during the first sync: its rows are history, not news.
    pub ready: bool,
    /// Every message up to this was known before the batch.
    pub last_seq: u64,
    /// Added to the number of messages.
    pub added: i64,
    /// True when something that the digest shows has changed.
    pub digest_changed: bool,
    /// True when some message may read differently.
    pub messages_changed: bool,
    /// True when a channel, server, user or membership may have changed.
    pub names_changed: bool,
}

fn is_of_messages(change: &Change) -> bool {
    matches!(
        change,
        Change::Put(Row::Message(_) | Row::Delivery(_))
            | Change::Gone(Row::Message(_) | Row::Delivery(_))
    )
}

/// Whether it is of what names stand for, and of who may do what.
fn is_of_names(change: &Change) -> bool {
    let (Change::Put(row) | Change::Gone(row)) = change else {
        return false;
    };
    match row {
        Row::User(_) | Row::Channel(_) | Row::Server(_) | Row::Member(_) | Row::Thread(_) => true,
        Row::Presence(_)
        | Row::Agent(_)
        | Row::Session(_)
        | Row::Claim(_)
        | Row::Message(_)
        | Row::Delivery(_)
        | Row::ReadMarker(_)
        | Row::Voice(_)
        | Row::Invite(_)
        | Row::Ban(_)
        | Row::Audit(_) => false,
    }
}

impl Applier<'_> {
    /// Applies one batch. An error leaves the transaction to be rolled back.
    pub fn batch(&mut self, batch: &Batch) -> rusqlite::Result<()> {
        snapshot::remove_absent(self, batch)?;
        let names_changed = !batch.snapshot_of.is_empty() || batch.changes.iter().any(is_of_names);
        self.names_changed |= names_changed;
        // They show the names of users and channels, and go with their channels.
        self.messages_changed |= names_changed || batch.changes.iter().any(is_of_messages);
        for change in &batch.changes {
            match change {
                Change::Put(row) => self.put(row)?,
                Change::Gone(row) => self.gone(row)?,
                Change::Typing {
                    channel_id,
                    identity,
                } => self.typing(*channel_id, identity)?,
            }
        }
        if let Some(seq) = batch.synced_to {
            self.last_seq = self.last_seq.max(seq);
            self.ready = true;
        }
        Ok(())
    }

    fn put(&mut self, row: &Row) -> rusqlite::Result<()> {
        match row {
            Row::Message(row) => message::put(self, row),
            Row::Delivery(row) => self.deliver(row),
            Row::ReadMarker(row) => message::mark_read(self.db, row.channel_id, row.last_seq),
            other => small::put(self, other),
        }
    }

    fn gone(&mut self, row: &Row) -> rusqlite::Result<()> {
        match row {
            Row::Message(row) if row.kind == MessageKind::Note => message::remove(self, row),
            // Other messages are deleted softly, deliveries are gone because they
            // were acknowledged, and read marks never go back.
            Row::Message(_) | Row::Delivery(_) | Row::ReadMarker(_) => Ok(()),
            other => removal::gone(self, other),
        }
    }

    /// Stores what a delivery carries and, where it is meant for this reader's
    /// attention, an item of the inbox.
    fn deliver(&mut self, row: &DeliveryRow) -> rusqlite::Result<()> {
        let mut reason = row.reason;
        if let Some(carried) = &row.message {
            message::put_delivered(self, carried)?;
            // An edit or a reaction is delivered again; the item stays the same.
            if self.is_own(&carried.author)? || self.has_item_of(carried.id)? {
                return Ok(());
            }
            if reason == InboxReason::Private {
                match self.addressed(carried)? {
                    Some(addressed) => reason = addressed,
                    None => return Ok(()),
                }
            }
        }
        let already_read = row.message.as_ref().is_some_and(|message| message.deleted);
        let inserted = self
            .db
            .prepare_cached(
                "INSERT INTO inbox(id, reason, message_id, detail, created_at, read)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                id(row.id),
                reason as i64,
                row.message.as_ref().map(|message| id(message.id)),
                row.detail,
                row.created_at.as_micros(),
                already_read,
            ])?;
        if inserted == 1 {
            self.digest_changed = true;
            if self.ready
                && let Some(item) = query::inbox::item(self.db, row.id)?
            {
                self.recorder.record(self.db, EventKind::Inbox { item })?;
            }
        }
        Ok(())
    }

    /// Why a message of a private channel asks for this reader's attention, if
    /// it does: it comes to every member, whatever it says.
    fn addressed(&self, message: &MessageRow) -> rusqlite::Result<Option<InboxReason>> {
        for identity in &message.mentions {
            if self.is_own(identity)? {
                return Ok(Some(InboxReason::Mention));
            }
        }
        let answers_own: bool = self
            .db
            .prepare_cached("SELECT EXISTS(SELECT 1 FROM message WHERE id = ?1 AND author = ?2)")?
            .query_row(params![message.reply_to.map(id), self.me], |row| row.get(0))?;
        Ok(answers_own.then_some(InboxReason::Reply))
    }

    fn is_own(&self, identity: &Identity) -> rusqlite::Result<bool> {
        Ok(self.me.is_some() && self.me == known_user_ref(self.db, identity)?)
    }

    fn has_item_of(&self, message_id: u64) -> rusqlite::Result<bool> {
        self.db
            .prepare_cached("SELECT EXISTS(SELECT 1 FROM inbox WHERE message_id = ?1)")?
            .query_row([id(message_id)], |row| row.get(0))
    }

    fn typing(&mut self, channel_id: u64, identity: &Identity) -> rusqlite::Result<()> {
        let user = user_ref(self.db, identity)?;
        if self.ready && self.me != Some(user) {
            let username = query::user::username(self.db, user)?;
            self.recorder.record(
                self.db,
                EventKind::Typing {
                    channel_id,
                    username,
                },
            )?;
        }
        Ok(())
    }

    /// Records an event, unless this is history being filled in.
    fn event(&mut self, what: EventKind) -> rusqlite::Result<()> {
        if self.ready {
            self.recorder.record(self.db, what)?;
        }
        Ok(())
    }

    fn removed(&mut self, table: Table, id: String) -> rusqlite::Result<()> {
        let kind = match table {
            Table::User => "user",
            Table::Presence => "presence",
            Table::Agent => "agent",
            Table::Session => "session",
            Table::Claim => "claim",
            Table::Server => "server",
            Table::Member => "member",
            Table::Channel => "channel",
            Table::Thread => "thread",
            Table::ReadMarker => "read_marker",
            Table::Voice => "voice",
            Table::Invite => "invite",
            Table::Ban => "ban",
            Table::Audit => "audit",
        };
        self.event(EventKind::Removed {
            kind: kind.to_owned(),
            id,
        })
    }
}
