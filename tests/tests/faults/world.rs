//! One hub, two machines that reach it over bad networks, and who writes there.

use std::thread;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use spaces_tests::{Daemon, Hub, Proxy, eventually};

use crate::fault::{Fault, pause};
use crate::reads::Reads;
use crate::writer::{Place, Writer};

/// A private channel of the two.
const VAULT: &str = "#vault";

pub struct World {
    // The machines end before their hub does.
    pub machines: Vec<Machine>,
    pub hub: Hub,
}

pub struct Machine {
    pub reads: Reads,
    pub writers: Vec<Writer>,
    pub daemon: Daemon,
    pub proxy: Proxy,
}

impl World {
    pub fn start() -> Self {
        let hub = Hub::start();
        let one = Daemon::owner_of(&hub);
        let other = one.invite("member");
        let names = [one.username(), other.username()];
        let private = json!({"name": "vault", "visibility": "private"});
        one.call("channel.create", private);
        eventually("the channel is known", || {
            let add = json!({"channel": VAULT, "user": names[1]});
            one.try_call("channel.add_member", add).ok()
        });
        let machines = [(one, &names[1]), (other, &names[0])]
            .into_iter()
            .zip(["one", "other"])
            .map(|((daemon, peer), name)| Machine::start(name, daemon, peer, &hub))
            .collect();
        Self { machines, hub }
    }

    /// Everybody writes, and meanwhile something goes wrong.
    pub fn round(&mut self, rounds: u64, random: &mut StdRng) -> Fault {
        let fault = Fault::choose(rounds, random);
        let mut writers: Vec<Vec<Writer>> = self
            .machines
            .iter_mut()
            .map(|machine| std::mem::take(&mut machine.writers))
            .collect();
        let sockets: Vec<_> = self
            .machines
            .iter()
            .map(|machine| machine.daemon.socket())
            .collect();
        thread::scope(|scope| {
            for (writers, socket) in writers.iter_mut().zip(&sockets) {
                for writer in writers {
                    let mut random = StdRng::seed_from_u64(random.random());
                    scope.spawn(move || writer.write_some(socket, &mut random));
                }
            }
            pause(random);
            fault.strike(self, random);
        });
        for (machine, writers) in self.machines.iter_mut().zip(writers) {
            machine.writers = writers;
        }
        fault
    }

    /// A good network at last, until everything is where it belongs.
    pub fn settle(&mut self) {
        for machine in &mut self.machines {
            machine.proxy.heal();
            machine.proxy.cut();
        }
        for machine in &self.machines {
            machine.daemon.until_live();
            let mut left = u64::MAX;
            while left > 0 {
                // A hub takes so many calls a second: progress is what counts.
                left = eventually("the queue becomes shorter", || {
                    let flushed = machine
                        .daemon
                        .call("outbox.flush", json!({"timeout_ms": 5_000}));
                    let now = flushed["still_queued"].as_u64()?;
                    (now < left).then_some(now)
                });
            }
        }
    }
}

impl Machine {
    fn start(name: &str, mut daemon: Daemon, peer: &str, hub: &Hub) -> Self {
        let proxy = Proxy::start(hub.port());
        daemon.child().stop();
        daemon.use_hub_at(&proxy.uri());
        daemon.run();
        daemon.until_live();
        eventually("the private channel is here", || {
            daemon
                .try_call("message.list", json!({"channel": VAULT}))
                .ok()
        });
        let places = [
            Place::Channel("#general"),
            Place::Channel("#agent-logs"),
            Place::Channel(VAULT),
            Place::Direct(peer.to_owned()),
        ];
        let writers = places
            .into_iter()
            .enumerate()
            .map(|(number, place)| Writer::new(format!("{name}{number}"), place))
            .collect();
        Self {
            reads: Reads::start(daemon.socket()),
            writers,
            daemon,
            proxy,
        }
    }
}
