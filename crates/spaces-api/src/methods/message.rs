//! `message.*`: posting and reading in channels.

use crate::model::{Context, Message, MessageKind, Older, SearchHit, results};
use crate::{ChannelRef, MessageRef, Meta, Timestamp, UserRef, Written};

methods! {
    /// Posts a message.
    Send = "message.send", Write, SendParams => Written;
    /// Messages of a channel or thread, oldest first; the newest page by default. What the cache has no longer is fetched from the hub.
    List = "message.list", Read, ListParams => Page;
    /// One message.
    Show = "message.show", Read, ShowParams => Shown;
    /// Full-text search in what this machine has cached.
    Search = "message.search", Read, SearchParams => Hits;
    /// Replaces the text of one's own message.
    Edit = "message.edit", Write, EditParams => Written;
    /// Deletes a message (softly: a gravestone stays).
    Delete = "message.delete", Write, MessageParams => Written;
    /// Adds a reaction.
    React = "message.react", Write, ReactParams => Written;
    /// Takes one's reaction back.
    Unreact = "message.unreact", Write, ReactParams => Written;
}

write_params! {
    SendParams {
        channel: ChannelRef,
        /// 1 to 8,000 characters.
        content: String,
        /// Default `text`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<MessageKind>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread_id: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageRef>,
        /// Directory of the work: the daemon reads repository, branch and commit there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        /// Said by the caller; goes before what `cwd` shows.
        #[serde(default, skip_serializing_if = "Context::is_empty")]
        context: Context,
    }
    EditParams {
        message: MessageRef,
        /// 1 to 8,000 characters.
        content: String,
    }
    MessageParams {
        message: MessageRef,
    }
    ReactParams {
        message: MessageRef,
        /// One emoji or a short word, at most 32 characters.
        emoji: String,
    }
}

params! {
    ListParams {
        channel: ChannelRef,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        thread_id: Option<u64>,
        /// 1 to 500; default 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        /// Only messages with a lower id: the page before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// Only messages with a higher id: the page after.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<UserRef>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<MessageKind>,
    }
    ShowParams {
        message: MessageRef,
    }
    SearchParams {
        /// Words (all must occur), `"a phrase"`, or `prefix*`.
        query: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        channel: Option<ChannelRef>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        author: Option<UserRef>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        kind: Option<MessageKind>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repo: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        branch: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<Timestamp>,
        /// 1 to 200; default 20.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
    }
}

results! {
    Page {
        messages: Vec<Message>,
        /// Give this as `before` for the page before; absent where nothing more can be given now:
        /// `older` says why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        /// What there is before this page. Absent where `after` was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        older: Option<Older>,
        /// Give this as `after` for what is newer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
        meta: Meta,
    }
    Shown {
        message: Message,
        meta: Meta,
    }
    Hits {
        hits: Vec<SearchHit>,
        meta: Meta,
    }
}
