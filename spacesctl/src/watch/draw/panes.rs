//! Channels, sessions, claims, and what is being written.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, List, ListItem, ListState, Paragraph};
use spaces_client::spaces_api::model::{Claim, ClaimState, Session, SessionState};

use super::layout::inside;
use super::words::{age, cut, place, width};
use super::{BAD, BOLD, CHOSEN, DIM, GOOD, WARN};
use crate::output::until_from;
use crate::watch::place::Entry;
use crate::watch::state::{Mode, Now, Pane, State};

/// The list of channels and conversations, by server.
pub fn places(frame: &mut Frame, area: Rect, state: &State) {
    let columns = inside(area).width;
    let mut items = Vec::new();
    let mut chosen = None;
    let mut group = None;
    for (index, entry) in state.places.items().iter().enumerate() {
        if group != Some(&entry.group) {
            group = Some(&entry.group);
            items.push(ListItem::new(Line::styled(cut(&entry.group, columns), DIM)));
        }
        if state.places.at() == Some(index) {
            chosen = Some(items.len());
        }
        let open = state
            .feed
            .view
            .as_ref()
            .is_some_and(|view| view.place.is(&entry.place));
        items.push(ListItem::new(entry_line(entry, open, columns)));
    }
    let block = framed("Channels".to_owned(), state, Pane::Places);
    list(
        frame,
        area,
        items,
        chosen,
        block,
        state.focus == Pane::Places,
    );
}

fn entry_line(entry: &Entry, open: bool, columns: u16) -> Line<'static> {
    let unread = match entry.unread {
        0 => String::new(),
        unread => format!(" {unread}"),
    };
    let mark = if open { "\u{203a}" } else { " " };
    let room = columns.saturating_sub(width(&unread) + 1);
    let label = cut(&entry.place.label(), room);
    let gap = " ".repeat(usize::from(room.saturating_sub(width(&label))));
    let style = match entry.unread {
        0 => Style::new(),
        _ => BOLD,
    };
    Line::from(vec![
        Span::raw(mark),
        Span::styled(label, style),
        Span::raw(gap),
        Span::styled(unread, WARN.patch(BOLD)),
    ])
}

/// Sessions: who, where, how, since when; below it the task.
pub fn sessions(frame: &mut Frame, area: Rect, state: &State) {
    let columns = inside(area).width;
    let items: Vec<_> = state
        .sessions
        .items()
        .iter()
        .map(|session| ListItem::new(session_lines(session, columns, state.now)))
        .collect();
    let block = framed(counted("Sessions", items.len()), state, Pane::Sessions);
    let focused = state.focus == Pane::Sessions;
    list_or(
        frame,
        area,
        items,
        state.sessions.at(),
        block,
        focused,
        "no session runs",
    );
}

fn session_lines(session: &Session, columns: u16, now: Now) -> Text<'static> {
    let (sign, style) = match session.state {
        SessionState::Active => ("\u{25cf}", GOOD),
        SessionState::Idle => ("\u{25cb}", DIM),
        SessionState::Blocked => ("\u{25a0}", BAD),
        SessionState::Waiting => ("\u{25d4}", WARN),
        SessionState::Ended => ("\u{2713}", DIM),
    };
    let state = match session.pending {
        true => format!("{} (pending)", session.state),
        false => session.state.to_string(),
    };
    let facts = format!(" {state} {}", age(session.last_seen, now.clock));
    let room = columns.saturating_sub(width(&facts) + 2);
    let place = place(&session.context).unwrap_or_else(|| "no repository".to_owned());
    let task = session.task.as_deref().unwrap_or("no task said");
    // A repository and a branch first: they say more than how a task begins.
    let place = cut(&place, columns / 2);
    let task = cut(task, columns.saturating_sub(width(&place) + 4));
    Text::from(vec![
        Line::from(vec![
            Span::styled(format!("{sign} "), style),
            Span::styled(cut(&session.agent, room), BOLD),
            Span::styled(facts, style),
        ]),
        Line::from(vec![
            Span::raw("  "),
            Span::styled(place, DIM),
            Span::raw("  "),
            Span::raw(task),
        ]),
    ])
}

/// Claims: what, by whom, until when.
pub fn claims(frame: &mut Frame, area: Rect, state: &State) {
    let columns = inside(area).width;
    let items: Vec<_> = state
        .claims
        .items()
        .iter()
        .map(|claim| ListItem::new(claim_line(claim, columns, state.now)))
        .collect();
    let block = framed(counted("Claims", items.len()), state, Pane::Claims);
    let focused = state.focus == Pane::Claims;
    list_or(
        frame,
        area,
        items,
        state.claims.at(),
        block,
        focused,
        "nothing is claimed",
    );
}

fn claim_line(claim: &Claim, columns: u16, now: Now) -> Line<'static> {
    let mut facts = String::new();
    if claim.exclusive {
        facts.push_str(" exclusive");
    }
    if claim.state != ClaimState::Held {
        facts.push_str(&format!(" {}", claim.state));
    }
    facts.push_str(&format!(" {}", until_from(claim.expires_at, now.clock)));
    let who = cut(&claim.agent, columns / 2);
    let room = columns.saturating_sub(width(&facts) + width(&who) + 1);
    Line::from(vec![
        Span::styled(cut(&what(claim), room), BOLD),
        Span::raw(format!(" {who}")),
        Span::styled(facts, DIM),
    ])
}

/// The paths or the task of a claim.
pub fn what(claim: &Claim) -> String {
    match &claim.task {
        Some(task) => format!("task {task}"),
        None => claim.patterns.join(" "),
    }
}

/// The message that is being written.
pub fn draft(frame: &mut Frame, area: Rect, state: &State) {
    let place = state
        .feed
        .view
        .as_ref()
        .map(|view| view.place.label())
        .unwrap_or_default();
    let title = match (&state.draft.reply_to, state.draft.sending) {
        (_, true) => format!(" sending to {place} "),
        (Some((id, user)), false) => format!(" to {place}, in reply to {id} by @{user} "),
        (None, false) => format!(" to {place} "),
    };
    let writing = matches!(state.mode, Mode::Writing);
    let style = if writing { WARN } else { DIM };
    let block = Block::bordered()
        .title(cut(&title, area.width.saturating_sub(2)))
        .border_style(style);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if writing {
        frame.render_widget(&state.draft.text, inner);
    } else {
        let text = state.draft.text.lines().join("\n");
        frame.render_widget(Paragraph::new(text).style(DIM), inner);
    }
}

/// The frame of a pane; the one with the focus is told by its title too.
pub fn framed(title: String, state: &State, pane: Pane) -> Block<'static> {
    let focused = state.focus == pane;
    let number = pane as usize + 1;
    let (title, style) = match focused {
        true => (format!(" {number} {title} "), CHOSEN),
        false => (format!(" {number} {title} "), Style::new()),
    };
    Block::bordered()
        .title(Span::styled(title, style))
        .border_style(if focused { Style::new() } else { DIM })
}

fn counted(title: &str, count: usize) -> String {
    match count {
        0 => title.to_owned(),
        _ => format!("{title} {count}"),
    }
}

fn list_or(
    frame: &mut Frame,
    area: Rect,
    items: Vec<ListItem<'static>>,
    chosen: Option<usize>,
    block: Block<'static>,
    focused: bool,
    none: &'static str,
) {
    if items.is_empty() {
        let text = Paragraph::new(Line::styled(none, DIM)).block(block);
        frame.render_widget(text, area);
        return;
    }
    list(frame, area, items, chosen, block, focused);
}

/// A list in a frame, scrolled so that the chosen item is seen.
pub fn list(
    frame: &mut Frame,
    area: Rect,
    items: Vec<ListItem<'static>>,
    chosen: Option<usize>,
    block: Block<'static>,
    focused: bool,
) {
    let list =
        List::new(items)
            .block(block)
            .highlight_style(if focused { CHOSEN } else { Style::new() });
    let mut scrolled = ListState::default().with_selected(chosen);
    frame.render_stateful_widget(list, area, &mut scrolled);
}
