//! Messages that were never subscribed: what lies before the window of the
//! first synchronization, and the past of private channels.

use tokio::sync::oneshot;

use super::connect::{Placed, Request};
use super::{CallError, Uplink, lock};
use crate::row::MessageRow;

impl Uplink {
    /// The last `limit` (1 to 500) messages of a channel, open or private, that
    /// are older than the message `before_id` (0: of all), oldest first. Fewer
    /// than `limit` where the channel begins.
    ///
    /// # Errors
    /// Offline, refused (a private channel is for its members), or the link
    /// ended meanwhile.
    pub async fn history(
        &self,
        channel_id: u64,
        before_id: u64,
        limit: u32,
    ) -> Result<Vec<MessageRow>, CallError> {
        let before = match before_id {
            0 => None,
            id => Some(self.first_place_from(channel_id, id).await?),
        };
        let page = self.page(channel_id, before, limit).await?;
        Ok(page.into_iter().map(|placed| placed.message).collect())
    }

    /// The place of the first message with this id or a later one. The hub
    /// pages by place; ids grow with it, so halving finds it.
    async fn first_place_from(&self, channel_id: u64, id: u64) -> Result<u64, CallError> {
        let newest = self.page(channel_id, None, 1).await?.pop();
        let (mut low, mut high) = (1, newest.map_or(1, |newest| newest.ordinal + 1));
        while low < high {
            let middle = low + (high - low) / 2;
            let there = self.page(channel_id, Some(middle + 1), 1).await?.pop();
            match there {
                Some(there) if there.message.id >= id => high = there.ordinal,
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
    ) -> Result<Vec<Placed>, CallError> {
        let (answer, answered) = oneshot::channel();
        let request = Request::Page {
            channel_id,
            before_ordinal,
            limit,
            answer,
        };
        let sent = lock(&self.shared.link)
            .as_ref()
            .is_some_and(|link| link.send(request).is_ok());
        if !sent {
            let why = self.shared.status.borrow().detail.clone();
            return Err(CallError::Offline(why));
        }
        answered.await.unwrap_or(Err(CallError::Lost))
    }
}
