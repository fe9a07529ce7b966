//! An hour of mixed load with faults on three daemons and their hub: at its end
//! memory, open files, threads and disk are flat, nothing waits, and nothing
//! happened that no fault explains. `make soak` runs it.
//!
//! `SOAK_MINUTES` (default 60), `SOAK_SEED`, and `SOAK_DIR`, where `samples.csv`
//! and `report.txt` go.

mod faults;
mod gauges;
mod load;
mod report;
mod tally;
mod trend;

use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use spaces_tests::{Caller, Daemon, Hub, Proxy, hub_settings, none};

use faults::Faults;
use gauges::{Sample, Table};
use load::Site;
use report::Report;
use tally::Tally;

const SAMPLE_EVERY: Duration = Duration::from_secs(10);

/// For a backlog of the last fault on a busy machine.
const TIME_TO_DRAIN: Duration = Duration::from_secs(600);

/// So few that both stores of messages are full long before the second half.
const KEPT_MESSAGES: u64 = 1_000;

/// A machine: a daemon that reaches the hub through a network of its own.
struct Machine {
    name: &'static str,
    daemon: Daemon,
    proxy: Proxy,
}

impl Machine {
    fn set_up(name: &'static str, hub: &Hub, mut daemon: Daemon) -> Self {
        let proxy = Proxy::start(hub.port());
        daemon.child().stop();
        daemon.use_hub_at(&proxy.uri());
        daemon.configure_also(&format!("[cache]\nmax_messages = {KEPT_MESSAGES}\n"));
        daemon.without_backtraces();
        daemon.run();
        daemon.until_live();
        Self {
            name,
            daemon,
            proxy,
        }
    }

    fn username(&self) -> String {
        let me = self.daemon.call("user.me", json!({}));
        let name = me["user"]["username"].as_str();
        format!("@{}", name.expect("a user has a name"))
    }
}

#[test]
#[ignore = "takes an hour: `make soak`"]
fn an_hour_of_load_and_faults_leaves_everything_flat() {
    let minutes = setting("SOAK_MINUTES", 60.0);
    let seed = setting("SOAK_SEED", u64::from(std::process::id()));
    let directory = setting("SOAK_DIR", env!("CARGO_TARGET_TMPDIR").to_owned() + "/soak");
    let directory = PathBuf::from(directory);
    std::fs::create_dir_all(&directory).expect("SOAK_DIR can be made");
    println!(
        "soak: {minutes} minutes, SOAK_SEED={seed}, to {}",
        directory.display()
    );
    let mut random = StdRng::seed_from_u64(seed);

    let mut hub = Hub::start();
    keep_few_messages(&hub);
    let first = Machine::set_up("spacesd 1", &hub, Daemon::owner_of(&hub));
    let others = ["spacesd 2", "spacesd 3"];
    let others = others.map(|name| Machine::set_up(name, &hub, first.daemon.invite("member")));
    let mut machines: Vec<Machine> = std::iter::once(first).chain(others).collect();

    let tally = Arc::new(Tally::default());
    let people: Arc<Vec<String>> = Arc::new(machines.iter().map(Machine::username).collect());
    let begun = Instant::now();
    let length = Duration::from_secs_f64(minutes * 60.0);
    let mut hands = Vec::new();
    for (index, machine) in machines.iter().enumerate() {
        let site = Site {
            paths: load::places(machine.daemon.home().to_owned()),
            cli: machine.daemon.cli(),
            people: Arc::clone(&people),
            restarted: index == faults::RESTARTED,
            tally: Arc::clone(&tally),
        };
        hands.extend(load::begin(&site, &mut random));
    }

    let mut table = Table::create(&directory.join("samples.csv"));
    let mut samples = Vec::new();
    let mut faults = Faults::plan(length, random);
    let mut sample_at = Duration::ZERO;
    while begun.elapsed() < length {
        let now = begun.elapsed();
        if now >= sample_at {
            sample_at += SAMPLE_EVERY;
            for sample in measure(&mut hub, &mut machines, begun, tally.writes()) {
                table.add(&sample);
                samples.push(sample);
            }
        }
        faults.step(now, &mut hub, &mut machines);
        let next = sample_at.min(faults.next()).min(length);
        thread::park_timeout(next.saturating_sub(begun.elapsed()));
    }
    let measured = begun.elapsed().as_secs_f64();

    for machine in &machines {
        machine.proxy.heal();
        machine.proxy.cut();
    }
    tally.end();
    for hand in hands {
        hand.join().expect("the load itself does not fail");
    }
    let mut report = Report::of(&samples, measured, &tally, faults.done());
    for machine in &machines {
        report.end_of(machine.name, &drained(&machine.daemon));
        let log = directory.join(format!("{}.log", machine.name));
        std::fs::copy(machine.daemon.log_file(), log).expect("SOAK_DIR can be written");
    }
    // Their logs are long, and are kept already.
    drop((machines, hub));
    let text = report.to_string();
    std::fs::write(directory.join("report.txt"), &text).expect("SOAK_DIR can be written");
    println!("{text}");
    assert!(
        report.is_good(),
        "the soak found something: see the report above"
    );
}

/// The daemon's status once all it took is on the hub, or when it had time enough.
fn drained(daemon: &Daemon) -> Value {
    let begun = Instant::now();
    loop {
        daemon.call("outbox.flush", json!({"timeout_ms": 5_000}));
        let status = daemon.call("daemon.status", json!({}));
        if !report::has_something_left(&status) || begun.elapsed() > TIME_TO_DRAIN {
            return status;
        }
    }
}

/// Retention is at work from the first minutes on, as on a hub of some age.
fn keep_few_messages(hub: &Hub) {
    let publisher = Caller::with_token(hub.port(), &hub.publisher_token());
    let few = hub_settings(&[("messages_per_channel", json!(KEPT_MESSAGES))]);
    publisher.does("set_hub_settings", json!([none(), few]));
}

fn measure(hub: &mut Hub, machines: &mut [Machine], begun: Instant, writes: u64) -> Vec<Sample> {
    let seconds = begun.elapsed().as_secs_f64();
    let data = [hub.data_dir()];
    let mut samples: Vec<Sample> =
        Sample::take("spaces-hub", hub.child().id(), &data, seconds, writes)
            .into_iter()
            .collect();
    for machine in machines {
        let directories = [machine.daemon.state_dir(), machine.daemon.cache_dir()];
        let pid = machine.daemon.child().id();
        samples.extend(Sample::take(
            machine.name,
            pid,
            &directories,
            seconds,
            writes,
        ));
    }
    samples
}

/// A setting from the environment.
fn setting<T: std::str::FromStr>(variable: &str, default: T) -> T {
    std::env::var(variable).map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{variable}={text} cannot be read"))
    })
}
