//! How many durable posts a second: posts that arrive together share a sync.

use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use spaces_tests::Hub;

use super::Measure;
use crate::lines::{Lines, post};
use crate::row::{Goal, Outcome, Title};
use crate::sdk::SdkClient;
use crate::site::machine_on;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "post-rate",
    about: "durable posts a second of 64 clients at once",
    run,
};

const CLIENTS: usize = 64;
const ROUND: Duration = Duration::from_secs(1);

fn run(stage: &Stage) -> Outcome {
    // A machine of its own: what is still queued at the end goes with it.
    let hub = Hub::start();
    SdkClient::of_publisher(&hub).lift_limits();
    let daemon = machine_on(&hub.owner_invite(), &hub.uri());
    let socket = daemon.socket();
    let (mut many, mut one) = (Vec::new(), Vec::new());
    for _ in 0..stage.rounds(5).min(5) {
        many.push(posts_a_second(&socket, CLIENTS));
        one.push(posts_a_second(&socket, 1));
    }
    Outcome::default().numbers(
        Title {
            name: "durable posts, 64 clients",
            reference: "one client",
            goal: Goal::AtLeast(20.0),
        },
        "posts/s",
        median(many),
        median(one),
    )
}

/// Each client waits for its answer before it posts again.
fn posts_a_second(socket: &Path, clients: usize) -> f64 {
    let ready = Barrier::new(clients + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut lines = Lines::open(socket);
                    let request = post("the parser is done, its tests are green");
                    ready.wait();
                    let end = Instant::now() + ROUND;
                    let mut posts = 0_u32;
                    while Instant::now() < end {
                        let answer = lines.ask(&request);
                        assert!(
                            answer.windows(8).any(|word| word == b"\"queued\""),
                            "{}",
                            String::from_utf8_lossy(answer)
                        );
                        posts += 1;
                    }
                    posts
                })
            })
            .collect();
        ready.wait();
        let begun = Instant::now();
        let posts: u32 = threads
            .into_iter()
            .map(|thread| thread.join().expect("a client does not fail"))
            .sum();
        f64::from(posts) / begun.elapsed().as_secs_f64()
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
