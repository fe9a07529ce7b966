//! Keeping a digest small: so many items, so many tokens.

use std::io::{self, Write};

use spaces_api::model::{ActivityItem, ActivityKind};

/// Characters to a token, for an estimate that does not depend on a model.
const CHARS_PER_TOKEN: usize = 4;

/// Characters of a text that are kept, however small the bound.
const LEAST_TEXT: usize = 200;

/// The first items within the bounds, and how many were left out. Where tokens
/// are bounded, no single text takes more than a quarter of them; an item that
/// does not fit any more leaves its place to a shorter one after it.
pub(super) fn fit(
    ranked: Vec<ActivityItem>,
    limit: u32,
    max_tokens: Option<u32>,
) -> (Vec<ActivityItem>, u64) {
    let all = ranked.len();
    let mut left = max_tokens.map(|tokens| tokens as usize * CHARS_PER_TOKEN);
    let longest_text = left.map(|chars| (chars / 4).max(LEAST_TEXT));
    let mut kept = Vec::new();
    for mut item in ranked {
        if kept.len() >= limit as usize {
            break;
        }
        if let (Some(chars), Some(longest)) = (left, longest_text) {
            shorten(&mut item, longest);
            match left_after(&item, chars) {
                None => continue,
                after => left = after,
            }
        }
        kept.push(item);
    }
    let omitted = (all - kept.len()) as u64;
    (kept, omitted)
}

/// What an item, written out in full, leaves of so many characters; none if it
/// does not fit.
fn left_after(item: &ActivityItem, chars: usize) -> Option<usize> {
    let mut room = Room(chars);
    serde_json::to_writer(&mut room, item).ok()?;
    Some(room.0)
}

/// Takes so many characters and keeps none of them. Most items do not fit any
/// more, and need not be written to their end to tell that.
struct Room(usize);

impl Write for Room {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let begins_char = |byte: &&u8| (**byte & 0b1100_0000) != 0b1000_0000;
        let chars = bytes.iter().filter(begins_char).count();
        self.0 = (self.0.checked_sub(chars)).ok_or(io::ErrorKind::WriteZero)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn shorten(item: &mut ActivityItem, longest: usize) {
    let text = match &mut item.what {
        ActivityKind::Note { note } => Some(&mut note.message.content),
        ActivityKind::Summary { message } | ActivityKind::Message { message } => {
            Some(&mut message.content)
        }
        ActivityKind::Inbox { item } => match &mut item.message {
            Some(message) => Some(&mut message.content),
            None => item.detail.as_mut(),
        },
        ActivityKind::Session { session } => session.task.as_mut(),
        ActivityKind::Claim { claim } => claim.reason.as_mut(),
    };
    if let Some(text) = text
        && let Some((cut, _)) = text.char_indices().nth(longest)
    {
        text.truncate(cut);
        text.push('…');
    }
}
