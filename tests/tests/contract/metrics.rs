//! `/metrics` is text that a collector can read, with documented names, and with
//! nothing in it that anybody wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use serde_json::json;
use spaces_api::{ErrorKind, METHODS};
use spaces_tests::{Daemon, Hub};

/// Shown only once there has been something to measure.
const AT_TIMES: [&str; 2] = [
    "spaces_hub_round_trip_seconds",
    "spaces_resident_memory_bytes",
];

#[derive(Default)]
struct Family {
    help: String,
    kind: String,
    series: BTreeSet<String>,
}

/// Reads the OpenMetrics text format, strictly.
///
/// # Panics
/// At the first line that is not in it.
fn parse(text: &str) -> BTreeMap<String, Family> {
    let body = text.strip_suffix("# EOF\n").expect("it ends with # EOF");
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    for line in body.lines() {
        if let Some(comment) = line.strip_prefix("# ") {
            let mut parts = comment.splitn(3, ' ');
            let (what, name, text) = (
                parts.next().expect("a word"),
                parts.next().expect("a name"),
                parts.next().expect("a text"),
            );
            if name != current {
                assert!(!families.contains_key(name), "{name} is there in two parts");
                current = name.to_owned();
            }
            let family = families.entry(current.clone()).or_default();
            match what {
                "HELP" => family.help = text.to_owned(),
                "TYPE" => family.kind = text.to_owned(),
                "UNIT" => assert!(name.ends_with(&format!("_{text}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').expect("a series and a value");
        assert!(
            value.parse::<f64>().is_ok_and(|value| value >= 0.0),
            "{line}"
        );
        let name = series.split('{').next().expect("a name");
        let family = families.get_mut(&current).expect("TYPE comes first");
        let ends: &[&str] = match family.kind.as_str() {
            "counter" => &["_total"],
            "gauge" => &[""],
            "histogram" => &["_bucket", "_count", "_sum"],
            other => panic!("{current} is of type {other}"),
        };
        let good = ends.iter().any(|end| name == format!("{current}{end}"));
        assert!(good, "{line} is not of the {} {current}", family.kind);
        assert!(family.series.insert(series.to_owned()), "twice: {series}");
    }
    families
}

/// The label pairs of a series. No value of ours needs an escape.
fn labels(series: &str) -> Vec<(&str, &str)> {
    let Some((_, labels)) = series.split_once('{') else {
        return Vec::new();
    };
    let labels = labels.strip_suffix('}').expect("labels are closed");
    let pairs = labels.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').expect("a pair");
        let value = value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'));
        (name, value.expect("a quoted value"))
    });
    pairs.collect()
}

#[test]
fn metrics_are_readable_documented_and_hold_no_ones_words() {
    let hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": "peer-text", "wait": "sent"}),
    );
    daemon.refusal("message.show", json!({"message": "peer-text"}));
    daemon.refusal("made.up-peer-text", json!({}));
    daemon.refusal(
        "message.send",
        json!({"channel": "#peer-text", "content": "x"}),
    );
    let text = super::http(&daemon, "GET /metrics", "");
    assert!(!text.contains("peer-text"), "{text}");

    let mut shown = BTreeSet::new();
    for (name, family) in parse(&text) {
        assert!(name.starts_with("spaces_"), "{name}");
        assert!(!family.help.is_empty(), "{name} has no HELP");
        let help = family.help.to_lowercase();
        if help.contains("bytes") || help.contains("memory") {
            assert!(name.ends_with("_bytes"), "{name}: {help}");
        }
        if help.contains("time ") || help.contains("age ") || help.contains("round trip") {
            assert!(name.ends_with("_seconds"), "{name}: {help}");
        }
        for (label, value) in family.series.iter().flat_map(|series| labels(series)) {
            let closed = match label {
                "method" => {
                    let known = METHODS.iter().any(|method| method.name == value);
                    known || value == "rpc.discover" || value == "unknown"
                }
                "kind" => ErrorKind::ALL.iter().any(|kind| kind.as_str() == value),
                "le" => value == "+Inf" || value.parse::<f64>().is_ok(),
                _ => false,
            };
            assert!(closed, "{name}: {label}={value}");
        }
        let end = if family.kind == "counter" {
            "_total"
        } else {
            ""
        };
        shown.insert(format!("{name}{end}"));
    }

    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
    let book = fs::read_to_string(book).expect("the repository has its documentation");
    let rows = book
        .lines()
        .filter_map(|line| line.strip_prefix("| `spaces_"));
    let documented: BTreeSet<String> = rows
        .map(|row| format!("spaces_{}", row.split('`').next().unwrap_or_default()))
        .collect();
    let undocumented: Vec<_> = shown.difference(&documented).collect();
    assert!(undocumented.is_empty(), "not documented: {undocumented:?}");
    let gone = documented.difference(&shown);
    let gone: Vec<_> = gone
        .filter(|name| !AT_TIMES.contains(&name.as_str()))
        .collect();
    assert!(gone.is_empty(), "documented, but not there: {gone:?}");
}
