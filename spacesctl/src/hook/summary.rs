//! The summary of a turn: the agent's last message, and the key by which the
//! same turn is never posted twice.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Longest content of a message.
pub const MAX_CHARS: usize = 8_000;

/// Names of keys of summaries, so that they meet no other kind of key.
const NAMESPACE: Uuid = Uuid::from_u128(0x7c1b_53c2_94a0_4e5d_8a63_0f1e_2d9b_6a47);

const CUT: &str = "\n[…]\n";

/// The text to post; `None` where there is nothing to say. A long message keeps
/// its beginning and its end, where agents say what they did.
pub fn text(message: &str) -> Option<String> {
    let message = crate::peers::printable(message);
    let message = message.trim();
    let length = message.chars().count();
    if length == 0 {
        return None;
    }
    if length <= MAX_CHARS {
        return Some(message.to_owned());
    }
    let room = MAX_CHARS - CUT.chars().count();
    let head = room / 2;
    let tail = room - head;
    let mut text: String = message.chars().take(head).collect();
    text.push_str(CUT);
    text.extend(message.chars().skip(length - tail));
    Some(text)
}

/// The same for the same turn of the same session with the same text.
pub fn key(session: &str, turn: Option<&str>, text: &str) -> Uuid {
    let hash = Sha256::digest(text.as_bytes());
    let mut name = Vec::new();
    for part in [
        session.as_bytes(),
        turn.unwrap_or_default().as_bytes(),
        &hash,
    ] {
        name.extend_from_slice(&(part.len() as u64).to_be_bytes());
        name.extend_from_slice(part);
    }
    Uuid::new_v5(&NAMESPACE, &name)
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARS, key, text};

    #[test]
    fn a_long_message_keeps_its_two_ends() {
        let message = format!("begin {} end", "é".repeat(3 * MAX_CHARS));
        let text = text(&message).unwrap();
        assert_eq!(text.chars().count(), MAX_CHARS);
        assert!(text.starts_with("begin ") && text.ends_with(" end"));
    }

    #[test]
    fn nothing_to_say_is_no_summary() {
        assert_eq!(text(" \n "), None);
        assert_eq!(text(" done \n").unwrap(), "done");
        assert_eq!(text("\u{1b}[32mdone\u{1b}[0m\n").unwrap(), "done");
    }

    #[test]
    fn the_key_is_of_session_turn_and_text() {
        let one = key("s", Some("t"), "x");
        assert_eq!(one, key("s", Some("t"), "x"));
        for other in [
            key("s2", Some("t"), "x"),
            key("s", None, "x"),
            key("s", Some("t"), "y"),
            key("st", None, "x"),
        ] {
            assert_ne!(one, other);
        }
    }
}
