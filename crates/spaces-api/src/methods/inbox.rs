//! `inbox.*`: what is addressed to the caller.

use super::None;
use crate::Meta;
use crate::model::{InboxItem, Unread as ChannelUnread, results};

methods! {
    /// Direct messages, mentions and replies, newest first.
    List = "inbox.list", Read, ListParams => Items;
    /// Marks items as read.
    Ack = "inbox.ack", Local, AckParams => Acked;
    /// Unread counts by channel and conversation.
    Unread = "inbox.unread", Read, None => UnreadCounts;
}

params! {
    #[derive(Default)]
    ListParams {
        /// Also what has been read.
        #[serde(default)]
        all: bool,
        /// 1 to 500; default 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        /// Only items with a lower id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// Mark what is returned as read.
        #[serde(default)]
        ack: bool,
    }
    #[derive(Default)]
    AckParams {
        /// Ids of items; all up to now if empty.
        #[serde(default)]
        ids: Vec<u64>,
    }
}

results! {
    Items {
        items: Vec<InboxItem>,
        unread: u64,
        meta: Meta,
    }
    Acked {
        acked: u64,
    }
    UnreadCounts {
        /// Channels and conversations with something unread.
        channels: Vec<ChannelUnread>,
        /// Unread inbox items.
        inbox: u64,
        meta: Meta,
    }
}
