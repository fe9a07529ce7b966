//! What the hub sends, gathered until a transaction is complete. The SDK calls
//! back row by row; whoever drives the connection takes what has gathered after
//! each message of the hub, and so hands on whole transactions.

use std::sync::{Arc, Mutex};

use spaces_api::Timestamp;
use spaces_bindings::{DbConnection, RemoteModule};
use spacetimedb_sdk::__codegen::{InModule, TableHandle};

use super::rows::{self, ToRow};
use crate::row::{Change, MessageRow, Row};

/// What has gathered.
#[derive(Default)]
pub(super) struct Gathered {
    pub changes: Vec<Change>,
    /// The highest `seq` among the open channels' messages.
    pub highest_seq: Option<u64>,
    /// Deliveries to acknowledge once they are on disk.
    pub deliveries: Vec<u64>,
    /// Subscriptions whose rows are all here.
    pub applied: Vec<Subscription>,
    /// What the module tells of itself came, or changed.
    pub met: bool,
    /// The hub's newest block of messages is another.
    pub block_moved: bool,
    /// Why the hub refused a subscription.
    pub refused: Option<String>,
}

impl Gathered {
    /// True where nothing came: the SDK was busy with what goes out.
    pub fn is_empty(&self) -> bool {
        let told = self.met || self.block_moved || self.refused.is_some();
        self.changes.is_empty() && self.applied.is_empty() && !told
    }

    /// The messages among the changes.
    pub fn messages(&self) -> impl Iterator<Item = &MessageRow> {
        self.changes.iter().filter_map(message)
    }

    /// Keeps no message that was written before then.
    pub fn drop_messages_before(&mut self, moment: Timestamp) {
        self.changes
            .retain(|change| message(change).is_none_or(|row| row.created_at >= moment));
    }
}

fn message(change: &Change) -> Option<&MessageRow> {
    match change {
        Change::Put(Row::Message(row)) => Some(row),
        _ => None,
    }
}

/// The steps of synchronizing, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscription {
    Info,
    State,
    Messages,
}

/// Shared with the SDK's callbacks.
#[derive(Clone, Default)]
pub(super) struct Inbound(Arc<Mutex<Gathered>>);

impl Inbound {
    /// Takes what has gathered, in an order in which it can be applied.
    pub(super) fn take(&self) -> Gathered {
        let mut gathered = std::mem::take(&mut *super::lock(&self.0));
        // A row that moves between an open table and a view of private ones
        // goes from one and comes to the other in one transaction, told in no
        // order: what is there in the end counts.
        gathered
            .changes
            .sort_by_key(|change| !matches!(change, Change::Gone(_)));
        gathered
    }

    pub(super) fn applied(&self, subscription: Subscription) {
        super::lock(&self.0).applied.push(subscription);
    }

    pub(super) fn refused(&self, why: String) {
        super::lock(&self.0).refused = Some(why);
    }

    /// Registers for every table and view.
    pub(super) fn listen(&self, connection: &DbConnection) {
        let db = &connection.db;
        let inbound = self.clone();
        db.module_info()
            .on_insert(move |_, _| super::lock(&inbound.0).met = true);
        let inbound = self.clone();
        db.module_info()
            .on_update(move |_, _, _| super::lock(&inbound.0).met = true);

        let inbound = self.clone();
        db.newest_block()
            .on_update(move |_, _, _| super::lock(&inbound.0).block_moved = true);

        self.keep(&db.user());
        self.keep(&db.presence());
        self.keep(&db.agent());
        self.keep(&db.agent_session());
        self.keep(&db.claim());
        self.keep(&db.server());
        self.keep(&db.server_member());
        self.keep(&db.channel());
        self.keep(&db.thread());
        self.keep(&db.voice_state());
        self.keep(&db.note());
        self.keep(&db.my_read_markers());
        self.keep(&db.my_channels());
        self.keep(&db.my_threads());
        self.keep(&db.my_voice_states());
        self.keep(&db.my_bans());
        self.keep(&db.my_audit());
        self.keep(&db.my_invites());

        let inbound = self.clone();
        db.message().on_insert(move |_, row| {
            let mut gathered = super::lock(&inbound.0);
            gathered.highest_seq = gathered.highest_seq.max(Some(row.seq));
            gathered.changes.push(Change::Put(row.to_row()));
        });
        let inbound = self.clone();
        db.my_inbox().on_insert(move |_, row| {
            let mut gathered = super::lock(&inbound.0);
            gathered.deliveries.push(row.id);
            gathered.changes.push(Change::Put(row.to_row()));
        });
        let inbound = self.clone();
        db.typing().on_insert(move |_, row| {
            super::lock(&inbound.0).changes.push(Change::Typing {
                channel_id: row.channel_id,
                identity: rows::identity(row.identity),
            });
        });
        let inbound = self.clone();
        db.my_typing().on_insert(move |_, row| {
            super::lock(&inbound.0).changes.push(Change::Typing {
                channel_id: row.channel_id,
                identity: rows::identity(row.identity),
            });
        });
    }

    fn keep<T>(&self, table: &TableHandle<T>)
    where
        T: ToRow + InModule<Module = RemoteModule> + Clone + Send + Sync + 'static,
    {
        let inbound = self.clone();
        table.on_insert(move |_, row| inbound.put(row));
        let inbound = self.clone();
        table.on_update(move |_, _, row| inbound.put(row));
        let inbound = self.clone();
        table.on_delete(move |_, row| {
            super::lock(&inbound.0)
                .changes
                .push(Change::Gone(row.to_row()));
        });
    }

    fn put(&self, row: &impl ToRow) {
        super::lock(&self.0).changes.push(Change::Put(row.to_row()));
    }
}
