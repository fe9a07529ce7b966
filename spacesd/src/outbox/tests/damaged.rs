//! Files that are damaged, or deleted in use: set aside, read, begun anew.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use spaces_api::ReceiptState;
use tempfile::TempDir;

use super::super::{End, Limits, Opened, Outbox};
use super::{DEADLINE, directory, open, post, queued_texts};

fn files_like(directory: &Path, part: &str) -> Vec<std::path::PathBuf> {
    fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains(part))
        .collect()
}

#[tokio::test]
async fn a_file_that_is_no_database_is_set_aside_whole() {
    let directory = directory();
    let garbage = b"this is no database".repeat(1_000);
    fs::write(directory.path().join("outbox.db"), &garbage).unwrap();
    let Opened { outbox, warning } = Outbox::open(directory.path(), Limits::default()).unwrap();
    let warning = warning.expect("it is said");
    assert!(warning.contains("set aside"), "{warning}");
    assert_eq!(outbox.status().fault, Some(warning));
    let aside = files_like(directory.path(), "outbox.db.damaged-");
    assert_eq!(aside.len(), 1);
    assert_eq!(fs::read(&aside[0]).unwrap(), garbage);
    outbox.submit(vec![post("goes on")]).await.unwrap();
    outbox.close().await;
    assert_eq!(queued_texts(&open(&directory)), ["goes on"]);
}

/// Overwrites these pages, counted from 0.
fn spoil(directory: &TempDir, pages: std::ops::Range<usize>) {
    let path = directory.path().join("outbox.db");
    let mut bytes = fs::read(&path).unwrap();
    assert!(
        bytes.len() > pages.end * 4096,
        "only {} pages",
        bytes.len() / 4096
    );
    bytes[pages.start * 4096..pages.end * 4096].fill(0xA5);
    // In place: a running store has the same file open.
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .unwrap()
        .write_all(&bytes)
        .unwrap();
}

/// Queues so many posts, of which a page of the file holds a few; gives their texts.
async fn post_many(outbox: &Outbox, count: usize) -> Vec<String> {
    let texts: Vec<String> = (0..count)
        .map(|number| format!("{number:04} {}", "x".repeat(300)))
        .collect();
    let posts = texts.iter().map(|text| post(text)).collect();
    outbox.submit(posts).await.unwrap();
    texts
}

#[tokio::test]
async fn what_can_be_read_of_a_damaged_file_is_taken_over_in_order() {
    let directory = directory();
    let outbox = open(&directory);
    let texts = post_many(&outbox, 2_000).await;
    outbox.close().await;
    spoil(&directory, 100..103);

    let Opened { outbox, warning } = Outbox::open(directory.path(), Limits::default()).unwrap();
    assert!(warning.is_some());
    let rescued = queued_texts(&outbox);
    assert!(rescued.len() > 1_000, "only {} of 2,000", rescued.len());
    assert!(rescued.is_sorted());
    let all: HashSet<_> = texts.iter().collect();
    assert!(rescued.iter().all(|text| all.contains(text)));
    let key = outbox.pending()[0].call.client_key;
    assert!(
        outbox.discard(key).await.is_err(),
        "it may have been sent before"
    );
    outbox.submit(vec![post("zzz")]).await.unwrap();
    outbox.close().await;
    assert_eq!(queued_texts(&open(&directory)).len(), rescued.len() + 1);
}

#[tokio::test]
async fn a_file_that_breaks_in_use_is_replaced_and_nothing_queued_is_lost() {
    let directory = directory();
    let outbox = open(&directory);
    let texts = post_many(&outbox, 1_000).await;
    outbox
        .pragma("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA cache_size = 1; PRAGMA shrink_memory;")
        .await;
    let pages = fs::metadata(directory.path().join("outbox.db"))
        .unwrap()
        .len()
        / 4096;
    spoil(&directory, 1..usize::try_from(pages).unwrap() - 1);

    outbox.submit(vec![post("after")]).await.unwrap();
    let fault = outbox.status().fault.expect("it is said");
    assert!(fault.contains("set aside"), "{fault}");
    outbox.close().await;
    let outbox = open(&directory);
    let queued = queued_texts(&outbox);
    assert_eq!(queued[..1_000], texts[..]);
    assert_eq!(queued[1_000], "after");
}

#[tokio::test]
async fn a_file_that_is_deleted_in_use_is_written_anew_and_nothing_is_lost() {
    let all: fn(&Path) = |directory| fs::remove_dir_all(directory).unwrap();
    let without_its_log: fn(&Path) =
        |directory| fs::remove_file(directory.join("outbox.db")).unwrap();
    for delete in [all, without_its_log] {
        let directory = directory();
        let outbox = open(&directory);
        let sent = post("sent");
        let sent_key = sent.call.client_key;
        outbox.submit(vec![sent, post("before")]).await.unwrap();
        outbox.settle(sent_key, End::Sent);
        outbox.settled(sent_key, DEADLINE).await.unwrap();

        delete(directory.path());
        let after = post("after");
        outbox.submit(vec![after.clone()]).await.unwrap();
        // The same once more is the same write, not one more.
        outbox.submit(vec![after]).await.unwrap();
        assert_eq!(queued_texts(&outbox), ["before", "after"]);
        let fault = outbox.status().fault.expect("it is said");
        assert!(fault.contains("deleted"), "{fault}");
        outbox.close().await;

        let outbox = open(&directory);
        assert_eq!(queued_texts(&outbox), ["before", "after"]);
        let receipt = outbox.receipt(sent_key).await.unwrap();
        assert_eq!(receipt.state, ReceiptState::Sent);
    }
}
