//! What the view knows and shows: plain data. [`super::update`] alone changes it,
//! [`super::draw`] alone shows it.

use std::time::Instant;

use ratatui_textarea::{TextArea, WrapMode};
use spaces_client::spaces_api::Timestamp;
use spaces_client::spaces_api::model::{
    Channel, Claim, Conversation, DaemonStatus, Message, SearchHit, Session, Thread,
};

use super::chooser::Chooser;
use super::feed::Feed;
use super::place::{Entry, Place};
use super::refresh::Refresh;

/// Everything that decides what is drawn.
#[derive(Debug)]
pub struct State {
    pub now: Now,
    /// Columns and rows of the terminal.
    pub size: (u16, u16),
    pub link: Link,
    pub refresh: Refresh,
    pub status: Option<DaemonStatus>,
    pub inbox: u64,
    pub channels: Vec<Channel>,
    pub conversations: Vec<Conversation>,
    /// Channels and conversations, as they are shown.
    pub places: Chooser<Entry>,
    pub sessions: Chooser<Session>,
    pub claims: Chooser<Claim>,
    pub feed: Feed,
    pub focus: Pane,
    /// Only the pane with the focus is shown.
    pub zoomed: bool,
    pub mode: Mode,
    pub draft: Draft,
    /// Something that was just done or went wrong; until the next key.
    pub remark: Option<Remark>,
    /// From where a thread was jumped to.
    pub came_from: Option<(Place, Option<u64>)>,
    /// No read mark is set before this moment.
    pub mark_not_before: Option<Instant>,
    /// When the daemon was last heard of.
    pub heard: Instant,
}

/// The moment at which something happens.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// For lengths of time.
    pub at: Instant,
    /// For the ages of things.
    pub clock: Timestamp,
}

/// How it stands with the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// Its events come.
    Following,
    /// It has gone; what is shown is what it said last.
    Away { since: Timestamp, why: String },
    /// It is there and does not answer.
    Silent { since: Timestamp },
}

/// A part of the screen that can have the focus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Places,
    Messages,
    Sessions,
    Claims,
}

/// What the keys are for.
#[derive(Debug, Default)]
pub enum Mode {
    #[default]
    Browsing,
    /// The draft is written.
    Writing,
    /// Something to search for is written.
    Searching(Box<TextArea<'static>>),
    /// What a search found; none until the answer is there.
    Hits {
        query: String,
        hits: Option<Chooser<SearchHit>>,
    },
    /// Threads of a channel; none until the answer is there.
    Threads {
        place: Place,
        threads: Option<Chooser<Thread>>,
    },
    /// All of one thing.
    Reading {
        item: Item,
        scroll: u16,
    },
    Help {
        scroll: u16,
    },
}

/// A thing that is shown whole.
#[derive(Clone, Debug)]
pub enum Item {
    Message(Box<Message>),
    Session(Box<Session>),
    Claim(Box<Claim>),
}

/// A message that is being written.
#[derive(Debug)]
pub struct Draft {
    pub text: TextArea<'static>,
    /// The message that it answers, and by whom that is.
    pub reply_to: Option<(u64, String)>,
    /// It is on its way.
    pub sending: bool,
}

/// A line for the reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    pub text: String,
    pub bad: bool,
}

impl State {
    /// Before anything is known: everything is to be read.
    pub fn new(now: Now, size: (u16, u16)) -> Self {
        let mut refresh = Refresh::default();
        refresh.all();
        Self {
            now,
            size,
            link: Link::Following,
            refresh,
            status: None,
            inbox: 0,
            channels: Vec::new(),
            conversations: Vec::new(),
            places: Chooser::default(),
            sessions: Chooser::default(),
            claims: Chooser::default(),
            feed: Feed::default(),
            focus: Pane::default(),
            zoomed: false,
            mode: Mode::default(),
            draft: Draft::default(),
            remark: None,
            came_from: None,
            mark_not_before: None,
            heard: now.at,
        }
    }

    /// Says something to the reader.
    pub fn say(&mut self, text: impl Into<String>) {
        self.remark = Some(Remark {
            text: text.into(),
            bad: false,
        });
    }

    /// Says what went wrong.
    pub fn complain(&mut self, text: impl Into<String>) {
        self.remark = Some(Remark {
            text: text.into(),
            bad: true,
        });
    }
}

impl Default for Draft {
    fn default() -> Self {
        Self {
            text: editor(),
            reply_to: None,
            sending: false,
        }
    }
}

impl Draft {
    /// What was written.
    pub fn content(&self) -> String {
        self.text.lines().join("\n").trim().to_owned()
    }
}

/// An empty text to write into.
pub fn editor() -> TextArea<'static> {
    let mut text = TextArea::default();
    text.set_wrap_mode(WrapMode::WordOrGlyph);
    text.set_cursor_line_style(ratatui::style::Style::new());
    text
}

impl Pane {
    /// In the order of the Tab key.
    pub const ALL: [Self; 4] = [Self::Places, Self::Messages, Self::Sessions, Self::Claims];

    /// The pane that many places further on.
    pub fn step(self, by: isize) -> Self {
        let count = Self::ALL.len().cast_signed();
        let at = (self as isize + by).rem_euclid(count);
        Self::ALL[at.unsigned_abs()]
    }
}
