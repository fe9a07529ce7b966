//! The closed sets of values in columns and arguments.

use spacetimedb::SpacetimeType;

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Admin,
    Moderator,
    Member,
    Agent,
}

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelType {
    Text,
    Voice,
    Announcement,
    AgentLog,
}

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageKind {
    Text,
    System,
    AgentEvent,
    Join,
    Leave,
    Summary,
    Note,
}

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    Active,
    Idle,
    Blocked,
    Waiting,
    Ended,
}

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimTarget {
    Paths,
    Task,
}

/// Who may connect to the hub: everybody, or identities with an admission.
#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdmissionPolicy {
    Closed,
    Open,
}

#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    Human,
    Agent,
}

/// Who may join a server: each user of the hub, or holders of an invite.
#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServerVisibility {
    Open,
    InviteOnly,
}

/// Who may read a channel.
#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelVisibility {
    /// Each user of the hub. Only in an open server.
    Open,
    /// All members of the server, and nobody else.
    Members,
    /// The members of the channel.
    Private,
}

/// Why something lies in a recipient's inbox.
#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryReason {
    /// A direct message, sent or received.
    Direct,
    /// A message of a channel that only its members read.
    Private,
    /// A message of an open channel that names the recipient.
    Mention,
    /// A message of an open channel that answers one of the recipient's.
    Reply,
    /// Another session's claim overlaps one of the recipient's.
    Claim,
    /// A voice participant's offer, answer, candidate or hang-up.
    VoiceSignal,
    /// The inbox was full or too old: older deliveries were dropped. Read the
    /// history of the channels instead.
    Gap,
}

/// What a voice signal carries.
#[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    Offer,
    Answer,
    Candidate,
    Hangup,
}
