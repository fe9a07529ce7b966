//! Files that another version has left.

use std::fs;
use std::path::Path;

use rusqlite::Connection;
use spaces_api::ReceiptState;
use tempfile::TempDir;

use super::super::content::digest;
use super::super::{Limits, OpenError, Outbox};
use super::{directory, open};

/// The file of version 0.1 with a write of each kind in its queue, one that was
/// sent, one that was rejected and one that was dropped, as text by `.dump`.
/// It stays as it is: whatever comes later has to read it.
const OF_VERSION_0_1: &str = include_str!("outbox-of-0.1.sql");

fn left_by_version_0_1() -> TempDir {
    let directory = directory();
    let file = Connection::open(directory.path().join("outbox.db")).unwrap();
    file.execute_batch(OF_VERSION_0_1).unwrap();
    file.pragma_update(None, "user_version", 1).unwrap();
    directory
}

/// Everything that the file holds, to compare.
fn bytes(directory: &Path) -> Vec<u8> {
    fs::read(directory.join("outbox.db")).unwrap()
}

#[tokio::test]
async fn what_an_older_version_queued_is_read_whole() {
    let directory = left_by_version_0_1();
    let outbox = open(&directory);
    let pending = outbox.pending();
    let kinds: Vec<String> = pending
        .iter()
        .map(|pending| {
            let operation = serde_json::to_value(&pending.call.operation).unwrap();
            operation["op"].as_str().unwrap().to_owned()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "register_agent",
            "start_session",
            "send_message",
            "send_direct_message",
            "edit_message",
            "delete_message",
            "add_reaction",
            "remove_reaction",
            "mark_read",
            "leave_note",
            "resolve_note",
            "acquire_claim",
            "renew_claim",
            "release_claim",
            "set_profile",
            "set_status",
            "update_session",
            "end_session",
        ]
    );
    for item in pending.iter() {
        let key = item.call.client_key;
        let stored = outbox.stored(key).await.unwrap();
        // The older version's digest of all that was said, and ours of what was read.
        assert_eq!(
            digest(&item.call).unwrap(),
            stored.digest,
            "{:?}",
            item.call
        );
        let state = outbox.receipt(key).await.unwrap().state;
        assert_eq!(state, ReceiptState::Queued);
    }
    let status = outbox.status();
    assert_eq!((status.queued, status.rejected), (kinds.len() as u64, 1));
}

#[tokio::test]
async fn what_an_older_version_settled_is_known_and_a_refusal_can_be_tried_again() {
    let directory = left_by_version_0_1();
    let outbox = open(&directory);
    let rejected = outbox.list(true, 10).await.remove(0).receipt;
    let settled = [
        ("00000000-0000-4000-8000-000000000101", ReceiptState::Sent),
        (
            "00000000-0000-4000-8000-000000000102",
            ReceiptState::Rejected,
        ),
        (
            "00000000-0000-4000-8000-000000000103",
            ReceiptState::Rejected,
        ),
    ];
    for (key, state) in settled {
        let receipt = outbox.receipt(key.parse().unwrap()).await.unwrap();
        assert_eq!(receipt.state, state, "{key}");
    }
    assert_eq!(rejected.reason.as_deref(), Some("forbidden: you are muted"));
    let again = outbox.retry(rejected.client_key).await.unwrap();
    assert_eq!(again.state, ReceiptState::Queued);
    let last = outbox.pending().last().unwrap().call.client_key;
    assert_eq!(last, rejected.client_key);
}

#[tokio::test]
async fn the_file_of_a_later_version_is_refused_and_left_as_it_is() {
    let directory = left_by_version_0_1();
    let path = directory.path().join("outbox.db");
    open(&directory).close().await;
    let file = Connection::open(&path).unwrap();
    let ours: i64 = file
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    file.pragma_update(None, "user_version", ours + 1).unwrap();
    drop(file);
    let before = bytes(directory.path());
    let refused = Outbox::open(directory.path(), Limits::default()).err();
    assert!(
        matches!(refused, Some(OpenError::Newer { found, .. }) if found == ours + 1),
        "{refused:?}"
    );
    assert!(bytes(directory.path()) == before);
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", ours).unwrap();
    drop(file);
    assert_eq!(open(&directory).status().queued, 18);
}

/// A later version may add kinds of calls without another schema.
#[tokio::test]
async fn a_call_that_only_a_later_version_knows_is_kept_for_it() {
    let directory = left_by_version_0_1();
    let file = Connection::open(directory.path().join("outbox.db")).unwrap();
    let changed = file
        .execute(
            "UPDATE item SET call = replace(call, 'set_status', 'set_mood') WHERE state = 0
             AND call LIKE '%set_status%'",
            [],
        )
        .unwrap();
    assert_eq!(changed, 1);
    drop(file);
    let outbox = open(&directory);
    assert_eq!(outbox.status().queued, 17);
    let rejected = outbox.list(true, 10).await;
    let unreadable = rejected.iter().find(|item| {
        item.receipt
            .reason
            .as_deref()
            .unwrap()
            .starts_with("unreadable")
    });
    let key = unreadable.unwrap().receipt.client_key;
    let stored = outbox.stored(key).await.unwrap();
    assert!(stored.call.unwrap().contains("set_mood"));
}
