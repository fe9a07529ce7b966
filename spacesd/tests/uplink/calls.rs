//! Calls, and what comes back as rows.

use std::fs;
use std::time::Instant;

use spaces_api::HubState;
use spaces_api::model::{Context, MessageKind};
use spaces_tests::{Hub, PATIENCE};
use spacesd::operation::{Operation, Outcome};
use spacesd::row::{Change, PageEnd, Row, Table};
use spacesd::uplink::{CallError, Sink};
use tokio::time::timeout;
use uuid::Uuid;

use super::rig::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_of_a_new_hub_is_let_in_posts_and_reads() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    let status = client.live().await;
    let me = status.identity.unwrap();
    assert_eq!(status.schema_version, Some(spaces_bindings::SCHEMA_VERSION));

    let snapshot = client.memory.kept.lock().unwrap().batches[0]
        .snapshot_of
        .clone();
    assert!(snapshot.contains(&Table::Channel) && snapshot.contains(&Table::Member));
    let owner = |change: &Change| matches!(change, Change::Put(Row::Member(member)) if member.identity == me && member.role == spaces_api::model::Role::Owner);
    assert!(
        client.memory.changes().iter().any(owner),
        "redeeming made us the owner"
    );

    let post = client.post("hello");
    assert_eq!(
        client.uplink.call(post.clone(), None).await,
        Outcome::Committed
    );
    client.received("hello").await;
    assert_eq!(
        client.uplink.call(post.clone(), None).await,
        Outcome::Committed,
        "the same key again"
    );
    let mut messages = client.memory.messages();
    messages.sort_by_key(|message| message.seq);
    let message = messages.pop().unwrap();
    assert_eq!(
        (message.author, message.client_key),
        (me, Some(post.client_key))
    );
    assert_eq!(client.memory.contents(), ["hello"]);
    assert_eq!(client.memory.last_seq(), message.seq);

    client
        .until("a heartbeat", |status| status.round_trip.is_some())
        .await;
    client.uplink.shutdown().await;
    assert_eq!(client.uplink.status().borrow().state, HubState::Offline);
    assert_eq!(client.uplink.call(post, None).await, Outcome::Unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_keeps_the_module_s_words() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    let mut post = client.post("nowhere");
    if let Operation::SendMessage { channel_id, .. } = &mut post.operation {
        *channel_id = 999_999;
    }
    let Outcome::Refused(refusal) = client.uplink.call(post, None).await else {
        panic!("there is no such channel");
    };
    assert_eq!(refusal.kind, "not_found");
    assert!(refusal.message.contains("999999"), "{}", refusal.message);
    let Outcome::Refused(refusal) = client.uplink.call(client.post(""), None).await else {
        panic!("an empty message");
    };
    assert_eq!(refusal.kind, "invalid");
    assert_eq!(
        client.until("still live", |_| true).await.state,
        HubState::Live
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_arrive_in_the_order_in_which_they_were_made() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    let wanted: Vec<_> = (0..100).map(|number| format!("message {number}")).collect();
    // Made in order, awaited in the opposite one.
    let calls: Vec<_> = wanted
        .iter()
        .map(|text| client.uplink.call(client.post(text), None))
        .collect();
    for call in calls.into_iter().rev() {
        assert_eq!(call.await, Outcome::Committed);
    }
    client.received("message 99").await;
    assert_eq!(client.memory.contents(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_direct_message_is_delivered_acknowledged_and_its_past_readable() {
    let hub = Hub::start();
    let alice = Client::start(hub.uri(), Some(&hub.owner_invite()));
    alice.live().await;
    let bob = invited(&hub, &alice).await;
    let to_bob = bob.live().await.identity.unwrap();
    for number in 0..5 {
        let operation = Operation::SendDirectMessage {
            recipient: to_bob,
            reply_to: None,
            content: format!("secret {number}"),
            context: Context::default(),
        };
        assert_eq!(
            alice.uplink.call(call(operation), None).await,
            Outcome::Committed
        );
    }
    let mut changed = bob.memory.changed.subscribe();
    let all_here = changed.wait_for(|_| deliveries(&bob).len() == 5);
    timeout(PATIENCE, all_here)
        .await
        .expect("five deliveries")
        .unwrap();
    let (reason, content) = deliveries(&bob).swap_remove(4);
    assert_eq!(
        (reason, content.as_str()),
        (spaces_api::model::InboxReason::Dm, "secret 4")
    );

    let dm = |change| match change {
        Change::Put(Row::Channel(row)) if !row.dm_between.is_empty() => Some(row),
        _ => None,
    };
    let channel = bob.memory.changes().into_iter().find_map(dm).unwrap();
    assert!(channel.dm_between.contains(&to_bob));
    let whole = bob.uplink.history(channel.id, PageEnd::Newest, 100);
    let whole = whole.await.unwrap();
    assert!(!whole.more);
    let whole = whole.messages;
    let words: Vec<_> = whole
        .iter()
        .map(|message| message.content.as_str())
        .collect();
    assert_eq!(
        words,
        ["secret 0", "secret 1", "secret 2", "secret 3", "secret 4"]
    );
    assert!(whole.iter().all(|message| message.private));
    let older = async |end| bob.uplink.history(channel.id, end, 2).await.unwrap();
    // Looked for by halving, and told by its place: the same page.
    for end in [
        PageEnd::BeforeId(whole[3].id),
        PageEnd::BeforeOrdinal(whole[3].ordinal),
    ] {
        let page = older(end).await;
        assert_eq!((page.messages.as_slice(), page.more), (&whole[1..3], true));
    }
    bob.uplink
        .read_down_to(channel.id, whole[1].id, whole[1].ordinal);
    let first = older(PageEnd::BeforeId(whole[1].id)).await;
    assert_eq!(
        (first.messages.as_slice(), first.more),
        (&whole[..1], false)
    );
    let none = older(PageEnd::BeforeId(whole[0].id)).await;
    assert_eq!((none.messages.as_slice(), none.more), (&[][..], false));
    let carol = invited(&hub, &alice).await;
    let refused = carol.uplink.history(channel.id, PageEnd::Newest, 100);
    let refused = refused.await.unwrap_err();
    assert!(matches!(refused, CallError::Refused(_)), "{refused:?}");

    // What was acknowledged is not delivered again.
    let token = fs::read_to_string(bob.token_file()).unwrap();
    let deadline = Instant::now() + PATIENCE;
    loop {
        let again = Client::with(hub.uri(), None, "spaces", Some(&token));
        again.live().await;
        if deliveries(&again).is_empty() {
            break;
        }
        assert!(Instant::now() < deadline, "never acknowledged");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_claims_and_notes_come_back_as_rows() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    let session = Uuid::new_v4().to_string();
    let context = Context {
        repo: Some("example.org/app".to_owned()),
        ..Context::default()
    };
    let operations = [
        Operation::StartSession {
            id: session.clone(),
            agent: "claude.app".to_owned(),
            tool: "claude-code".to_owned(),
            task: None,
            context: context.clone(),
        },
        Operation::AcquireClaim {
            session_id: session.clone(),
            repo: "example.org/app".to_owned(),
            patterns: vec!["src/**".to_owned()],
            task: None,
            exclusive: true,
            reason: None,
            ttl_secs: 600,
        },
        Operation::LeaveNote {
            channel_id: client.memory.channel("agent-logs").id,
            content: "mind the gap".to_owned(),
            context,
        },
    ];
    for operation in operations {
        assert_eq!(
            client.uplink.call(call(operation), None).await,
            Outcome::Committed
        );
    }
    client.received("mind the gap").await;
    let note = client.memory.messages().pop().unwrap();
    assert_eq!(
        (note.kind, note.channel_id, note.note_done),
        (MessageKind::Note, 0, None)
    );
    let here = |change: &Change| match change {
        Change::Put(Row::Claim(claim)) => {
            claim.session_id == session && claim.patterns == ["src/**"]
        }
        _ => false,
    };
    assert!(client.memory.changes().iter().any(here));

    let resolve = Operation::ResolveNote {
        message_id: note.id,
    };
    assert_eq!(
        client.uplink.call(call(resolve), None).await,
        Outcome::Committed
    );
    let mut changed = client.memory.changed.subscribe();
    let done = |_: &u64| {
        client
            .memory
            .messages()
            .iter()
            .any(|one| one.id == note.id && one.note_done.is_some() && one.seq > note.seq)
    };
    timeout(PATIENCE, changed.wait_for(done))
        .await
        .expect("the note is done")
        .unwrap();
}
