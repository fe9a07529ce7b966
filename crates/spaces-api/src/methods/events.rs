//! `events.*`: what happens, in order, with durable cursors. On a line
//! connection events arrive as notifications `event` with [`Pushed`]; over HTTP
//! `GET /events?cursor=` streams the same as server-sent events.

use crate::model::{Event, results};

methods! {
    /// Pushes events from now, or from after a cursor (line framing only).
    Subscribe = "events.subscribe", Read, SubscribeParams => Subscribed;
    /// Ends a subscription.
    Unsubscribe = "events.unsubscribe", Local, UnsubscribeParams => super::None;
}

params! {
    #[derive(Default)]
    SubscribeParams {
        /// Events after this one; only new ones if absent. Error `cursor_expired` when too old.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<u64>,
        /// Only events of these words (`message`, `receipt`, ...); all if empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kinds: Vec<String>,
        /// Only messages of these channels; all if empty.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        channels: Vec<crate::ChannelRef>,
    }
    UnsubscribeParams {
        subscription: u64,
    }
}

results! {
    Subscribed {
        subscription: u64,
        /// The newest event before the subscription begins.
        cursor: u64,
    }
    /// What a subscriber is sent.
    Pushed {
        subscription: u64,
        /// Absent when lagged.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        event: Option<Event>,
        /// The reader was too slow: the subscription has ended, resume from this cursor.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        lagged: Option<u64>,
    }
}
