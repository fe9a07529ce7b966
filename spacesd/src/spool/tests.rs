use std::collections::VecDeque;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use spaces_api::spool::{SpooledRequest, file_name};
use spaces_api::{ErrorKind, RpcError, Timestamp};
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

use super::{FAILED, REASON, Spool};

const DEADLINE: Duration = Duration::from_secs(30);

/// Takes requests, and answers the first ones as told.
#[derive(Clone)]
struct Taker {
    answers: Arc<Mutex<VecDeque<RpcError>>>,
    taken: Arc<watch::Sender<Vec<Value>>>,
}

impl Taker {
    fn refusing(kinds: &[ErrorKind]) -> Self {
        let answers = kinds.iter().map(|kind| RpcError::new(*kind, "as told"));
        Self {
            answers: Arc::new(Mutex::new(answers.collect())),
            taken: Arc::new(watch::Sender::new(Vec::new())),
        }
    }

    fn take(&self, method: &str, params: Value) -> Result<(), RpcError> {
        assert_eq!(method, "message.send");
        if let Some(error) = self.answers.lock().unwrap().pop_front() {
            return Err(error);
        }
        self.taken.send_modify(|taken| taken.push(params));
        Ok(())
    }

    async fn has_taken(&self, count: usize) -> Vec<Value> {
        let mut taken = self.taken.subscribe();
        let all = tokio::time::timeout(DEADLINE, taken.wait_for(|taken| taken.len() >= count));
        all.await.expect("taken in time").unwrap().clone()
    }
}

fn leave(directory: &Path, at: i64, content: &str) -> Uuid {
    let key = Uuid::new_v4();
    let params = json!({ "channel": "#general", "content": content, "client_key": key });
    let request = SpooledRequest::now("message.send", params);
    leave_bytes(
        directory,
        &file_name(Timestamp::from_micros(at), key),
        &serde_json::to_vec(&request).unwrap(),
    );
    key
}

fn leave_bytes(directory: &Path, name: &str, bytes: &[u8]) {
    let unfinished = directory.join(format!(".{name}"));
    fs::write(&unfinished, bytes).unwrap();
    fs::rename(unfinished, directory.join(name)).unwrap();
}

fn contents(taken: &[Value]) -> Vec<&str> {
    taken
        .iter()
        .map(|params| params["content"].as_str().unwrap())
        .collect()
}

fn start(spool: &Spool, taker: &Taker) -> tokio::task::JoinHandle<()> {
    let (spool, taker) = (spool.clone(), taker.clone());
    tokio::spawn(async move {
        let accept = |method: String, params| {
            let taken = taker.take(&method, params);
            async move { taken }
        };
        spool.run(accept, std::future::pending()).await;
    })
}

async fn until(condition: impl Fn() -> bool) {
    let met = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, met).await.expect("in time");
}

fn opened() -> (TempDir, Spool) {
    let directory = tempfile::tempdir().unwrap();
    let spool = Spool::open(directory.path()).unwrap();
    (directory, spool)
}

#[tokio::test]
async fn what_was_left_is_taken_in_order_and_what_comes_too() {
    let (directory, spool) = opened();
    leave(directory.path(), 2_000, "second");
    leave(directory.path(), 1_000, "first");
    fs::write(directory.path().join(".unfinished.json"), "{").unwrap();
    let taker = Taker::refusing(&[]);
    let running = start(&spool, &taker);
    assert_eq!(contents(&taker.has_taken(2).await), ["first", "second"]);
    until(|| spool.status().waiting == 0).await;

    let key = leave(directory.path(), 3_000, "third");
    let taken = taker.has_taken(3).await;
    assert_eq!(taken[2]["client_key"], json!(key));
    until(|| spool.status().accepted_total == 3 && spool.names().unwrap().is_empty()).await;
    assert!(directory.path().join(".unfinished.json").exists());
    running.abort();
}

#[tokio::test]
async fn a_trouble_that_passes_keeps_the_file_and_the_order() {
    let (directory, spool) = opened();
    leave(directory.path(), 1, "first");
    leave(directory.path(), 2, "second");
    let taker = Taker::refusing(&[ErrorKind::DiskFull, ErrorKind::OutboxFull]);
    let running = start(&spool, &taker);
    assert_eq!(contents(&taker.has_taken(2).await), ["first", "second"]);
    until(|| spool.status().waiting == 0).await;
    assert_eq!(spool.status().set_aside, 0);
    running.abort();
}

#[tokio::test]
async fn what_can_never_be_accepted_is_set_aside_with_the_reason() {
    let (directory, spool) = opened();
    let name = |at| file_name(Timestamp::from_micros(at), Uuid::new_v4());
    let with = |request: Value| serde_json::to_vec(&request).unwrap();
    let request = |protocol: u32, method: &str, params: Value| {
        with(json!({
            "protocol": protocol, "version": "9.9.9", "spooled_at": Timestamp::now(),
            "method": method, "params": params,
        }))
    };
    let bad: Vec<(String, Vec<u8>, &str)> = vec![
        (name(1), b"{".to_vec(), "not a spooled write"),
        (
            name(2),
            request(99, "message.send", json!({})),
            "protocol 99",
        ),
        (
            name(3),
            request(1, "server.delete", json!({})),
            "not a write",
        ),
        (
            name(4),
            request(1, "message.send", json!([])),
            "not an object",
        ),
        (
            "nameless.json".into(),
            request(1, "message.send", json!({})),
            "client_key",
        ),
        (name(5), vec![b' '; 2 << 20], "at most"),
    ];
    for (name, content, _) in &bad {
        leave_bytes(directory.path(), name, content);
    }
    let refused = leave(directory.path(), 6, "refused");
    leave(directory.path(), 7, "good");
    let taker = Taker::refusing(&[ErrorKind::NotFound]);
    let running = start(&spool, &taker);
    // `nameless` sorts last.
    assert_eq!(contents(&taker.has_taken(1).await), ["good"]);
    until(|| spool.status().set_aside == 7 && spool.status().waiting == 0).await;

    let failed = directory.path().join(FAILED);
    for (name, content, why) in &bad {
        assert_eq!(&fs::read(failed.join(name)).unwrap(), content);
        let reason = fs::read_to_string(failed.join(format!("{name}{REASON}"))).unwrap();
        assert!(reason.contains(why), "{name}: {reason}");
    }
    let reason = file_name(Timestamp::from_micros(6), refused) + REASON;
    let reason = fs::read_to_string(failed.join(reason)).unwrap();
    assert_eq!(reason, "not_found: as told\n");
    running.abort();

    let again = Spool::open(directory.path()).unwrap();
    assert_eq!(again.status().set_aside, 7);
}

#[tokio::test]
async fn a_write_without_a_key_gets_the_one_of_its_name() {
    let (directory, spool) = opened();
    let key = Uuid::new_v4();
    let request = SpooledRequest::now("message.send", json!({ "content": "a" }));
    leave_bytes(
        directory.path(),
        &file_name(Timestamp::now(), key),
        &serde_json::to_vec(&request).unwrap(),
    );
    let taker = Taker::refusing(&[]);
    let running = start(&spool, &taker);
    assert_eq!(taker.has_taken(1).await[0]["client_key"], json!(key));
    running.abort();
}
