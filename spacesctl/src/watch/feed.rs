//! The messages of what is open: pages that were read, and what events say of
//! them since.

use spaces_client::spaces_api::Meta;
use spaces_client::spaces_api::methods::message::Page;
use spaces_client::spaces_api::model::{Message, Older};
use uuid::Uuid;

use super::place::View;

/// Messages of a page.
pub const PAGE: u32 = 100;
/// Most messages that are held; beyond it the oldest go, and are read again when
/// they are looked for.
const HELD: usize = 1_000;

/// The messages of a view, oldest first.
#[derive(Debug, Default)]
pub struct Feed {
    pub view: Option<View>,
    /// What the hub knows, by id.
    messages: Vec<Message>,
    /// What still waits in the outbox, or is not yet known by an id.
    waiting: Vec<Message>,
    /// A page has come.
    pub loaded: bool,
    /// Why none came.
    pub fault: Option<String>,
    /// How fresh the last page was.
    pub meta: Option<Meta>,
    /// For the page before; none where there is none that can be read now.
    older: Option<u64>,
    /// What is before the first message only the hub has, and it could not be asked.
    only_on_hub: bool,
    /// What follows the last message is not here: this is a part of the past.
    past: bool,
    /// The message that the reader is at; none at the newest, where the view
    /// moves on with what comes.
    cursor: Option<Cursor>,
    /// A page before or after is on its way.
    asked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cursor {
    key: Key,
    /// Lines of the message that are above the view, for one that does not fit.
    line: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Id(u64),
    Waiting(Uuid),
}

/// Which messages to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Newest,
    /// Older than this one.
    Before(u64),
    /// Newer than this one.
    After(u64),
    /// Up to this one, which is then the one to look at.
    UpTo(u64),
}

impl Feed {
    /// Begins with another view, at its newest message or at the given one, and
    /// says what is to be read.
    pub fn open(&mut self, view: View, at: Option<u64>) -> Span {
        *self = Self {
            view: Some(view),
            past: at.is_some(),
            asked: at.is_some(),
            ..Self::default()
        };
        at.map_or(Span::Newest, Span::UpTo)
    }

    /// Whether the view is of the past, which grows at its end only on request.
    pub fn is_past(&self) -> bool {
        self.past
    }

    /// Whether the reader is at the newest message.
    pub fn at_newest(&self) -> bool {
        !self.past && self.cursor.is_none()
    }

    /// Whether there is something before the first message.
    pub fn has_older(&self) -> bool {
        self.older.is_some()
    }

    /// Whether what is before the first message could not be asked of the hub.
    pub fn lacks_older(&self) -> bool {
        self.only_on_hub
    }

    /// All messages, those that wait last.
    #[cfg(test)]
    pub fn all(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().chain(&self.waiting)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.messages.len() + self.waiting.len()
    }

    /// The message at a place.
    pub fn get(&self, index: usize) -> Option<&Message> {
        match index.checked_sub(self.messages.len()) {
            None => self.messages.get(index),
            Some(index) => self.waiting.get(index),
        }
    }

    /// The place of the message that the reader is at, and how many of its lines
    /// are above the view; none at the newest.
    pub fn cursor(&self) -> Option<(usize, usize)> {
        let cursor = self.cursor?;
        let index = match cursor.key {
            Key::Id(id) => self.find(id).ok(),
            Key::Waiting(key) => self
                .waiting
                .iter()
                .position(|message| message.client_key == Some(key))
                .map(|index| self.messages.len() + index),
        }?;
        Some((index, cursor.line))
    }

    /// The message that the reader is at: at the newest, the last.
    pub fn chosen(&self) -> Option<&Message> {
        let index = match self.cursor() {
            Some((index, _)) => index,
            None => self.len().checked_sub(1)?,
        };
        self.get(index)
    }

    /// Goes to a message, with so many of its lines above the view.
    pub fn go_to(&mut self, index: usize, line: usize) {
        let key = self.get(index).and_then(|message| match message.id {
            Some(id) => Some(Key::Id(id)),
            None => message.client_key.map(Key::Waiting),
        });
        self.cursor = key.map(|key| Cursor { key, line });
    }

    /// Goes to the newest message. What is to be read, if that is not here.
    pub fn go_to_newest(&mut self) -> Option<Span> {
        self.cursor = None;
        if !self.past {
            return None;
        }
        let view = self.view.take()?;
        Some(self.open(view, None))
    }

    /// The page to read because the reader comes near an end of what is here.
    pub fn wanted(&mut self) -> Option<Span> {
        /// Messages from an end at which the next page is read.
        const NEAR: usize = 10;
        if self.asked || !self.loaded {
            return None;
        }
        let at = self.cursor().map_or(self.len(), |(index, _)| index);
        let span = match (self.older, self.messages.last()?.id) {
            (Some(older), _) if at < NEAR => Span::Before(older),
            (_, Some(last)) if self.past && at + NEAR >= self.len() => Span::After(last),
            _ => return None,
        };
        self.asked = true;
        Some(span)
    }

    /// Takes in a page that was read.
    pub fn take(&mut self, span: Span, page: Page) {
        let full = page.messages.len() >= PAGE as usize;
        let past = Past::of(&page);
        let (known, waiting): (Vec<_>, Vec<_>) = page
            .messages
            .into_iter()
            .partition(|message| message.id.is_some());
        self.loaded = true;
        self.fault = None;
        self.meta = Some(page.meta);
        match span {
            // The view is of the past since it was asked for.
            Span::Newest if self.past => {}
            Span::Newest => {
                self.join_newest(known, past);
                self.waiting = waiting;
            }
            Span::Before(before) => {
                self.asked = false;
                self.is_before(past);
                let mut older = known;
                older.retain(|message| message.id < Some(before));
                older.append(&mut self.messages);
                self.messages = older;
            }
            Span::UpTo(id) => {
                self.asked = false;
                self.is_before(past);
                self.messages = known;
                self.cursor = Some(Cursor {
                    key: Key::Id(id),
                    line: 0,
                });
            }
            Span::After(after) => {
                self.asked = false;
                let last = self.messages.last().and_then(|message| message.id);
                if last == Some(after) {
                    self.messages.extend(known);
                    if !full {
                        self.past = false;
                        self.waiting = waiting;
                    }
                }
            }
        }
        self.forget_oldest();
    }

    /// A page could not be read.
    pub fn refused(&mut self, span: Span, why: String) {
        if span != Span::Newest {
            self.asked = false;
        }
        if !self.loaded {
            self.fault = Some(why);
        }
    }

    /// Hears of a message that was made or changed.
    pub fn hear(&mut self, message: &Message) {
        let Some(id) = message.id.filter(|_| self.loaded) else {
            return; // A page is on its way.
        };
        if !self.view.as_ref().is_some_and(|view| view.shows(message)) {
            return;
        }
        match self.find(id) {
            Ok(index) => {
                if message.seq >= self.messages[index].seq {
                    self.messages[index] = message.clone();
                }
            }
            Err(index) if index == self.messages.len() => {
                if self.past {
                    return;
                }
                self.messages.push(message.clone());
                // Until the outbox has told that it was sent, it would stand here twice.
                let same = self.waiting.iter().position(|waiting| {
                    waiting.author.identity == message.author.identity
                        && waiting.content == message.content
                });
                if let Some(index) = same {
                    self.waiting.remove(index);
                }
            }
            // Older than all that is here: it comes with its page.
            Err(0) if self.older.is_some() || self.only_on_hub => {}
            Err(index) => self.messages.insert(index, message.clone()),
        }
        self.forget_oldest();
    }

    /// Puts the newest page after what is already here, if they meet.
    fn join_newest(&mut self, page: Vec<Message>, past: Past) {
        let Some(first) = page.first().and_then(|message| message.id) else {
            self.messages.clear();
            self.is_before(past);
            return;
        };
        let (Ok(start) | Err(start)) = self.find(first);
        let meets = start < self.messages.len();
        if !meets {
            self.messages = page;
            self.is_before(past);
            return;
        }
        // What an event told of while the page was on its way is newer than it.
        let last = page.last().and_then(|message| message.id);
        let told = self.messages.split_off(start);
        self.messages.extend(page);
        self.messages
            .extend(told.into_iter().filter(|message| message.id > last));
        if start == 0 {
            self.is_before(past);
        } else if self.only_on_hub && past.older != Some(Older::OnHub) {
            // It can be asked again.
            self.is_before(Past {
                before: self.messages.first().and_then(|message| message.id),
                older: Some(Older::More),
            });
        }
    }

    fn is_before(&mut self, past: Past) {
        self.older = past.before;
        self.only_on_hub = past.older == Some(Older::OnHub);
    }

    fn find(&self, id: u64) -> Result<usize, usize> {
        self.messages
            .binary_search_by_key(&Some(id), |message| message.id)
    }

    fn forget_oldest(&mut self) {
        let excess = self.messages.len().saturating_sub(HELD);
        // Not while they are being read.
        if excess > 0 && self.cursor.is_none() {
            self.messages.drain(..excess);
            self.older = self.messages.first().and_then(|message| message.id);
            self.only_on_hub = false;
        }
    }
}

/// What a page says of what is before it.
#[derive(Clone, Copy)]
struct Past {
    before: Option<u64>,
    older: Option<Older>,
}

impl Past {
    fn of(page: &Page) -> Self {
        Self {
            before: page.before,
            older: page.older,
        }
    }
}

#[cfg(test)]
mod tests;
