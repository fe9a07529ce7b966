//! What text may be, and whom it names.

use crate::errors::Refusal;
use crate::limits::{self, CONTENT_CHARS, MENTIONS};
use crate::names::{AGENT_NAME_CHARS, Address, check_agent_name, check_username};

/// A message's or note's text: 1 to 8,000 characters, not only white space, no
/// control characters but line breaks and tabs.
pub fn check_content(content: &str) -> Result<(), Refusal> {
    check_text("a message", content, CONTENT_CHARS)
}

/// Text of one line: 1 to `most` characters, no control characters.
pub fn check_line(what: &str, text: &str, most: usize) -> Result<(), Refusal> {
    check_chars(what, text, most)?;
    if text.chars().any(char::is_control) {
        return Err(Refusal::invalid(format!(
            "{what} is one line without control characters"
        )));
    }
    Ok(())
}

/// Text of several lines: 1 to `most` characters.
pub fn check_text(what: &str, text: &str, most: usize) -> Result<(), Refusal> {
    check_chars(what, text, most)?;
    match text
        .chars()
        .find(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        Some(c) => Err(Refusal::invalid(format!(
            "{what} holds the control character U+{:04X}; only line breaks and tabs are allowed",
            u32::from(c)
        ))),
        None => Ok(()),
    }
}

fn check_chars(what: &str, text: &str, most: usize) -> Result<(), Refusal> {
    let chars = text.chars().count();
    if chars > most {
        return Err(Refusal::invalid(format!(
            "{what} has at most {most} characters, this has {chars}"
        )));
    }
    if text.trim().is_empty() {
        return Err(Refusal::invalid(format!("{what} must not be empty")));
    }
    Ok(())
}

/// An emoji or a short word such as `:ship:`.
pub fn check_emoji(emoji: &str) -> Result<(), Refusal> {
    check_line("a reaction", emoji, limits::EMOJI_CHARS)?;
    if emoji.chars().any(char::is_whitespace) {
        return Err(Refusal::invalid("a reaction has no spaces"));
    }
    Ok(())
}

pub fn check_url(what: &str, url: &str) -> Result<(), Refusal> {
    check_line(what, url, limits::URL_CHARS)?;
    let known = url.starts_with("https://") || url.starts_with("http://");
    if !known || url.chars().any(char::is_whitespace) {
        return Err(Refusal::invalid(format!(
            "{what} must begin with https:// or http://"
        )));
    }
    Ok(())
}

/// Paths relative to a repository.
pub fn check_paths(paths: &[String]) -> Result<(), Refusal> {
    if paths.len() > limits::PATHS {
        return Err(Refusal::invalid(format!(
            "at most {} paths, these are {}",
            limits::PATHS,
            paths.len()
        )));
    }
    paths
        .iter()
        .try_for_each(|path| check_line("a path", path, limits::PATH_CHARS))
}

/// The users and agents that a text names with `@`, each once, in order, at
/// most [`MENTIONS`]. An `@` inside a word, as in an e-mail address, names nobody.
pub fn mentions(text: &str) -> Vec<Address> {
    let mut found: Vec<Address> = Vec::new();
    let mut before: Option<char> = None;
    for (at, c) in text.char_indices() {
        let inside_word =
            before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '@' | '/' | '.'));
        before = Some(c);
        if c != '@' || inside_word {
            continue;
        }
        if let Some(address) = mention_at(&text[at + 1..])
            && !found.contains(&address)
        {
            found.push(address);
            if found.len() == MENTIONS {
                break;
            }
        }
    }
    found
}

/// The address that `rest`, the text after an `@`, begins with.
fn mention_at(rest: &str) -> Option<Address> {
    let username = leading(rest, limits::NAME_CHARS, |c| matches!(c, '-' | '_'));
    check_username(username).ok()?;
    let agent = rest[username.len()..]
        .strip_prefix('/')
        .map(|rest| leading(rest, AGENT_NAME_CHARS, |c| matches!(c, '-' | '_' | '.')))
        .filter(|name| check_agent_name(name).is_ok());
    Some(Address {
        username: username.to_owned(),
        agent: agent.map(str::to_owned),
    })
}

/// The longest beginning made of name characters that does not end with a
/// mark; empty where a longer word than any name begins.
fn leading(text: &str, most: usize, is_mark: impl Fn(char) -> bool) -> &str {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || is_mark(c);
    let end = text.find(|c| !fits(c)).unwrap_or(text.len());
    if text[end..]
        .chars()
        .next()
        .is_some_and(char::is_alphanumeric)
    {
        return "";
    }
    let word = text[..end].trim_end_matches(&is_mark);
    if word.len() > most { "" } else { word }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn named(text: &str) -> Vec<String> {
        mentions(text).iter().map(Address::to_string).collect()
    }

    #[test]
    fn who_is_named() {
        assert_eq!(named("@alice, see (@bob)! @alice"), ["@alice", "@bob"]);
        assert_eq!(
            named("@alice/claude.spaces.main. Done"),
            ["@alice/claude.spaces.main"]
        );
        assert_eq!(named("@user-12ab- hi"), ["@user-12ab"]);
        assert_eq!(
            named("mail a@b.org, @@c, @Dora, @ e, npm @scope/pkg"),
            ["@scope/pkg"]
        );
        assert_eq!(named(&format!("@{}", "a".repeat(65))), [""; 0]);
    }

    #[test]
    fn at_most_so_many() {
        let text: String = (0..200).map(|n| format!("@u{n} ")).collect();
        assert_eq!(mentions(&text).len(), MENTIONS);
    }

    #[test]
    fn lengths_are_in_characters() {
        assert!(check_content(&"é".repeat(CONTENT_CHARS)).is_ok());
        assert!(check_content(&"é".repeat(CONTENT_CHARS + 1)).is_err());
        assert!(check_content("").is_err());
        assert!(check_content(" \n\t").is_err());
        assert!(check_content("a\n\tb\r\n").is_ok());
        assert!(
            check_content("a\u{1b}[31m")
                .unwrap_err()
                .message
                .contains("U+001B")
        );
        assert!(check_line("a topic", "a\nb", 10).is_err());
    }

    #[test]
    fn emojis_and_urls() {
        assert!(check_emoji("👩‍🚀").is_ok());
        assert!(check_emoji(":ship_it:").is_ok());
        assert!(check_emoji("a b").is_err());
        assert!(check_url("an icon", "https://example.org/x.png").is_ok());
        assert!(check_url("an icon", "javascript:alert(1)").is_err());
    }

    proptest! {
        #[test]
        fn each_mention_is_a_valid_address(text in "[@a-z/. _-]{0,80}") {
            for address in mentions(&text) {
                prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            let _ = (mentions(&text), check_content(&text), check_emoji(&text));
        }
    }
}
