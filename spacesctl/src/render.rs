//! How the things of Spaces look as text. Whatever peers wrote is cleaned here.

use spaces_client::spaces_api::methods::message::Page;
use spaces_client::spaces_api::model::{
    Channel, Claim, Context, InboxItem, Message, MessageKind, Note, Older, Session, User, UserKind,
    Visibility,
};

use crate::output::{BOLD, DIM, Out, WARN, ago, clean, clean_line, until};

/// A message: a heading, then the text, indented so that it cannot pass for a
/// heading.
pub fn message(out: &mut Out, message: &Message, with_channel: bool) {
    let author = author(message);
    let mut facts = vec![ago(message.created_at)];
    if with_channel {
        facts.insert(0, clean_line(&message.channel).into_owned());
    }
    if message.kind != MessageKind::Text {
        facts.push(message.kind.to_string());
    }
    facts.extend(place(&message.context));
    if let Some(thread) = message.thread_id {
        facts.push(format!("thread {thread}"));
    }
    if let Some(reply_to) = message.reply_to {
        facts.push(format!("reply to {reply_to}"));
    }
    if message.edited_at.is_some() {
        facts.push("edited".to_owned());
    }
    if let Some(id) = message.id {
        facts.push(format!("id {id}"));
    }
    let pending = match message.pending {
        true => format!(" {WARN}pending{WARN:#}"),
        false => String::new(),
    };
    out.line(format_args!(
        "{BOLD}{author}{BOLD:#} {DIM}{}{DIM:#}{pending}",
        facts.join(" · ")
    ));
    if message.deleted {
        out.line(format_args!("    {DIM}(deleted){DIM:#}"));
    } else {
        indented(out, &message.content);
    }
    if !message.reactions.is_empty() {
        let reactions: Vec<_> = message
            .reactions
            .iter()
            .map(|reaction| format!("{} {}", clean_line(&reaction.emoji), reaction.users.len()))
            .collect();
        out.line(format_args!("    {DIM}{}{DIM:#}", reactions.join("  ")));
    }
}

/// What there is before a page of messages, where there is something.
pub fn older(out: &mut Out, page: &Page) {
    if let Some(before) = page.before {
        out.line(format_args!("{DIM}(older: --before {before}){DIM:#}"));
    }
    if page.older == Some(Older::OnHub) {
        out.line(format_args!("{DIM}({ONLY_ON_HUB}){DIM:#}"));
    }
}

/// Said of a page that lacks messages for now.
pub const ONLY_ON_HUB: &str = "older messages are only on the hub, which cannot be asked now";

/// Text below a heading.
pub fn indented(out: &mut Out, text: &str) {
    for line in clean(text).lines() {
        out.line(format_args!("    {line}"));
    }
}

/// `@alice/claude.spaces.main`, or `@alice`.
fn author(message: &Message) -> String {
    let name = match &message.author.agent {
        Some(agent) => agent.clone(),
        None => format!("@{}", message.author.username),
    };
    clean_line(&name).into_owned()
}

/// `acme/app main abc1234`, where known.
pub fn place(context: &Context) -> Option<String> {
    let repo = context
        .repo
        .as_deref()
        .map(|repo| repo.strip_prefix("github.com/").unwrap_or(repo).to_owned());
    let commit = context
        .commit
        .as_deref()
        .map(|commit| commit.chars().take(7).collect::<String>());
    let parts: Vec<_> = [repo, context.branch.clone(), commit]
        .into_iter()
        .flatten()
        .collect();
    (!parts.is_empty()).then(|| clean_line(&parts.join(" ")).into_owned())
}

/// One line of a channel list.
pub fn channel(out: &mut Out, channel: &Channel) {
    let mut facts = vec![channel.channel_type.to_string()];
    if channel.visibility == Visibility::Private {
        facts.push("private".to_owned());
    }
    if channel.archived {
        facts.push("archived".to_owned());
    }
    if channel.slow_mode_secs > 0 {
        facts.push(format!("slow mode {}s", channel.slow_mode_secs));
    }
    let unread = match channel.unread {
        0 => String::new(),
        unread => format!("  {WARN}{unread} unread{WARN:#}"),
    };
    let topic = channel.topic.as_deref().unwrap_or_default();
    out.line(format_args!(
        "{BOLD}{:<20}{BOLD:#} {DIM}{:<24} id {:<6} {}{DIM:#}{unread}  {}",
        clean_line(&format!("#{}", channel.name)),
        facts.join(", "),
        channel.id,
        clean_line(&channel.server),
        clean_line(topic),
    ));
}

/// A session on one line, its task below.
pub fn session(out: &mut Out, session: &Session) {
    let pending = match session.pending {
        true => format!(" {WARN}pending{WARN:#}"),
        false => String::new(),
    };
    out.line(format_args!(
        "{BOLD}{}{BOLD:#} {} {DIM}{} · seen {} · {}{DIM:#}{pending}",
        clean_line(&session.agent),
        session.state,
        place(&session.context).unwrap_or_else(|| "no repository".to_owned()),
        ago(session.last_seen),
        clean_line(&session.id),
    ));
    if let Some(task) = &session.task {
        indented(out, task);
    }
}

/// A claim on one line.
pub fn claim(out: &mut Out, claim: &Claim) {
    let what = match &claim.task {
        Some(task) => format!("task {task}"),
        None => claim.patterns.join(" "),
    };
    let mut facts = vec![claim.repo.clone(), claim.state.to_string()];
    if claim.exclusive {
        facts.push("exclusive".to_owned());
    }
    facts.push(format!("ends {}", until(claim.expires_at)));
    if let Some(id) = claim.id {
        facts.push(format!("id {id}"));
    }
    if let Some(reason) = &claim.reason {
        facts.push(reason.clone());
    }
    out.line(format_args!(
        "{BOLD}{}{BOLD:#} claimed by {} {DIM}{}{DIM:#}",
        clean_line(&what),
        clean_line(&claim.agent),
        clean_line(&facts.join(" · ")),
    ));
}

/// A note: whether it is done, then the message.
pub fn note(out: &mut Out, note: &Note) {
    if note.done {
        let by = note.done_by.as_deref().unwrap_or("someone");
        out.line(format_args!("{DIM}done by {}{DIM:#}", clean_line(by)));
    }
    message(out, &note.message, false);
}

/// An inbox item.
pub fn inbox_item(out: &mut Out, item: &InboxItem) {
    let mark = match item.read {
        true => " ",
        false => "*",
    };
    out.line(format_args!(
        "{WARN}{mark}{WARN:#} {} {DIM}item {} · {}{DIM:#}",
        item.reason,
        item.id,
        ago(item.at)
    ));
    match (&item.message, &item.detail) {
        (Some(inner), _) => message(out, inner, true),
        (None, Some(detail)) => indented(out, detail),
        (None, None) => {}
    }
}

/// One line of a user list.
pub fn user(out: &mut Out, user: &User) {
    let mut facts = vec![match (user.online, user.last_seen) {
        (true, _) => "online".to_owned(),
        (false, Some(at)) => format!("seen {}", ago(at)),
        (false, None) => "not seen".to_owned(),
    }];
    if user.kind == UserKind::Agent {
        facts.push("machine account".to_owned());
    }
    facts.extend(user.display_name.clone());
    facts.extend(user.status_text.clone());
    out.line(format_args!(
        "{BOLD}{:<24}{BOLD:#} {DIM}{}{DIM:#}",
        clean_line(&format!("@{}", user.username)),
        clean_line(&facts.join(" · ")),
    ));
}
