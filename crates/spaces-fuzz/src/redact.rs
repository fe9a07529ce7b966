//! Secrets are taken out of any text, and nothing else is.

use std::borrow::Cow;

use spacesd::redact;

/// Letters of secrets that are made here.
const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// The longest mark, `[redacted:` to `]`.
const MARK: usize = 40;

/// The text; then perhaps what a secret is made of, and the text after it. All
/// of it backwards, so that no scanner finds secrets in the corpus.
pub fn check(input: &[u8]) {
    let input: Vec<u8> = input.iter().rev().copied().collect();
    let texts = crate::texts(&input);
    plain(&texts[0]);
    if let [before, seed, after, ..] = &texts[..] {
        with_a_secret(before, seed, after);
    }
}

fn plain(text: &str) {
    let once = redact::text(text);
    if let Cow::Borrowed(same) = once {
        assert_eq!(same, text);
        return;
    }
    assert_ne!(once, text, "copied for nothing");
    assert_eq!(redact::text(&once), once, "twice is once: {text:?}");
    let marks = once.matches("[redacted:").count();
    assert!(
        marks > 0 && once.len() <= text.len() + marks * MARK,
        "{text:?}"
    );
}

/// A secret of a known form that stands by itself never comes through, whatever
/// stands around it.
fn with_a_secret(before: &str, seed: &str, after: &str) {
    for (prefix, length) in [("ghp_", 36), ("AKIA", 16), ("glpat-", 20), ("npm_", 36)] {
        let secret = format!("{prefix}{}", random(seed.as_bytes(), length));
        let text = format!("{before} {secret} {after}");
        let clean = redact::text(&text);
        // Unless the rest of the text happens to say it elsewhere in another form.
        if !before.contains(&secret) && !after.contains(&secret) {
            assert!(
                !clean.contains(&secret),
                "{secret} in {clean:?} of {text:?}"
            );
        }
    }
}

/// Letters and digits that look random and are the same for the same seed; upper
/// case and 2 to 7 where a form takes no other.
fn random(seed: &[u8], length: usize) -> String {
    let mut state = seed.iter().fold(0x9E37_79B9_7F4A_7C15_u64, |state, byte| {
        (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
    }) | 1;
    let letters: &[u8] = match length {
        16 => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
        _ => LETTERS,
    };
    let draw = |state: &mut u64| {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        letters[(*state % letters.len() as u64) as usize]
    };
    (0..length).map(|_| char::from(draw(&mut state))).collect()
}
