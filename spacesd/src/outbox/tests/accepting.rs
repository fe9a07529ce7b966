//! What is accepted, what is refused, and what a receipt says.

use std::time::Duration;

use spaces_api::ReceiptState;
use uuid::Uuid;

use super::super::{End, ItemError, Limits, OpenError, Outbox, SubmitError};
use super::{DEADLINE, directory, open, open_with, post, queued_texts};

#[tokio::test]
async fn what_is_accepted_is_there_after_a_restart_in_order() {
    let directory = directory();
    let outbox = open(&directory);
    let mut receipts = outbox.submit(vec![post("a"), post("b")]).await.unwrap();
    receipts.extend(outbox.submit(vec![post("c")]).await.unwrap());
    assert!(
        receipts
            .iter()
            .all(|receipt| receipt.state == ReceiptState::Queued)
    );
    outbox.close().await;

    let outbox = open(&directory);
    assert_eq!(queued_texts(&outbox), ["a", "b", "c"]);
    for receipt in receipts {
        assert_eq!(outbox.receipt(receipt.client_key).await, Some(receipt));
    }
    assert_eq!(outbox.status().queued, 3);
}

#[tokio::test]
async fn a_repetition_gives_the_same_receipt_whatever_became_of_the_first() {
    let directory = directory();
    let outbox = open(&directory);
    let entry = post("once");
    let key = entry.call.client_key;
    let first = outbox
        .submit(vec![entry.clone(), entry.clone()])
        .await
        .unwrap();
    assert_eq!(first[0], first[1]);
    assert_eq!(
        outbox.submit(vec![entry.clone()]).await.unwrap()[0],
        first[0]
    );
    assert_eq!(outbox.status().queued, 1);

    outbox.settle(key, End::Sent);
    let sent = outbox.submit(vec![entry.clone()]).await.unwrap().remove(0);
    assert_eq!(sent.state, ReceiptState::Sent);
    outbox.close().await;

    let outbox = open(&directory);
    assert_eq!(outbox.submit(vec![entry]).await.unwrap()[0], sent);
    assert_eq!(outbox.status().queued, 0);
}

#[tokio::test]
async fn a_key_with_another_content_is_refused_and_nothing_of_it_accepted() {
    let directory = directory();
    let outbox = open(&directory);
    let first = post("first");
    let mut other = post("other");
    other.call.client_key = first.call.client_key;
    let key = first.call.client_key;
    outbox.submit(vec![first]).await.unwrap();
    let refused = outbox.submit(vec![post("beside"), other.clone()]).await;
    assert_eq!(refused, Err(SubmitError::KeyReused(key)));
    assert_eq!(queued_texts(&outbox), ["first"]);

    outbox.settle(key, End::Sent);
    outbox.close().await;
    let outbox = open(&directory);
    let refused = outbox.submit(vec![other]).await;
    assert_eq!(refused, Err(SubmitError::KeyReused(key)));
}

#[tokio::test]
async fn a_full_outbox_refuses_and_takes_again_when_there_is_room() {
    let directory = directory();
    let limits = Limits {
        max_items: 2,
        ..Limits::default()
    };
    let outbox = open_with(&directory, limits);
    let first = post("a");
    let key = first.call.client_key;
    outbox.submit(vec![first.clone(), post("b")]).await.unwrap();
    let refused = outbox.submit(vec![post("c")]).await.unwrap_err();
    assert!(
        matches!(
            refused,
            SubmitError::Full {
                items: 2,
                max_items: 2,
                ..
            }
        ),
        "{refused}"
    );
    outbox
        .submit(vec![first])
        .await
        .expect("a repetition needs no room");

    outbox.settle(key, End::Sent);
    outbox.submit(vec![post("c")]).await.unwrap();
    let max_bytes = outbox.status().bytes + 10;
    outbox.set_limits(Limits {
        max_bytes,
        ..Limits::default()
    });
    let refused = outbox.submit(vec![post("d")]).await.unwrap_err();
    assert!(matches!(refused, SubmitError::Full { .. }), "{refused}");
    assert_eq!(queued_texts(&outbox), ["b", "c"]);
}

#[tokio::test]
async fn a_call_over_the_limit_is_refused() {
    let directory = directory();
    let outbox = open(&directory);
    let huge = "x".repeat(2 << 20);
    let refused = outbox.submit(vec![post(&huge)]).await.unwrap_err();
    assert!(matches!(refused, SubmitError::TooLarge { .. }), "{refused}");
}

#[tokio::test]
async fn a_second_process_does_not_get_the_file() {
    let directory = directory();
    let _outbox = open(&directory);
    let second = Outbox::open(directory.path(), Limits::default());
    assert!(matches!(second, Err(OpenError::InUse { .. })));
}

#[tokio::test]
async fn waiting_ends_with_the_answer_or_the_time() {
    let directory = directory();
    let outbox = open(&directory);
    let entry = post("a");
    let key = entry.call.client_key;
    outbox.submit(vec![entry]).await.unwrap();
    let early = outbox.settled(key, Duration::from_millis(1)).await.unwrap();
    assert_eq!(early.state, ReceiptState::Queued);

    let waiting = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.settled(key, DEADLINE).await }
    });
    tokio::task::yield_now().await;
    outbox.shown([(key, 77)].into_iter());
    outbox.settle(key, End::Sent);
    let receipt = waiting.await.unwrap().unwrap();
    assert_eq!(receipt.state, ReceiptState::Sent);
    assert_eq!(receipt.message_id, Some(77));
    assert!(receipt.sent_at.unwrap() >= receipt.queued_at);
    assert_eq!(outbox.settled(Uuid::new_v4(), DEADLINE).await, None);
    assert_eq!(outbox.flush(DEADLINE).await, 0);
}

#[tokio::test]
async fn a_rejected_item_is_listed_and_can_be_queued_again_or_dropped() {
    let directory = directory();
    let outbox = open(&directory);
    let (first, second) = (post("first"), post("second"));
    let (key, other) = (first.call.client_key, second.call.client_key);
    outbox.submit(vec![first.clone(), second]).await.unwrap();
    assert!(outbox.begin_attempt(key));
    outbox.settle(key, End::Rejected("not a member".into()));
    outbox.close().await;

    let outbox = open(&directory);
    assert_eq!(outbox.status().rejected, 1);
    let listed = outbox.list(true, 10).await;
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].receipt.state, ReceiptState::Rejected);
    assert_eq!(listed[0].receipt.reason.as_deref(), Some("not a member"));
    assert_eq!(listed[0].attempts, 1);
    assert_eq!(outbox.list(false, 10).await.len(), 2);

    assert_eq!(outbox.retry(key).await.unwrap().state, ReceiptState::Queued);
    assert_eq!(
        queued_texts(&outbox),
        ["second", "first"],
        "a retry goes last"
    );
    assert!(matches!(
        outbox.retry(other).await,
        Err(ItemError::WrongState { .. })
    ));
    assert_eq!(outbox.retry(Uuid::new_v4()).await, Err(ItemError::Unknown));

    let dropped = outbox.discard(other).await.unwrap();
    assert_eq!(dropped.state, ReceiptState::Rejected);
    assert!(outbox.begin_attempt(key));
    let refused = outbox.discard(key).await.unwrap_err();
    assert!(
        matches!(refused, ItemError::WrongState { tried: true, .. }),
        "{refused}"
    );
    outbox.settle(key, End::Rejected("again".into()));
    outbox.discard(key).await.unwrap();
    assert_eq!(outbox.status().rejected, 0);
    assert_eq!(outbox.list(false, 10).await, []);
    let again = outbox.submit(vec![first]).await.unwrap().remove(0);
    assert_eq!(again.state, ReceiptState::Rejected, "the key stays known");
}
