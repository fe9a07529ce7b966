//! The account of a run: what was promised against what is there.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use spaces_tests::{Daemon, eventually};

use crate::fault::Fault;
use crate::reads::Times;
use crate::truth;
use crate::world::World;
use crate::writer::{Place, Writer};

#[derive(Default)]
pub struct Account {
    rounds: u64,
    seed: u64,
    faults: BTreeMap<Fault, u32>,
    acknowledged: u64,
    delivered: u64,
    lost: Vec<String>,
    duplicated: Vec<String>,
    reordered: Vec<String>,
    lied_about: Vec<String>,
    edits: u64,
    edits_lost: Vec<String>,
    reads: Times,
}

impl Account {
    pub fn new(rounds: u64, seed: u64) -> Self {
        Self {
            rounds,
            seed,
            ..Self::default()
        }
    }

    pub fn struck(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    /// Compares every word that was said with what the hub has.
    pub fn take(&mut self, world: &mut World) {
        for machine in &mut world.machines {
            for (hub, times) in machine.reads.finish() {
                self.reads.entry(hub).or_default().extend(times);
            }
        }
        for machine in &world.machines {
            for writer in &machine.writers {
                let first = &writer.posts[0];
                let shown = machine
                    .daemon
                    .call("message.show", json!({"message": first.key}));
                let channel = shown["message"]["channel_id"].as_u64().unwrap();
                let there = truth::contents(&world.hub, &machine.daemon, channel);
                self.compare(writer, &there, &machine.daemon);
                // The other machine has been told the same.
                for reader in &world.machines {
                    eventually("both machines show what the hub has", || {
                        let shown = as_shown(&reader.daemon, &writer.place, channel);
                        (of(writer, &shown) == of(writer, &there)).then_some(())
                    });
                }
            }
        }
    }

    fn compare(&mut self, writer: &Writer, there: &[String], daemon: &Daemon) {
        let there = of(writer, there);
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, content) in there.iter().enumerate() {
            places.entry(original(content)).or_default().push(place);
        }
        let mut last = None;
        for post in &writer.posts {
            let name = original(&post.content);
            self.acknowledged += 1;
            self.edits += post.said.len() as u64 - 1;
            let found = places.remove(name).unwrap_or_default();
            match found.as_slice() {
                [] => self.lost.push(name.to_owned()),
                [_] => self.delivered += 1,
                _ => self.duplicated.push(name.to_owned()),
            }
            if let Some(place) = found.first() {
                if last.is_some_and(|last| last > *place) {
                    self.reordered.push(name.to_owned());
                }
                last = Some(*place);
                if there[*place] != post.content {
                    let edit = format!("{} is {}", post.content, there[*place]);
                    self.edits_lost.push(edit);
                }
            }
            let receipt =
                daemon.call("outbox.show", json!({"client_key": post.key}))["receipt"].clone();
            let now = receipt["state"].as_str().unwrap_or_default();
            for (state, receipt) in post
                .said
                .iter()
                .map(|said| (said.state.as_str(), &said.receipt))
                .chain([(now, &receipt)])
            {
                let true_word = match state {
                    "queued" => now != state || !found.is_empty(),
                    "sent" => !found.is_empty(),
                    _ => false,
                };
                if !true_word {
                    self.lied_about.push(format!("{name}: {receipt}"));
                }
            }
            if now != "sent" && !found.is_empty() {
                self.lied_about.push(format!("{name} is there: {receipt}"));
            }
        }
        // Nobody wrote these.
        self.duplicated
            .extend(places.into_keys().map(str::to_owned));
    }

    pub fn is_clean(&self) -> bool {
        let wrong = [
            &self.lost,
            &self.duplicated,
            &self.reordered,
            &self.lied_about,
            &self.edits_lost,
        ];
        wrong.into_iter().all(Vec::is_empty) && self.delivered == self.acknowledged
    }

    pub fn complaints(&self) -> String {
        let mut text = format!("SPACES_FAULT_SEED={}", self.seed);
        for (what, list) in [
            ("lost", &self.lost),
            ("duplicated", &self.duplicated),
            ("reordered", &self.reordered),
            ("lied about", &self.lied_about),
            ("edits lost", &self.edits_lost),
        ] {
            if !list.is_empty() {
                let _ = write!(text, "\n{what}: {list:#?}");
            }
        }
        text
    }

    /// Prints the account and writes it to a file.
    pub fn write(&self, took: Duration) {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("faults.json");
        let reads: BTreeMap<&str, Value> = self
            .reads
            .iter()
            .map(|(hub, times)| (hub.as_str(), percentiles(times)))
            .collect();
        let faults: BTreeMap<String, u32> = self
            .faults
            .iter()
            .map(|(fault, count)| (format!("{fault:?}"), *count))
            .collect();
        let all = json!({
            "rounds": self.rounds, "seed": self.seed, "seconds": took.as_secs(), "faults": faults,
            "posts": {
                "acknowledged": self.acknowledged, "delivered": self.delivered,
                "lost": self.lost.len(), "duplicated": self.duplicated.len(),
                "reordered": self.reordered.len(), "lied_about": self.lied_about.len(),
            },
            "edits": {"acknowledged": self.edits, "lost": self.edits_lost.len()},
            "reads_by_hub_state": reads,
        });
        std::fs::write(&file, format!("{all:#}\n")).expect("the target directory is ours");

        println!(
            "faults: {} rounds in {} s, SPACES_FAULT_SEED={}",
            self.rounds,
            took.as_secs(),
            self.seed
        );
        println!("  {}", serde_json::to_string(&faults).unwrap());
        println!(
            "  posts: acknowledged {}, delivered {}, lost {}, duplicated {}, reordered {}, lied about {}",
            self.acknowledged,
            self.delivered,
            self.lost.len(),
            self.duplicated.len(),
            self.reordered.len(),
            self.lied_about.len()
        );
        println!(
            "  edits: acknowledged {}, lost {}",
            self.edits,
            self.edits_lost.len()
        );
        for (hub, figures) in reads {
            println!("  reads while {hub}: {figures}");
        }
        println!("  written to {}", file.display());
    }
}

/// What this writer wrote, out of all.
fn of<'a>(writer: &Writer, contents: &'a [String]) -> Vec<&'a str> {
    let own = format!("{} ", writer.name);
    let contents = contents.iter().map(String::as_str);
    contents
        .filter(|content| content.starts_with(&own))
        .collect()
}

/// A content without what an edit added.
fn original(content: &str) -> &str {
    content.split(" v").next().unwrap_or(content)
}

/// The contents that a daemon shows at a place.
fn as_shown(daemon: &Daemon, place: &Place, channel_id: u64) -> Vec<String> {
    match place {
        Place::Channel(name) => daemon.confirmed(*name),
        // The conversation has the same number for both of its users.
        Place::Direct(_) => daemon.confirmed(channel_id),
    }
}

fn percentiles(times: &[Duration]) -> Value {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |part: f64| {
        let place = ((sorted.len() - 1) as f64 * part).round() as usize;
        (sorted[place].as_secs_f64() * 1e5).round() / 100.0
    };
    json!({"count": sorted.len(), "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0)})
}
