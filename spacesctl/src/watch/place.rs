//! Where messages are: a channel or a conversation, and perhaps a thread of it.

use spaces_client::spaces_api::model::{Channel, Conversation, Message};

/// What a page of messages is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Channel {
        id: u64,
        /// `#general`
        label: String,
    },
    /// Direct messages with one user.
    Conversation {
        /// 0 until there is a first message.
        channel_id: u64,
        /// Without `@`.
        user: String,
    },
}

/// A place, or one thread of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub place: Place,
    pub thread: Option<u64>,
}

/// A line of the list of places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub place: Place,
    /// Name of the server; `direct messages` for conversations.
    pub group: String,
    pub topic: Option<String>,
    pub unread: u64,
}

/// The group of the conversations.
pub const CONVERSATIONS: &str = "direct messages";

impl Place {
    /// Where a message stands.
    pub fn of(message: &Message) -> Self {
        match message.channel.strip_prefix('@') {
            Some(user) => Self::Conversation {
                channel_id: message.channel_id,
                user: user.to_owned(),
            },
            None => Self::Channel {
                id: message.channel_id,
                label: message.channel.clone(),
            },
        }
    }

    /// `#general` or `@alice`.
    pub fn label(&self) -> String {
        match self {
            Self::Channel { label, .. } => label.clone(),
            Self::Conversation { user, .. } => format!("@{user}"),
        }
    }

    /// The id of the channel, where there is one already.
    pub fn channel_id(&self) -> Option<u64> {
        match self {
            Self::Channel { id, .. } => Some(*id),
            Self::Conversation { channel_id, .. } => (*channel_id != 0).then_some(*channel_id),
        }
    }

    /// Whether both are the same place: a channel may have been renamed, and a
    /// conversation got its channel, in between.
    pub fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Channel { id, .. }, Self::Channel { id: other, .. }) => id == other,
            (Self::Conversation { user, .. }, Self::Conversation { user: other, .. }) => {
                user == other
            }
            _ => false,
        }
    }
}

impl View {
    /// The whole of a place.
    pub fn whole(place: Place) -> Self {
        Self {
            place,
            thread: None,
        }
    }

    /// Whether both show the same messages.
    pub fn is(&self, other: &Self) -> bool {
        self.thread == other.thread && self.place.is(&other.place)
    }

    /// Whether a message belongs here.
    pub fn shows(&self, message: &Message) -> bool {
        (self.thread.is_none() || self.thread == message.thread_id)
            && self.place.is(&Place::of(message))
    }
}

impl From<&Channel> for Entry {
    fn from(channel: &Channel) -> Self {
        Self {
            place: Place::Channel {
                id: channel.id,
                label: format!("#{}", channel.name),
            },
            group: channel.server.clone(),
            topic: channel.topic.clone(),
            unread: channel.unread,
        }
    }
}

impl From<&Conversation> for Entry {
    fn from(conversation: &Conversation) -> Self {
        Self {
            place: Place::Conversation {
                channel_id: conversation.channel_id,
                user: conversation.with.username.clone(),
            },
            group: CONVERSATIONS.to_owned(),
            topic: conversation.with.display_name.clone(),
            unread: conversation.unread,
        }
    }
}
