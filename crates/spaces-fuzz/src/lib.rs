//! What must hold for any input whatever. Each check takes bytes as they may
//! come from anywhere, gives them to the real functions, and panics where
//! something does not hold. `make fuzz` looks for such bytes with libFuzzer;
//! `make test` replays the corpora, in which all that was ever found is kept.

mod config;
mod domain;
mod hook;
mod invite;
mod lines;
mod peer_text;
mod redact;
mod request;

use std::borrow::Cow;

/// A check of any input.
pub type Check = fn(&[u8]);

/// Every check, by the name of its corpus in `fuzz/corpus`.
pub const CHECKS: &[(&str, Check)] = &[
    ("config", config::check),
    ("domain", domain::check),
    ("hook", hook::check),
    ("invite", invite::check),
    ("lines", lines::check),
    ("peer_text", peer_text::check),
    ("redact", redact::check),
    ("request", request::check),
];

/// The check of this name.
///
/// # Panics
/// If there is none.
pub fn run(name: &str, input: &[u8]) {
    let (_, check) = CHECKS
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap_or_else(|| panic!("there is no check {name}"));
    check(input);
}

/// The texts of an input that has several. They are apart by a byte that occurs
/// in no text, so that a corpus stays readable.
fn texts(input: &[u8]) -> Vec<Cow<'_, str>> {
    input
        .split(|byte| *byte == 0xff)
        .map(String::from_utf8_lossy)
        .collect()
}

/// One of the variants, by a byte.
fn choose<T: Copy>(variants: &[T], byte: u8) -> T {
    variants[usize::from(byte) % variants.len()]
}
