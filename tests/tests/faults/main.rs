//! Two machines write to one hub, in open and private channels and to each
//! other, while links and processes fail at random moments. Each acknowledged
//! write is on the hub exactly once and in its writer's order, and no receipt
//! ever claimed what did not happen.
//!
//! `SPACES_FAULT_ROUNDS` (default 10; `make faults` makes 200) says how long it
//! goes on, and `SPACES_FAULT_SEED` repeats the choices of an earlier run; the
//! seed is printed. What came of it is printed too, and written to `faults.json`
//! in the target directory's `tmp`.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod account;
mod fault;
mod reads;
mod truth;
mod world;
mod writer;

use std::time::Instant;

use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::json;
use spaces_tests::{Daemon, Hub, Proxy, eventually};

use account::Account;
use world::World;

#[test]
fn no_write_is_lost_doubled_reordered_or_lied_about() {
    let rounds = number("SPACES_FAULT_ROUNDS").unwrap_or(10);
    let seed = number("SPACES_FAULT_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("faults: {rounds} rounds, SPACES_FAULT_SEED={seed}");
    let begun = Instant::now();

    let mut world = World::start();
    let mut account = Account::new(rounds, seed);
    for round in 0..rounds {
        // A round's choices hang on its number alone, not on those before.
        let mut random = StdRng::seed_from_u64(seed.wrapping_mul(1_000_003) ^ round);
        let fault = world.round(rounds, &mut random);
        account.struck(fault);
        if round % 10 == 9 {
            println!(
                "faults: {} rounds done after {:?}",
                round + 1,
                begun.elapsed()
            );
        }
    }
    world.settle();
    account.take(&mut world);
    account.write(begun.elapsed());
    assert!(account.is_clean(), "{}", account.complaints());
}

#[test]
fn a_stalled_link_is_noticed_and_reads_go_on() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut daemon = Daemon::owner_of(&hub);
    daemon.child().stop();
    daemon.use_hub_at(&proxy.uri());
    daemon.run();
    daemon.until_live();

    proxy.stall();
    daemon.until_hub(spaces_api::HubState::Offline);
    let page = daemon.call("message.list", json!({"channel": "#general"}));
    assert_eq!(page["meta"]["hub"], "offline");
    let queued = daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "stalled"}),
    );
    assert_eq!(queued["receipt"]["state"], "queued");

    proxy.heal();
    proxy.cut();
    daemon.until_live();
    let key = &queued["receipt"]["client_key"];
    eventually("the post is sent", || {
        let shown = daemon.call("outbox.show", json!({"client_key": key}));
        (shown["receipt"]["state"] == "sent").then_some(())
    });
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable)
        .ok()
        .filter(|text| !text.is_empty())?;
    let number = text.parse();
    Some(number.unwrap_or_else(|_| panic!("{variable}={text} is not a number")))
}
