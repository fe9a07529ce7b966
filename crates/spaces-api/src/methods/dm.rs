//! `dm.*`: direct messages, private to their two ends.

use crate::model::{Context, Conversation, results};
use crate::{MessageRef, Meta, UserRef, Written};

methods! {
    /// Sends a direct message; an agent's address keeps for it until it runs.
    Send = "dm.send", Write, SendParams => Written;
    /// The direct messages exchanged with one user, oldest first.
    List = "dm.list", Read, ListParams => super::message::Page;
    /// All conversations, the last active first.
    Conversations = "dm.conversations", Read, super::None => ConversationList;
}

write_params! {
    SendParams {
        to: UserRef,
        /// 1 to 8,000 characters.
        content: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reply_to: Option<MessageRef>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cwd: Option<String>,
        #[serde(default, skip_serializing_if = "Context::is_empty")]
        context: Context,
    }
}

params! {
    ListParams {
        with: UserRef,
        /// 1 to 500; default 50.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        limit: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<u64>,
    }
}

results! {
    ConversationList {
        conversations: Vec<Conversation>,
        meta: Meta,
    }
}
