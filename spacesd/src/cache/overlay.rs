//! What still waits in the outbox, laid over what the hub has shown, so that
//! sessions on one machine see each other at once, online or not.
//!
//! Take the pending writes before the read that they are laid over: a write that
//! is confirmed in between is then in both, and its pending copy is hidden by
//! its client key. The other way round it could be in neither.

mod messages;
mod work;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;

use spaces_api::Timestamp;
use spaces_api::model::Author;
use uuid::Uuid;

use super::{Cache, CacheError, query};
use crate::operation::Call;
use crate::row::Identity;

/// A write that waits, and since when.
#[derive(Clone, Copy, Debug)]
pub struct PendingWrite<'a> {
    pub call: &'a Call,
    pub queued_at: Timestamp,
}

/// Lays pending writes, oldest first, over the results of queries.
pub struct Overlay<'a> {
    cache: &'a Cache,
    pending: &'a [PendingWrite<'a>],
    me: Option<Identity>,
    username: String,
    hidden: Cell<usize>,
    /// The channels of the conversations that were asked for.
    dm_channels: RefCell<HashMap<Identity, u64>>,
}

impl Cache {
    /// An overlay of these writes, in the order in which they were queued.
    ///
    /// # Errors
    /// When the cache cannot be read.
    pub fn overlay<'a>(
        &'a self,
        pending: &'a [PendingWrite<'a>],
    ) -> Result<Overlay<'a>, CacheError> {
        let me = self.me();
        let username = match &me {
            Some(me) if !pending.is_empty() => self
                .read(|db| query::user::by_identity(db, me))?
                .map_or_else(|| me.to_string()[..12].to_owned(), |user| user.username),
            _ => String::new(),
        };
        Ok(Overlay {
            cache: self,
            pending,
            me,
            username,
            hidden: Cell::new(0),
            dm_channels: RefCell::default(),
        })
    }
}

impl Overlay<'_> {
    /// How many writes were left out because the cache has their messages. If one
    /// came into it after the read that this is laid over, it is in neither: read
    /// again until the number stays the same.
    pub fn hidden(&self) -> usize {
        self.hidden.get()
    }

    /// True if the hub has shown the message written with this key.
    fn arrived(&self, key: &Uuid) -> Result<bool, CacheError> {
        let arrived = self.cache.message_id_of(key)?.is_some();
        self.hidden.set(self.hidden.get() + usize::from(arrived));
        Ok(arrived)
    }

    /// The channel of the conversation with a user; 0 if it has none yet.
    fn dm_channel(&self, with: &Identity) -> Result<u64, CacheError> {
        if let Some(channel) = self.dm_channels.borrow().get(with) {
            return Ok(*channel);
        }
        let channel = self.cache.dm_channel(with)?.unwrap_or(0);
        self.dm_channels.borrow_mut().insert(*with, channel);
        Ok(channel)
    }

    /// The author of what was written for a session, or for no session.
    fn author(&self, session: Option<&str>) -> Result<Author, CacheError> {
        let agent = match session {
            Some(session) => self.session(session)?.map(|session| session.agent),
            None => None,
        };
        Ok(Author {
            identity: self.me.map(|me| me.to_string()).unwrap_or_default(),
            username: self.username.clone(),
            agent,
        })
    }
}
