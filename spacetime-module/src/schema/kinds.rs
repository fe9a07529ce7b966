//! The closed sets of values in columns and arguments. Variants are only ever
//! added at the end: their order is their wire format.

use spaces_domain as domain;
use spacetimedb::SpacetimeType;

/// Declares the wire form of a set of words whose rules live in
/// `spaces-domain`, and the conversions between the two.
macro_rules! mirror {
    ($(#[$doc:meta])* $name:ident { $($variant:ident),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(SpacetimeType, Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($variant),+ }

        impl From<$name> for domain::$name {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),+ }
            }
        }

        impl From<domain::$name> for $name {
            fn from(value: domain::$name) -> Self {
                match value { $(domain::$name::$variant => Self::$variant),+ }
            }
        }
    };
}

mirror! {
    /// A member's tier in a server.
    Role { Owner, Admin, Moderator, Member, Agent }
}

mirror! {
    /// What a channel is for.
    ChannelType { Text, Voice, Announcement, AgentLog }
}

mirror! {
    /// What a message is.
    MessageKind { Text, System, AgentEvent, Join, Leave, Summary, Note }
}

mirror! {
    /// What an agent session is doing.
    SessionState { Active, Idle, Blocked, Waiting, Ended }
}

mirror! {
    /// What a claim is on: path globs, or a task by name.
    ClaimTarget { Paths, Task }
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
