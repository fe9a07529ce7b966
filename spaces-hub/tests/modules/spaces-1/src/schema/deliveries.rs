//! What is on its way to one recipient, and how far each reader has read.

use super::kinds::{DeliveryReason, SignalKind};
use super::messages::Message;
use super::work::Claim;
use spacetimedb::{Identity, SpacetimeType, Timestamp, table};

/// A signal from one voice participant to another.
#[derive(SpacetimeType, Clone)]
pub struct VoiceSignal {
    pub from: Identity,
    pub kind: SignalKind,
    pub payload: String,
}

/// One thing for one recipient, until acknowledged. Shown by `my_inbox`.
///
/// The engine notes what a view read: the key of an index that is looked up
/// whole, but the whole table where only the first columns of an index are
/// given. So that a delivery makes only its recipient's view run again, the
/// view looks up `shown_to` alone.
#[table(
    accessor = delivery,
    index(accessor = by_backlog, btree(columns = [recipient, shown_to, id])),
    index(accessor = by_content, btree(columns = [recipient, channel_id, message_id]))
)]
#[derive(Clone)]
pub struct Delivery {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    pub recipient: Identity,
    /// The recipient once it is shown, zero while it waits its turn.
    #[index(btree)]
    pub shown_to: Identity,
    pub reason: DeliveryReason,
    /// 0 where it concerns no channel.
    pub channel_id: u64,
    /// 0 where it carries no message.
    pub message_id: u64,
    pub claim: Option<Claim>,
    pub signal: Option<VoiceSignal>,
    #[index(btree)]
    pub created_at: Timestamp,
}

/// A recipient's backlog. Its gap marker is not counted.
#[table(accessor = inbox_state)]
pub struct InboxState {
    #[primary_key]
    pub identity: Identity,
    pub pending: u32,
    /// How many of the pending are shown: the oldest, up to a window.
    pub shown: u32,
    /// The delivery that tells of dropped ones, while it waits.
    pub gap_delivery_id: Option<u64>,
}

/// A row of `my_inbox`: a delivery together with what it delivers.
#[derive(SpacetimeType, Clone)]
pub struct InboxItem {
    pub id: u64,
    pub reason: DeliveryReason,
    pub channel_id: u64,
    /// As it is now: a message that is changed is delivered again.
    pub message: Option<Message>,
    pub claim: Option<Claim>,
    pub signal: Option<VoiceSignal>,
    pub created_at: Timestamp,
}

/// How far a reader has read a channel. Shown by `my_read_markers`.
#[table(accessor = read_marker)]
#[derive(Clone)]
pub struct ReadMarker {
    #[primary_key]
    #[auto_inc]
    pub id: u64,
    /// `<channel>:<identity>`.
    #[unique]
    pub key: String,
    #[index(btree)]
    pub identity: Identity,
    #[index(btree)]
    pub channel_id: u64,
    /// The id of the newest message that was read.
    pub last_message_id: u64,
    pub at: Timestamp,
}
