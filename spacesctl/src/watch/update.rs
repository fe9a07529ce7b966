//! What becomes of the state when something happens, and what is to be done
//! about it. Nothing here waits or talks to anyone.

use std::time::Duration;

use crossterm::event::KeyEvent;
use spaces_client::spaces_api::model::{Event, EventKind};
use spaces_client::spaces_api::{ChannelRef, ErrorKind, Receipt, ReceiptState};

use super::asks::{Answer, Ask};
use super::chooser::Chooser;
use super::feed::Span;
use super::place::{Entry, Place, View};
use super::press;
use super::refresh::Part;
use super::state::{Link, Mode, Now, Pane, State};
use crate::failure::Failure;

/// Something that happens.
#[derive(Debug)]
pub enum Input {
    Key(KeyEvent),
    Paste(String),
    Resize(u16, u16),
    /// The daemon tells of something.
    Event(Box<Event>),
    /// The daemon has gone; why.
    Gone(String),
    /// A daemon is there again.
    Back,
    Answered(Ask, Result<Answer, Failure>),
    /// Time has passed.
    Tick,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    Ask(Ask),
    Redraw,
    Suspend,
    Quit,
}

/// After so long without a word the daemon is asked whether it is there: one
/// that hangs must not pass for one that has nothing to say.
const QUIET: Duration = Duration::from_secs(10);

/// Time between two read marks, and after one that was refused.
const MARK_PAUSE: Duration = Duration::from_secs(1);
const MARK_PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(60);

/// Changes the state, and says what is to be done.
pub fn update(state: &mut State, input: Input, now: Now) -> Vec<Effect> {
    state.now = now;
    let mut effects = Vec::new();
    match input {
        Input::Key(key) => effects = press::key(state, key),
        Input::Paste(text) => press::paste(state, &text),
        Input::Resize(columns, rows) => state.size = (columns, rows),
        Input::Event(event) => {
            heard(state);
            hear(state, &event);
        }
        Input::Gone(why) => {
            state.link = Link::Away {
                since: now.clock,
                why,
            };
        }
        Input::Back => {
            heard(state);
            state.link = Link::Following;
            state.refresh.all();
        }
        Input::Answered(ask, answer) => answered(state, ask, answer, &mut effects),
        Input::Tick => {}
    }
    let clock = now.clock;
    if state
        .claims
        .items()
        .iter()
        .any(|claim| claim.expires_at <= clock)
    {
        state.refresh.stale(&[Part::Claims]);
    }
    if now.at.duration_since(state.heard) >= QUIET {
        state.refresh.stale(&[Part::Status]);
    }
    // While there is no daemon, the reader of the events looks for it; one that
    // does not answer is asked one thing only.
    let askable: &[Part] = match state.link {
        Link::Following => &Part::ALL,
        Link::Silent { .. } => &[Part::Status],
        Link::Away { .. } => &[],
    };
    let due = state.refresh.take_due(askable, now.at);
    effects.extend(
        due.into_iter()
            .map(|part| Effect::Ask(ask_for(state, part))),
    );
    if state.link == Link::Following {
        effects.extend(mark_read(state));
        if let (Some(view), Some(span)) = (state.feed.view.clone(), state.feed.wanted()) {
            effects.push(Effect::Ask(Ask::Page(view, span)));
        }
    }
    effects
}

/// Opens a view, at its newest message or at the given one.
pub fn open(state: &mut State, view: View, at: Option<u64>) -> Vec<Effect> {
    let draft_is_elsewhere = state
        .feed
        .view
        .as_ref()
        .is_some_and(|former| !former.place.is(&view.place));
    if draft_is_elsewhere {
        state.draft.reply_to = None;
    }
    let span = state.feed.open(view, at);
    page(state, span)
}

/// Asks for messages of what is open.
pub fn page(state: &mut State, span: Span) -> Vec<Effect> {
    let Some(view) = state.feed.view.clone() else {
        return Vec::new();
    };
    if span == Span::Newest {
        state.refresh.stale(&[Part::Page]);
        return Vec::new();
    }
    vec![Effect::Ask(Ask::Page(view, span))]
}

fn ask_for(state: &State, part: Part) -> Ask {
    match (part, &state.feed.view) {
        (Part::Page, Some(view)) => Ask::Page(view.clone(), Span::Newest),
        _ => Ask::Part(part),
    }
}

fn heard(state: &mut State) {
    state.heard = state.now.at;
    if matches!(state.link, Link::Silent { .. }) {
        state.link = Link::Following;
    }
}

fn hear(state: &mut State, event: &Event) {
    match &event.what {
        EventKind::Message { message } => {
            state.feed.hear(message);
            state.refresh.stale(match Place::of(message) {
                Place::Channel { .. } => &[Part::Channels],
                Place::Conversation { .. } => &[Part::Conversations],
            });
        }
        EventKind::Receipt { receipt } => {
            if receipt.state == ReceiptState::Rejected {
                state.complain(refusal(receipt));
            }
            // A post that waits, a read mark, a session, a claim: each may show.
            state.refresh.stale(&[
                Part::Status,
                Part::Page,
                Part::Channels,
                Part::Conversations,
                Part::Sessions,
                Part::Claims,
            ]);
        }
        EventKind::Session { .. } => state.refresh.stale(&[Part::Sessions]),
        EventKind::Claim { .. } => state.refresh.stale(&[Part::Claims]),
        EventKind::Inbox { .. } => state.refresh.stale(&[Part::Inbox, Part::Conversations]),
        EventKind::Channel { .. } => {
            state.refresh.stale(&[Part::Channels, Part::Conversations]);
        }
        EventKind::Removed { .. } => state.refresh.stale(&[
            Part::Inbox,
            Part::Channels,
            Part::Conversations,
            Part::Sessions,
            Part::Claims,
            Part::Page,
        ]),
        EventKind::Hub { .. } => state.refresh.stale(&Part::ALL),
        EventKind::Member { .. }
        | EventKind::Presence { .. }
        | EventKind::Typing { .. }
        | EventKind::Voice { .. } => {}
    }
}

fn answered(
    state: &mut State,
    ask: Ask,
    answer: Result<Answer, Failure>,
    effects: &mut Vec<Effect>,
) {
    let part = match &ask {
        Ask::Part(part) => Some(*part),
        Ask::Page(_, Span::Newest) => Some(Part::Page),
        _ => None,
    };
    if let Some(part) = part {
        state.refresh.answered(part, answer.is_ok(), state.now.at);
    }
    match answer {
        Ok(answer) => {
            heard(state);
            take(state, ask, answer, effects);
        }
        Err(failure) => refused(state, ask, &failure),
    }
}

fn take(state: &mut State, ask: Ask, answer: Answer, effects: &mut Vec<Effect>) {
    match (ask, answer) {
        (_, Answer::Status(status)) => state.status = Some(*status),
        (_, Answer::Inbox(unread)) => state.inbox = unread,
        (_, Answer::Channels(channels)) => {
            state.channels = channels;
            effects.extend(list_places(state));
        }
        (_, Answer::Conversations(conversations)) => {
            state.conversations = conversations;
            effects.extend(list_places(state));
        }
        (_, Answer::Sessions(sessions)) => {
            state
                .sessions
                .replace(sessions, |one, other| one.id == other.id);
        }
        (_, Answer::Claims(claims)) => {
            state.claims.replace(claims, |one, other| {
                one.id == other.id && one.client_key == other.client_key
            });
        }
        (Ask::Page(view, span), Answer::Page(page)) => {
            // The reader may have gone on while it was on its way.
            if state.feed.view.as_ref().is_some_and(|open| open.is(&view)) {
                state.feed.take(span, page);
            } else if span == Span::Newest {
                state.refresh.stale(&[Part::Page]);
            }
        }
        (Ask::Threads(of), Answer::Threads(found)) => {
            if let Mode::Threads { place, threads } = &mut state.mode
                && place.is(&of)
            {
                *threads = Some(Chooser::new(found));
            }
        }
        (Ask::Search(words), Answer::Hits(found)) => {
            if let Mode::Hits { query, hits } = &mut state.mode
                && *query == words
            {
                *hits = Some(Chooser::new(found));
            }
        }
        (Ask::Post(post), Answer::Receipt(receipt)) => {
            let to = post.view.place.label();
            posted(state);
            match receipt.state {
                ReceiptState::Rejected => state.complain(refusal(&receipt)),
                known => state.say(format!("{}: post to {to}", known.as_str())),
            }
        }
        (Ask::Post(post), Answer::Spooled) => {
            posted(state);
            state.complain(format!(
                "spooled: post to {}; the daemon takes it when it starts",
                post.view.place.label()
            ));
        }
        (Ask::MarkRead(_), _) => {
            state.refresh.stale(&[Part::Channels, Part::Conversations]);
        }
        _ => {}
    }
}

fn refused(state: &mut State, ask: Ask, failure: &Failure) {
    if failure.kind == ErrorKind::Timeout && state.link == Link::Following {
        state.link = Link::Silent {
            since: state.now.clock,
        };
    }
    let why = said(failure);
    match ask {
        // The bar says how it stands; the part is asked for again.
        Ask::Part(_) => {}
        Ask::Page(view, span) => {
            if state.feed.view.as_ref().is_some_and(|open| open.is(&view)) {
                state.feed.refused(span, why);
            }
        }
        Ask::Search(_) | Ask::Threads(_) => {
            state.mode = Mode::Browsing;
            state.complain(why);
        }
        Ask::Post(_) => {
            state.draft.sending = false;
            state.complain(format!("not sent: {why}"));
        }
        Ask::MarkRead(_) => {
            state.mark_not_before = Some(state.now.at + MARK_PAUSE_AFTER_FAILURE);
            state.complain(format!("not marked as read: {why}"));
        }
    }
}

fn posted(state: &mut State) {
    state.draft = Default::default();
    if matches!(state.mode, Mode::Writing) {
        state.mode = Mode::Browsing;
    }
}

/// The places anew from channels and conversations. The first one is opened if
/// nothing is open yet.
fn list_places(state: &mut State) -> Vec<Effect> {
    let entries: Vec<_> = state
        .channels
        .iter()
        .map(Entry::from)
        .chain(state.conversations.iter().map(Entry::from))
        .collect();
    state
        .places
        .replace(entries, |one, other| one.place.is(&other.place));
    match (&state.feed.view, state.places.chosen()) {
        (None, Some(first)) => {
            let view = View::whole(first.place.clone());
            open(state, view, None)
        }
        _ => Vec::new(),
    }
}

/// What is read at its end counts as read.
fn mark_read(state: &mut State) -> Option<Effect> {
    let reading = state.focus == Pane::Messages
        && matches!(state.mode, Mode::Browsing | Mode::Writing)
        && state.feed.loaded
        && state.feed.at_newest();
    let view = state.feed.view.as_ref()?;
    if !reading || view.thread.is_some() || !pause_is_over(state) {
        return None;
    }
    let entry = state
        .places
        .items()
        .iter()
        .find(|entry| entry.place.is(&view.place))?;
    if entry.unread == 0 {
        return None;
    }
    let channel = entry.place.channel_id()?;
    state.mark_not_before = Some(state.now.at + MARK_PAUSE);
    Some(Effect::Ask(Ask::MarkRead(ChannelRef::Id(channel))))
}

/// How long nothing need be done if nothing happens.
pub fn rest(state: &State, most: Duration) -> Duration {
    let due = match state.link {
        Link::Following => state.refresh.next_due(state.now.at),
        Link::Silent { .. } | Link::Away { .. } => None,
    };
    due.map_or(most, |due| due.min(most))
}

fn pause_is_over(state: &State) -> bool {
    state.mark_not_before.is_none_or(|at| at <= state.now.at)
}

fn refusal(receipt: &Receipt) -> String {
    let reason = receipt.reason.as_deref().unwrap_or("no reason was given");
    format!("the hub refused a write: {reason} (`spacesctl outbox list --rejected`)")
}

/// A failure on one line.
fn said(failure: &Failure) -> String {
    match (&failure.candidates[..], &failure.hint) {
        ([], None) => failure.message.clone(),
        ([], Some(hint)) => format!("{}; {hint}", failure.message),
        (candidates, _) => format!(
            "{}; did you mean {}?",
            failure.message,
            candidates.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests;
