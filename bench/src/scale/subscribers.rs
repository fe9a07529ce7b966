//! Open event subscriptions on one daemon.

use crate::growth::Panel;
use crate::machine::resident_mib;
use crate::samples::Samples;
use crate::site::Site;
use crate::subscribers::Subscribers;

/// Events at each size.
const EVENTS: usize = 40;

pub fn panels(sizes: &[u64]) -> Vec<Panel> {
    crate::limits::allow_many_files();
    let mut memory = Panel::new("Resident memory", "event subscribers", "MiB");
    let mut latency = Panel::new("From a post to its event", "event subscribers", "ms");
    let mut site = Site::with(0);
    for &size in sizes {
        let subscribers = Subscribers::open(&site.daemon.socket(), size as usize);
        let mut samples = Samples::default();
        samples.extend(subscribers.latencies(&site.daemon.socket(), EVENTS));
        memory.point("daemon", size, resident_mib(site.pid()));
        latency.point("p50", size, super::millis(samples.p50()));
        latency.point("p99", size, super::millis(samples.p99()));
    }
    vec![memory, latency]
}
