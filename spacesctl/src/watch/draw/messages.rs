//! The messages of what is open. The view stands at the newest, or with the
//! chosen message in its middle.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use spaces_client::spaces_api::model::{Message, MessageKind};

use super::layout::inside;
use super::panes::framed;
use super::words::{age, author, cut, place, width, wrapped};
use super::{BOLD, CHOSEN, DIM, WARN};
use crate::output::clean_line;
use crate::render::ONLY_ON_HUB;
use crate::watch::feed::Feed;
use crate::watch::state::{Now, Pane, State};

/// Columns before the text of a message.
const INDENT: u16 = 2;

/// The messages, framed.
pub fn show(frame: &mut Frame, area: Rect, state: &State) {
    let inner = inside(area);
    let block = framed(title(state, inner.width), state, Pane::Messages);
    let lines = match (&state.feed.view, state.feed.loaded, &state.feed.fault) {
        (None, ..) => vec![Line::styled("no channel is open", DIM)],
        (_, false, Some(fault)) => wrapped(fault, inner.width)
            .into_iter()
            .map(|line| Line::styled(line, WARN))
            .collect(),
        (_, false, None) => vec![Line::styled("reading", DIM)],
        _ if state.feed.len() == 0 => {
            vec![Line::styled("no messages yet; w writes the first", DIM)]
        }
        _ => window(&state.feed, inner, state),
    };
    frame.render_widget(Paragraph::new(lines).block(block), area);
}

fn title(state: &State, columns: u16) -> String {
    let Some(view) = &state.feed.view else {
        return "Messages".to_owned();
    };
    let mut title = view.place.label();
    if let Some(thread) = view.thread {
        title.push_str(&format!(" \u{203a} thread {thread}"));
    }
    if state.feed.is_past() {
        title.push_str(" (the past; G for now)");
    }
    let stale = state.feed.meta.filter(|meta| !meta.is_current());
    if let Some(meta) = stale {
        title.push_str(&format!(" (as of {})", age(meta.as_of, state.now.clock)));
    }
    let topic = state
        .places
        .items()
        .iter()
        .find(|entry| entry.place.is(&view.place))
        .and_then(|entry| entry.topic.clone());
    if let Some(topic) = topic.filter(|_| view.thread.is_none()) {
        title.push_str(&format!(" \u{b7} {topic}"));
    }
    cut(&title, columns.saturating_sub(4))
}

/// The lines that are seen.
fn window(feed: &Feed, inner: Rect, state: &State) -> Vec<Line<'static>> {
    let rows = usize::from(inner.height);
    let lines = |index: usize, chosen: bool| match feed.get(index) {
        Some(message) => message_lines(message, inner.width, state.now, chosen),
        None => Vec::new(),
    };
    let focused = state.focus == Pane::Messages;
    let count = feed.len();
    let (at, line, chosen) = match feed.cursor() {
        Some((index, line)) => (index, line, focused),
        None => (count - 1, usize::MAX, focused),
    };
    let own = lines(at, chosen);
    let mut seen = Vec::new();
    for index in (0..at).rev() {
        if seen.len() >= rows {
            break;
        }
        let mut before = lines(index, false);
        before.append(&mut seen);
        seen = before;
    }
    if seen.len() < rows {
        seen.insert(0, Line::styled(beginning(feed), DIM));
    }
    let start = seen.len();
    let height = own.len();
    seen.extend(own);
    for index in at + 1..count {
        if seen.len() >= start + height + rows {
            break;
        }
        seen.extend(lines(index, false));
    }
    let top = match height > rows {
        true => start + line.min(height - rows),
        false => (start + height / 2).saturating_sub(rows / 2),
    };
    let top = top.min(seen.len().saturating_sub(rows));
    seen.into_iter().skip(top).take(rows).collect()
}

fn beginning(feed: &Feed) -> String {
    let what = match (feed.has_older(), feed.lacks_older()) {
        (true, _) => "older messages are read when you go up",
        (_, true) => ONLY_ON_HUB,
        _ => "the beginning",
    };
    format!("\u{2014} {what} \u{2014}")
}

/// How many lines a message takes.
pub fn lines_of(message: &Message, columns: u16) -> usize {
    let text = match message.deleted {
        true => 1,
        false => wrapped(&message.content, columns.saturating_sub(INDENT)).len(),
    };
    1 + text + usize::from(!message.reactions.is_empty())
}

fn message_lines(message: &Message, columns: u16, now: Now, chosen: bool) -> Vec<Line<'static>> {
    let who = cut(&author(message), columns / 2);
    let facts = cut(
        &format!(" {}", facts(message, now).join(" \u{b7} ")),
        columns.saturating_sub(width(&who)),
    );
    let mut heading = Line::from(vec![Span::styled(who, BOLD), Span::styled(facts, DIM)]);
    if message.pending {
        heading.push_span(Span::styled(" pending", WARN));
    }
    if chosen {
        heading = heading.style(CHOSEN);
    }
    let mut lines = vec![heading];
    let indent = |text: String| format!("{}{text}", " ".repeat(usize::from(INDENT)));
    let room = columns.saturating_sub(INDENT);
    if message.deleted {
        lines.push(Line::styled(indent("(deleted)".to_owned()), DIM));
    } else {
        let text = wrapped(&message.content, room);
        lines.extend(text.into_iter().map(|line| Line::raw(indent(line))));
    }
    if !message.reactions.is_empty() {
        let reactions: Vec<_> = message
            .reactions
            .iter()
            .map(|reaction| format!("{} {}", clean_line(&reaction.emoji), reaction.users.len()))
            .collect();
        lines.push(Line::styled(indent(cut(&reactions.join("  "), room)), DIM));
    }
    lines
}

/// What stands beside the name.
fn facts(message: &Message, now: Now) -> Vec<String> {
    let mut facts = vec![age(message.created_at, now.clock)];
    if message.kind != MessageKind::Text {
        facts.push(message.kind.to_string());
    }
    if let Some(thread) = message.thread_id {
        facts.push(format!("thread {thread}"));
    }
    if let Some(reply_to) = message.reply_to {
        facts.push(format!("reply to {reply_to}"));
    }
    if message.edited_at.is_some() {
        facts.push("edited".to_owned());
    }
    facts.extend(place(&message.context));
    facts
}
