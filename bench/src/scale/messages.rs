//! A history that grows: what it costs the daemon and the hub.

use serde_json::json;

use super::{digest_of, median_ms, millis, restart};
use crate::growth::Panel;
use crate::machine::resident_mib;
use crate::site::Site;

pub fn panels(sizes: &[u64]) -> Vec<Panel> {
    let mut memory = Panel::new("Resident memory", "messages", "MiB");
    let mut answers = Panel::new("Answers of the daemon, p50", "messages", "ms");
    let mut start = Panel::new("Start of the daemon", "messages", "ms");
    let mut site = Site::with(0);
    for &size in sizes {
        site.post(size - site.posted());
        site.until_cached();
        memory.point("daemon that took them in", size, resident_mib(site.pid()));
        memory.point("hub", size, resident_mib(site.hub.child().id()));
        let started = restart(&mut site.daemon);
        start.point("until it answers", size, millis(started.answers));
        start.point("until live", size, millis(started.live));
        let digest = median_ms(&site.daemon, "activity.list", digest_of);
        answers.point("activity.list", size, digest);
        let page = median_ms(
            &site.daemon,
            "message.list",
            |_| json!({"channel": "#agent-logs", "limit": 50}),
        );
        answers.point("message.list", size, page);
        let search = median_ms(
            &site.daemon,
            "message.search",
            |_| json!({"query": "summary", "limit": 20}),
        );
        answers.point("message.search", size, search);
        memory.point("daemon after a restart", size, resident_mib(site.pid()));
    }
    vec![memory, answers, start]
}
