use std::time::Duration;

use spaces_api::model::EventKind;
use spaces_api::{HubState, Receipt, ReceiptState};
use uuid::Uuid;

use super::SinceError;
use crate::cache::fixture::*;
use crate::row::{Batch, Change, MessageRow, Row};

fn receipt(number: u128) -> Receipt {
    Receipt {
        client_key: Uuid::from_u128(number),
        state: ReceiptState::Sent,
        message_id: None,
        queued_at: at(0),
        sent_at: Some(at(1)),
        reason: None,
    }
}

#[test]
fn receipts_are_recorded_once_and_learn_their_message() {
    let fixture = Fixture::new();
    fixture.put([Row::Message(MessageRow {
        client_key: Some(Uuid::from_u128(2)),
        ..message_row(7, GENERAL, ME, "mine")
    })]);
    let events = fixture.cache.events();
    let start = events.latest();
    assert_eq!(events.last_receipt_change(), 0);
    let record = |changes: &[u64]| {
        let receipts = changes
            .iter()
            .map(|&change| (change, receipt(u128::from(change))))
            .collect();
        events.record_receipts(receipts).blocking_recv().unwrap();
    };
    record(&[1, 2]);
    record(&[1, 2, 5]);
    assert_eq!(events.last_receipt_change(), 5);
    let found: Vec<_> = events
        .since(start, 10)
        .unwrap()
        .iter()
        .map(|event| match &event.what {
            EventKind::Receipt { receipt } => (receipt.client_key.as_u128(), receipt.message_id),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(found, [(1, None), (2, Some(7)), (5, None)]);
    let (fixture, _) = fixture.reopen();
    assert_eq!(fixture.cache.events().last_receipt_change(), 5);
}

#[test]
fn a_subscriber_misses_nothing_however_far_behind_it_is() {
    let fixture = Fixture::new();
    let events = fixture.cache.events();
    let start = events.latest();
    // More than memory holds, in batches of every size.
    let mut next = 1;
    for size in [1, 3, 700, 40, 1, 900] {
        fixture.put((next..next + size).map(|id| message(id, GENERAL, BOB, "x")));
        next += size;
    }
    for step in [1usize, 100, 5000] {
        let mut cursor = start;
        let mut ids = Vec::new();
        loop {
            let some = events.since(cursor, step).unwrap();
            let Some(last) = some.last() else { break };
            cursor = last.cursor;
            for event in &some {
                let EventKind::Message { message } = &event.what else {
                    panic!("{event:?}");
                };
                ids.push(message.id.unwrap());
            }
        }
        assert_eq!(ids, (1..next).collect::<Vec<_>>());
    }
}

#[test]
fn a_cursor_that_the_log_does_not_reach_is_refused() {
    let fixture = Fixture::new();
    let events = fixture.cache.events();
    let first = events.latest();
    fixture.put([message(1, GENERAL, BOB, "x")]);
    assert_eq!(events.since(first, 10).unwrap().len(), 1);
    for cursor in [0, first - 1, first + 2, u64::MAX] {
        match events.since(cursor, 10) {
            Err(SinceError::CursorExpired { oldest, .. }) => assert_eq!(oldest, first),
            other => panic!("{cursor}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_waiting_subscriber_is_woken_by_a_commit() {
    let fixture = tokio::task::spawn_blocking(Fixture::new).await.unwrap();
    let events = fixture.cache.events();
    let mut watch = events.watch();
    let before = *watch.borrow_and_update();
    events
        .record(EventKind::Hub {
            state: HubState::Live,
        })
        .await
        .unwrap();
    tokio::time::timeout(Duration::from_secs(10), watch.changed())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(*watch.borrow(), before + 1);
}

#[test]
fn typing_is_told_of_others_only() {
    let fixture = Fixture::new();
    let events = fixture.cache.events();
    let start = events.latest();
    let typing = |identity| Change::Typing {
        channel_id: GENERAL,
        identity,
    };
    fixture.apply(Batch {
        changes: vec![typing(ME), typing(BOB)],
        ..Batch::default()
    });
    let told = events.since(start, 10).unwrap();
    assert_eq!(told.len(), 1);
    assert!(matches!(&told[0].what, EventKind::Typing { username, .. } if username == "bob"));
}
