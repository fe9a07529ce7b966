//! What keys do.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use spaces_client::spaces_api::ChannelRef;
use spaces_client::spaces_api::model::Message;

use super::asks::{Ask, Post};
use super::draw;
use super::keys::{Action, action};
use super::place::{Place, View};
use super::state::{Item, Mode, Pane, State, editor};
use super::update::{Effect, open, page};
use crate::commands::text;

/// A key was pressed.
pub fn key(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    if key.kind == KeyEventKind::Release {
        return Vec::new();
    }
    state.remark = None;
    let writes = matches!(state.mode, Mode::Writing | Mode::Searching(_));
    let always = key.modifiers.contains(KeyModifiers::CONTROL)
        && matches!(key.code, KeyCode::Char('c' | 'z' | 'l'));
    if writes && !always {
        return match &state.mode {
            Mode::Writing => write(state, key),
            _ => search(state, key),
        };
    }
    match action(&key) {
        Some(action) => act(state, action),
        None => Vec::new(),
    }
}

/// A text was pasted: line ends and all, but nothing that drives a terminal.
pub fn paste(state: &mut State, text: &str) {
    // A terminal sends line ends as the Enter key would.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = crate::output::clean(&text);
    match &mut state.mode {
        Mode::Writing => state.draft.text.insert_str(text),
        Mode::Searching(query) => query.insert_str(text.replace('\n', " ")),
        _ => false,
    };
}

fn write(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    match key.code {
        KeyCode::Esc => {
            state.mode = Mode::Browsing;
            Vec::new()
        }
        KeyCode::Enter if key.modifiers.is_empty() => send(state),
        KeyCode::Enter => {
            state.draft.text.insert_newline();
            Vec::new()
        }
        // What is on its way is no longer to be changed.
        _ if state.draft.sending => Vec::new(),
        _ => {
            state.draft.text.input(key);
            Vec::new()
        }
    }
}

fn send(state: &mut State) -> Vec<Effect> {
    let text = state.draft.content();
    let Some(view) = state.feed.view.clone().filter(|_| !state.draft.sending) else {
        return Vec::new();
    };
    if text.is_empty() {
        state.mode = Mode::Browsing;
        return Vec::new();
    }
    if let Err(failure) = text::check(&text) {
        state.complain(format!("not sent: {}", failure.message));
        return Vec::new();
    }
    state.draft.sending = true;
    let reply_to = state.draft.reply_to.as_ref().map(|(id, _)| *id);
    vec![Effect::Ask(Ask::Post(Post {
        view,
        reply_to,
        text,
    }))]
}

fn search(state: &mut State, key: KeyEvent) -> Vec<Effect> {
    let Mode::Searching(text) = &mut state.mode else {
        return Vec::new();
    };
    match key.code {
        KeyCode::Esc => state.mode = Mode::Browsing,
        KeyCode::Enter => {
            let query = text.lines().join(" ").trim().to_owned();
            if query.is_empty() {
                state.mode = Mode::Browsing;
                return Vec::new();
            }
            state.mode = Mode::Hits {
                query: query.clone(),
                hits: None,
            };
            return vec![Effect::Ask(Ask::Search(query))];
        }
        _ => {
            text.input(key);
        }
    }
    Vec::new()
}

fn act(state: &mut State, action: Action) -> Vec<Effect> {
    match action {
        Action::Quit => return vec![Effect::Quit],
        Action::Leave if matches!(state.mode, Mode::Browsing) => return vec![Effect::Quit],
        Action::Leave => state.mode = Mode::Browsing,
        Action::Suspend => return vec![Effect::Suspend],
        Action::Redraw => return vec![Effect::Redraw],
        Action::Help => state.mode = Mode::Help { scroll: 0 },
        Action::Search => state.mode = Mode::Searching(Box::new(editor())),
        _ if !matches!(state.mode, Mode::Browsing) => return act_before_panes(state, action),
        Action::Up => move_by(state, -1),
        Action::Down => move_by(state, 1),
        Action::PageUp => move_by_page(state, -1),
        Action::PageDown => move_by_page(state, 1),
        Action::First => move_by(state, isize::MIN),
        Action::Last => return last(state),
        Action::NextPane => state.focus = state.focus.step(1),
        Action::PreviousPane => state.focus = state.focus.step(-1),
        Action::Focus(pane) => state.focus = pane,
        Action::Zoom => state.zoomed = !state.zoomed,
        Action::Open => return open_chosen(state),
        Action::Back => return back(state),
        Action::Write => begin_writing(state, None),
        Action::Reply => reply(state),
        Action::Thread => {
            return match state.feed.chosen().cloned() {
                Some(message) => jump_to_thread(state, &message),
                None => Vec::new(),
            };
        }
        Action::Threads => return list_threads(state),
        Action::MarkRead => return mark_read(state),
    }
    Vec::new()
}

/// Keys for a list or a text that stands before the panes.
fn act_before_panes(state: &mut State, action: Action) -> Vec<Effect> {
    let page = usize::from(state.size.1)
        .saturating_sub(8)
        .max(1)
        .cast_signed();
    let by = match action {
        Action::Up => -1,
        Action::Down => 1,
        Action::PageUp => -page,
        Action::PageDown => page,
        Action::First => isize::MIN,
        Action::Last => isize::MAX,
        Action::Back => {
            state.mode = Mode::Browsing;
            return Vec::new();
        }
        Action::Open => return open_listed(state, false),
        Action::Thread => return open_listed(state, true),
        _ => return Vec::new(),
    };
    let most = draw::scroll_end(state);
    match &mut state.mode {
        Mode::Hits {
            hits: Some(hits), ..
        } => hits.step(by),
        Mode::Threads {
            threads: Some(threads),
            ..
        } => threads.step(by),
        Mode::Reading { scroll, .. } | Mode::Help { scroll } => {
            let to = isize::try_from(*scroll).unwrap_or(0).saturating_add(by);
            *scroll = u16::try_from(to.max(0)).unwrap_or(u16::MAX).min(most);
        }
        _ => {}
    }
    Vec::new()
}

/// Jumps to the chosen hit or thread.
fn open_listed(state: &mut State, thread_of_it: bool) -> Vec<Effect> {
    match &state.mode {
        Mode::Hits {
            hits: Some(hits), ..
        } => {
            let Some(message) = hits.chosen().map(|hit| hit.message.clone()) else {
                return Vec::new();
            };
            state.mode = Mode::Browsing;
            state.focus = Pane::Messages;
            if thread_of_it {
                return jump_to_thread(state, &message);
            }
            go(state, View::whole(Place::of(&message)), message.id)
        }
        Mode::Threads {
            place,
            threads: Some(threads),
        } => {
            let Some(thread) = threads.chosen().map(|thread| thread.id) else {
                return Vec::new();
            };
            let view = View {
                place: place.clone(),
                thread: Some(thread),
            };
            state.mode = Mode::Browsing;
            state.focus = Pane::Messages;
            go(state, view, None)
        }
        // A text is closed by the same key that opened it.
        Mode::Reading { .. } | Mode::Help { .. } => {
            state.mode = Mode::Browsing;
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Opens a view and lets the list of places follow.
fn go(state: &mut State, view: View, at: Option<u64>) -> Vec<Effect> {
    state.places.choose(|entry| entry.place.is(&view.place));
    if view.thread.is_none() {
        state.came_from = None;
    }
    open(state, view, at)
}

fn jump_to_thread(state: &mut State, message: &Message) -> Vec<Effect> {
    let place = Place::of(message);
    if let Some(thread) = message.thread_id {
        let view = View {
            place: place.clone(),
            thread: Some(thread),
        };
        if state.feed.view.as_ref().is_some_and(|open| open.is(&view)) {
            state.say("this is the thread");
            return Vec::new();
        }
        state.came_from = Some((place, message.id));
        state.focus = Pane::Messages;
        return go(state, view, None);
    }
    if let Some(answered) = message.reply_to {
        state.focus = Pane::Messages;
        return go(state, View::whole(place), Some(answered));
    }
    state.say("the message is in no thread; T lists the threads of the channel");
    Vec::new()
}

fn list_threads(state: &mut State) -> Vec<Effect> {
    let place = match state.focus {
        Pane::Places => state.places.chosen().map(|entry| entry.place.clone()),
        _ => state.feed.view.as_ref().map(|view| view.place.clone()),
    };
    match place {
        Some(place @ Place::Channel { .. }) => {
            state.mode = Mode::Threads {
                place: place.clone(),
                threads: None,
            };
            vec![Effect::Ask(Ask::Threads(place))]
        }
        Some(Place::Conversation { .. }) => {
            state.say("conversations have no threads");
            Vec::new()
        }
        None => Vec::new(),
    }
}

fn open_chosen(state: &mut State) -> Vec<Effect> {
    let item = match state.focus {
        Pane::Places => {
            let Some(entry) = state.places.chosen() else {
                return Vec::new();
            };
            let view = View::whole(entry.place.clone());
            state.focus = Pane::Messages;
            return go(state, view, None);
        }
        Pane::Messages => state
            .feed
            .chosen()
            .map(|message| Item::Message(Box::new(message.clone()))),
        Pane::Sessions => state
            .sessions
            .chosen()
            .map(|session| Item::Session(Box::new(session.clone()))),
        Pane::Claims => state
            .claims
            .chosen()
            .map(|claim| Item::Claim(Box::new(claim.clone()))),
    };
    if let Some(item) = item {
        state.mode = Mode::Reading { item, scroll: 0 };
    }
    Vec::new()
}

/// From a thread to its channel, from anywhere else to the list of places.
fn back(state: &mut State) -> Vec<Effect> {
    let thread = state
        .feed
        .view
        .as_ref()
        .filter(|view| view.thread.is_some() && state.focus == Pane::Messages)
        .map(|view| view.place.clone());
    if let Some(place) = thread {
        let at = state
            .came_from
            .take()
            .filter(|(from, _)| from.is(&place))
            .and_then(|(_, id)| id);
        return go(state, View::whole(place), at);
    }
    state.zoomed = false;
    state.focus = Pane::Places;
    Vec::new()
}

fn begin_writing(state: &mut State, reply_to: Option<(u64, String)>) {
    if state.feed.view.is_none() {
        state.say("no channel is open");
        return;
    }
    if reply_to.is_some() {
        state.draft.reply_to = reply_to;
    }
    state.focus = Pane::Messages;
    state.mode = Mode::Writing;
}

fn reply(state: &mut State) {
    let to = state
        .feed
        .chosen()
        .and_then(|message| Some((message.id?, message.author.username.clone())));
    match to {
        Some(to) => begin_writing(state, Some(to)),
        None => state.say("there is no message that the hub knows to reply to"),
    }
}

fn mark_read(state: &mut State) -> Vec<Effect> {
    let channel = match state.focus {
        Pane::Places => state
            .places
            .chosen()
            .and_then(|entry| entry.place.channel_id()),
        _ => state
            .feed
            .view
            .as_ref()
            .and_then(|view| view.place.channel_id()),
    };
    channel
        .map(|channel| Effect::Ask(Ask::MarkRead(ChannelRef::Id(channel))))
        .into_iter()
        .collect()
}

fn last(state: &mut State) -> Vec<Effect> {
    if state.focus == Pane::Messages {
        return match state.feed.go_to_newest() {
            Some(span) => page(state, span),
            None => Vec::new(),
        };
    }
    move_by(state, isize::MAX);
    Vec::new()
}

fn move_by(state: &mut State, by: isize) {
    match state.focus {
        Pane::Places => state.places.step(by),
        Pane::Sessions => state.sessions.step(by),
        Pane::Claims => state.claims.step(by),
        Pane::Messages => move_in_messages(state, by),
    }
}

fn move_by_page(state: &mut State, direction: isize) {
    let rows = usize::from(draw::pane_size(state, state.focus).1)
        .max(2)
        .cast_signed();
    match state.focus {
        Pane::Messages => page_in_messages(state, direction, rows.unsigned_abs()),
        // Two lines each.
        Pane::Sessions => state.sessions.step(direction * (rows / 2).max(1)),
        _ => move_by(state, direction * (rows - 1)),
    }
}

/// One message on, or some lines of one that does not fit.
fn move_in_messages(state: &mut State, by: isize) {
    let count = state.feed.len();
    if count == 0 {
        return;
    }
    let (width, rows) = draw::pane_size(state, Pane::Messages);
    let rows = usize::from(rows);
    let (index, line) = state.feed.cursor().unwrap_or((count - 1, usize::MAX));
    let lines_of = |index: usize| {
        state
            .feed
            .get(index)
            .map_or(0, |message| draw::message_lines(message, width))
    };
    // Where a message that does not fit ends.
    let end_of = |index: usize| lines_of(index).saturating_sub(rows);
    let line = line.min(end_of(index));
    let half = (rows / 2).max(1);
    let (index, line) = match by {
        1 if line < end_of(index) => (index, (line + half).min(end_of(index))),
        -1 if line > 0 => (index, line.saturating_sub(half)),
        -1 if index > 0 => (index - 1, end_of(index - 1)),
        // The end of the last one is the end.
        1 if index + 1 == count => (index, line),
        by => (index.saturating_add_signed(by).min(count - 1), 0),
    };
    if index + 1 == count && line == end_of(index) && !state.feed.is_past() {
        // Here the view moves on with what comes.
        state.feed.go_to_newest();
    } else {
        state.feed.go_to(index, line);
    }
}

fn page_in_messages(state: &mut State, direction: isize, rows: usize) {
    let width = draw::pane_size(state, Pane::Messages).0;
    let mut passed = 0;
    while passed < rows {
        let before = state.feed.cursor();
        move_in_messages(state, direction);
        let after = state.feed.cursor();
        if before == after {
            break;
        }
        passed += match after.and_then(|(index, _)| state.feed.get(index)) {
            Some(message) => draw::message_lines(message, width).min((rows / 2).max(1)),
            None => rows,
        };
    }
}
