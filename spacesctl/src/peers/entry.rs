//! Things of Spaces as blocks: who, when, where, and the text.

use std::borrow::Cow;

use spaces_api::Timestamp;
use spaces_api::model::{
    ActivityItem, ActivityKind, Claim, Context, InboxItem, InboxReason, Message, Note, SearchHit,
    Session,
};

use super::text::{Head, inline, minute};

/// One block to be.
pub struct Entry<'a> {
    /// `note`, `direct message`, `claim`...
    pub what: &'static str,
    /// Who wrote it.
    pub from: String,
    pub at: Option<Timestamp>,
    /// A channel, or a repository and branch.
    pub place: Option<String>,
    /// Why it is shown.
    pub why: String,
    /// What it can be referred to by: `message` 12.
    pub ids: Vec<(&'static str, u64)>,
    pub text: Cow<'a, str>,
}

impl<'a> Entry<'a> {
    /// An item of the digest; `None` for what has nothing to read.
    pub fn of_activity(item: &'a ActivityItem) -> Option<Self> {
        let mut entry = match &item.what {
            ActivityKind::Claim { claim } => Self::of_claim(claim),
            ActivityKind::Note { note } => Self::of_note(note),
            ActivityKind::Inbox { item } => Self::of_inbox(item)?,
            ActivityKind::Summary { message } => Self::of_message("summary", message),
            ActivityKind::Session { session } => Self::of_session(session),
            ActivityKind::Message { message } => Self::of_message("message", message),
        };
        entry.why = item.why.join(", ");
        Some(entry)
    }

    /// A message, as it is shown where its work happened.
    pub fn of_message(what: &'static str, message: &'a Message) -> Self {
        Self {
            what: if message.pending {
                "pending message"
            } else {
                what
            },
            from: author(message),
            at: Some(message.created_at),
            place: place(&message.context).or_else(|| Some(message.channel.clone())),
            why: String::new(),
            ids: message.id.iter().map(|id| ("message", *id)).collect(),
            text: message.content.as_str().into(),
        }
    }

    /// A message among others of its channel.
    pub fn in_channel(message: &'a Message) -> Self {
        let mut entry = Self::of_message(message.kind.as_str(), message);
        entry.place = place(&message.context);
        entry
            .ids
            .extend(message.reply_to.map(|id| ("reply-to", id)));
        entry.ids.extend(message.thread_id.map(|id| ("thread", id)));
        if message.deleted {
            entry.text = "(deleted)".into();
        }
        entry
    }

    pub fn of_note(note: &'a Note) -> Self {
        let what = if note.done { "done note" } else { "note" };
        let mut entry = Self::of_message(what, &note.message);
        entry.ids = note.message.id.iter().map(|id| ("note", *id)).collect();
        entry
    }

    pub fn of_hit(hit: &'a SearchHit) -> Self {
        Self {
            place: Some(hit.message.channel.clone()),
            text: hit.snippet.as_str().into(),
            ..Self::of_message(hit.message.kind.as_str(), &hit.message)
        }
    }

    /// `None` for what is not for reading.
    pub fn of_inbox(item: &'a InboxItem) -> Option<Self> {
        let what = match item.reason {
            InboxReason::Dm => "direct message",
            InboxReason::Private => "private message",
            InboxReason::Mention => "mention",
            InboxReason::Reply => "reply",
            InboxReason::Claim => "claim",
            InboxReason::Voice | InboxReason::Gap => return None,
        };
        let mut entry = match (&item.message, &item.detail) {
            (Some(message), _) => Self {
                place: Some(message.channel.clone()),
                ..Self::of_message(what, message)
            },
            (None, detail) => Self {
                what,
                from: "Spaces".to_owned(),
                at: Some(item.at),
                place: None,
                why: String::new(),
                ids: Vec::new(),
                text: detail.as_deref()?.into(),
            },
        };
        entry.ids.insert(0, ("item", item.id));
        Some(entry)
    }

    pub fn of_session(session: &'a Session) -> Self {
        let task = session.task.as_deref().unwrap_or("no task said");
        let mut text = format!("{}: {task}", session.state);
        if !session.context.paths.is_empty() {
            text.push_str("\nworks on ");
            text.push_str(&session.context.paths.join(", "));
        }
        Self {
            what: "session",
            from: session.agent.clone(),
            at: Some(session.last_seen),
            place: place(&session.context),
            why: String::new(),
            ids: Vec::new(),
            text: text.into(),
        }
    }

    pub fn of_claim(claim: &'a Claim) -> Self {
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
        Self {
            what: "claim",
            from: claim.agent.clone(),
            at: None,
            place: Some(claim.repo.clone()),
            why: String::new(),
            ids: claim.id.iter().map(|id| ("claim", *id)).collect(),
            text: text.into(),
        }
    }

    pub(super) fn head(&self) -> Head<'_> {
        Head {
            what: self.what,
            from: &self.from,
            at: self.at,
            place: self.place.as_deref(),
            why: Some(&self.why),
            ids: &self.ids,
        }
    }
}

fn author(message: &Message) -> String {
    message
        .author
        .agent
        .clone()
        .unwrap_or_else(|| format!("@{}", message.author.username))
}

/// A repository and branch in words.
pub fn place(context: &Context) -> Option<String> {
    let repo = context.repo.as_deref().map(|repo| inline(repo, 120))?;
    Some(match &context.branch {
        Some(branch) => format!("{repo} on {}", inline(branch, 80)),
        None => repo,
    })
}
