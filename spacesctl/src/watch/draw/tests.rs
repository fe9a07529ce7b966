use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::style::Modifier;
use spaces_client::spaces_api::methods::message::Page;
use spaces_client::spaces_api::model::{Message, Older, Reaction, SearchHit};

use super::{draw, message_lines, scroll_end};
use crate::watch::asks::{Answer, Ask};
use crate::watch::chooser::Chooser;
use crate::watch::feed::Span;
use crate::watch::place::{Place, View};
use crate::watch::refresh::Part;
use crate::watch::samples::{channel, claim, message, meta, now, session, state, status};
use crate::watch::state::{Item, Link, Mode, Pane, State};
use crate::watch::update::{Input, open, update};

/// The screen as text, a line a row.
fn screen(state: &State) -> String {
    let (columns, rows) = state.size;
    let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
    terminal.draw(|frame| draw(frame, state)).unwrap();
    let buffer = terminal.backend().buffer();
    let row = |y| -> String {
        (0..columns)
            .map(|x| buffer.cell((x, y)).unwrap().symbol())
            .collect::<String>()
    };
    (0..rows)
        .map(|y| row(y).trim_end().to_owned() + "\n")
        .collect()
}

fn answer(state: &mut State, part: Part, answer: Answer) {
    update(state, Input::Answered(Ask::Part(part), Ok(answer)), now(0));
}

fn fill(state: &mut State, messages: Vec<Message>) {
    let view = state.feed.view.clone().unwrap();
    let page = Page {
        messages,
        before: None,
        older: Some(Older::None),
        after: None,
        meta: meta(),
    };
    update(
        state,
        Input::Answered(Ask::Page(view, Span::Newest), Ok(Answer::Page(page))),
        now(0),
    );
}

/// A view with a bit of everything.
fn busy(columns: u16, rows: u16) -> State {
    let mut state = state();
    state.size = (columns, rows);
    answer(
        &mut state,
        Part::Status,
        Answer::Status(Box::new(status("live", 2))),
    );
    let channels = vec![channel(1, "general", 0), channel(2, "agent-logs", 17)];
    answer(&mut state, Part::Channels, Answer::Channels(channels));
    answer(
        &mut state,
        Part::Sessions,
        Answer::Sessions(vec![session("s", "fix the parser")]),
    );
    answer(
        &mut state,
        Part::Claims,
        Answer::Claims(vec![claim(1, "src/**", "2026-01-31T13:00:00Z")]),
    );
    fill(
        &mut state,
        vec![message(1, "first"), message(2, "second line\nand a third")],
    );
    state
}

#[test]
fn at_80x24_everything_is_there() {
    let shown = screen(&busy(80, 24));
    for part in [
        "Spaces",
        "\u{25cf} live",
        "outbox 2 queued",
        "@alice",
        "Spaces Hub",
        "#general",
        "#agent-logs",
        "17",
        "@bob now",
        "first",
        "  and a third",
        "@bob/claude.app.main",
        "active",
        "acme/app main",
        "fix the parser",
        "src/**",
        "exclusive in 1h",
        "Tab pane",
        "? help",
        "q quit",
    ] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
}

#[test]
fn every_size_from_the_least_on_can_be_drawn_in_every_mode() {
    let modes: [fn() -> Mode; 6] = [
        || Mode::Browsing,
        || Mode::Writing,
        || Mode::Searching(Box::new(crate::watch::state::editor())),
        || Mode::Help { scroll: 0 },
        || Mode::Hits {
            query: "x".into(),
            hits: Some(Chooser::new(vec![SearchHit {
                message: message(1, "x"),
                snippet: "[x]".into(),
            }])),
        },
        || Mode::Reading {
            item: Item::Message(Box::new(message(1, "x"))),
            scroll: 0,
        },
    ];
    for columns in (1..140).step_by(7) {
        for rows in 1..40 {
            let mut state = busy(columns, rows);
            for mode in modes {
                state.mode = mode();
                let shown = screen(&state);
                if columns >= 60 && rows >= 16 {
                    assert!(shown.contains("live"), "{columns}x{rows}\n{shown}");
                }
            }
        }
    }
}

#[test]
fn a_small_terminal_is_told_what_is_needed() {
    let shown = screen(&busy(59, 24));
    assert!(
        shown.contains("59x24") && shown.contains("60x16"),
        "{shown}"
    );
    assert!(!shown.contains("#general"), "{shown}");
}

#[test]
fn nothing_that_peers_wrote_drives_the_terminal() {
    let hostile = "a\u{1b}[2J\u{1b}]0;owned\u{7}\u{9b}31m\u{202e}\u{8}\r\nb";
    let mut state = busy(160, 50);
    let mut by_peer = Message {
        reactions: vec![Reaction {
            emoji: hostile.into(),
            users: vec![hostile.into()],
        }],
        ..message(9, hostile)
    };
    by_peer.author.username = hostile.into();
    by_peer.author.agent = Some(hostile.into());
    by_peer.context.repo = Some(hostile.into());
    by_peer.context.branch = Some(hostile.into());
    by_peer.context.paths = vec![hostile.into()];
    let mut their_session = session("t", hostile);
    their_session.agent = hostile.into();
    their_session.context.branch = Some(hostile.into());
    their_session.tool = hostile.into();
    let mut their_claim = claim(2, hostile, "2026-01-31T13:00:00Z");
    their_claim.agent = hostile.into();
    their_claim.reason = Some(hostile.into());
    their_claim.repo = hostile.into();
    let mut their_channel = channel(1, hostile, 1);
    their_channel.topic = Some(hostile.into());
    their_channel.server = hostile.into();
    let mut their_status = status("offline", 1);
    their_status.warnings = vec![hostile.into()];
    their_status.outbox.fault = Some(hostile.into());
    their_status.hub.username = Some(hostile.into());
    their_status.hub.uri = Some(hostile.into());
    answer(
        &mut state,
        Part::Status,
        Answer::Status(Box::new(their_status)),
    );
    answer(
        &mut state,
        Part::Channels,
        Answer::Channels(vec![their_channel]),
    );
    answer(
        &mut state,
        Part::Sessions,
        Answer::Sessions(vec![their_session.clone()]),
    );
    answer(
        &mut state,
        Part::Claims,
        Answer::Claims(vec![their_claim.clone()]),
    );
    fill(&mut state, vec![by_peer.clone()]);
    let place = Place::Channel {
        id: 1,
        label: hostile.into(),
    };
    let modes = [
        Mode::Browsing,
        Mode::Hits {
            query: hostile.into(),
            hits: Some(Chooser::new(vec![SearchHit {
                message: by_peer.clone(),
                snippet: hostile.into(),
            }])),
        },
        Mode::Threads {
            place,
            threads: None,
        },
        Mode::Reading {
            item: Item::Message(Box::new(by_peer)),
            scroll: 0,
        },
        Mode::Reading {
            item: Item::Session(Box::new(their_session)),
            scroll: 0,
        },
        Mode::Reading {
            item: Item::Claim(Box::new(their_claim)),
            scroll: 0,
        },
    ];
    for mode in modes {
        state.mode = mode;
        for link in [
            Link::Following,
            Link::Away {
                since: now(0).clock,
                why: hostile.into(),
            },
        ] {
            state.link = link;
            state.complain(hostile);
            let shown = screen(&state);
            let harmless = shown
                .chars()
                .all(|character| character == '\n' || !character.is_control());
            assert!(harmless && !shown.contains('\u{202e}'), "{shown:?}");
            assert!(
                !shown.contains("owned") && !shown.contains("[2J"),
                "{shown}"
            );
        }
    }
}

#[test]
fn a_daemon_that_is_away_or_hangs_is_told_of() {
    let mut state = busy(80, 24);
    update(&mut state, Input::Gone("it was closed".into()), now(1));
    state.now = now(8);
    let shown = screen(&state);
    assert!(shown.contains("spacesd is away for 7s"), "{shown}");
    assert!(shown.contains("first"), "what was known stays: {shown}");
    state.link = Link::Silent {
        since: now(0).clock,
    };
    assert!(screen(&state).contains("does not answer for 8s"));
}

#[test]
fn the_hub_is_told_as_it_is() {
    let mut state = busy(80, 24);
    let offline = status("offline", 0);
    answer(&mut state, Part::Status, Answer::Status(Box::new(offline)));
    state.now = now(125);
    let shown = screen(&state);
    assert!(shown.contains("offline for 2m"), "{shown}");
    assert!(shown.contains("outbox empty"), "{shown}");
}

#[test]
fn the_newest_is_seen_and_the_chosen_stays_in_view() {
    let mut state = busy(80, 24);
    let many = (1..=200)
        .map(|id| message(id, &format!("text {id}.")))
        .collect();
    fill(&mut state, many);
    assert!(screen(&state).contains("text 200."));
    for index in [0, 57, 100, 199] {
        state.feed.go_to(index, 0);
        let shown = screen(&state);
        assert!(
            shown.contains(&format!("text {}.", index + 1)),
            "{index}:\n{shown}"
        );
    }
    state.feed.go_to(0, 0);
    assert!(screen(&state).contains("\u{2014} the beginning \u{2014}"));
}

#[test]
fn a_message_that_does_not_fit_can_be_read_line_by_line() {
    let mut state = busy(80, 24);
    let long: String = (0..60).map(|line| format!("line {line}.\n")).collect();
    let tall = message(5, &long);
    assert_eq!(message_lines(&tall, 50), 61);
    fill(&mut state, vec![message(1, "before"), tall]);
    assert!(screen(&state).contains("line 59."), "its end is the newest");
    state.feed.go_to(1, 20);
    let shown = screen(&state);
    assert!(
        shown.contains("line 19.") && !shown.contains("line 18."),
        "{shown}"
    );
}

#[test]
fn what_is_pending_deleted_or_edited_says_so() {
    let mut state = busy(100, 30);
    let mut waiting = message(0, "mine");
    waiting.id = None;
    waiting.pending = true;
    let mut deleted = message(3, "");
    deleted.deleted = true;
    let mut edited = message(4, "better");
    edited.edited_at = Some(now(0).clock);
    edited.thread_id = Some(12);
    fill(&mut state, vec![deleted, edited, waiting]);
    let shown = screen(&state);
    for part in ["pending", "(deleted)", "edited", "thread 12"] {
        assert!(shown.contains(part), "{part} is missing in\n{shown}");
    }
}

#[test]
fn the_focus_is_told_by_more_than_a_colour() {
    let mut state = busy(80, 24);
    for pane in Pane::ALL {
        state.focus = pane;
        let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
        terminal.draw(|frame| draw(frame, &state)).unwrap();
        let buffer = terminal.backend().buffer();
        let reversed: String = buffer
            .content()
            .iter()
            .filter(|cell| cell.modifier.contains(Modifier::REVERSED))
            .map(|cell| cell.symbol())
            .collect();
        let title = format!(" {} ", pane as usize + 1);
        assert!(reversed.contains(&title), "{pane:?}: {reversed}");
    }
}

#[test]
fn help_lists_every_key_and_scrolls_to_its_end() {
    let mut state = busy(80, 24);
    state.mode = Mode::Help { scroll: 0 };
    assert!(screen(&state).contains("more below"));
    let mut all = screen(&state);
    state.mode = Mode::Help {
        scroll: scroll_end(&state),
    };
    let end = screen(&state);
    assert!(!end.contains("more below"), "{end}");
    all.push_str(&end);
    for binding in crate::watch::keys::BINDINGS {
        assert!(all.contains(binding.help), "{} is missing", binding.help);
    }
}

#[test]
fn a_thread_is_named_in_the_title() {
    let mut state = busy(80, 24);
    let view = View {
        thread: Some(12),
        ..View::whole(Place::of(&message(1, "")))
    };
    open(&mut state, view, None);
    assert!(screen(&state).contains("#general \u{203a} thread 12"));
}
