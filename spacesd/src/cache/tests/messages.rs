use spaces_api::model::{InboxReason, MessageKind};
use spaces_api::{ChannelRef, MessageRef, UserRef};

use crate::cache::fixture::*;
use crate::cache::query::note::NoteQuery;
use crate::cache::query::search::SearchQuery;
use crate::cache::{PageQuery, Resolved};
use crate::row::{Change, MessageRow, Row};

fn contents(messages: &[spaces_api::model::Message]) -> Vec<&str> {
    messages
        .iter()
        .map(|message| message.content.as_str())
        .collect()
}

#[test]
fn pages_lead_from_the_newest_back_to_the_beginning_and_forward_again() {
    let fixture = Fixture::new();
    fixture.put((1..=7).map(|id| message(id, GENERAL, BOB, &format!("m{id}"))));
    let query = PageQuery {
        channel_id: GENERAL,
        limit: 3,
        ..PageQuery::default()
    };
    let newest = fixture.cache.messages(&query).unwrap();
    assert_eq!(contents(&newest.messages), ["m5", "m6", "m7"]);
    let before = fixture
        .cache
        .messages(&PageQuery {
            before: newest.before,
            ..query.clone()
        })
        .unwrap();
    assert_eq!(contents(&before.messages), ["m2", "m3", "m4"]);
    let first = fixture
        .cache
        .messages(&PageQuery {
            before: before.before,
            ..query.clone()
        })
        .unwrap();
    assert_eq!(contents(&first.messages), ["m1"]);
    assert_eq!(first.before, None);
    let forward = fixture
        .cache
        .messages(&PageQuery {
            after: first.after,
            ..query
        })
        .unwrap();
    assert_eq!(contents(&forward.messages), ["m2", "m3", "m4"]);
    assert_eq!(forward.after, Some(4));
}

#[test]
fn filters_by_author_kind_and_thread() {
    let fixture = Fixture::new();
    let threaded = MessageRow {
        thread_id: Some(5),
        ..message_row(3, GENERAL, BOB, "threaded")
    };
    let summary = MessageRow {
        kind: MessageKind::Summary,
        ..message_row(4, GENERAL, ME, "summary")
    };
    fixture.put([
        message(1, GENERAL, BOB, "one"),
        message(2, GENERAL, CAROL, "two"),
        Row::Message(threaded),
        Row::Message(summary),
        message(5, AGENT_LOGS, BOB, "elsewhere"),
    ]);
    let query = PageQuery {
        channel_id: GENERAL,
        limit: 50,
        ..PageQuery::default()
    };
    let read = |query: PageQuery| fixture.cache.messages(&query).unwrap().messages;
    let by_bob = read(PageQuery {
        author: Some(BOB),
        ..query.clone()
    });
    assert_eq!(contents(&by_bob), ["one", "threaded"]);
    let in_thread = read(PageQuery {
        thread_id: Some(5),
        ..query.clone()
    });
    assert_eq!(contents(&in_thread), ["threaded"]);
    let summaries = read(PageQuery {
        kind: Some(MessageKind::Summary),
        ..query
    });
    assert_eq!(contents(&summaries), ["summary"]);
}

#[test]
fn names_everything_that_a_message_refers_to() {
    let fixture = Fixture::new();
    let key = uuid::Uuid::new_v4();
    fixture.put([Row::Message(MessageRow {
        agent_address: Some("@bob/codex.app.main".to_owned()),
        session_id: Some("s1".to_owned()),
        context: place("github.com/acme/app", Some("main")),
        mentions: vec![ME, CAROL],
        reactions: vec![("👍".to_owned(), vec![CAROL, ME])],
        reply_to: Some(1),
        client_key: Some(key),
        ..message_row(9, GENERAL, BOB, "hello")
    })]);
    let found = fixture.cache.message(&MessageRef::Id(9)).unwrap().unwrap();
    assert_eq!(found.channel, "#general");
    assert_eq!(found.author.username, "bob");
    assert_eq!(found.author.agent.as_deref(), Some("@bob/codex.app.main"));
    assert_eq!(found.mentions, ["alice", "carol"]);
    assert_eq!(found.reactions[0].users, ["carol", "alice"]);
    assert_eq!(found.context, place("github.com/acme/app", Some("main")));
    assert_eq!(fixture.cache.messages_of_session("s1", 5).unwrap(), [found]);
}

#[test]
fn a_key_leads_to_ones_own_message_whoever_else_uses_it() {
    let fixture = Fixture::new();
    let key = uuid::Uuid::new_v4();
    let keyed = |id, author| {
        Row::Message(MessageRow {
            client_key: Some(key),
            ..message_row(id, GENERAL, author, "x")
        })
    };
    let by_key = || {
        let reference = MessageRef::Name(key.to_string());
        let found = fixture.cache.message(&reference).unwrap();
        (
            found.and_then(|message| message.id),
            fixture.cache.message_id_of(&key).unwrap(),
        )
    };
    fixture.put([keyed(1, BOB)]);
    assert_eq!(by_key(), (None, None));
    fixture.put([keyed(2, ME)]);
    assert_eq!(by_key(), (Some(2), Some(2)));
}

#[test]
fn an_older_state_of_a_message_never_replaces_a_newer_one() {
    let fixture = Fixture::new();
    let edited = MessageRow {
        seq: 8,
        content: "edited".to_owned(),
        ..message_row(1, GENERAL, BOB, "")
    };
    fixture.put([Row::Message(edited)]);
    fixture.put([message(1, GENERAL, BOB, "first")]);
    let found = fixture.cache.message(&MessageRef::Id(1)).unwrap().unwrap();
    assert_eq!(found.content, "edited");
    assert_eq!(fixture.cache.status().messages, 1);
}

#[test]
fn search_follows_edits_and_deletions_and_takes_any_text() {
    let fixture = Fixture::new();
    fixture.put([
        message(1, GENERAL, BOB, "the deployment failed on staging"),
        message(2, AGENT_LOGS, CAROL, "deploying the café menu"),
        message(3, GENERAL, BOB, "lunch"),
    ]);
    let hits = |text: &str| -> Vec<u64> {
        let query = SearchQuery {
            text: text.to_owned(),
            limit: 10,
            ..SearchQuery::default()
        };
        let hits = fixture.cache.search(&query).unwrap();
        hits.iter().filter_map(|hit| hit.message.id).collect()
    };
    assert_eq!(hits("deploy*"), [2, 1]);
    assert_eq!(hits("deploy"), [0; 0]);
    assert_eq!(hits("\"failed on staging\""), [1]);
    assert_eq!(hits("staging failed"), [1]);
    assert_eq!(hits("cafe"), [2]);
    for text in ["\"", "AND", "a NEAR b", "x:y", "(", "*", "'; --", "\0", "-"] {
        hits(text);
    }

    fixture.put([Row::Message(MessageRow {
        seq: 10,
        ..message_row(1, GENERAL, BOB, "all is well")
    })]);
    assert_eq!(hits("staging"), [0; 0]);
    assert_eq!(hits("well"), [1]);
    fixture.put([Row::Message(MessageRow {
        seq: 11,
        deleted: true,
        ..message_row(1, GENERAL, BOB, "")
    })]);
    assert_eq!(hits("well"), [0; 0]);

    let filtered = SearchQuery {
        text: "the".to_owned(),
        channel_id: Some(AGENT_LOGS),
        author: Some(CAROL),
        since: Some(at(2)),
        limit: 10,
        ..SearchQuery::default()
    };
    let found = fixture.cache.search(&filtered).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].snippet, "deploying [the] café menu");
    let later = SearchQuery {
        since: Some(at(3)),
        ..filtered
    };
    assert!(fixture.cache.search(&later).unwrap().is_empty());
}

#[test]
fn unread_is_what_others_wrote_since_the_read_mark() {
    let fixture = Fixture::new();
    let unread = || {
        fixture
            .cache
            .channel(GENERAL)
            .unwrap()
            .unwrap()
            .channel
            .unread
    };
    fixture.put((1..=4).map(|id| message(id, GENERAL, BOB, "x")));
    fixture.put([message(5, GENERAL, ME, "mine")]);
    assert_eq!(unread(), 4);
    fixture.cache.mark_read(GENERAL, 2).blocking_recv().unwrap();
    assert_eq!(unread(), 2);
    // Back is not possible; a reaction to an old message does not make it new.
    fixture.cache.mark_read(GENERAL, 1).blocking_recv().unwrap();
    fixture.put([Row::Message(MessageRow {
        seq: 6,
        reactions: vec![("👍".to_owned(), vec![CAROL])],
        ..message_row(1, GENERAL, BOB, "x")
    })]);
    assert_eq!(unread(), 2);
    fixture.put([Row::Message(MessageRow {
        seq: 7,
        deleted: true,
        ..message_row(4, GENERAL, BOB, "")
    })]);
    assert_eq!(unread(), 1);
    fixture.put([Row::ReadMarker(crate::row::ReadMarkerRow {
        channel_id: GENERAL,
        last_seq: 7,
    })]);
    assert_eq!(unread(), 0);
    assert!(fixture.cache.unread().unwrap().is_empty());
    fixture.put([message(8, GENERAL, BOB, "new")]);
    assert_eq!(fixture.cache.unread().unwrap()[0].unread, 1);
}

#[test]
fn a_delivery_fills_the_inbox_once_and_an_acknowledged_one_stays_read() {
    let fixture = Fixture::new();
    let dm = MessageRow {
        private: true,
        ..message_row(1, DM_WITH_BOB, BOB, "psst")
    };
    let edited = MessageRow {
        seq: 5,
        content: "psst!".to_owned(),
        ..dm.clone()
    };
    let mine = MessageRow {
        private: true,
        ..message_row(2, DM_WITH_BOB, ME, "yes?")
    };
    fixture.put([
        delivery(100, InboxReason::Dm, Some(dm)),
        delivery(101, InboxReason::Dm, Some(edited)),
        delivery(102, InboxReason::Dm, Some(mine)),
        delivery(103, InboxReason::Gap, None),
    ]);
    let items = fixture.cache.inbox(false, None, 10).unwrap();
    assert_eq!(
        items.iter().map(|item| item.id).collect::<Vec<_>>(),
        [103, 100]
    );
    assert_eq!(items[1].message.as_ref().unwrap().content, "psst!");
    assert_eq!(items[1].message.as_ref().unwrap().channel, "@bob");
    assert_eq!(
        fixture.cache.ack_inbox(vec![100]).blocking_recv().unwrap(),
        1
    );
    assert_eq!(
        fixture.cache.ack_inbox(vec![100]).blocking_recv().unwrap(),
        0
    );
    assert_eq!(fixture.cache.inbox_unread().unwrap(), 1);
    assert_eq!(fixture.cache.ack_inbox(vec![]).blocking_recv().unwrap(), 1);
    assert_eq!(fixture.cache.inbox(true, None, 10).unwrap().len(), 2);

    let conversations = fixture.cache.conversations().unwrap();
    assert_eq!(conversations.len(), 1);
    assert_eq!(conversations[0].with.username, "bob");
    assert_eq!(conversations[0].last.as_ref().unwrap().content, "yes?");
    assert_eq!(fixture.cache.dm_channel(&BOB).unwrap(), Some(DM_WITH_BOB));
}

#[test]
fn notes_are_for_a_branch_or_for_its_whole_repository() {
    let fixture = Fixture::new();
    let note = |id, context| {
        Row::Message(MessageRow {
            kind: MessageKind::Note,
            context,
            ..message_row(id, AGENT_LOGS, BOB, &format!("n{id}"))
        })
    };
    fixture.put([
        note(1, place("r", Some("main"))),
        note(2, place("r", None)),
        note(3, place("r", Some("other"))),
        note(4, place("elsewhere", Some("main"))),
    ]);
    let ids = |place, done_too| -> Vec<u64> {
        let query = NoteQuery {
            place,
            done_too,
            limit: 10,
        };
        let notes = fixture.cache.notes(&query).unwrap();
        notes.iter().filter_map(|note| note.message.id).collect()
    };
    assert_eq!(ids(place("r", Some("main")), false), [2, 1]);
    assert_eq!(ids(place("r", Some("unknown")), false), [2]);
    assert_eq!(ids(place("r", None), false), [3, 2, 1]);
    assert_eq!(ids(Default::default(), false), [4, 3, 2, 1]);
    fixture.put([Row::Message(MessageRow {
        seq: 9,
        kind: MessageKind::Note,
        context: place("r", Some("main")),
        note_done: Some((CAROL, at(60))),
        ..message_row(1, AGENT_LOGS, BOB, "n1")
    })]);
    assert_eq!(ids(place("r", Some("main")), false), [2]);
    assert_eq!(ids(place("r", Some("main")), true), [2, 1]);
    let done = fixture.cache.note(1).unwrap().unwrap();
    assert_eq!(done.done_by.as_deref(), Some("carol"));
}

#[test]
fn names_are_resolved_or_the_nearest_are_offered() {
    let fixture = Fixture::new();
    let cache = &fixture.cache;
    let channel = |name: &str| {
        cache
            .resolve_channel(&ChannelRef::from(name), None)
            .unwrap()
    };
    let id_of = |name: &str| channel(name).one().map(|facts| facts.channel.id);
    assert_eq!(id_of("#general"), Some(GENERAL));
    assert_eq!(id_of("General"), Some(GENERAL));
    assert_eq!(id_of("spaces hub/#general"), Some(GENERAL));
    assert_eq!(id_of("11"), Some(AGENT_LOGS));
    assert_eq!(id_of("@bob"), Some(DM_WITH_BOB));
    assert_eq!(
        channel("genral"),
        Resolved::Unknown(vec!["#general".to_owned()])
    );
    fixture.put([Row::Channel(crate::row::ChannelRow {
        server_id: 2,
        ..channel_row(30, "general", spaces_api::model::ChannelType::Text)
    })]);
    assert!(matches!(channel("general"), Resolved::Ambiguous(names) if names.len() == 2));
    let preferred = cache
        .resolve_channel(&ChannelRef::from("general"), Some(SERVER))
        .unwrap();
    assert_eq!(preferred.one().unwrap().channel.id, GENERAL);

    let user = |name: &str| cache.resolve_user(&UserRef::from(name)).unwrap();
    assert_eq!(user("@bob").one().unwrap().0, BOB);
    assert_eq!(user("@bob/codex.app.main").one().unwrap().0, BOB);
    assert_eq!(user(&BOB.to_string()).one().unwrap().1.username, "bob");
    assert_eq!(user("carrol"), Resolved::Unknown(vec!["@carol".to_owned()]));
    let agent = cache.resolve_agent(&"claude.app.main".into()).unwrap();
    assert_eq!(agent.one().unwrap().id, 1);
    let server = cache.resolve_server(&"spaces hub".into()).unwrap();
    assert_eq!(server.one().unwrap().members, 2);
}

#[test]
fn a_channel_that_goes_takes_its_messages_along_at_once() {
    let fixture = Fixture::new();
    fixture.put([
        message(1, GENERAL, BOB, "secret plan"),
        message(2, AGENT_LOGS, BOB, "open plan"),
    ]);
    fixture.apply(crate::row::Batch {
        changes: vec![Change::Gone(channel(
            GENERAL,
            "general",
            spaces_api::model::ChannelType::Text,
        ))],
        ..Default::default()
    });
    let query = SearchQuery {
        text: "plan".to_owned(),
        limit: 10,
        ..SearchQuery::default()
    };
    assert_eq!(fixture.cache.search(&query).unwrap().len(), 1);
    assert_eq!(fixture.cache.message(&MessageRef::Id(1)).unwrap(), None);
    let page = PageQuery {
        channel_id: GENERAL,
        limit: 10,
        ..PageQuery::default()
    };
    assert!(fixture.cache.messages(&page).unwrap().messages.is_empty());
}
