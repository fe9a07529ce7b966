//! What a session reads: the digest at its start, what is new for it later, and
//! who claims a path. Statements of fact; nothing to say is no output.

use spaces_api::Meta;
use spaces_api::methods::activity::Digest;
use spaces_api::model::{ActivityKind, Claim};

use crate::peers::{Entry, Keep, Page, freshness, inline};

/// About 2,000 tokens.
pub const MAX_CHARS: usize = 8_000;
const PAGE: Page = Page {
    max_chars: MAX_CHARS,
    max_text: 1_200,
    keep: Keep::First,
};

/// The digest that a session starts with; `None` where nothing is relevant.
pub fn session_start(digest: &Digest) -> Option<String> {
    let opening = match crate::peers::place(&digest.context) {
        Some(place) => format!("Spaces: what other sessions and people left for {place}."),
        None => "Spaces: what other sessions and people left.".to_owned(),
    };
    let entries: Vec<_> = digest.items.iter().filter_map(Entry::of_activity).collect();
    render(&opening, &entries, PAGE, digest.omitted, &digest.meta)
}

/// What has newly come in for the session; `None` where nothing has.
pub fn news(digest: &Digest) -> Option<String> {
    let entries: Vec<_> = digest
        .items
        .iter()
        .filter(|item| matches!(item.what, ActivityKind::Inbox { .. }))
        .filter_map(Entry::of_activity)
        .map(|entry| Entry {
            why: String::new(),
            ..entry
        })
        .collect();
    // All of these are now marked as shown: each gets its share of the room.
    let page = PAGE.shared_by(entries.len());
    let opening = "Spaces: new for this session.";
    render(opening, &entries, page, 0, &digest.meta)
}

/// Who claims a path that is about to be edited; `None` where nobody does.
pub fn claims(paths: &[String], claims: &[Claim], meta: &Meta) -> Option<String> {
    let opening = format!(
        "Spaces: {} is claimed by another session.",
        inline(&paths.join(", "), 300)
    );
    let entries: Vec<_> = claims.iter().map(Entry::of_claim).collect();
    render(&opening, &entries, PAGE, 0, meta)
}

fn render(
    opening: &str,
    entries: &[Entry<'_>],
    page: Page,
    omitted: u64,
    meta: &Meta,
) -> Option<String> {
    if entries.is_empty() {
        return None;
    }
    let opening = format!("{opening}{}", freshness(meta));
    let (mut output, left_out) = page.render(&opening, entries);
    let left_out = left_out + omitted;
    if left_out > 0 {
        output.push_str(&format!(
            "\n{left_out} more {} not shown; `spacesctl activity` lists all.",
            if left_out == 1 {
                "item is"
            } else {
                "items are"
            }
        ));
    }
    Some(output)
}
