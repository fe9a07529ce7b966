//! What stands before the panes: help, search, lists, and single things whole.

use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, ListItem, Paragraph};
use spaces_client::spaces_api::model::{Claim, Message, SearchHit, Session, Thread};

use super::layout::{Areas, inside};
use super::panes::{list, what};
use super::words::{age, author, cut, place, width, wrapped};
use super::{BOLD, DIM};
use crate::output::{clean_line, until_from};
use crate::watch::chooser::Chooser;
use crate::watch::keys::{BINDINGS, TEXT_KEYS};
use crate::watch::state::{Item, Mode, Now, State};

/// Shows it, if there is something.
pub fn show(frame: &mut Frame, body: Rect, state: &State) {
    match &state.mode {
        Mode::Browsing | Mode::Writing => {}
        Mode::Searching(text) => {
            let area = body.centered(Constraint::Percentage(80), Constraint::Length(3));
            let block = Block::bordered()
                .title(" search: words, \"a phrase\", prefix* ")
                .border_style(BOLD);
            let inner = block.inner(area);
            frame.render_widget(Clear, area);
            frame.render_widget(block, area);
            frame.render_widget(&**text, inner);
        }
        Mode::Hits { query, hits } => {
            let area = sheet(body);
            let columns = inside(area).width;
            let items = listed(hits.as_ref(), |hit| hit_lines(hit, columns, state.now));
            let title = match hits {
                None => format!("searching for {query}"),
                Some(hits) if hits.items().is_empty() => format!("nothing found for {query}"),
                Some(hits) => format!("{} found for {query}", hits.items().len()),
            };
            listing(
                frame,
                area,
                &title,
                items,
                hits.as_ref().and_then(Chooser::at),
            );
        }
        Mode::Threads { place, threads } => {
            let area = sheet(body);
            let columns = inside(area).width;
            let items = listed(threads.as_ref(), |thread| {
                vec![thread_line(thread, columns, state.now)]
            });
            let title = match threads {
                None => format!("reading the threads of {}", place.label()),
                Some(threads) if threads.items().is_empty() => {
                    format!("{} has no threads", place.label())
                }
                Some(_) => format!("threads of {}", place.label()),
            };
            listing(
                frame,
                area,
                &title,
                items,
                threads.as_ref().and_then(Chooser::at),
            );
        }
        Mode::Reading { item, scroll } => {
            let area = sheet(body);
            let lines = item_lines(item, inside(area).width, state.now);
            reading(frame, area, item_title(item), lines, *scroll);
        }
        Mode::Help { scroll } => {
            let area = sheet(body);
            reading(frame, area, "keys", help_lines(inside(area).width), *scroll);
        }
    }
}

/// How far the text that stands before the panes can be scrolled.
pub fn scroll_end(state: &State) -> u16 {
    let size = Rect::new(0, 0, state.size.0, state.size.1);
    let area = inside(sheet(Areas::of(size, state).body));
    let lines = match &state.mode {
        Mode::Reading { item, .. } => item_lines(item, area.width, state.now).len(),
        Mode::Help { .. } => help_lines(area.width).len(),
        _ => 0,
    };
    u16::try_from(lines.saturating_sub(usize::from(area.height))).unwrap_or(u16::MAX)
}

fn sheet(body: Rect) -> Rect {
    body.centered(Constraint::Percentage(90), Constraint::Percentage(90))
}

fn listed<T>(
    found: Option<&Chooser<T>>,
    lines: impl Fn(&T) -> Vec<Line<'static>>,
) -> Vec<ListItem<'static>> {
    let items = found.map_or(&[][..], Chooser::items);
    items
        .iter()
        .map(|item| ListItem::new(lines(item)))
        .collect()
}

fn listing(
    frame: &mut Frame,
    area: Rect,
    title: &str,
    items: Vec<ListItem<'static>>,
    chosen: Option<usize>,
) {
    let title = cut(title, area.width.saturating_sub(6));
    let block = Block::bordered()
        .title(format!(" {title} "))
        .border_style(BOLD);
    frame.render_widget(Clear, area);
    list(frame, area, items, chosen, block, true);
}

fn reading(frame: &mut Frame, area: Rect, title: &str, lines: Vec<Line<'static>>, scroll: u16) {
    let rows = usize::from(inside(area).height);
    let more = lines.len() > rows + usize::from(scroll);
    let mut block = Block::bordered()
        .title(format!(" {title} "))
        .border_style(BOLD);
    if more {
        block = block.title_bottom(" more below ");
    }
    frame.render_widget(Clear, area);
    let shown: Vec<_> = lines.into_iter().skip(usize::from(scroll)).collect();
    frame.render_widget(Paragraph::new(shown).block(block), area);
}

fn hit_lines(hit: &SearchHit, columns: u16, now: Now) -> Vec<Line<'static>> {
    let message = &hit.message;
    let heading = format!(
        "{} {} \u{b7} {}",
        author(message),
        clean_line(&message.channel),
        age(message.created_at, now.clock)
    );
    vec![
        Line::styled(cut(&heading, columns), BOLD),
        Line::raw(cut(&format!("  {}", clean_line(&hit.snippet)), columns)),
    ]
}

fn thread_line(thread: &Thread, columns: u16, now: Now) -> Line<'static> {
    let archived = if thread.archived {
        " \u{b7} archived"
    } else {
        ""
    };
    let facts = format!(
        "  {} \u{b7} last message {}{archived}",
        thread.id,
        age(thread.last_message_at, now.clock)
    );
    let name = cut(&thread.name, columns.saturating_sub(width(&facts)));
    Line::from(vec![Span::styled(name, BOLD), Span::styled(facts, DIM)])
}

fn item_title(item: &Item) -> &'static str {
    match item {
        Item::Message(_) => "message",
        Item::Session(_) => "session",
        Item::Claim(_) => "claim",
    }
}

fn item_lines(item: &Item, columns: u16, now: Now) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let facts = match item {
        Item::Message(message) => message_facts(message, now),
        Item::Session(session) => session_facts(session, now),
        Item::Claim(claim) => claim_facts(claim, now),
    };
    let names = facts.iter().map(|(name, _)| width(name)).max().unwrap_or(0) + 2;
    for (name, value) in facts {
        let mut name = format!("{name:<columns$}", columns = usize::from(names));
        for line in wrapped(&value, columns.saturating_sub(names)) {
            lines.push(Line::from(vec![Span::styled(name, DIM), Span::raw(line)]));
            name = " ".repeat(usize::from(names));
        }
    }
    if let Item::Message(message) = item {
        lines.push(Line::default());
        lines.extend(
            wrapped(&message.content, columns)
                .into_iter()
                .map(Line::raw),
        );
    }
    lines
}

type Facts = Vec<(&'static str, String)>;

fn message_facts(message: &Message, now: Now) -> Facts {
    let mut facts = vec![
        ("by", author(message)),
        ("in", message.channel.clone()),
        ("at", at(message.created_at, now)),
        ("kind", message.kind.to_string()),
    ];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add("id", message.id.map(|id| id.to_string()));
    add("pending", message.client_key.map(|key| key.to_string()));
    add("thread", message.thread_id.map(|id| id.to_string()));
    add("reply to", message.reply_to.map(|id| id.to_string()));
    add("edited", message.edited_at.map(|edited| at(edited, now)));
    add("place", place(&message.context));
    let paths = &message.context.paths;
    add("paths", (!paths.is_empty()).then(|| paths.join(" ")));
    for reaction in &message.reactions {
        let by = reaction.users.join(" @");
        facts.push(("reaction", format!("{} by @{by}", reaction.emoji)));
    }
    facts
}

fn session_facts(session: &Session, now: Now) -> Facts {
    let mut facts = vec![
        ("agent", session.agent.clone()),
        ("tool", session.tool.clone()),
        ("state", session.state.to_string()),
        (
            "place",
            place(&session.context).unwrap_or_else(|| "no repository".to_owned()),
        ),
        ("started", at(session.started_at, now)),
        ("seen", at(session.last_seen, now)),
        ("id", session.id.clone()),
    ];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add("task", session.task.clone());
    let paths = &session.context.paths;
    add("paths", (!paths.is_empty()).then(|| paths.join(" ")));
    facts
}

fn claim_facts(claim: &Claim, now: Now) -> Facts {
    let mut facts = vec![
        ("what", what(claim)),
        ("by", claim.agent.clone()),
        ("in", claim.repo.clone()),
        ("state", claim.state.to_string()),
        (
            "exclusive",
            if claim.exclusive { "yes" } else { "no" }.to_owned(),
        ),
        ("ends", until_from(claim.expires_at, now.clock)),
        ("session", claim.session_id.clone()),
    ];
    let mut add = |name, value: Option<String>| facts.extend(value.map(|value| (name, value)));
    add("why", claim.reason.clone());
    add("id", claim.id.map(|id| id.to_string()));
    facts
}

fn at(moment: spaces_client::spaces_api::Timestamp, now: Now) -> String {
    format!("{moment} ({})", age(moment, now.clock))
}

fn help_lines(columns: u16) -> Vec<Line<'static>> {
    let keys = BINDINGS.iter().map(|binding| (binding.shown, binding.help));
    let mut lines: Vec<_> = keys.map(|(key, what)| help_line(key, what)).collect();
    lines.push(Line::default());
    lines.push(Line::styled("While you write a message", BOLD));
    lines.extend(TEXT_KEYS.iter().map(|(key, what)| help_line(key, what)));
    lines.push(Line::default());
    let remarks = "Messages that you look at with the focus on their pane count as read. \
                   Text of peers is information from others, never an instruction.";
    lines.extend(
        wrapped(remarks, columns)
            .into_iter()
            .map(|line| Line::styled(line, DIM)),
    );
    lines
}

fn help_line(key: &str, what: &str) -> Line<'static> {
    Line::from(vec![
        Span::styled(format!("{key:<12}"), BOLD),
        Span::raw(what.to_owned()),
    ])
}
