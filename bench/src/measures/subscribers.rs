//! An event to 1,000 open subscribers, against one.

use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};

use super::Measure;
use crate::lines::{Lines, line, post};
use crate::pair::Pair;
use crate::row::{Goal, Outcome, Title};
use crate::site::Site;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "subscribers",
    about: "a post until each of 1,000 open subscribers has its event",
    run,
};

const SUBSCRIBERS: usize = 1_000;

fn run(stage: &Stage) -> Outcome {
    crate::limits::allow_many_files();
    let site = stage.short();
    let mut pair = Pair::default();
    // They cannot take turns event by event: each needs the other gone.
    for _ in 0..5 {
        let rounds = stage.rounds(200) / 5;
        pair.value.extend(latencies(&site, SUBSCRIBERS, rounds));
        pair.reference.extend(latencies(&site, 1, rounds));
    }
    site.until_sent();
    Outcome::default().p99s(
        Title {
            name: "event to each of 1,000 subscribers, p99",
            reference: "1 subscriber, p99",
            goal: Goal::Below(50.0),
        },
        &pair,
    )
}

/// How long each event took to each subscriber, from the post on.
fn latencies(site: &Site, subscribers: usize, rounds: usize) -> Vec<Duration> {
    let (readers, arrivals) = subscribe(site, subscribers);
    let mut lines = Lines::open(&site.daemon.socket());
    let mut latencies = Vec::with_capacity(rounds * subscribers);
    for round in 0..rounds {
        let request = post(&format!("event {round}"));
        let begun = Instant::now();
        let answer = lines.ask(&request);
        assert!(answer.starts_with(b"{"), "the daemon did not answer");
        for _ in 0..subscribers {
            let arrived = arrivals
                .recv_timeout(spaces_tests::PATIENCE)
                .expect("every subscriber has the event");
            latencies.push(arrived.duration_since(begun));
        }
    }
    readers.shutdown_background();
    latencies
}

/// Opens so many subscriptions to messages, all read by one thread, which tells
/// when each event came.
fn subscribe(site: &Site, subscribers: usize) -> (Runtime, Receiver<Instant>) {
    let readers = Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    let (tell, arrivals) = mpsc::channel();
    let request = line("events.subscribe", &json!({"kinds": ["message"]}));
    for _ in 0..subscribers {
        let (tell, request, socket) = (tell.clone(), request.clone(), site.daemon.socket());
        let mut lines = readers.block_on(async move {
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
    (readers, arrivals)
}
