//! Subscriptions to a daemon's events, all read by one thread.

use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::json;
use spaces_tests::PATIENCE;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

use crate::lines::{Lines, line, post};

/// They end when this is dropped.
pub struct Subscribers {
    count: usize,
    /// When each event came to each of them.
    arrivals: Receiver<Instant>,
    readers: Option<Runtime>,
}

impl Subscribers {
    /// Opens so many subscriptions to messages, each on a connection of its own.
    pub fn open(socket: &Path, count: usize) -> Self {
        let readers = Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let (tell, arrivals) = mpsc::channel();
        let request = line("events.subscribe", &json!({"kinds": ["message"]}));
        for _ in 0..count {
            let tell = tell.clone();
            let mut lines = readers.block_on(async {
                let mut stream = UnixStream::connect(socket).await.expect("it listens");
                stream.write_all(&request).await.expect("it reads");
                let mut lines = BufReader::new(stream).lines();
                let begun = lines.next_line().await.expect("it answers");
                assert!(begun.is_some_and(|line| line.contains("\"subscription\"")));
                lines
            });
            readers.spawn(async move {
                while let Ok(Some(_)) = lines.next_line().await {
                    // Nobody listens once the measure is done.
                    let _ = tell.send(Instant::now());
                }
            });
        }
        Self {
            count,
            arrivals,
            readers: Some(readers),
        }
    }

    /// Posts so many times, one after the other: how long each event took to each
    /// subscriber, from the post on.
    pub fn latencies(&self, socket: &Path, events: usize) -> Vec<Duration> {
        let mut lines = Lines::open(socket);
        let mut latencies = Vec::with_capacity(events * self.count);
        for event in 0..events {
            let request = post(&format!("event {event}"));
            let begun = Instant::now();
            let answer = lines.ask(&request);
            assert!(answer.starts_with(b"{"), "the daemon did not answer");
            for _ in 0..self.count {
                let arrived = self.arrivals.recv_timeout(PATIENCE);
                let arrived = arrived.expect("every subscriber has the event");
                latencies.push(arrived.duration_since(begun));
            }
        }
        latencies
    }
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        if let Some(readers) = self.readers.take() {
            readers.shutdown_background();
        }
    }
}
