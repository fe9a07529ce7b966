//! Groups, crashes, full and failing disks.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use rand::Rng;
use spaces_api::ReceiptState;
use tempfile::TempDir;
use uuid::Uuid;

use super::super::log::ROOM;
use super::super::writer::Command;
use super::super::{End, Entry, ItemError, Limits, Outbox, SubmitError};
use super::{DEADLINE, content, directory, open, post, queued_texts};
use crate::operation::{Call, Operation};

/// Names the directory to the child of [`kill_9_loses_no_acknowledged_write`].
const CHILD: &str = "SPACES_TEST_OUTBOX_DIRECTORY";

impl Outbox {
    async fn until_written(&self) {
        let written = async {
            while self.status().fault.is_some() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, written)
            .await
            .expect("the fault passes");
    }
}

/// The log's salt, and how many transactions it holds.
fn logged(directory: &TempDir) -> (Vec<u8>, usize) {
    let log = fs::read(directory.path().join("outbox.db-wal")).unwrap();
    let salt = log[16..24].to_vec();
    let commits = log[32..]
        .chunks_exact(24 + 4096)
        .filter(|frame| frame[8..16] == salt[..] && frame[4..8] != [0; 4])
        .count();
    (salt, commits)
}

/// Each beginning of the log costs the post after it a second sync.
#[tokio::test]
async fn posts_and_their_marks_go_to_one_log() {
    let directory = directory();
    let outbox = open(&directory);
    outbox.submit(vec![post("first")]).await.unwrap();
    let (salt, before) = logged(&directory);
    let mut changes = outbox.changes();
    for number in 0..20 {
        let receipts = outbox.submit(vec![post(&number.to_string())]).await;
        outbox.settle(receipts.unwrap()[0].client_key, End::Sent);
        while changes.recv().await.unwrap().receipt.state != ReceiptState::Sent {}
    }
    let (salt_after, after) = logged(&directory);
    assert_eq!(salt_after, salt, "the log was begun anew");
    // One for each post and each mark; old receipts are removed once beside them.
    assert!((40..=41).contains(&(after - before)), "{before} to {after}");
}

/// See `log.rs`: where the log grows, a sync takes nearly twice as long.
#[tokio::test]
async fn the_log_has_room_beforehand_and_does_not_outgrow_it() {
    let directory = directory();
    let outbox = open(&directory);
    let length = || {
        let log = directory.path().join("outbox.db-wal");
        fs::metadata(log).unwrap().len()
    };
    let room = async {
        while length() < ROOM {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, room)
        .await
        .expect("room is made in a quiet time");

    let (salt, _) = logged(&directory);
    let mut texts = Vec::new();
    for number in 0..600 {
        // Five pages each: more than the log has room for.
        texts.push(format!("{number} {}", "x".repeat(18_000)));
        let last = texts.last().unwrap();
        outbox.submit(vec![post(last)]).await.unwrap();
    }
    assert_eq!(length(), ROOM);
    assert_ne!(logged(&directory).0, salt, "it was begun anew");

    // As after a power failure.
    let copy = tempfile::tempdir().unwrap();
    for file in ["outbox.db", "outbox.db-wal"] {
        fs::copy(directory.path().join(file), copy.path().join(file)).unwrap();
    }
    assert_eq!(queued_texts(&open(&copy)), texts);
}

#[tokio::test]
async fn posts_that_wait_together_share_one_transaction() {
    let directory = directory();
    let outbox = open(&directory);
    // Keeps the writer busy until all posts have been handed over.
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    outbox.inbox.send(Command::Read(Box::new(move |_| {
        begun.send(()).unwrap();
        wait.recv().unwrap();
        Ok(())
    })));
    // What is handed over before it has begun would be written before it.
    has_begun.await.unwrap();
    let handed_over = std::sync::Arc::new(());
    let posts: Vec<_> = (0..64)
        .map(|number| {
            let (outbox, mark) = (outbox.clone(), handed_over.clone());
            tokio::spawn(async move {
                let submitted = outbox.submit(vec![post(&number.to_string())]);
                drop(mark);
                submitted.await
            })
        })
        .collect();
    while std::sync::Arc::strong_count(&handed_over) > 1 {
        tokio::task::yield_now().await;
    }
    // One more turn for each to be polled as far as the waiting.
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
    let (salt, before) = logged(&directory);
    let mut changes = outbox.changes();
    go.send(()).unwrap();
    for post in posts {
        post.await.unwrap().unwrap();
    }
    let (salt_now, commits) = logged(&directory);
    let transactions = if salt == salt_now {
        commits - before
    } else {
        commits
    };
    // The writer's own housekeeping may fall in between.
    assert!((1..=2).contains(&transactions), "{transactions}");
    let mut last = 0;
    for _ in 0..64 {
        let change = changes.recv().await.unwrap();
        assert!(change.change_seq > last);
        last = change.change_seq;
    }
}

#[tokio::test]
async fn a_long_queue_leaves_no_room_behind() {
    let directory = directory();
    let outbox = open(&directory);
    let posts = (0..5_000).map(|number| post(&number.to_string()));
    let receipts = outbox.submit(posts.collect()).await.unwrap();
    assert!(outbox.shared.memory().room() >= 5_000);
    for receipt in receipts {
        outbox.settle(receipt.client_key, End::Sent);
    }
    // Comes after the marks, with which they are forgotten.
    outbox.read(|_| Ok(())).await.unwrap();
    assert!(outbox.shared.memory().room() <= 2_048);
}

#[tokio::test]
async fn a_full_disk_is_answered_and_passes() {
    let directory = directory();
    let outbox = open(&directory);
    outbox.submit(vec![post("before")]).await.unwrap();
    outbox.pragma("PRAGMA max_page_count = 1").await;
    let big = "x".repeat(100_000);
    let refused = outbox.submit(vec![post(&big)]).await.unwrap_err();
    assert!(matches!(refused, SubmitError::DiskFull(_)), "{refused}");
    assert_eq!(queued_texts(&outbox), ["before"]);

    outbox.pragma("PRAGMA max_page_count = 1000000").await;
    outbox.submit(vec![post(&big)]).await.unwrap();
    assert_eq!(outbox.status().fault, None);
    outbox.close().await;
    assert_eq!(queued_texts(&open(&directory)), ["before", &big]);
}

#[tokio::test]
async fn a_read_only_disk_is_answered_and_what_happens_meanwhile_is_written_later() {
    let directory = directory();
    let outbox = open(&directory);
    let entries = [post("a"), post("b")];
    let [first, second] = [0, 1].map(|at: usize| entries[at].call.client_key);
    outbox.submit(entries.to_vec()).await.unwrap();
    outbox.pragma("PRAGMA query_only = ON").await;

    let refused = outbox.submit(vec![post("c")]).await.unwrap_err();
    assert!(matches!(refused, SubmitError::ReadOnly(_)), "{refused}");
    let fault = outbox.status().fault.expect("the status says so");
    assert!(fault.contains("read-only"), "{fault}");
    let kept = outbox.discard(second).await.unwrap_err();
    assert!(
        matches!(kept, ItemError::Store(SubmitError::ReadOnly(_))),
        "{kept}"
    );
    let mut changes = outbox.changes();
    outbox.settle(first, End::Sent);
    assert_eq!(queued_texts(&outbox), ["b"]);
    assert_eq!(
        outbox.receipt(first).await.unwrap().state,
        ReceiptState::Sent
    );
    assert!(changes.try_recv().is_err(), "not told before it is written");

    outbox.pragma("PRAGMA query_only = OFF").await;
    outbox.until_written().await;
    let told = tokio::time::timeout(DEADLINE, changes.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (told.receipt.client_key, told.receipt.state),
        (first, ReceiptState::Sent)
    );
    outbox.submit(vec![post("c")]).await.unwrap();
    outbox.close().await;
    let outbox = open(&directory);
    assert_eq!(queued_texts(&outbox), ["b", "c"]);
    assert_eq!(
        outbox.receipt(first).await.unwrap().state,
        ReceiptState::Sent
    );
}

#[tokio::test]
async fn a_listener_that_was_away_reads_what_it_missed() {
    let directory = directory();
    let outbox = open(&directory);
    let mut changes = outbox.changes();
    let receipts = outbox
        .submit(vec![post("a"), post("b"), post("c")])
        .await
        .unwrap();
    let seen = changes.recv().await.unwrap();
    assert_eq!(seen.receipt, receipts[0]);
    outbox.settle(receipts[0].client_key, End::Sent);
    outbox.close().await;

    let outbox = open(&directory);
    let missed = outbox.changes_since(seen.change_seq, 10).await;
    let states: Vec<_> = missed
        .iter()
        .map(|change| (change.receipt.client_key, change.receipt.state))
        .collect();
    assert_eq!(
        states,
        [
            (receipts[1].client_key, ReceiptState::Queued),
            (receipts[2].client_key, ReceiptState::Queued),
            (receipts[0].client_key, ReceiptState::Sent),
        ]
    );
    assert_eq!(outbox.changes_since(seen.change_seq, 1).await, missed[..1]);
    let mut changes = outbox.changes();
    let later = outbox.submit(vec![post("d")]).await.unwrap();
    let change = tokio::time::timeout(DEADLINE, changes.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(change.receipt, later[0]);
    assert!(
        change.change_seq > missed[2].change_seq,
        "numbers go on after a restart"
    );
}

fn end_of_session() -> Entry {
    let id = "session".to_owned();
    Entry {
        call: Call {
            client_key: Uuid::new_v4(),
            session: None,
            operation: Operation::EndSession { id },
        },
        method: "session.end",
        target: "session".to_owned(),
    }
}

#[tokio::test]
async fn a_receipt_learns_the_id_that_the_hub_shows_after_the_answer() {
    let directory = directory();
    let outbox = open(&directory);
    let mut changes = outbox.changes();
    let entries = vec![post("shown late"), post("shown before"), end_of_session()];
    let keys: Vec<_> = entries.iter().map(|entry| entry.call.client_key).collect();
    outbox.submit(entries).await.unwrap();
    outbox.shown([(keys[1], 6)].into_iter());
    for key in &keys {
        outbox.settle(*key, End::Sent);
    }
    let mut told = Vec::new();
    while told.len() < 6 {
        told.push(changes.recv().await.unwrap().receipt);
    }
    let ids: Vec<_> = told[3..].iter().map(|receipt| receipt.message_id).collect();
    assert_eq!(ids, [None, Some(6), None], "as the hub had shown them");
    // Also those that are not ours, and what makes no message.
    outbox.shown([(Uuid::new_v4(), 4), (keys[0], 5), (keys[2], 7)].into_iter());
    let named = changes.recv().await.unwrap().receipt;
    assert_eq!((named.client_key, named.message_id), (keys[0], Some(5)));
    outbox.close().await;

    let outbox = open(&directory);
    let mut ids = Vec::new();
    for key in keys {
        ids.push(outbox.receipt(key).await.unwrap().message_id);
    }
    assert_eq!(ids, [Some(5), Some(6), None]);
}

#[tokio::test]
async fn old_receipts_go_and_numbers_are_not_given_again() {
    let directory = directory();
    let outbox = open(&directory);
    let receipts = outbox
        .submit(vec![post("old"), post("waits")])
        .await
        .unwrap();
    outbox.settle(receipts[0].client_key, End::Sent);
    outbox.close().await;
    let limits = Limits {
        keep_sent: Duration::ZERO,
        ..Limits::default()
    };
    let outbox = super::open_with(&directory, limits);
    let mut last = 0;
    let gone = async {
        while outbox.receipt(receipts[0].client_key).await.is_some() {
            last = last.max(
                outbox
                    .changes_since(0, 10)
                    .await
                    .last()
                    .map_or(0, |c| c.change_seq),
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, gone)
        .await
        .expect("it is removed in time");
    assert_eq!(queued_texts(&outbox), ["waits"]);
    outbox.close().await;
    let outbox = open(&directory);
    let mut changes = outbox.changes();
    outbox.submit(vec![post("new")]).await.unwrap();
    assert!(changes.recv().await.unwrap().change_seq > last);
}

/// The child: several writers post until it is killed; each acknowledged write
/// and each that was marked as sent is printed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "run by kill_9_loses_no_acknowledged_write"]
async fn child_that_posts_until_it_is_killed() {
    let directory = std::env::var(CHILD).expect("run by its parent");
    let outbox = Outbox::open(Path::new(&directory), Limits::default())
        .unwrap()
        .outbox;
    let run = Uuid::new_v4().simple().to_string();
    let writers = (0..4).map(|writer| {
        let (outbox, run) = (outbox.clone(), run.clone());
        tokio::spawn(async move {
            for number in 0..u32::MAX {
                let entry = post(&format!("{run}.{writer} {number}"));
                let key = entry.call.client_key;
                outbox.submit(vec![entry]).await.unwrap();
                println!("\nacknowledged {key}");
                if number % 3 == 0 {
                    println!("\nsettled {key}");
                    outbox.settle(key, End::Sent);
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn kill_9_loses_no_acknowledged_write() {
    let directory = directory();
    let mut acknowledged: HashSet<Uuid> = HashSet::new();
    let mut settled: HashSet<Uuid> = HashSet::new();
    for round in 0..6 {
        let mut child = Process::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "outbox::tests::enduring::child_that_posts_until_it_is_killed",
            ])
            .args(["--ignored", "--nocapture"])
            .env(CHILD, directory.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut note = |line: String| match line.split_once(' ') {
            Some(("acknowledged", key)) => drop(acknowledged.insert(key.parse().unwrap())),
            Some(("settled", key)) => drop(settled.insert(key.parse().unwrap())),
            _ => {}
        };
        let mut seen = rand::rng().random_range(20..200);
        while seen > 0 {
            let line = lines
                .next()
                .expect("the child writes until it is killed")
                .unwrap();
            seen -= usize::from(line.starts_with("acknowledged"));
            note(line);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it had printed is acknowledged too; the last line may be cut.
        for line in lines.map_while(Result::ok).filter(|line| line.len() > 40) {
            note(line);
        }

        let outbox = open(&directory);
        for key in &acknowledged {
            let receipt = outbox.receipt(*key).await;
            let state = receipt
                .unwrap_or_else(|| panic!("round {round}: {key} is lost"))
                .state;
            assert!(
                state == ReceiptState::Queued
                    || (state == ReceiptState::Sent && settled.contains(key)),
                "round {round}: {key} is {state:?}"
            );
        }
        assert_each_writer_in_order(&outbox);
        outbox.close().await;
    }
}

fn assert_each_writer_in_order(outbox: &Outbox) {
    let mut last: HashMap<String, u32> = HashMap::new();
    for pending in outbox.pending().iter() {
        let (writer, number) = content(&pending.call).split_once(' ').unwrap();
        let number = number.parse().unwrap();
        let before = last.insert(writer.to_owned(), number);
        assert!(
            before.is_none_or(|before| before < number),
            "{writer}: {number} after {before:?}"
        );
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_changes_no_order_and_shows_no_negative_age() {
    let directory = directory();
    let outbox = open(&directory);
    let receipts = outbox.submit(vec![post("a"), post("b")]).await.unwrap();
    // As if both had been queued by a clock an hour ahead, the second less so.
    outbox
        .pragma("UPDATE item SET queued_at = queued_at + 3600000000 - 60000000 * id")
        .await;
    outbox.close().await;
    let outbox = open(&directory);
    outbox.submit(vec![post("c")]).await.unwrap();
    assert_eq!(queued_texts(&outbox), ["a", "b", "c"]);
    outbox.expire(|_| false);
    assert_eq!(outbox.status().queued, 3);
    outbox.settle(receipts[0].client_key, End::Sent);
    let receipt = outbox.receipt(receipts[0].client_key).await.unwrap();
    assert!(receipt.sent_at.unwrap() >= receipt.queued_at);
}
