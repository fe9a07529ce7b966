//! Secrets are taken out of a text before it is stored or leaves this machine.
//!
//! Each known form of a secret is replaced by a mark that names the form, such
//! as `[redacted:github-token]`. A last rule looks at assignments to names that
//! sound secret, and at how random the value is. It is better to miss a
//! home-made secret than to make ordinary text unreadable; the known forms are
//! caught wherever they stand.

mod assignment;
mod forms;
mod operation;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

/// The text without the secrets in it. Borrowed if there are none. Linear in
/// the length of the text; doing it twice changes nothing.
pub fn text(text: &str) -> Cow<'_, str> {
    let mut clean = Cow::Borrowed(text);
    // A secret taken out can uncover another beside it.
    for _ in 0..PASSES {
        let found = find(&clean);
        if found.is_empty() {
            break;
        }
        clean = Cow::Owned(without(&clean, found));
    }
    clean
}

/// More than any text needs; a bound all the same.
const PASSES: usize = 8;

fn find(text: &str) -> Vec<Found> {
    let mut found = forms::find(text);
    found.extend(assignment::find(text));
    found
}

/// A secret's place and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Found {
    place: Range<usize>,
    form: &'static str,
}

/// Where two overlap, the one that begins first (of those, the longer one)
/// names what all of it is.
fn without(text: &str, mut found: Vec<Found>) -> String {
    found.sort_by_key(|secret| (secret.place.start, std::cmp::Reverse(secret.place.end)));
    let mut clean = String::with_capacity(text.len());
    let mut kept_from = 0;
    let mut secrets = found.into_iter().peekable();
    while let Some(secret) = secrets.next() {
        let mut end = secret.place.end;
        while let Some(next) = secrets.next_if(|next| next.place.start < end) {
            end = end.max(next.place.end);
        }
        clean.push_str(&text[kept_from..secret.place.start]);
        clean.push_str("[redacted:");
        clean.push_str(secret.form);
        clean.push(']');
        kept_from = end;
    }
    clean.push_str(&text[kept_from..]);
    clean
}
