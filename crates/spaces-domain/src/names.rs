//! The grammar of names and addresses.
//!
//! | thing | form |
//! |---|---|
//! | username | `alice`: a-z, 0-9, `-`, `_`; begins with a letter or digit |
//! | agent name | `claude.spaces.main`: as a username, and `.` |
//! | agent address | `@alice/claude.spaces.main` |
//! | channel name | `agent-logs`: letters and digits of any script without capitals, `-`, `_`, `.` |
//! | server name | a line of text without `/`, `#` and `@` |

use crate::errors::Refusal;
use crate::limits::NAME_CHARS;
use std::fmt;
use std::str::FromStr;

/// Agent names hold a tool, a repository and a branch, so they may be longer.
pub const AGENT_NAME_CHARS: usize = 128;

pub fn check_username(name: &str) -> Result<(), Refusal> {
    check_length("a username", name, NAME_CHARS)?;
    check_form("username", name, "a-z, 0-9, - and _", |c| {
        is_word(c) || matches!(c, '-' | '_')
    })
}

pub fn check_agent_name(name: &str) -> Result<(), Refusal> {
    check_length("an agent's name", name, AGENT_NAME_CHARS)?;
    check_form("agent name", name, "a-z, 0-9, -, _ and .", |c| {
        is_word(c) || matches!(c, '-' | '_' | '.')
    })
}

pub fn check_channel_name(name: &str) -> Result<(), Refusal> {
    check_length("a channel's name", name, NAME_CHARS)?;
    check_form(
        "channel name",
        name,
        "letters without capitals, digits, -, _ and .",
        |c| c.is_alphanumeric() && !c.is_uppercase() || matches!(c, '-' | '_' | '.'),
    )
}

pub fn check_server_name(name: &str) -> Result<(), Refusal> {
    check_length("a server's name", name, NAME_CHARS)?;
    if name.trim() != name
        || name
            .chars()
            .any(|c| c.is_control() || matches!(c, '/' | '#' | '@'))
    {
        return Err(Refusal::invalid(
            "a server's name is a line of text without /, # and @ and without spaces around it",
        ));
    }
    Ok(())
}

pub fn check_thread_name(name: &str) -> Result<(), Refusal> {
    crate::content::check_line("a thread's name", name, NAME_CHARS)
}

/// A user, or one of the user's agents.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    pub username: String,
    pub agent: Option<String>,
}

impl Address {
    pub fn agent(username: &str, name: &str) -> Self {
        Self {
            username: username.to_owned(),
            agent: Some(name.to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.username)?;
        match &self.agent {
            Some(agent) => write!(f, "/{agent}"),
            None => Ok(()),
        }
    }
}

impl FromStr for Address {
    type Err = Refusal;

    /// Reads `@alice` or `@alice/claude.spaces.main`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let rest = text.strip_prefix('@').ok_or_else(|| {
            Refusal::invalid(format!(
                "{text:?} is not an address: write @user or @user/agent"
            ))
        })?;
        let (username, agent) = match rest.split_once('/') {
            Some((username, agent)) => (username, Some(agent)),
            None => (rest, None),
        };
        check_username(username)?;
        if let Some(agent) = agent {
            check_agent_name(agent)?;
        }
        Ok(Self {
            username: username.to_owned(),
            agent: agent.map(str::to_owned),
        })
    }
}

/// What makes a call safe to repeat, as the call brings it: `KEY`, or
/// `KEY/AFTER` where the sender's call `AFTER` must have been carried out before
/// this one may be. Both are UUIDs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientKey<'a> {
    pub key: &'a str,
    pub after: Option<&'a str>,
}

impl<'a> ClientKey<'a> {
    pub fn parse(text: &'a str) -> Result<Self, Refusal> {
        let (key, after) = match text.split_once('/') {
            Some((key, after)) => (key, Some(after)),
            None => (text, None),
        };
        check_uuid("client_key", key)?;
        if let Some(after) = after {
            check_uuid("the call before, in client_key,", after)?;
        }
        Ok(Self { key, after })
    }
}

impl fmt::Display for ClientKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key)?;
        match self.after {
            Some(after) => write!(f, "/{after}"),
            None => Ok(()),
        }
    }
}

/// A UUID in its hyphenated form, as client keys and session ids are.
pub fn check_uuid(what: &str, text: &str) -> Result<(), Refusal> {
    let well_formed = text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte),
        });
    if well_formed {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "{what} must be a UUID in lower case with hyphens"
    )))
}

/// A SHA-256 in hexadecimal, as invites store their secrets.
pub fn check_secret_hash(text: &str) -> Result<(), Refusal> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() == 64 && text.bytes().all(hex) {
        return Ok(());
    }
    Err(Refusal::invalid(
        "a secret's hash must be a SHA-256 in 64 lower-case hexadecimal digits",
    ))
}

fn is_word(c: char) -> bool {
    c.is_ascii_lowercase() || c.is_ascii_digit()
}

fn check_length(what: &str, name: &str, most: usize) -> Result<(), Refusal> {
    let chars = name.chars().count();
    if (1..=most).contains(&chars) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "{what} has 1 to {most} characters, this one has {chars}"
    )))
}

fn check_form(
    what: &str,
    name: &str,
    allowed: &str,
    fits: impl Fn(char) -> bool,
) -> Result<(), Refusal> {
    let begins_well = name.chars().next().is_some_and(char::is_alphanumeric);
    if begins_well && name.chars().all(fits) {
        return Ok(());
    }
    Err(Refusal::invalid(format!(
        "{name:?} is no {what}: it begins with a letter or digit and has only {allowed}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names() {
        assert!(check_username("alice-2").is_ok());
        for bad in [
            "",
            "Alice",
            "-alice",
            "al ice",
            "al.ice",
            "älice",
            "a\u{7}",
            &"a".repeat(65),
        ] {
            assert!(check_username(bad).is_err(), "{bad:?}");
        }
        assert!(check_username(&"a".repeat(64)).is_ok());
        assert!(check_agent_name("claude.spaces.main").is_ok());
        assert!(check_channel_name("größe-2").is_ok());
        assert!(check_channel_name("General").is_err());
        assert!(check_channel_name("a/b").is_err());
        assert!(check_server_name("Spaces Hub").is_ok());
        for bad in [" Hub", "Hub\n", "a/b", "#a", ""] {
            assert!(check_server_name(bad).is_err(), "{bad:?}");
        }
        assert!(
            check_server_name(&"é".repeat(64)).is_ok(),
            "characters are counted, not bytes"
        );
    }

    #[test]
    fn uuids() {
        assert!(check_uuid("client_key", "0190163d-8694-739b-aea5-966c26f8ad90").is_ok());
        for bad in [
            "",
            "x",
            "0190163D-8694-739b-aea5-966c26f8ad90",
            "0190163d86940739b0aea50966c26f8ad90a",
        ] {
            assert!(check_uuid("client_key", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn client_keys() {
        let (key, after) = (
            "0190163d-8694-739b-aea5-966c26f8ad90",
            "0190163d-8694-739b-aea5-966c26f8ad91",
        );
        let alone = ClientKey { key, after: None };
        let behind = ClientKey {
            key,
            after: Some(after),
        };
        for written in [alone, behind] {
            assert_eq!(ClientKey::parse(&written.to_string()), Ok(written));
        }
        for bad in [
            "",
            "/",
            &format!("{key}/"),
            &format!("/{key}"),
            &format!("{key}/{after}/{key}"),
        ] {
            assert!(ClientKey::parse(bad).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn addresses_are_read_back(
            username in "[a-z0-9][a-z0-9_-]{0,63}", agent in prop::option::of("[a-z0-9][a-z0-9._-]{0,127}"),
        ) {
            let address = Address { username, agent };
            prop_assert_eq!(address.to_string().parse::<Address>(), Ok(address));
        }

        #[test]
        fn no_text_makes_a_check_panic(text in ".*") {
            let _ = (text.parse::<Address>(), check_username(&text), check_channel_name(&text));
            let _ = (check_server_name(&text), check_uuid("key", &text), check_secret_hash(&text));
        }
    }
}
