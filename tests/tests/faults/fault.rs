//! What goes wrong in a round.

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;
use spaces_api::HubState;

use crate::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    Cut,
    Stall,
    /// Long enough for the daemon to give the link up.
    LongStall,
    Delay,
    Throttle,
    HalfClose,
    Refuse,
    KillHub,
    KillDaemon,
    KillDaemonAndHub,
    KillAll,
}

const BRIEF: [Fault; 10] = [
    Fault::Cut,
    Fault::Stall,
    Fault::Delay,
    Fault::Throttle,
    Fault::HalfClose,
    Fault::Refuse,
    Fault::KillHub,
    Fault::KillDaemon,
    Fault::KillDaemonAndHub,
    Fault::KillAll,
];

/// A long stall takes a quarter of a minute: one in so many rounds, and none in
/// a short run.
const LONG_STALL_IN: u64 = 25;

impl Fault {
    pub fn choose(rounds: u64, random: &mut StdRng) -> Self {
        if rounds >= 2 * LONG_STALL_IN && random.random_ratio(1, LONG_STALL_IN as u32) {
            return Self::LongStall;
        }
        BRIEF[random.random_range(0..BRIEF.len())]
    }

    /// Brings it about, on one machine or on all, and undoes it.
    pub fn strike(self, world: &mut World, random: &mut StdRng) {
        let at = random.random_range(0..world.machines.len());
        let proxy = &world.machines[at].proxy;
        match self {
            Self::Cut => proxy.cut(),
            Self::Stall => proxy.stall(),
            Self::LongStall => {
                proxy.stall();
                world.machines[at].daemon.until_hub(HubState::Offline);
            }
            Self::Delay => proxy.delay(Duration::from_millis(random.random_range(1..60))),
            Self::Throttle => proxy.throttle(Some(random.random_range(2_000..200_000))),
            Self::HalfClose => proxy.half_close(),
            Self::Refuse => proxy.refuse(),
            Self::KillHub => {
                world.hub.kill();
                pause(random);
                world.hub.run();
            }
            Self::KillDaemon => {
                world.machines[at].daemon.kill();
                pause(random);
                world.machines[at].daemon.run();
            }
            Self::KillDaemonAndHub => {
                world.hub.kill();
                world.machines[at].daemon.kill();
                // Either may be back first.
                if random.random_bool(0.5) {
                    world.hub.run();
                    world.machines[at].daemon.run();
                } else {
                    world.machines[at].daemon.run();
                    pause(random);
                    world.hub.run();
                }
            }
            Self::KillAll => {
                for machine in &mut world.machines {
                    machine.daemon.kill();
                }
                world.hub.kill();
                for machine in &mut world.machines {
                    machine.daemon.run();
                }
                pause(random);
                world.hub.run();
            }
        }
        pause(random);
        for machine in &world.machines {
            machine.proxy.heal();
        }
        if self == Self::LongStall {
            world.machines[at].proxy.cut();
        }
    }
}

/// Not a wait for an event: faults shall come and go at random moments.
pub fn pause(random: &mut StdRng) {
    std::thread::park_timeout(Duration::from_millis(random.random_range(0..150)));
}
