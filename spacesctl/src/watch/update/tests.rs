use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use serde_json::json;
use spaces_client::spaces_api::methods::message::Page;
use spaces_client::spaces_api::model::{Event, EventKind, Message, Older, SearchHit, Thread};
use spaces_client::spaces_api::{ErrorKind, Receipt};

use super::{Effect, Input, update};
use crate::failure::Failure;
use crate::watch::asks::{Answer, Ask, Post};
use crate::watch::feed::Span;
use crate::watch::place::{Place, View};
use crate::watch::refresh::Part;
use crate::watch::samples::{channel, claim, message, meta, now, state, status};
use crate::watch::state::{Link, Mode, Pane, State};

fn general() -> View {
    View::whole(Place::of(&message(1, "")))
}

fn asks(effects: Vec<Effect>) -> Vec<Ask> {
    effects
        .into_iter()
        .map(|effect| match effect {
            Effect::Ask(ask) => ask,
            other => panic!("{other:?}"),
        })
        .collect()
}

fn page(messages: Vec<Message>) -> Answer {
    Answer::Page(Page {
        messages,
        before: None,
        older: Some(Older::None),
        after: None,
        meta: meta(),
    })
}

fn answer(state: &mut State, ask: Ask, answer: Answer) -> Vec<Ask> {
    asks(update(state, Input::Answered(ask, Ok(answer)), now(0)))
}

/// A view that has read everything, with `#general` open.
fn watching(messages: Vec<Message>) -> State {
    let mut state = state();
    let first = asks(update(&mut state, Input::Tick, now(0)));
    assert_eq!(first.len(), Part::ALL.len(), "everything is read");
    answer(
        &mut state,
        Ask::Part(Part::Status),
        Answer::Status(Box::new(status("live", 0))),
    );
    answer(&mut state, Ask::Part(Part::Inbox), Answer::Inbox(0));
    answer(
        &mut state,
        Ask::Part(Part::Conversations),
        Answer::Conversations(vec![]),
    );
    answer(
        &mut state,
        Ask::Part(Part::Sessions),
        Answer::Sessions(vec![]),
    );
    answer(&mut state, Ask::Part(Part::Claims), Answer::Claims(vec![]));
    answer(&mut state, Ask::Part(Part::Page), Answer::Nothing);
    let channels = vec![channel(1, "general", 0), channel(2, "agent-logs", 0)];
    answer(
        &mut state,
        Ask::Part(Part::Channels),
        Answer::Channels(channels),
    );
    let wanted = asks(update(&mut state, Input::Tick, now(1)));
    assert_eq!(wanted, [Ask::Page(general(), Span::Newest)]);
    answer(
        &mut state,
        Ask::Page(general(), Span::Newest),
        page(messages),
    );
    state
}

fn press(state: &mut State, code: KeyCode) -> Vec<Effect> {
    let key = KeyEvent::new(code, KeyModifiers::NONE);
    update(state, Input::Key(key), now(2))
}

fn type_in(state: &mut State, text: &str) {
    for character in text.chars() {
        assert_eq!(press(state, KeyCode::Char(character)), []);
    }
}

fn event(what: EventKind) -> Input {
    Input::Event(Box::new(Event {
        cursor: 1,
        at: now(0).clock,
        what,
    }))
}

fn receipt(state: &str) -> Receipt {
    serde_json::from_value(json!({
        "client_key": "0198c0de-7000-7000-8000-000000000001", "state": state,
        "queued_at": "2026-01-31T12:00:00Z", "reason": "you are muted"
    }))
    .unwrap()
}

#[test]
fn the_first_channel_is_opened_by_itself() {
    let state = watching(vec![message(1, "x")]);
    assert_eq!(state.feed.view, Some(general()));
    assert!(state.feed.loaded);
}

#[test]
fn an_event_makes_only_its_part_stale() {
    let mut state = watching(vec![]);
    let heard = EventKind::Message {
        message: message(7, "new"),
    };
    assert_eq!(
        asks(update(&mut state, event(heard), now(5))),
        [Ask::Part(Part::Channels)]
    );
    assert_eq!(state.feed.chosen().unwrap().content, "new");
    let hub = EventKind::Hub {
        state: Default::default(),
    };
    answer(
        &mut state,
        Ask::Part(Part::Channels),
        Answer::Channels(vec![]),
    );
    let all = asks(update(&mut state, event(hub), now(6)));
    assert_eq!(all.len(), Part::ALL.len());
}

#[test]
fn a_quiet_daemon_is_asked_whether_it_is_there_and_a_silent_one_is_told_of() {
    let mut state = watching(vec![]);
    assert_eq!(update(&mut state, Input::Tick, now(9)), []);
    let asked = asks(update(&mut state, Input::Tick, now(11)));
    assert_eq!(asked, [Ask::Part(Part::Status)]);
    let timeout = Failure::new(ErrorKind::Timeout, "no answer");
    update(
        &mut state,
        Input::Answered(asked[0].clone(), Err(timeout)),
        now(14),
    );
    assert!(matches!(state.link, Link::Silent { .. }));
    let asked = asks(update(&mut state, Input::Tick, now(17)));
    assert_eq!(asked, [Ask::Part(Part::Status)], "nothing else meanwhile");
    let well = Answer::Status(Box::new(status("live", 0)));
    update(
        &mut state,
        Input::Answered(asked[0].clone(), Ok(well)),
        now(18),
    );
    assert_eq!(state.link, Link::Following);
}

#[test]
fn while_the_daemon_is_away_nothing_is_asked_and_after_it_everything() {
    let mut state = watching(vec![message(1, "x")]);
    assert_eq!(update(&mut state, Input::Gone("closed".into()), now(3)), []);
    assert_eq!(update(&mut state, Input::Tick, now(60)), []);
    assert_eq!(state.feed.len(), 1, "what was known is still shown");
    let all = asks(update(&mut state, Input::Back, now(61)));
    assert_eq!(all.len(), Part::ALL.len());
    assert!(all.contains(&Ask::Page(general(), Span::Newest)));
}

#[test]
fn a_message_is_written_sent_and_then_gone_from_the_draft() {
    let mut state = watching(vec![]);
    press(&mut state, KeyCode::Char('w'));
    type_in(&mut state, "hello q?");
    update(&mut state, Input::Paste(" a\r\nb\u{1b}[31m".into()), now(2));
    let sent = asks(press(&mut state, KeyCode::Enter));
    let post = Post {
        view: general(),
        reply_to: None,
        text: "hello q? a\nb".into(),
    };
    assert_eq!(sent, [Ask::Post(post.clone())]);
    assert_eq!(press(&mut state, KeyCode::Enter), [], "not twice");
    answer(
        &mut state,
        Ask::Post(post),
        Answer::Receipt(receipt("queued")),
    );
    assert!(state.draft.text.is_empty());
    assert!(matches!(state.mode, Mode::Browsing));
    assert_eq!(state.remark.unwrap().text, "queued: post to #general");
}

#[test]
fn a_message_that_was_not_sent_stays_to_be_sent_again() {
    let mut state = watching(vec![]);
    press(&mut state, KeyCode::Char('w'));
    type_in(&mut state, "kept");
    let sent = asks(press(&mut state, KeyCode::Enter));
    let refused = Failure::new(ErrorKind::Conflict, "#general is archived");
    update(
        &mut state,
        Input::Answered(sent[0].clone(), Err(refused)),
        now(3),
    );
    assert!(state.remark.as_ref().unwrap().text.contains("archived"));
    assert_eq!(asks(press(&mut state, KeyCode::Enter)), sent);
}

#[test]
fn what_no_hub_takes_is_not_sent() {
    let mut state = watching(vec![]);
    press(&mut state, KeyCode::Char('w'));
    update(&mut state, Input::Paste("x".repeat(9_000)), now(2));
    assert_eq!(press(&mut state, KeyCode::Enter), []);
    assert!(state.remark.as_ref().unwrap().text.contains("8000"));
    assert!(matches!(state.mode, Mode::Writing), "it can be shortened");
}

#[test]
fn a_draft_is_kept_and_a_reply_names_its_message() {
    let mut state = watching(vec![message(1, "question")]);
    press(&mut state, KeyCode::Char('r'));
    type_in(&mut state, "answer");
    press(&mut state, KeyCode::Esc);
    assert_eq!(state.draft.content(), "answer");
    press(&mut state, KeyCode::Char('w'));
    let sent = asks(press(&mut state, KeyCode::Enter));
    let Ask::Post(post) = &sent[0] else {
        panic!("{sent:?}");
    };
    assert_eq!((post.reply_to, post.text.as_str()), (Some(1), "answer"));
}

#[test]
fn search_finds_and_jumps_to_the_message() {
    let mut state = watching(vec![]);
    press(&mut state, KeyCode::Char('/'));
    type_in(&mut state, "parser");
    let asked = asks(press(&mut state, KeyCode::Enter));
    assert_eq!(asked, [Ask::Search("parser".into())]);
    let elsewhere = Message {
        channel_id: 2,
        channel: "#agent-logs".into(),
        ..message(40, "the parser")
    };
    let hits = vec![SearchHit {
        message: elsewhere.clone(),
        snippet: "the [parser]".into(),
    }];
    answer(&mut state, asked[0].clone(), Answer::Hits(hits));
    let jumped = asks(press(&mut state, KeyCode::Enter));
    let there = View::whole(Place::of(&elsewhere));
    assert_eq!(jumped, [Ask::Page(there.clone(), Span::UpTo(40))]);
    assert_eq!(state.focus, Pane::Messages);
    assert_eq!(state.places.chosen().unwrap().place.label(), "#agent-logs");
    let rest = answer(&mut state, jumped[0].clone(), page(vec![elsewhere]));
    assert_eq!(rest, [Ask::Page(there, Span::After(40))]);
    assert_eq!(state.feed.chosen().unwrap().id, Some(40));
}

#[test]
fn from_a_message_to_its_thread_and_back() {
    let mut state = watching(vec![]);
    let threaded = Message {
        thread_id: Some(12),
        ..message(5, "in a thread")
    };
    fill(&mut state, vec![threaded, message(6, "after")]);
    state.focus = Pane::Messages;
    press(&mut state, KeyCode::Up);
    press(&mut state, KeyCode::Char('t'));
    let thread = View {
        thread: Some(12),
        ..general()
    };
    assert_eq!(state.feed.view, Some(thread));
    let back = asks(press(&mut state, KeyCode::Esc));
    assert_eq!(back, [Ask::Page(general(), Span::UpTo(5))]);
}

#[test]
fn an_answer_leads_to_what_it_answers() {
    let answering = Message {
        reply_to: Some(3),
        ..message(5, "yes")
    };
    let mut state = watching(vec![answering]);
    state.focus = Pane::Messages;
    let jumped = asks(press(&mut state, KeyCode::Char('t')));
    assert_eq!(jumped, [Ask::Page(general(), Span::UpTo(3))]);
}

#[test]
fn threads_are_listed_and_opened() {
    let mut state = watching(vec![]);
    let asked = asks(press(&mut state, KeyCode::Char('T')));
    assert_eq!(asked, [Ask::Threads(general().place)]);
    let thread: Thread = serde_json::from_value(json!({
        "id": 9, "channel_id": 1, "name": "release", "creator": "bob", "archived": false,
        "created_at": "2026-01-31T12:00:00Z", "last_message_at": "2026-01-31T12:00:00Z"
    }))
    .unwrap();
    answer(&mut state, asked[0].clone(), Answer::Threads(vec![thread]));
    press(&mut state, KeyCode::Enter);
    assert_eq!(state.feed.view.unwrap().thread, Some(9));
}

#[test]
fn what_is_looked_at_counts_as_read_and_nothing_else() {
    let mut state = watching(vec![message(1, "x")]);
    let unread = vec![channel(1, "general", 3), channel(2, "agent-logs", 4)];
    let asked = answer(
        &mut state,
        Ask::Part(Part::Channels),
        Answer::Channels(unread),
    );
    assert_eq!(asked, [], "the focus is elsewhere");
    let read = asks(press(&mut state, KeyCode::Char('2')));
    assert_eq!(read, [Ask::MarkRead(1.into())]);
    assert_eq!(
        update(&mut state, Input::Tick, now(2)),
        [],
        "not at once again"
    );
}

#[test]
fn long_messages_are_walked_through_and_the_end_is_followed_again() {
    let long: String = (0..60).map(|line| format!("line {line}\n")).collect();
    let mut state = watching(vec![message(1, "a"), message(2, &long)]);
    state.focus = Pane::Messages;
    let mut seen = Vec::new();
    for _ in 0..30 {
        press(&mut state, KeyCode::Up);
        seen.push(state.feed.cursor());
    }
    assert_eq!(state.feed.cursor(), Some((0, 0)));
    let steps = seen
        .iter()
        .filter(|cursor| matches!(cursor, Some((1, _))))
        .count();
    assert!(steps > 5, "{seen:?}");
    for _ in 0..30 {
        press(&mut state, KeyCode::Down);
    }
    assert!(state.feed.at_newest());
    press(&mut state, KeyCode::PageUp);
    press(&mut state, KeyCode::PageDown);
    press(&mut state, KeyCode::End);
    assert!(state.feed.at_newest());
}

#[test]
fn claims_that_have_run_out_are_asked_for_anew() {
    let mut state = watching(vec![]);
    let until = now(20).clock.to_string();
    answer(
        &mut state,
        Ask::Part(Part::Claims),
        Answer::Claims(vec![claim(1, "src/**", &until)]),
    );
    assert_eq!(update(&mut state, Input::Tick, now(9)), []);
    let asked = asks(update(&mut state, Input::Tick, now(21)));
    assert!(asked.contains(&Ask::Part(Part::Claims)), "{asked:?}");
}

#[test]
fn a_refused_write_is_told() {
    let mut state = watching(vec![]);
    let refused = EventKind::Receipt {
        receipt: receipt("rejected"),
    };
    update(&mut state, event(refused), now(3));
    assert!(state.remark.unwrap().text.contains("you are muted"));
}

#[test]
fn q_closes_first_and_ends_then_and_ctrl_c_always_ends() {
    let mut state = watching(vec![]);
    press(&mut state, KeyCode::Char('?'));
    assert_eq!(press(&mut state, KeyCode::Char('q')), []);
    assert_eq!(press(&mut state, KeyCode::Char('q')), [Effect::Quit]);
    press(&mut state, KeyCode::Char('w'));
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    assert_eq!(
        update(&mut state, Input::Key(ctrl_c), now(2)),
        [Effect::Quit]
    );
}

fn fill(state: &mut State, messages: Vec<Message>) {
    answer(state, Ask::Page(general(), Span::Newest), page(messages));
}
