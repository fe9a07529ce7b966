//! Blocks on one page, within a bound.

use spaces_api::{HubState, Meta};

use super::entry::Entry;
use super::text::{Blocks, minute};

/// Kept for what a caller adds below the blocks.
const RESERVED: usize = 160;
/// What the head and foot of a block usually need.
const ROOM_OF_HEAD: usize = 200;
/// The least that is worth showing of a text.
const MIN_TEXT: usize = 80;

/// The bounds of a page, in characters.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// All of it.
    pub max_chars: usize,
    /// One text.
    pub max_text: usize,
    /// What stays when not all of it fits.
    pub keep: Keep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// The first ones are the most relevant.
    First,
    /// The last ones are the newest.
    Last,
}

impl Page {
    /// With the same share for each of so many texts, so that all of them fit.
    #[must_use]
    pub fn shared_by(self, texts: usize) -> Self {
        let share = self.max_chars.saturating_sub(RESERVED) / texts.max(1);
        Self {
            max_text: share
                .saturating_sub(ROOM_OF_HEAD)
                .clamp(MIN_TEXT, self.max_text),
            ..self
        }
    }

    /// The opening, what blocks are, and the blocks; and how many were left out.
    pub fn render(&self, opening: &str, entries: &[Entry<'_>]) -> (String, u64) {
        let blocks = Blocks::fresh();
        let mut output = format!("{opening}\n{}", blocks.legend());
        let mut length = output.chars().count();
        let mut left_out = 0;
        let mut shown = Vec::with_capacity(entries.len());
        let mut fit = |entry: &Entry<'_>| {
            let head = entry.head();
            let frame = blocks.block(&head, "", 0).chars().count() + 2;
            let room = self
                .max_chars
                .saturating_sub(RESERVED)
                .saturating_sub(length + frame);
            let wanted = entry.text.chars().count().min(self.max_text);
            if room < wanted.min(MIN_TEXT) {
                left_out += 1;
                return;
            }
            let block = blocks.block(&head, &entry.text, room.min(self.max_text));
            length += block.chars().count() + 1;
            shown.push(block);
        };
        match self.keep {
            Keep::First => entries.iter().for_each(&mut fit),
            Keep::Last => entries.iter().rev().for_each(&mut fit),
        }
        if self.keep == Keep::Last {
            shown.reverse();
        }
        for block in shown {
            output.push('\n');
            output.push_str(&block);
        }
        (output, left_out)
    }
}

/// A sentence for what is not the present; nothing for what is.
pub fn freshness(meta: &Meta) -> String {
    match meta.hub {
        HubState::Live if meta.is_current() => String::new(),
        HubState::Live => format!(
            " The hub does not answer; this is as of {}.",
            minute(meta.as_of)
        ),
        HubState::Syncing => " The hub link is catching up; this may lack the newest.".to_owned(),
        HubState::Offline => format!(
            " The hub is not reachable; this is as of {}.",
            minute(meta.as_of)
        ),
    }
}
