//! `activity.*`: what peers do, by relevance.

use crate::Meta;
use crate::model::{ActivityItem, Context, results};

methods! {
    /// The ranked digest that a session starts with.
    List = "activity.list", Read, ListParams => Digest;
    /// The digest, then a notification `activity.changed` whenever it would differ (line framing only).
    Watch = "activity.watch", Read, ListParams => Watching;
}

params! {
    #[derive(Default)]
    ListParams {
        /// Directory of the reader: the daemon reads repository, branch and changed files there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        /// Said by the caller; goes before what `cwd` shows.
        #[serde(default)]
        context: Context,
        /// The reader's own session: what it wrote itself is left out.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        session: Option<String>,
        /// 1 to 200; default 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        /// Bound of the text in tokens (about 4 characters each); default unbounded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        max_tokens: Option<u32>,
        /// Mark unread items that are returned as shown, so that they are not shown as unread again.
        #[serde(default)]
        mark_shown: bool,
    }
}

results! {
    Digest {
        items: Vec<ActivityItem>,
        /// The place that was used for ranking.
        context: Context,
        /// Relevant items that the bounds left out.
        omitted: u64,
        meta: Meta,
    }
    Watching {
        /// Id of the subscription; see `events.unsubscribe`.
        subscription: u64,
        digest: Digest,
    }
}
