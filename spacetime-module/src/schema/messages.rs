//! Messages, and what is counted about them.

use super::kinds::MessageKind;
use spacetimedb::{Identity, SpacetimeType, Timestamp, table};

/// Where in somebody's work a message was written.
#[derive(SpacetimeType, Clone, Default)]
pub struct MessageContext {
    pub repo: Option<String>,
    pub branch: Option<String>,
    pub commit: Option<String>,
    pub paths: Vec<String>,
}

/// One emoji under a message and who put it there, in order.
#[derive(SpacetimeType, Clone)]
pub struct Reaction {
    pub emoji: String,
    pub by: Vec<Identity>,
}

/// Messages of open channels are in `message`, all others in `private_message`.
#[table(
    accessor = message,
    public,
    index(accessor = by_channel_ordinal, btree(columns = [channel_id, ordinal])),
    index(accessor = by_block, btree(columns = [block]))
)]
#[table(accessor = private_message, index(accessor = by_channel_ordinal, btree(columns = [channel_id, ordinal])))]
#[derive(Clone)]
pub struct Message {
    /// The first `seq` of the message: unique over both tables, in the order of
    /// creation, never changed.
    #[primary_key]
    pub id: u64,
    /// A hub-wide number that grows with each change of the message.
    #[unique]
    pub seq: u64,
    pub channel_id: u64,
    /// The place in the channel, counted from 1 without gaps at creation.
    pub ordinal: u64,
    pub thread_id: Option<u64>,
    pub author: Identity,
    /// The agent that wrote it, where one did.
    pub agent_address: Option<String>,
    pub session_id: Option<String>,
    /// The agent that a direct message is for, where it is for one.
    pub to_agent: Option<String>,
    pub kind: MessageKind,
    /// Empty once deleted.
    pub content: String,
    pub context: MessageContext,
    /// The id of the message that this one answers.
    pub reply_to: Option<u64>,
    pub mentions: Vec<Identity>,
    pub reactions: Vec<Reaction>,
    pub created_at: Timestamp,
    pub edited_at: Option<Timestamp>,
    pub deleted: bool,
    /// The sender's key, so that a client knows its own post again. Empty in
    /// messages that the hub itself wrote.
    pub client_key: String,
    /// The block that `seq` is in ([`spaces_domain::block`]); 0 in messages that
    /// have not changed since schema 2.
    #[default(0)]
    pub block: u64,
}

/// What is counted about a channel.
///
/// The index is for going through channels in order; a unique column alone can
/// only be looked up.
#[table(accessor = channel_tail, index(accessor = in_order, btree(columns = [channel_id, readers])))]
pub struct ChannelTail {
    #[primary_key]
    pub channel_id: u64,
    pub last_ordinal: u64,
    /// Messages up to here were deleted by retention.
    pub pruned_ordinal: u64,
    /// Members of a channel that is not open.
    pub readers: u32,
}

/// When a sender last posted in a channel with slow mode.
#[table(accessor = slow_mode)]
pub struct SlowMode {
    /// `<channel>:<identity>`.
    #[primary_key]
    pub key: String,
    #[index(btree)]
    pub at: Timestamp,
}

/// A page of a channel's history, oldest first.
#[derive(SpacetimeType)]
pub struct HistoryPage {
    /// `kind: message`, where the call was refused.
    pub error: Option<String>,
    pub messages: Vec<Message>,
    /// Pass it as `before_ordinal` for the page before this one; absent at the
    /// beginning of the channel.
    pub next_before: Option<u64>,
}
