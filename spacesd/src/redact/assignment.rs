//! Secrets without a form of their own: a value that looks random, given to a
//! name that sounds secret.

use std::sync::LazyLock;

use regex::Regex;

use super::Found;
use super::forms::stands_for_something;

/// `NAME=value`, `name: "value"`, `--name value`; the name ends in a word that
/// says secret.
const ASSIGNMENT: &str = r#"(?ix)
    (?P<name> [a-z0-9_.\-]{0,64}
        (?: secret | token | passwd | password | passphrase | pwd | credentials?
          | api[_\-]?key | access[_\-]?key | private[_\-]?key | signing[_\-]?key
          | encryption[_\-]?key | master[_\-]?key | auth[_\-]?key | client[_\-]?key
          | secret[_\-]?key(?:[_\-]base)? ) )
    ["']?
    (?P<sign> \s*(?::=|=>|=|:)\s* | \s+ )
    (?: "(?P<double>[^"\n]{8,512})" | '(?P<single>[^'\n]{8,512})' | (?P<bare>[^\s"'`,;<>(){}\[\]|]{8,512}) )
"#;

static PATTERN: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(ASSIGNMENT).expect("the pattern is constant and tested"));

/// Bits of surprise per character from which a value looks random.
const RANDOM: f64 = 3.0;
/// Shorter values are not looked at, except those given to a password.
const SHORTEST: usize = 16;

/// Every value that looks like a secret by its name and by itself.
pub(super) fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(assignment) = PATTERN.captures_at(text, from) {
        let (Some(name), Some(sign)) = (assignment.name("name"), assignment.name("sign")) else {
            break;
        };
        let value = ["double", "single", "bare"]
            .iter()
            .find_map(|group| assignment.name(group));
        // A blank alone gives a value only to an option of a command.
        let gives = !sign.as_str().trim().is_empty() || name.as_str().contains("--");
        match value {
            Some(value) if gives && is_secret(name.as_str(), value.as_str()) => {
                found.push(Found {
                    place: value.range(),
                    form: "secret",
                });
                from = value.end();
            }
            // What was taken for a value may be the next name.
            _ => from = name.end(),
        }
    }
    found
}

fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The protocol's own idempotency key is no secret, and it is a UUID.
    if name.ends_with("client_key") || name.ends_with("client-key") || stands_for_something(value) {
        return false;
    }
    if is_identifier(value) || is_place(value) || value.contains(char::is_whitespace) {
        return false;
    }
    let password = ["passwd", "password", "passphrase", "pwd"]
        .iter()
        .any(|word| name.ends_with(word));
    let classes = classes(value);
    if password && value.len() < SHORTEST {
        return value.len() >= 8 && classes >= 3;
    }
    value.len() >= SHORTEST && classes >= 2 && surprise(value) >= RANDOM
}

/// `self.token_from_env`, `TokenKind::Identifier`, `max_tokens_per_minute`:
/// words of a program, with a digit at most at the end of one.
fn is_identifier(value: &str) -> bool {
    value
        .split(['_', '-', '.', ':', '/', '?', '&', '!', '*', '+', '='])
        .flat_map(humps)
        .all(|word| {
            let letters = word.trim_end_matches(|end: char| end.is_ascii_digit());
            letters.chars().all(char::is_alphabetic) && has_vowel_or_is_short(letters)
        })
}

/// The words of `camelCase` and `PascalCase`.
fn humps(word: &str) -> Vec<&str> {
    let mut humps = Vec::new();
    let mut from = 0;
    let mut lower = false;
    for (at, letter) in word.char_indices() {
        if letter.is_uppercase() && lower {
            humps.push(&word[from..at]);
            from = at;
        }
        lower = letter.is_lowercase() || letter.is_ascii_digit();
    }
    humps.push(&word[from..]);
    humps
}

fn has_vowel_or_is_short(word: &str) -> bool {
    word.len() <= 4 || word.contains(['a', 'e', 'i', 'o', 'u', 'y', 'A', 'E', 'I', 'O', 'U', 'Y'])
}

/// A path or an address says where a secret is, not what it is.
fn is_place(value: &str) -> bool {
    value.starts_with(['/', '~', '.', '@', '#', '&']) || value.contains("://")
}

/// How many of lower case, upper case, digits and signs occur.
fn classes(value: &str) -> usize {
    let occurs = |class: fn(char) -> bool| usize::from(value.contains(class));
    occurs(|c| c.is_lowercase())
        + occurs(|c| c.is_uppercase())
        + occurs(|c| c.is_ascii_digit())
        + occurs(|c| !c.is_alphanumeric())
}

/// Shannon's entropy of the characters, in bits per character.
fn surprise(value: &str) -> f64 {
    let mut counts = std::collections::HashMap::new();
    for character in value.chars() {
        *counts.entry(character).or_insert(0u32) += 1;
    }
    let length = f64::from(counts.values().sum::<u32>());
    counts
        .values()
        .map(|count| {
            let share = f64::from(*count) / length;
            -share * share.log2()
        })
        .sum()
}
