//! What a read of the cache costs with a short and a long history: the digest
//! that a session starts with (made anew, and remembered), a page, a search, and
//! the memory that the process holds. Prints one line for each; times are those
//! of the thread on the processor, so that a busy machine does not distort them.
//!
//! `cargo bench -p spacesd --bench history [-- MESSAGES...]`

use std::time::{Duration, Instant};

use spaces_api::Timestamp;
use spacesd::activity::{Activity, Ask, Place};
use spacesd::cache::query::search::SearchQuery;
use spacesd::cache::{Cache, PageQuery};
use spacesd::place::Places;

#[path = "history/filled.rs"]
mod filled;

const ROUNDS: usize = 300;

fn main() {
    let sizes: Vec<u64> = std::env::args()
        .filter_map(|text| text.parse().ok())
        .collect();
    let sizes = if sizes.is_empty() {
        vec![1_000, 1_000_000]
    } else {
        sizes
    };
    for messages in sizes {
        measure(messages);
    }
}

fn measure(messages: u64) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::open(dir.path()).expect("a new cache").cache;
    let filling = Instant::now();
    filled::fill(&cache, messages);
    report(messages, "filling it", &mut [filling.elapsed()]);
    cache.close();
    drop(cache);

    let before = resident_kib();
    let opening = Instant::now();
    let cache = Cache::open(dir.path()).expect("the same cache").cache;
    report(messages, "open", &mut [opening.elapsed()]);
    let activity = Activity::new(cache.clone(), Places::default());
    let ask = |session: usize| Ask {
        place: Place {
            context: filled::place(7),
            directory: None,
        },
        session: Some(format!("reader {session}")),
        limit: 50,
        ..Ask::default()
    };
    let now = Timestamp::now();
    // Another session each time, so that nothing is remembered.
    report(
        messages,
        "digest, made anew",
        &mut rounds(|round| {
            let digest = activity.digest(&ask(round), &[], now).expect("a digest");
            assert_eq!(digest.items.len(), 50);
        }),
    );
    report(
        messages,
        "digest, remembered",
        &mut rounds(|_| {
            activity.digest(&ask(0), &[], now).expect("a digest");
        }),
    );
    report(
        messages,
        "page of 50",
        &mut rounds(|_| {
            let query = PageQuery {
                channel_id: 1,
                limit: 50,
                ..PageQuery::default()
            };
            assert_eq!(cache.messages(&query).expect("a page").messages.len(), 50);
        }),
    );
    report(
        messages,
        "search for a word in every message",
        &mut rounds(|_| {
            let query = SearchQuery {
                text: "summary".to_owned(),
                limit: 20,
                ..SearchQuery::default()
            };
            assert_eq!(cache.search(&query).expect("hits").len(), 20);
        }),
    );
    let held = resident_kib().saturating_sub(before);
    println!(
        "{messages:>9} messages  {:<36} {held:>10} KiB more than before opening",
        "memory"
    );
    println!(
        "{messages:>9} messages  {:<36} {:>10} KiB",
        "file",
        cache.status().bytes / 1024
    );
}

fn rounds(mut work: impl FnMut(usize)) -> Vec<Duration> {
    (0..ROUNDS)
        .map(|round| {
            let started = on_processor();
            work(round);
            on_processor().saturating_sub(started)
        })
        .collect()
}

fn report(messages: u64, what: &str, times: &mut [Duration]) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e6;
    println!(
        "{messages:>9} messages  {what:<36} p50 {:>10.1} us  p99 {:>10.1} us",
        at(0.5),
        at(0.99)
    );
}

/// Time that this thread has spent on a processor.
fn on_processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap_or(0),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

/// Resident memory of this process; 0 where the system does not tell.
fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
