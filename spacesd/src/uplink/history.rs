//! What was never subscribed: the messages before the window of the first
//! synchronization, the past of private channels, and all but the newest entries
//! of an audit.

use std::collections::VecDeque;

use tokio::sync::oneshot;

use super::connect::Request;
use super::{CallError, Uplink, lock};
use crate::row::{AuditRow, MessageRow, PageEnd};

/// Messages of which the place is remembered.
const PLACES: usize = 256;

/// A page of a channel's past.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastPage {
    /// Oldest first.
    pub messages: Vec<MessageRow>,
    /// Whether the channel has older ones.
    pub more: bool,
}

/// The places of messages before which the next page is likely to end, by
/// channel and id: it is then asked for at once, instead of looked for.
pub(super) type Places = VecDeque<((u64, u64), u64)>;

/// A part of a server's audit.
pub(super) struct AuditPart {
    /// Oldest first.
    pub entries: Vec<AuditRow>,
    /// Where the part before it ends; none where there is none.
    pub before: Option<u64>,
}

impl Uplink {
    /// The last `limit` entries of a server's audit, of those with an id below
    /// `before`, newest first; and whether there are more.
    ///
    /// # Errors
    /// Offline, refused (moderators and up may read it), or the link ended
    /// meanwhile.
    pub async fn audit(
        &self,
        server_id: u64,
        before: Option<u64>,
        limit: usize,
    ) -> Result<(Vec<AuditRow>, bool), CallError> {
        let mut found = Vec::new();
        let mut before_ordinal = None;
        loop {
            let (answer, answered) = oneshot::channel();
            self.ask(Request::Audit {
                server_id,
                before_ordinal,
                answer,
            })?;
            let part = answered.await.unwrap_or(Err(CallError::Lost))?;
            let asked_for = |entry: &AuditRow| before.is_none_or(|before| entry.id < before);
            found.extend(part.entries.into_iter().rev().filter(asked_for));
            if found.len() > limit || part.before.is_none() {
                let more = found.len() > limit;
                found.truncate(limit);
                return Ok((found, more));
            }
            before_ordinal = part.before;
        }
    }

    /// The last `limit` (1 to 500) messages of a channel, open or private, that
    /// are before `end`. Fewer than `limit` where the channel begins.
    ///
    /// # Errors
    /// Offline, refused (a private channel is for its members), or the link
    /// ended meanwhile.
    pub async fn history(
        &self,
        channel_id: u64,
        end: PageEnd,
        limit: u32,
    ) -> Result<PastPage, CallError> {
        let before = match end {
            PageEnd::Newest => None,
            PageEnd::BeforeOrdinal(ordinal) => Some(ordinal),
            PageEnd::BeforeId(id) => Some(match self.place(channel_id, id) {
                Some(ordinal) => ordinal,
                None => self.first_place_from(channel_id, id).await?,
            }),
        };
        self.page(channel_id, before, limit).await
    }

    /// Remembers that a reader has come down to this message of a channel, which
    /// is in this place of it.
    pub fn read_down_to(&self, channel_id: u64, id: u64, ordinal: u64) {
        let mut places = lock(&self.shared.places);
        places.truncate(PLACES - 1);
        places.push_front(((channel_id, id), ordinal));
    }

    fn place(&self, channel_id: u64, id: u64) -> Option<u64> {
        let places = lock(&self.shared.places);
        let place = places.iter().find(|(key, _)| *key == (channel_id, id));
        place.map(|(_, ordinal)| *ordinal)
    }

    /// The place of the first message with this id or a later one. The hub
    /// pages by place; ids grow with it, so halving finds it.
    async fn first_place_from(&self, channel_id: u64, id: u64) -> Result<u64, CallError> {
        let newest = self.page(channel_id, None, 1).await?.messages.pop();
        let (mut low, mut high) = (1, newest.map_or(1, |newest| newest.ordinal + 1));
        while low < high {
            let middle = low + (high - low) / 2;
            let there = self.page(channel_id, Some(middle + 1), 1).await?;
            match there.messages.first() {
                Some(there) if there.id >= id => high = there.ordinal,
                // Only the oldest messages are ever deleted for good.
                _ => low = middle + 1,
            }
        }
        Ok(low)
    }

    async fn page(
        &self,
        channel_id: u64,
        before_ordinal: Option<u64>,
        limit: u32,
    ) -> Result<PastPage, CallError> {
        let (answer, answered) = oneshot::channel();
        self.ask(Request::Page {
            channel_id,
            before_ordinal,
            limit,
            answer,
        })?;
        answered.await.unwrap_or(Err(CallError::Lost))
    }
}
