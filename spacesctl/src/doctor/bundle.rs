//! The report to send with a question: what the checks found and how the daemon
//! is, without secrets.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Value, json};
use spaces_api::model::DaemonStatus;
use spaces_api::{ErrorKind, Timestamp, VERSION};
use spaces_client::Paths;

use super::report::Check;
use crate::failure::Failure;
use crate::hook::failures;

/// Most failures of hooks in the report.
const MAX_FAILURES: usize = 100;

/// Writes the report to a new file that its owner alone may read.
///
/// # Errors
/// The file is there already, or can't be written.
pub fn write(
    file: &Path,
    paths: &Paths,
    checks: &[Check],
    status: Option<&DaemonStatus>,
) -> Result<(), Failure> {
    let failures = failures::since(&paths.state_dir, Timestamp::default()).unwrap_or_default();
    let recent = &failures[failures.len().saturating_sub(MAX_FAILURES)..];
    let mut report = json!({
        "made_at": Timestamp::now(),
        "spacesctl": VERSION,
        "system": format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        "kernel": rustix::system::uname().release().to_string_lossy(),
        "checks": checks,
        "daemon": status,
        "hook_failures": recent,
    });
    redact(&mut report, &homes());
    let text = serde_json::to_string_pretty(&report).map_err(std::io::Error::other)?;
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut file| writeln!(file, "{text}"))
        .map_err(|error| {
            Failure::new(
                ErrorKind::Conflict,
                format!("cannot write the report to {}: {error}", file.display()),
            )
            .hint("name a file that is not there yet")
        })
}

/// The ways in which the home directory and the user's name may be written.
fn homes() -> Vec<(String, &'static str)> {
    let mut homes = Vec::new();
    if let Some(home) = std::env::home_dir() {
        if let Ok(real) = home.canonicalize() {
            homes.push((real.display().to_string(), "~"));
        }
        homes.push((home.display().to_string(), "~"));
    }
    homes.retain(|(home, _)| home.len() > 1);
    homes
}

fn redact(value: &mut Value, homes: &[(String, &'static str)]) {
    match value {
        Value::String(text) => {
            for (home, stands_for) in homes {
                *text = text.replace(home.as_str(), stands_for);
            }
            *text = without_secrets(text);
        }
        Value::Array(items) => items.iter_mut().for_each(|item| redact(item, homes)),
        Value::Object(fields) => fields.values_mut().for_each(|field| redact(field, homes)),
        _ => {}
    }
}

/// Without words that may be a secret or an identity (long runs of letters and
/// digits) and without the user part of an address.
fn without_secrets(text: &str) -> String {
    let word = |c: char| c.is_ascii_alphanumeric() || "-_+=".contains(c);
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
        let (run, after) = rest.split_at(length);
        let mixed =
            run.bytes().any(|b| b.is_ascii_digit()) && run.bytes().any(|b| b.is_ascii_alphabetic());
        if run.len() >= 20 && mixed {
            result.push_str("[redacted]");
        } else {
            result.push_str(run);
        }
        let next = after.chars().next();
        result.extend(next);
        rest = &after[next.map_or(0, char::len_utf8)..];
    }
    match (result.find("://"), result.find('@')) {
        (Some(scheme), Some(at)) if scheme < at && !result[scheme + 3..at].contains(['/', ' ']) => {
            format!("{}[redacted]{}", &result[..scheme + 3], &result[at..])
        }
        _ => result,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{redact, without_secrets};

    #[test]
    fn secrets_and_homes_are_not_in_the_report() {
        let mut report = json!({
            "a": "token eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc-DEF_0123456789abcdef",
            "b": ["/home/alice/.config/spaces/config.toml"],
            "c": "http://bob:hunter2@hub.example:3000 refused",
            "d": "c200a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e",
        });
        redact(&mut report, &[("/home/alice".into(), "~")]);
        let text = report.to_string();
        for secret in [
            "eyJhbG",
            "alice",
            "hunter2",
            "bob",
            "c200a1b2",
            "0123456789abcdef",
        ] {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert!(text.contains("~/.config/spaces/config.toml"));
    }

    #[test]
    fn what_helps_stays() {
        let text =
            "2026-11-23T05:00:17.006652Z spacesd 0.1.0 did not answer `daemon.ping` within 400 ms";
        assert_eq!(without_secrets(text), text);
    }
}
