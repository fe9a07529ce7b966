//! What Spaces would cost without its daemon: a process that connects, posts
//! and ends, against `spacesctl post`, near by and with a network in between.

use std::process::{Command, Stdio};
use std::time::Duration;

use spaces_tests::{Proxy, binary};

use super::Measure;
use crate::pair::Pair;
use crate::process::{run_time, spacesctl};
use crate::row::{Goal, Outcome, Title};
use crate::sdk::agent_log;
use crate::site::Site;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "one-shot",
    about: "a process that connects to the hub, posts and ends, against spacesctl post",
    run,
};

/// Each way: the delay of the network, as a distant hub has it.
const FAR: Duration = Duration::from_millis(50);

fn run(stage: &Stage) -> Outcome {
    let site = stage.short();
    let cli = site.daemon.cli();
    let token = site.hub.publisher_token();
    let (_, channel) = agent_log(site.hub.port(), &token);
    let channel = channel.to_string();
    let one_shot = |uri: &str| {
        let mut command = Command::new(binary("one-shot"));
        command
            .args([uri, &channel, "the tests are green"])
            .env_clear()
            .env("SPACES_TOKEN", &token)
            .stdin(Stdio::null());
        run_time(command)
    };
    let post = || {
        run_time(spacesctl(
            &cli,
            &["post", "agent-logs", "the tests are green"],
        ))
    };

    let near = Pair::in_turns(stage.rounds(200), || one_shot(&site.hub.uri()), post);
    site.until_sent();

    // The daemon is as far from the hub as the one-shot process is.
    let far = far_away(&site, |proxy| {
        Pair::in_turns(stage.rounds(50), || one_shot(&proxy.uri()), post)
    });
    site.until_sent();
    Outcome::of_medians(
        Title {
            name: "one-shot SDK client, loopback",
            reference: "spacesctl post, whole process",
            goal: Goal::AtLeast(2.0),
        },
        &near,
    )
    .medians(
        Title {
            name: "one-shot SDK client, 50 ms away",
            reference: "spacesctl post, whole process",
            goal: Goal::AtLeast(40.0),
        },
        &far,
    )
}

fn far_away<T>(site: &Site, work: impl FnOnce(&Proxy) -> T) -> T {
    site.proxy.delay(FAR);
    let done = work(&site.proxy);
    site.proxy.heal();
    done
}
