use spaces_api::model::{ClaimState, Context, MessageKind, SessionState};
use uuid::Uuid;

use crate::cache::PageQuery;
use crate::cache::fixture::*;
use crate::cache::overlay::PendingWrite;
use crate::cache::query::claim::ClaimQuery;
use crate::cache::query::note::NoteQuery;
use crate::cache::query::session::SessionQuery;
use crate::operation::{Call, Operation};
use crate::row::{MessageRow, Row};

fn waiting(calls: &[Call]) -> Vec<PendingWrite<'_>> {
    calls
        .iter()
        .zip(1000..)
        .map(|(call, seconds)| PendingWrite {
            call,
            queued_at: at(seconds),
        })
        .collect()
}

fn send(number: u128, channel_id: u64, content: &str) -> Call {
    call(
        number,
        Operation::SendMessage {
            channel_id,
            thread_id: None,
            reply_to: None,
            kind: MessageKind::Text,
            content: content.to_owned(),
            context: Context::default(),
        },
    )
}

fn start(number: u128, id: &str, context: Context) -> Call {
    call(
        number,
        Operation::StartSession {
            id: id.to_owned(),
            agent: "claude.app.main".to_owned(),
            tool: "claude-code".to_owned(),
            task: Some("fix".to_owned()),
            context,
        },
    )
}

#[test]
fn a_waiting_message_shows_until_the_hub_has_shown_it() {
    let fixture = Fixture::new();
    fixture.put([message(1, GENERAL, BOB, "hello")]);
    let calls = [
        start(1, "mine", Context::default()),
        send(2, GENERAL, "mine"),
        send(3, AGENT_LOGS, "other"),
    ];
    let pending = waiting(&calls);
    let query = PageQuery {
        channel_id: GENERAL,
        limit: 10,
        ..PageQuery::default()
    };
    let read = |query: &PageQuery| {
        let mut page = fixture.cache.messages(query).unwrap();
        let overlay = fixture.cache.overlay(&pending).unwrap();
        overlay.page(&mut page, query).unwrap();
        page
    };
    let page = read(&query);
    let shown = &page.messages[1];
    assert!(shown.pending && shown.id.is_none());
    assert_eq!(shown.content, "mine");
    assert_eq!(shown.channel, "#general");
    assert_eq!(shown.author.username, "alice");
    assert_eq!(
        shown.author.agent.as_deref(),
        Some("@alice/claude.app.main")
    );
    // A page never exceeds its limit; what it loses at the front is before it.
    let one = PageQuery {
        limit: 1,
        ..query.clone()
    };
    assert_eq!(read(&one).messages.len(), 1);
    let older = PageQuery {
        before: Some(5),
        ..query.clone()
    };
    assert_eq!(read(&older).messages.len(), 1);

    fixture.put([Row::Message(MessageRow {
        client_key: Some(Uuid::from_u128(2)),
        ..message_row(2, GENERAL, ME, "mine")
    })]);
    let page = read(&query);
    assert_eq!(page.messages.len(), 2);
    assert!(!page.messages[1].pending);
}

#[test]
fn the_newest_that_wait_are_given_and_no_others() {
    let fixture = Fixture::new();
    fixture.put([Row::Message(MessageRow {
        client_key: Some(Uuid::from_u128(4)),
        ..message_row(2, GENERAL, ME, "arrived")
    })]);
    let calls = [
        send(1, GENERAL, "first"),
        send(2, GENERAL, "second"),
        call(3, Operation::DeleteMessage { message_id: 2 }),
        send(4, GENERAL, "arrived"),
        send(5, AGENT_LOGS, "third"),
    ];
    let pending = waiting(&calls);
    let overlay = fixture.cache.overlay(&pending).unwrap();
    let newest = |limit| -> Vec<String> {
        let found = overlay.newest_messages(limit).unwrap();
        found.into_iter().map(|message| message.content).collect()
    };
    assert_eq!(newest(2), ["third", "second"]);
    assert_eq!(newest(9), ["third", "second", "first"]);
}

#[test]
fn waiting_changes_of_messages_show_in_them() {
    let fixture = Fixture::new();
    fixture.put((1..=3).map(|id| message(id, GENERAL, ME, "text")));
    let calls = [
        call(
            1,
            Operation::EditMessage {
                message_id: 1,
                content: "edited".to_owned(),
            },
        ),
        call(2, Operation::DeleteMessage { message_id: 2 }),
        call(
            3,
            Operation::AddReaction {
                message_id: 3,
                emoji: "👍".to_owned(),
            },
        ),
    ];
    let pending = waiting(&calls);
    let query = PageQuery {
        channel_id: GENERAL,
        limit: 10,
        ..PageQuery::default()
    };
    let mut page = fixture.cache.messages(&query).unwrap();
    let overlay = fixture.cache.overlay(&pending).unwrap();
    overlay.page(&mut page, &query).unwrap();
    assert_eq!(page.messages[0].content, "edited");
    assert!(page.messages[1].deleted && page.messages[1].content.is_empty());
    assert_eq!(page.messages[2].reactions[0].users, ["alice"]);
    assert!(page.messages.iter().all(|message| message.pending));
}

#[test]
fn a_first_direct_message_shows_before_its_conversation_exists() {
    let fixture = Fixture::new();
    let dm = |number, recipient, content: &str| {
        call(
            number,
            Operation::SendDirectMessage {
                recipient,
                reply_to: None,
                content: content.to_owned(),
                context: Context::default(),
            },
        )
    };
    let calls = [dm(1, CAROL, "to carol"), dm(2, BOB, "to bob")];
    let pending = waiting(&calls);
    let overlay = fixture.cache.overlay(&pending).unwrap();
    let mut page = Default::default();
    overlay.dm_page(&mut page, &CAROL, 10).unwrap();
    assert_eq!(page.messages.len(), 1);
    assert_eq!(page.messages[0].channel, "@carol");
    let mut conversations = fixture.cache.conversations().unwrap();
    overlay.conversations(&mut conversations).unwrap();
    assert_eq!(conversations[0].last.as_ref().unwrap().content, "to bob");
}

#[test]
fn waiting_sessions_are_shown_as_they_will_be() {
    let fixture = Fixture::new();
    fixture.put([
        Row::Session(session_row("old", ME, place("r", Some("main")))),
        Row::Session(session_row("theirs", BOB, place("r", Some("main")))),
    ]);
    let calls = [
        start(1, "new", place("r", Some("topic"))),
        call(
            2,
            Operation::UpdateSession {
                id: "new".to_owned(),
                task: Some("test".to_owned()),
                state: Some(SessionState::Blocked),
                paths: Some(vec!["src/a.rs".to_owned()]),
                branch: None,
                commit: None,
            },
        ),
        call(
            3,
            Operation::EndSession {
                id: "old".to_owned(),
            },
        ),
    ];
    let pending = waiting(&calls);
    let overlay = fixture.cache.overlay(&pending).unwrap();
    let query = SessionQuery {
        repo: Some("r".to_owned()),
        limit: 10,
        ..SessionQuery::default()
    };
    let mut sessions = fixture.cache.sessions(&query).unwrap();
    overlay.sessions(&mut sessions, &query).unwrap();
    let ids: Vec<_> = sessions.iter().map(|session| session.id.as_str()).collect();
    assert_eq!(ids, ["new", "theirs"]);
    assert!(sessions[0].pending && !sessions[1].pending);
    assert_eq!(sessions[0].agent, "@alice/claude.app.main");
    assert_eq!(sessions[0].state, SessionState::Blocked);
    assert_eq!(sessions[0].context.branch.as_deref(), Some("topic"));
    assert_eq!(sessions[0].context.paths, ["src/a.rs"]);
    let ended = overlay.session("old").unwrap().unwrap();
    assert_eq!(ended.state, SessionState::Ended);
}

#[test]
fn a_claim_is_provisional_until_the_hub_has_shown_it() {
    let fixture = Fixture::new();
    fixture.put([Row::Claim(claim_row(7, "theirs", "r", &["docs/**"]))]);
    let calls = [
        call(
            1,
            Operation::AcquireClaim {
                session_id: "mine".to_owned(),
                repo: "r".to_owned(),
                patterns: vec!["src/**".to_owned()],
                task: None,
                exclusive: true,
                reason: None,
                ttl_secs: 600,
            },
        ),
        call(2, Operation::ReleaseClaim { claim_id: 7 }),
    ];
    let pending = waiting(&calls);
    let query = ClaimQuery {
        repo: Some("r".to_owned()),
        limit: 10,
        ..ClaimQuery::default()
    };
    let read = |now| {
        let mut claims = fixture.cache.claims(&query, now).unwrap();
        let overlay = fixture.cache.overlay(&pending).unwrap();
        overlay.claims(&mut claims, &query, now).unwrap();
        claims
    };
    let claims = read(at(1001));
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].state, ClaimState::Provisional);
    assert_eq!(claims[0].expires_at, at(1600));
    assert!(read(at(1600)).is_empty());
    fixture.put([Row::Claim(claim_row(8, "mine", "r", &["src/**"]))]);
    let claims = read(at(1001));
    assert_eq!(claims.len(), 1);
    assert_eq!(claims[0].state, ClaimState::Held);
}

#[test]
fn waiting_notes_show_and_those_marked_as_done_do_not() {
    let fixture = Fixture::new();
    let note = |id, branch| {
        Row::Message(MessageRow {
            kind: MessageKind::Note,
            context: place("r", Some(branch)),
            channel_id: 0,
            ..message_row(id, 0, BOB, "note")
        })
    };
    fixture.put([note(1, "main"), note(2, "main")]);
    let leave = |number, branch| {
        call(
            number,
            Operation::LeaveNote {
                channel_id: GENERAL,
                content: "waiting".to_owned(),
                context: place("r", branch),
            },
        )
    };
    let calls = [
        leave(1, Some("main")),
        leave(2, Some("other")),
        leave(3, None),
        call(4, Operation::ResolveNote { message_id: 2 }),
    ];
    let pending = waiting(&calls);
    let overlay = fixture.cache.overlay(&pending).unwrap();
    let query = NoteQuery {
        place: place("r", Some("main")),
        done_too: false,
        limit: 10,
    };
    let mut notes = fixture.cache.notes(&query).unwrap();
    overlay.notes(&mut notes, &query).unwrap();
    let keys: Vec<_> = notes
        .iter()
        .map(|note| (note.message.id, note.message.client_key))
        .collect();
    let waiting = |number| (None, Some(Uuid::from_u128(number)));
    assert_eq!(keys, [waiting(3), waiting(1), (Some(1), None)]);

    // As those that the hub has: not among the messages of a channel.
    let channel = PageQuery {
        channel_id: GENERAL,
        limit: 10,
        ..PageQuery::default()
    };
    let mut page = fixture.cache.messages(&channel).unwrap();
    overlay.page(&mut page, &channel).unwrap();
    assert_eq!(page.messages, []);
}
