//! What a session reads: the digest at its start, what is new for it later, and
//! who claims a path. Statements of fact; nothing to say is no output.

use spaces_api::methods::activity::Digest;
use spaces_api::model::{ActivityKind, Claim, Context, InboxItem, Message, Session};
use spaces_api::{HubState, Meta, Timestamp};

use super::peer_text::{Blocks, Head, inline, minute};

/// About 2,000 tokens.
pub const MAX_CHARS: usize = 8_000;
/// The most characters of one peer's text in the digest.
const MAX_TEXT: usize = 1_200;
/// What the last line may need.
const RESERVED: usize = 160;
/// What the head and foot of a block usually need.
const ROOM_OF_HEAD: usize = 200;
/// The least that is worth showing of a text.
const MIN_TEXT: usize = 80;

/// The digest that a session starts with; `None` where nothing is relevant.
pub fn session_start(digest: &Digest) -> Option<String> {
    let place = place(&digest.context);
    let opening = match &place {
        Some(place) => format!("Spaces: what other sessions and people left for {place}."),
        None => "Spaces: what other sessions and people left.".to_owned(),
    };
    let entries: Vec<_> = digest
        .items
        .iter()
        .filter_map(|item| Some((item.why.join(", "), entry(&item.what)?)))
        .collect();
    render(&opening, &entries, MAX_TEXT, digest.omitted, &digest.meta)
}

/// What has newly come in for the session; `None` where nothing has.
pub fn news(digest: &Digest) -> Option<String> {
    let entries: Vec<_> = digest
        .items
        .iter()
        .filter(|item| matches!(item.what, ActivityKind::Inbox { .. }))
        .filter_map(|item| Some((String::new(), entry(&item.what)?)))
        .collect();
    // All of these are now marked as shown: each gets its share of the room.
    let share = (MAX_CHARS - RESERVED) / entries.len().max(1);
    let share = share.saturating_sub(ROOM_OF_HEAD).clamp(MIN_TEXT, MAX_TEXT);
    render(
        "Spaces: new for this session.",
        &entries,
        share,
        0,
        &digest.meta,
    )
}

/// Who claims a path that is about to be edited; `None` where nobody does.
pub fn claims(paths: &[String], claims: &[Claim], meta: &Meta) -> Option<String> {
    let opening = format!(
        "Spaces: {} is claimed by another session.",
        inline(&paths.join(", "), 300)
    );
    let entries: Vec<_> = claims
        .iter()
        .map(|claim| (String::new(), claim_entry(claim)))
        .collect();
    render(&opening, &entries, MAX_TEXT, 0, meta)
}

struct Entry<'a> {
    what: &'static str,
    from: String,
    at: Option<Timestamp>,
    place: Option<String>,
    text: std::borrow::Cow<'a, str>,
}

fn render(
    opening: &str,
    entries: &[(String, Entry<'_>)],
    max_text: usize,
    omitted: u64,
    meta: &Meta,
) -> Option<String> {
    if entries.is_empty() {
        return None;
    }
    let blocks = Blocks::new();
    let mut output = format!("{opening}{}\n{}", freshness(meta), blocks.legend());
    let mut length = output.chars().count();
    let mut left_out = omitted;
    for (why, entry) in entries {
        let head = Head {
            what: entry.what,
            from: &entry.from,
            at: entry.at,
            place: entry.place.as_deref(),
            why: Some(why),
        };
        let frame = blocks.block(&head, "", 0).chars().count() + 2;
        let room = (MAX_CHARS - RESERVED).saturating_sub(length + frame);
        let wanted = entry.text.chars().count().min(max_text);
        if room < wanted.min(MIN_TEXT) {
            left_out += 1;
            continue;
        }
        let block = blocks.block(&head, &entry.text, room.min(max_text));
        length += block.chars().count() + 1;
        output.push('\n');
        output.push_str(&block);
    }
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

fn freshness(meta: &Meta) -> String {
    match meta.hub {
        HubState::Live => String::new(),
        HubState::Syncing => " The hub link is catching up; this may lack the newest.".to_owned(),
        HubState::Offline => format!(
            " The hub is not reachable; this is as of {}.",
            minute(meta.as_of)
        ),
    }
}

fn entry(what: &ActivityKind) -> Option<Entry<'_>> {
    Some(match what {
        ActivityKind::Claim { claim } => claim_entry(claim),
        ActivityKind::Note { note } => message_entry("note", &note.message),
        ActivityKind::Inbox { item } => inbox_entry(item)?,
        ActivityKind::Summary { message } => message_entry("summary", message),
        ActivityKind::Session { session } => session_entry(session),
        ActivityKind::Message { message } => message_entry("message", message),
    })
}

fn message_entry<'a>(what: &'static str, message: &'a Message) -> Entry<'a> {
    Entry {
        what,
        from: author(message),
        at: Some(message.created_at),
        place: place(&message.context).or_else(|| Some(message.channel.clone())),
        text: message.content.as_str().into(),
    }
}

fn inbox_entry(item: &InboxItem) -> Option<Entry<'_>> {
    use spaces_api::model::InboxReason;
    let what = match item.reason {
        InboxReason::Dm => "direct message",
        InboxReason::Private => "private message",
        InboxReason::Mention => "mention",
        InboxReason::Reply => "reply",
        InboxReason::Claim => "claim",
        InboxReason::Voice | InboxReason::Gap => return None,
    };
    Some(match (&item.message, &item.detail) {
        (Some(message), _) => Entry {
            place: Some(message.channel.clone()),
            ..message_entry(what, message)
        },
        (None, detail) => Entry {
            what,
            from: "Spaces".to_owned(),
            at: Some(item.at),
            place: None,
            text: detail.as_deref()?.into(),
        },
    })
}

fn session_entry(session: &Session) -> Entry<'_> {
    let task = session.task.as_deref().unwrap_or("no task said");
    let mut text = format!("{}: {task}", session.state);
    if !session.context.paths.is_empty() {
        text.push_str("\nworks on ");
        text.push_str(&session.context.paths.join(", "));
    }
    Entry {
        what: "session",
        from: session.agent.clone(),
        at: Some(session.last_seen),
        place: place(&session.context),
        text: text.into(),
    }
}

fn claim_entry(claim: &Claim) -> Entry<'_> {
    let kind = if claim.exclusive {
        "exclusive"
    } else {
        "shared"
    };
    let what = match &claim.task {
        Some(task) => format!("task {task}"),
        None => claim.patterns.join(", "),
    };
    let mut text = format!(
        "{what} ({kind}, {}, until {})",
        claim.state,
        minute(claim.expires_at)
    );
    if let Some(reason) = &claim.reason {
        text.push('\n');
        text.push_str(reason);
    }
    Entry {
        what: "claim",
        from: claim.agent.clone(),
        at: None,
        place: Some(claim.repo.clone()),
        text: text.into(),
    }
}

fn author(message: &Message) -> String {
    message
        .author
        .agent
        .clone()
        .unwrap_or_else(|| format!("@{}", message.author.username))
}

fn place(context: &Context) -> Option<String> {
    let repo = context.repo.as_deref().map(|repo| inline(repo, 120))?;
    Some(match &context.branch {
        Some(branch) => format!("{repo} on {}", inline(branch, 80)),
        None => repo,
    })
}
