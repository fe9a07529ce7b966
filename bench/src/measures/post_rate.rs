//! How many durable posts a second: posts that arrive together share a sync.

use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use spaces_api::HubState;
use spaces_tests::Hub;

use super::Measure;
use crate::lines::{Lines, post};
use crate::references::redis::{Redis, SetRequest};
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

/// The row with the goal stands between two that tell what bounds it: the same
/// without a hub to send to, whose work shares the processors; and Redis, which
/// shares a sync among clients too and does little else.
fn run(stage: &Stage) -> Outcome {
    // A machine of its own: what is still queued at the end goes with it.
    let hub = Hub::start();
    SdkClient::of_publisher(&hub).lift_limits();
    let mut daemon = machine_on(&hub.owner_invite(), &hub.uri());
    // A quick machine posts more than the hub takes, and more than the queue holds
    // by default.
    daemon.configure_also("[outbox]\nmax_items = 1000000\n");
    daemon.kill();
    daemon.run();
    daemon.until_live();
    let rounds = stage.rounds(5).min(5);
    let live = in_turns(rounds, |clients| posts_a_second(&daemon.socket(), clients));

    drop(hub);
    daemon.until_hub(HubState::Offline);
    let away = in_turns(rounds, |clients| posts_a_second(&daemon.socket(), clients));

    let redis = Redis::durable();
    let set = SetRequest::of(&request());
    let redis = in_turns(rounds, |clients| {
        a_second(clients, || {
            let mut client = redis.client();
            let set = &set;
            move || client.set(set)
        })
    });
    let one_client = "one client";
    Outcome::default()
        .numbers(
            Title {
                name: "durable posts, 64 clients",
                reference: one_client,
                goal: Goal::AtLeast(20.0),
            },
            "posts/s",
            live.many,
            live.one,
        )
        .numbers(
            Title {
                name: "durable posts, 64 clients, hub away",
                reference: one_client,
                goal: Goal::None,
            },
            "posts/s",
            away.many,
            away.one,
        )
        .numbers(
            Title {
                name: "Redis SET, appendfsync always, 64 clients",
                reference: one_client,
                goal: Goal::None,
            },
            "sets/s",
            redis.many,
            redis.one,
        )
}

struct Rates {
    many: f64,
    one: f64,
}

fn in_turns(rounds: usize, rate: impl Fn(usize) -> f64) -> Rates {
    let (many, one) = (0..rounds).map(|_| (rate(CLIENTS), rate(1))).unzip();
    Rates {
        many: median(many),
        one: median(one),
    }
}

fn posts_a_second(socket: &Path, clients: usize) -> f64 {
    a_second(clients, || {
        let mut lines = Lines::open(socket);
        let request = request();
        move || {
            let answer = lines.ask(&request);
            assert!(
                answer.windows(8).any(|word| word == b"\"queued\""),
                "{}",
                String::from_utf8_lossy(answer)
            );
        }
    })
}

fn request() -> Vec<u8> {
    post("the parser is done, its tests are green")
}

/// Each client waits for its answer before it asks again.
fn a_second<Ask: FnMut()>(clients: usize, client: impl Fn() -> Ask + Sync) -> f64 {
    let ready = Barrier::new(clients + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|_| {
                scope.spawn(|| {
                    let mut ask = client();
                    ready.wait();
                    let end = Instant::now() + ROUND;
                    let mut answered = 0_u32;
                    while Instant::now() < end {
                        ask();
                        answered += 1;
                    }
                    answered
                })
            })
            .collect();
        ready.wait();
        let begun = Instant::now();
        let answered: u32 = threads
            .into_iter()
            .map(|thread| thread.join().expect("a client does not fail"))
            .sum();
        f64::from(answered) / begun.elapsed().as_secs_f64()
    })
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
