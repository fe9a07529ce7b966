//! Keeping a digest small: so many items, so many tokens.

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
        if let (Some(left), Some(longest)) = (&mut left, longest_text) {
            shorten(&mut item, longest);
            let size = chars_of(&item);
            if size > *left {
                continue;
            }
            *left -= size;
        }
        kept.push(item);
    }
    let omitted = (all - kept.len()) as u64;
    (kept, omitted)
}

/// What an item costs, written out in full.
fn chars_of(item: &ActivityItem) -> usize {
    serde_json::to_string(item).map_or(usize::MAX, |text| text.chars().count())
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
