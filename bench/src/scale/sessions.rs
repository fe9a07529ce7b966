//! Sessions at work, each with a claim: many users on one hub.

use serde_json::json;
use spaces_domain::limits::OPEN_SESSIONS_PER_USER;
use spaces_tests::eventually;

use super::{digest_of, median_ms, millis, restart};
use crate::growth::Panel;
use crate::machine::resident_mib;
use crate::sdk::{SdkClient, claimed, place};
use crate::site::Site;

pub fn panels(sizes: &[u64]) -> Vec<Panel> {
    let mut memory = Panel::new("Resident memory", "sessions with a claim each", "MiB");
    let mut answers = Panel::new(
        "Answers of the daemon, p50",
        "sessions with a claim each",
        "ms",
    );
    let mut start = Panel::new("Start of the daemon", "sessions with a claim each", "ms");
    let mut site = Site::with(0);
    site.publisher.open_doors();
    let mut users: Vec<SdkClient> = Vec::new();
    let mut begun = 0;
    for &size in sizes {
        while begun < size {
            let room = OPEN_SESSIONS_PER_USER as u64 * users.len() as u64;
            if begun == room {
                users.push(SdkClient::of_stranger(&site.hub));
            }
            let user = users.last().expect("one was made above");
            let end = size.min(OPEN_SESSIONS_PER_USER as u64 * users.len() as u64);
            user.start_claiming(begun, end);
            begun = end;
        }
        eventually("the daemon knows the last claim", || {
            let claims = site.daemon.call("claim.check", check_of(size - 1));
            claims["claims"].as_array()?.first().map(drop)
        });
        memory.point("daemon that took them in", size, resident_mib(site.pid()));
        memory.point("hub", size, resident_mib(site.hub.child().id()));
        let started = restart(&mut site.daemon);
        start.point("until it answers", size, millis(started.answers));
        start.point("until live", size, millis(started.live));
        let digest = median_ms(&site.daemon, "activity.list", digest_of);
        answers.point("activity.list", size, digest);
        let sessions = median_ms(&site.daemon, "session.list", |_| json!({"limit": 50}));
        answers.point("session.list", size, sessions);
        let check = median_ms(&site.daemon, "claim.check", |round| {
            check_of(u64::from(round))
        });
        answers.point("claim.check", size, check);
        memory.point("daemon after a restart", size, resident_mib(site.pid()));
    }
    vec![memory, answers, start]
}

/// Who has the path that the session of this number has claimed?
fn check_of(number: u64) -> serde_json::Value {
    json!({"context": {"repo": place(number).repo}, "paths": [claimed(number)]})
}
