//! Events for one subscriber: first what it missed, then what happens. Nothing
//! is held for a slow one but its place in the log.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use spaces_api::model::{Event, EventKind};
use spaces_api::{ChannelRef, ErrorKind, RpcError};
use tokio::sync::watch;

use super::reference;
use crate::daemon::Daemon;
use crate::events::SinceError;
use crate::metrics::Guard;

/// Events taken from the log at once.
const TAKEN_AT_ONCE: usize = 64;

/// A subscriber that had caught up and is this many events behind again is told
/// that it lags.
const MOST_BEHIND: u64 = 4096;

/// The words that a subscriber may choose from.
const WORDS: [&str; 12] = [
    "message", "receipt", "session", "claim", "inbox", "channel", "member", "presence", "typing",
    "voice", "removed", "hub",
];

/// What a subscriber is given next.
#[derive(Debug)]
pub enum FeedItem {
    Event(Arc<Rendered>),
    /// The subscriber was too slow. The feed has ended; resume from this cursor.
    Lagged(u64),
    /// The daemon stops.
    Ended,
}

/// An event as the text that every subscriber gets, written once for all.
#[derive(Debug)]
pub struct Rendered {
    pub cursor: u64,
    pub word: &'static str,
    pub json: Bytes,
}

/// The events of one subscriber.
pub struct Feed {
    daemon: Arc<Daemon>,
    news: watch::Receiver<u64>,
    cursor: u64,
    caught_up: bool,
    taken: VecDeque<Arc<Event>>,
    kinds: Vec<&'static str>,
    channels: Vec<u64>,
    _counted: Guard,
}

impl Feed {
    pub(super) fn open(
        daemon: &Arc<Daemon>,
        cursor: Option<u64>,
        kinds: &[String],
        channels: &[ChannelRef],
    ) -> Result<Self, RpcError> {
        let kinds = kinds
            .iter()
            .map(|kind| word(kind))
            .collect::<Result<_, _>>()?;
        let channels = channels
            .iter()
            .map(|channel| Ok(reference::channel(daemon, channel)?.channel.id))
            .collect::<Result<_, RpcError>>()?;
        // Before the place is read: what comes between must wake the subscriber.
        let mut news = daemon.events.watch();
        news.mark_changed();
        let latest = daemon.events.latest();
        let mut feed = Self {
            daemon: daemon.clone(),
            news,
            cursor: cursor.unwrap_or(latest),
            caught_up: false,
            taken: VecDeque::new(),
            kinds,
            channels,
            _counted: daemon.metrics.subscriber(),
        };
        // An expired cursor is told at once, not at the first event.
        feed.take()?;
        Ok(feed)
    }

    /// The cursor after which the feed goes on.
    pub(super) fn cursor(&self) -> u64 {
        self.taken
            .front()
            .map_or(self.cursor, |event| event.cursor - 1)
    }

    /// The next event that the subscriber wants. Waits until there is one. May be
    /// abandoned and called again; nothing is missed.
    pub async fn next(&mut self) -> FeedItem {
        loop {
            while let Some(event) = self.taken.pop_front() {
                if self.wants(&event) {
                    return FeedItem::Event(self.daemon.renderings.render(&event));
                }
            }
            let latest = self.daemon.events.latest();
            if self.cursor >= latest {
                self.caught_up = true;
                if self.news.changed().await.is_err() {
                    return FeedItem::Ended;
                }
            } else if self.caught_up && latest - self.cursor > MOST_BEHIND {
                return FeedItem::Lagged(self.cursor);
            }
            match self.take() {
                Ok(()) => {}
                Err(_) => return FeedItem::Lagged(self.cursor),
            }
        }
    }

    fn take(&mut self) -> Result<(), RpcError> {
        let events = self.daemon.events.since(self.cursor, TAKEN_AT_ONCE);
        let events = events.map_err(|error| match error {
            SinceError::CursorExpired { .. } => RpcError::new(ErrorKind::CursorExpired, error.to_string())
                .hint("read what you need anew (message.list, inbox.list), then subscribe without a cursor"),
            SinceError::Cache(error) => reference::cache_failed(&error),
        })?;
        if let Some(last) = events.last() {
            self.cursor = last.cursor;
        }
        self.taken.extend(events);
        Ok(())
    }

    fn wants(&self, event: &Event) -> bool {
        if !self.kinds.is_empty() && !self.kinds.contains(&event.what.word()) {
            return false;
        }
        match &event.what {
            EventKind::Message { message } => {
                self.channels.is_empty() || self.channels.contains(&message.channel_id)
            }
            EventKind::Typing { channel_id, .. } => {
                self.channels.is_empty() || self.channels.contains(channel_id)
            }
            _ => true,
        }
    }
}

fn word(kind: &str) -> Result<&'static str, RpcError> {
    WORDS.into_iter().find(|word| *word == kind).ok_or_else(|| {
        let message = format!("there are no events of kind `{kind}`");
        RpcError::new(ErrorKind::InvalidParams, message)
            .hint(format!("kinds: {}", WORDS.join(", ")))
    })
}

/// The texts of the newest events, so that a thousand subscribers cost one
/// writing of each.
#[derive(Debug)]
pub struct Renderings {
    places: Vec<std::sync::Mutex<Option<Arc<Rendered>>>>,
}

impl Default for Renderings {
    fn default() -> Self {
        Self {
            places: (0..256).map(|_| std::sync::Mutex::default()).collect(),
        }
    }
}

impl Renderings {
    fn render(&self, event: &Event) -> Arc<Rendered> {
        let index = usize::try_from(event.cursor % self.places.len() as u64).unwrap_or(0);
        let mut place = self.places[index]
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(rendered) = place.as_ref()
            && rendered.cursor == event.cursor
        {
            return rendered.clone();
        }
        let json = serde_json::to_vec(event).expect("events are plain data with text keys");
        let rendered = Arc::new(Rendered {
            cursor: event.cursor,
            word: event.what.word(),
            json: json.into(),
        });
        *place = Some(rendered.clone());
        rendered
    }
}
