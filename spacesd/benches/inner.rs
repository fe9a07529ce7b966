//! The inner loops: what is done for each read and each post.
//!
//! `cargo bench -p spacesd --bench inner [-- NAME]`

use divan::{Bencher, black_box};
use spaces_api::Timestamp;
use spacesd::activity::{Activity, Ask, Place};
use spacesd::cache::Cache;
use spacesd::cache::query::search::SearchQuery;
use spacesd::place::Places;
use spacesd::redact;

#[path = "history/filled.rs"]
mod filled;

fn main() {
    divan::main();
}

const PROSE: &str = "The parser is done and its tests are green; what is left is the error text. ";

/// Redaction of an ordinary text of so many characters.
#[divan::bench(args = [200, 2_000, 8_000])]
fn redact_ordinary_text(bencher: Bencher<'_, '_>, chars: usize) {
    let text: String = PROSE.chars().cycle().take(chars).collect();
    bencher.bench(|| redact::text(black_box(&text)).len());
}

/// Redaction of a text of 2,000 characters with secrets in it.
#[divan::bench]
fn redact_text_with_secrets(bencher: Bencher<'_, '_>) {
    let mut text: String = PROSE.chars().cycle().take(1_800).collect();
    text += "export GITHUB_TOKEN=ghp_0123456789abcdefghijABCDEFGHIJ012345 and AKIAIOSFODNN7EXAMPLE";
    assert!(redact::text(&text).contains("[redacted:"));
    bencher.bench(|| redact::text(black_box(&text)).len());
}

/// Gathering, ranking and cutting the digest of 50 items, with so many messages
/// in the cache, for a session that has not asked before.
#[divan::bench(args = [1_000, 20_000])]
fn rank(bencher: Bencher<'_, '_>, messages: u64) {
    let (_dir, cache) = cache_of(messages);
    let activity = Activity::new(cache, Places::default());
    let now = Timestamp::now();
    let mut reader = 0;
    bencher.bench_local(|| {
        reader += 1;
        let ask = Ask {
            place: Place {
                context: filled::place(7),
                directory: None,
            },
            session: Some(format!("reader {reader}")),
            limit: 50,
            ..Ask::default()
        };
        let digest = activity.digest(&ask, &[], now).expect("a digest");
        assert_eq!(digest.items.len(), 50);
    });
}

/// Search for a word that is in every message.
#[divan::bench(args = [1_000, 20_000])]
fn search(bencher: Bencher<'_, '_>, messages: u64) {
    let (_dir, cache) = cache_of(messages);
    let query = SearchQuery {
        text: "summary".to_owned(),
        limit: 20,
        ..SearchQuery::default()
    };
    bencher.bench_local(|| {
        let hits = cache.search(&query).expect("hits");
        assert_eq!(hits.len(), 20);
    });
}

fn cache_of(messages: u64) -> (tempfile::TempDir, Cache) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let cache = Cache::open(dir.path()).expect("a new cache").cache;
    filled::fill(&cache, messages);
    (dir, cache)
}
