//! The faults of a soak: the network of one machine or another is bad for a
//! while, all the time; hub and one daemon are killed in the first part only, so
//! that each process lives long enough in one piece to be judged.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use spaces_tests::Hub;

use crate::Machine;

/// The machine whose daemon is killed now and then.
pub const RESTARTED: usize = 2;

/// When, in parts of the whole time, something is killed.
const KILLS: [(f64, Killed); 6] = [
    (0.04, Killed::Hub),
    (0.08, Killed::Daemon),
    (0.12, Killed::Hub),
    (0.16, Killed::Daemon),
    (0.20, Killed::Hub),
    (0.24, Killed::Daemon),
];

#[derive(Clone, Copy, Debug)]
enum Killed {
    Hub,
    Daemon,
}

/// What is to come and what has been.
pub struct Faults {
    random: StdRng,
    kills: Vec<(Duration, Killed)>,
    next: Duration,
    /// When the network of a machine is good again.
    heal: [Option<Duration>; 3],
    done: BTreeMap<&'static str, u64>,
}

impl Faults {
    pub fn plan(length: Duration, random: StdRng) -> Self {
        let kills = KILLS.map(|(part, what)| (length.mul_f64(part), what));
        Self {
            random,
            kills: kills.into_iter().rev().collect(),
            next: Duration::from_secs(5),
            heal: [None; 3],
            done: BTreeMap::new(),
        }
    }

    /// When [`Faults::step`] has something to do again.
    pub fn next(&self) -> Duration {
        let heal = self.heal.into_iter().flatten().min();
        let kill = self.kills.last().map(|(at, _)| *at);
        [heal, kill]
            .into_iter()
            .flatten()
            .fold(self.next, Duration::min)
    }

    /// Does what is due.
    pub fn step(&mut self, now: Duration, hub: &mut Hub, machines: &mut [Machine]) {
        for (heal, machine) in self.heal.iter_mut().zip(machines.iter()) {
            if heal.take_if(|at| *at <= now).is_some() {
                machine.proxy.heal();
            }
        }
        while let Some((_, what)) = self.kills.pop_if(|(at, _)| *at <= now) {
            match what {
                Killed::Hub => {
                    self.count("hub killed");
                    hub.kill();
                    hub.run();
                }
                Killed::Daemon => {
                    self.count("daemon killed");
                    machines[RESTARTED].daemon.kill();
                    machines[RESTARTED].daemon.run();
                }
            }
        }
        if self.next <= now {
            self.next = now + Duration::from_secs(self.random.random_range(10..30));
            let index = self.random.random_range(0..machines.len());
            if self.heal[index].is_none() {
                self.spoil(now, index, &machines[index]);
            }
        }
    }

    fn spoil(&mut self, now: Duration, index: usize, machine: &Machine) {
        let proxy = &machine.proxy;
        let mut for_seconds = self.random.random_range(5..25);
        let what = match self.random.random_range(0..6) {
            0 => {
                proxy.cut();
                for_seconds = 0;
                "connections cut"
            }
            1 => {
                proxy.half_close();
                for_seconds = 0;
                "connections half closed"
            }
            2 => {
                proxy.stall();
                "network stalled"
            }
            3 => {
                proxy.refuse();
                "connections refused"
            }
            4 => {
                proxy.delay(Duration::from_millis(self.random.random_range(20..200)));
                "network slow"
            }
            _ => {
                proxy.throttle(Some(self.random.random_range(10_000..100_000)));
                "network narrow"
            }
        };
        self.heal[index] = Some(now + Duration::from_secs(for_seconds));
        self.count(what);
    }

    fn count(&mut self, what: &'static str) {
        *self.done.entry(what).or_default() += 1;
    }

    /// What has been done, how often.
    pub fn done(&self) -> &BTreeMap<&'static str, u64> {
        &self.done
    }
}
