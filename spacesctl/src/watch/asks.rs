//! What the view asks of the daemon, and what it is answered. Nothing here waits.

use spaces_client::spaces_api::methods::message::Page;
use spaces_client::spaces_api::model::{
    Channel, Claim, Conversation, DaemonStatus, SearchHit, Session, Thread,
};
use spaces_client::spaces_api::{ChannelRef, Receipt};

use super::feed::Span;
use super::place::{Place, View};
use super::refresh::Part;

/// A question or a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// A part as it is now.
    Part(Part),
    /// Messages of a view.
    Page(View, Span),
    /// Threads of a channel.
    Threads(Place),
    /// Messages with these words.
    Search(String),
    Post(Post),
    /// All messages of the channel up to now are read.
    MarkRead(ChannelRef),
}

/// A message to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    pub view: View,
    pub reply_to: Option<u64>,
    pub text: String,
}

/// What came back.
#[derive(Debug)]
pub enum Answer {
    Status(Box<DaemonStatus>),
    /// Unread items of the inbox.
    Inbox(u64),
    Channels(Vec<Channel>),
    Conversations(Vec<Conversation>),
    Sessions(Vec<Session>),
    Claims(Vec<Claim>),
    Page(Page),
    Threads(Vec<Thread>),
    Hits(Vec<SearchHit>),
    Receipt(Receipt),
    /// There was nothing to read.
    Nothing,
    /// No daemon answered; the write waits in the spool for it.
    Spooled,
}
