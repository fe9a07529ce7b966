//! The sender against a hub in miniature: order, exactly once, refusals.

use std::collections::HashMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use spaces_api::ReceiptState;
use spaces_api::model::Context;
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::super::{Entry, Limits, Outbox, Pace, sender};
use super::hub::{Hub, NO_CREDIT, UNBOUNDED, text};
use super::{DEADLINE, content, directory, open, open_with, post, post_to};
use crate::operation::{Call, Operation};

/// A running sender; it is stopped and waited for at the end.
struct Running {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

fn send_over(outbox: &Outbox, hub: &Hub) -> Running {
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(sender::run(outbox.clone(), hub.clone(), async {
        let _ = stopped.await;
    }));
    Running { stop, task }
}

impl Running {
    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

fn opened() -> (TempDir, Outbox) {
    let directory = directory();
    let outbox = open(&directory);
    (directory, outbox)
}

fn texts(hub: &Hub) -> Vec<String> {
    hub.committed().iter().map(text).collect()
}

fn numbered(count: usize) -> (Vec<Entry>, Vec<String>) {
    let names: Vec<String> = (0..count).map(|number| number.to_string()).collect();
    (names.iter().map(|name| post(name)).collect(), names)
}

/// Each channel has its posts once each, in the order in which they were queued.
fn assert_in_order_per_channel(hub: &Hub, entries: &[Entry]) {
    let by_channel = |calls: Vec<&Call>| {
        let mut channels: HashMap<u64, Vec<String>> = HashMap::new();
        for call in calls {
            if let Operation::SendMessage { channel_id, .. } = &call.operation {
                channels
                    .entry(*channel_id)
                    .or_default()
                    .push(content(call).into());
            }
        }
        channels
    };
    let committed = hub.committed();
    assert_eq!(
        by_channel(committed.iter().collect()),
        by_channel(entries.iter().map(|entry| &entry.call).collect())
    );
}

#[tokio::test]
async fn on_credit_calls_are_pipelined_in_order() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(UNBOUNDED);
    let (entries, names) = numbered(1_000);
    outbox.submit(entries).await.unwrap();
    let sender = send_over(&outbox, &hub);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    assert_eq!(texts(&hub), names);
    assert!(
        (100..=256).contains(&hub.most_under_way()),
        "{}",
        hub.most_under_way()
    );
    assert_eq!(outbox.status().sent_total, 1_000);
    sender.stop().await;
}

#[tokio::test]
async fn without_credit_one_call_per_channel_is_under_way() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(NO_CREDIT);
    let entries: Vec<Entry> = (0..120)
        .map(|number| post_to(number % 3, &number.to_string()))
        .collect();
    outbox.submit(entries.clone()).await.unwrap();
    let sender = send_over(&outbox, &hub);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    assert_in_order_per_channel(&hub, &entries);
    assert_eq!(hub.most_under_way(), 3);
    sender.stop().await;
}

#[tokio::test]
async fn a_bucket_as_large_as_believed_refuses_nothing_on_credit_and_order_holds() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(Pace {
        burst: 15,
        per_sec: 180.0,
    });
    hub.limit(200, 20);
    let sender = send_over(&outbox, &hub);
    let mut all = Vec::new();
    for _ in 0..4 {
        let (entries, _) = numbered(50);
        outbox.submit(entries.clone()).await.unwrap();
        all.extend(entries);
        assert_eq!(outbox.flush(DEADLINE).await, 0);
    }
    assert!(hub.refused() > 0, "the limit was never met");
    assert_in_order_per_channel(&hub, &all);
    assert_eq!(outbox.status().rejected, 0);
    sender.stop().await;
}

#[tokio::test]
async fn order_holds_though_the_hub_takes_less_than_believed() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(UNBOUNDED);
    hub.limit(400, 20);
    let entries: Vec<Entry> = (0..200)
        .map(|number| post_to(number % 3, &number.to_string()))
        .collect();
    outbox.submit(entries.clone()).await.unwrap();
    let sender = send_over(&outbox, &hub);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    assert!(hub.refused() > 0, "the limit was never met");
    assert_in_order_per_channel(&hub, &entries);
    assert_eq!(outbox.status().rejected, 0);
    sender.stop().await;
}

#[tokio::test]
async fn what_a_dead_connection_delivers_late_overtakes_nothing() {
    for seed in 0..12 {
        let (_directory, outbox) = opened();
        let mut chance = StdRng::seed_from_u64(seed);
        let hub = Hub::online(UNBOUNDED);
        // Both connections spend from it: now one is refused, now the other.
        hub.limit(600, 5);
        let sender = send_over(&outbox, &hub);
        let mut all = Vec::new();
        for round in 0..4 {
            let entries: Vec<Entry> = (0..40)
                .map(|number| post_to(chance.random_range(0..2), &format!("{round}.{number}")))
                .collect();
            let some = entries[chance.random_range(0..20)].call.client_key;
            outbox.submit(entries.clone()).await.unwrap();
            all.extend(entries);
            outbox.settled(some, DEADLINE).await.unwrap();
            hub.set_adrift();
            hub.connect();
        }
        assert_eq!(outbox.flush(DEADLINE).await, 0, "seed {seed}");
        assert_in_order_per_channel(&hub, &all);
        sender.stop().await;
    }
}

#[tokio::test]
async fn order_holds_though_others_empty_the_bucket() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(NO_CREDIT);
    let mut chance = StdRng::seed_from_u64(7);
    let entries: Vec<Entry> = (0..200)
        .map(|number| post_to(number % 4, &number.to_string()))
        .collect();
    for entry in &entries {
        if chance.random_bool(0.3) {
            let times = chance.random_range(1..4);
            hub.refuse(content(&entry.call), times, "rate_limited", Some(2));
        }
    }
    outbox.submit(entries.clone()).await.unwrap();
    let sender = send_over(&outbox, &hub);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    assert_in_order_per_channel(&hub, &entries);
    sender.stop().await;
}

#[tokio::test]
async fn a_channel_that_must_wait_holds_up_no_other() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(NO_CREDIT);
    hub.refuse("slow", 1, "rate_limited", Some(3_600_000));
    let quick = post_to(2, "quick");
    let key = quick.call.client_key;
    outbox
        .submit(vec![post_to(1, "slow"), post_to(1, "behind"), quick])
        .await
        .unwrap();
    let sender = send_over(&outbox, &hub);
    let receipt = outbox.settled(key, DEADLINE).await.unwrap();
    assert_eq!(receipt.state, ReceiptState::Sent);
    assert_eq!(texts(&hub), ["quick"]);
    let listed = outbox.list(false, 10).await;
    assert_eq!(listed.len(), 2);
    assert_eq!(listed[0].attempts, 1);
    assert_eq!(
        listed[0].last_error.as_deref(),
        Some("rate_limited: as told")
    );
    assert_eq!(listed[1].attempts, 0, "nothing overtakes it");
    sender.stop().await;
}

#[tokio::test]
async fn a_refusal_rejects_with_the_reason_and_the_rest_goes_on() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(UNBOUNDED);
    hub.refuse("1", u32::MAX, "permission_denied", None);
    hub.refuse("2", 2, "internal", None);
    let (entries, _) = numbered(4);
    let refused = entries[1].call.client_key;
    outbox.submit(entries).await.unwrap();
    let sender = send_over(&outbox, &hub);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    let receipt = outbox.receipt(refused).await.unwrap();
    assert_eq!(receipt.state, ReceiptState::Rejected);
    assert_eq!(
        receipt.reason.as_deref(),
        Some("permission_denied: as told")
    );
    let mut committed = texts(&hub);
    committed.sort();
    assert_eq!(committed, ["0", "2", "3"]);
    sender.stop().await;
}

#[tokio::test]
async fn a_hub_that_fails_on_a_call_is_asked_three_times() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(UNBOUNDED);
    hub.refuse("bad", u32::MAX, "internal", None);
    outbox.submit(vec![post("bad")]).await.unwrap();
    let sender = send_over(&outbox, &hub);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    assert_eq!(hub.refused(), 3);
    assert_eq!(outbox.list(true, 1).await[0].attempts, 3);
    sender.stop().await;
}

fn start(session: &str) -> Entry {
    Entry {
        call: Call {
            client_key: Uuid::new_v4(),
            session: None,
            operation: Operation::StartSession {
                id: session.into(),
                agent: "claude.spaces.main".into(),
                tool: "claude-code".into(),
                task: None,
                context: Context::default(),
            },
        },
        method: "session.start",
        target: session.to_owned(),
    }
}

#[tokio::test]
async fn work_of_a_session_is_not_rejected_while_its_start_waits() {
    let (_directory, outbox) = opened();
    // More is believed of the hub than it gives: the message is under way too.
    let hub = Hub::online(UNBOUNDED);
    hub.refuse("start s", 1, "rate_limited", Some(20));
    let mut message = post("work");
    message.call.session = Some("s".into());
    outbox.submit(vec![start("s"), message]).await.unwrap();
    let sender = send_over(&outbox, &hub);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    assert_eq!(texts(&hub), ["start s", "work"]);
    assert_eq!(hub.refused(), 2, "both were refused at first");
    sender.stop().await;
}

#[tokio::test]
async fn work_that_is_queued_before_its_session_s_start_waits_for_it() {
    let (_directory, outbox) = opened();
    let hub = Hub::online(UNBOUNDED);
    let sender = send_over(&outbox, &hub);
    let mut message = post("work");
    message.call.session = Some("s".into());
    let key = message.call.client_key;
    outbox.submit(vec![message]).await.unwrap();
    while hub.refused() == 0 {
        tokio::task::yield_now().await;
    }
    outbox.submit(vec![start("s")]).await.unwrap();
    let receipt = outbox.settled(key, DEADLINE).await.unwrap();
    assert_eq!(receipt.state, ReceiptState::Sent);
    assert_eq!(texts(&hub), ["start s", "work"]);
    sender.stop().await;
}

#[tokio::test]
async fn cuts_at_any_place_lose_nothing_and_double_nothing() {
    for seed in 0..12 {
        let (_directory, outbox) = opened();
        let mut chance = StdRng::seed_from_u64(seed);
        let hub = Hub::online(if seed % 2 == 0 { UNBOUNDED } else { NO_CREDIT });
        let sender = send_over(&outbox, &hub);
        let mut all = Vec::new();
        for round in 0..4 {
            hub.cut_at(chance.random_range(1..40), chance.random_bool(0.5));
            let entries: Vec<Entry> = (0..40)
                .map(|number| post_to(chance.random_range(0..3), &format!("{round}.{number}")))
                .collect();
            outbox.submit(entries.clone()).await.unwrap();
            all.extend(entries);
            let mut live = hub.live.subscribe();
            tokio::time::timeout(DEADLINE, live.wait_for(|live| !live))
                .await
                .expect("the cut happens")
                .unwrap();
            hub.connect();
        }
        assert_eq!(outbox.flush(DEADLINE).await, 0, "seed {seed}");
        assert_in_order_per_channel(&hub, &all);
        assert_eq!(outbox.status().sent_total, all.len() as u64);
        sender.stop().await;
    }
}

#[tokio::test]
async fn a_new_post_while_offline_asks_for_a_connection() {
    let (_directory, outbox) = opened();
    let hub = Hub::offline(UNBOUNDED);
    let sender = send_over(&outbox, &hub);
    // Lets the sender begin to listen; what is queued before needs no wake-up.
    tokio::task::yield_now().await;
    outbox.submit(vec![post("a")]).await.unwrap();
    assert_eq!(outbox.flush(DEADLINE).await, 0);
    assert_eq!(hub.reconnects(), 1);
    sender.stop().await;
}

#[tokio::test]
async fn what_was_tried_is_not_dropped_as_never_sent_even_after_a_crash() {
    let directory = directory();
    let outbox = open(&directory);
    let hub = Hub::online(NO_CREDIT);
    hub.refuse("held", u32::MAX, "rate_limited", Some(3_600_000));
    let (held, next) = (post("held"), post_to(2, "next"));
    let (held_key, next_key) = (held.call.client_key, next.call.client_key);
    outbox.submit(vec![held, next]).await.unwrap();
    let sender = send_over(&outbox, &hub);
    outbox.settled(next_key, DEADLINE).await.unwrap();
    assert!(outbox.discard(held_key).await.is_err());
    // The sender ends without saying that it pauses, as in a crash.
    sender.stop().await;
    outbox.close().await;
    drop(outbox);
    let outbox = open(&directory);
    assert!(outbox.discard(held_key).await.is_err());
    let fresh = post("fresh");
    let key = fresh.call.client_key;
    outbox.submit(vec![fresh]).await.unwrap();
    outbox.discard(key).await.expect("no sender has had it");
}

#[tokio::test]
async fn what_is_too_old_is_rejected_as_expired() {
    let directory = directory();
    let limits = Limits {
        max_age: Duration::ZERO,
        ..Limits::default()
    };
    let outbox = open_with(&directory, limits);
    let receipts = outbox.submit(vec![post("a")]).await.unwrap();
    let hub = Hub::offline(UNBOUNDED);
    let sender = send_over(&outbox, &hub);
    let receipt = outbox
        .settled(receipts[0].client_key, DEADLINE)
        .await
        .unwrap();
    assert_eq!(receipt.state, ReceiptState::Rejected);
    assert_eq!(receipt.reason.as_deref(), Some("expired: not sent in time"));
    sender.stop().await;
}
