//! Local reads with what still waits in the outbox in them: sessions on one
//! machine see each other's writes at once, online or not.

use std::sync::Arc;

use spaces_api::model::{Claim, Conversation, Message, Note, Session};
use spaces_api::{MessageRef, Timestamp};

use crate::cache::overlay::{Overlay as Laid, PendingWrite};
use crate::cache::query::claim::ClaimQuery;
use crate::cache::query::note::NoteQuery;
use crate::cache::query::session::SessionQuery;
use crate::cache::{Cache, CacheError, MessagePage, PageQuery};
use crate::outbox::Pending;
use crate::row::Identity;

/// The cache and the queue as they are at one moment.
pub struct Overlay<'a> {
    cache: &'a Cache,
    pending: Arc<Vec<Pending>>,
}

impl<'a> Overlay<'a> {
    pub fn new(cache: &'a Cache, pending: Arc<Vec<Pending>>) -> Self {
        Self { cache, pending }
    }

    /// A page of a channel. `peer` is the other end of a DM channel.
    pub(super) fn messages(
        &self,
        query: &PageQuery,
        peer: Option<Identity>,
    ) -> Result<MessagePage, CacheError> {
        self.read(
            || self.cache.messages(query),
            |laid, page| match peer {
                Some(peer) if newest(query, page) => laid.dm_page(page, &peer, query.limit),
                _ => laid.page(page, query),
            },
        )
    }

    /// A page of the messages exchanged with a user, in their channel or, before the
    /// first of them, in none (number 0).
    pub(super) fn direct_messages(
        &self,
        with: Identity,
        query: &PageQuery,
    ) -> Result<MessagePage, CacheError> {
        if query.channel_id != 0 {
            return self.messages(query, Some(with));
        }
        let mut page = MessagePage::default();
        self.lay(|laid| laid.dm_page(&mut page, &with, query.limit))?;
        Ok(page)
    }

    pub(super) fn conversations(&self) -> Result<Vec<Conversation>, CacheError> {
        self.read(
            || self.cache.conversations(),
            |laid, conversations| laid.conversations(conversations),
        )
    }

    /// One message; a client key also finds one that waits.
    pub(super) fn message(&self, reference: &MessageRef) -> Result<Option<Message>, CacheError> {
        let mut found: Vec<Message> = self.read(
            || Ok(self.cache.message(reference)?.into_iter().collect()),
            |laid, found: &mut Vec<Message>| {
                laid.change(found);
                if let (MessageRef::Name(name), true) = (reference, found.is_empty())
                    && let Ok(key) = name.trim().parse()
                {
                    found.extend(laid.message(&key)?);
                }
                Ok(())
            },
        )?;
        Ok(found.pop())
    }

    pub(super) fn notes(&self, query: &NoteQuery) -> Result<Vec<Note>, CacheError> {
        self.read(
            || self.cache.notes(query),
            |laid, notes| laid.notes(notes, query),
        )
    }

    pub(crate) fn sessions(&self, query: &SessionQuery) -> Result<Vec<Session>, CacheError> {
        let mut sessions = self.cache.sessions(query)?;
        self.lay(|laid| laid.sessions(&mut sessions, query))?;
        Ok(sessions)
    }

    pub(super) fn session(&self, id: &str) -> Result<Option<Session>, CacheError> {
        if self.pending.is_empty() {
            return self.cache.session(id);
        }
        let mut session = None;
        self.lay(|laid| {
            session = laid.session(id)?;
            Ok(())
        })?;
        Ok(session)
    }

    pub(super) fn claims(
        &self,
        query: &ClaimQuery,
        now: Timestamp,
    ) -> Result<Vec<Claim>, CacheError> {
        let mut claims = self.cache.claims(query, now)?;
        self.lay(|laid| laid.claims(&mut claims, query, now))?;
        Ok(claims)
    }

    /// Reads, lays what waits over it, and does both again while a message came
    /// into the cache between the two.
    fn read<T>(
        &self,
        read: impl Fn() -> Result<T, CacheError>,
        lay: impl Fn(&Laid<'_>, &mut T) -> Result<(), CacheError>,
    ) -> Result<T, CacheError> {
        let mut hidden = 0;
        loop {
            let mut value = read()?;
            let mut now = 0;
            self.lay(|laid| {
                lay(laid, &mut value)?;
                now = laid.hidden();
                Ok(())
            })?;
            if now == hidden {
                return Ok(value);
            }
            hidden = now;
        }
    }

    /// Does nothing while nothing waits, which is nearly always.
    pub(super) fn lay(
        &self,
        work: impl FnOnce(&Laid<'_>) -> Result<(), CacheError>,
    ) -> Result<(), CacheError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        work(&self.cache.moment()?.overlay(&self.waiting())?)
    }

    /// What waits, oldest first.
    pub(super) fn waiting(&self) -> Vec<PendingWrite<'_>> {
        let waiting = self.pending.iter().map(|pending| PendingWrite {
            call: &pending.call,
            queued_at: pending.queued_at,
        });
        waiting.collect()
    }
}

/// Whether the page ends with the newest message that the cache has.
fn newest(query: &PageQuery, page: &MessagePage) -> bool {
    query.before.is_none() && (query.after.is_none() || page.messages.len() < query.limit as usize)
}

/// The name under which this machine's writes appear; `me` until the hub has
/// shown it.
pub(crate) fn own_username(cache: &Cache) -> Result<String, CacheError> {
    let Some(identity) = cache.me() else {
        return Ok("me".into());
    };
    let found = cache.resolve_user(&identity.to_string().into())?.one();
    Ok(found.map_or_else(|| "me".into(), |(_, user)| user.username))
}
