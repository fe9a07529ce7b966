//! The one line of text that brings somebody into a hub:
//! `spaces-invite:1:SECRET:TOKEN:DATABASE:URI`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

const PREFIX: &str = "spaces-invite:";
const VERSION: &str = "1";

/// An invite, whole. It is a secret: whoever has it may join. `Debug` shows
/// neither secret nor token.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// Made by the inviting client; the hub stores its SHA-256 only.
    pub secret: String,
    /// Token of the one-use identity that a closed hub admits to redeem this
    /// invite and nothing else. Empty where the joiner needs none.
    pub token: String,
    pub database: String,
    /// Where the hub is, `http(s)://HOST[:PORT]`.
    pub uri: String,
}

impl Invite {
    /// Whether only programs of the hub's own machine reach it as the invite
    /// says: its host is `localhost` or a loopback address.
    pub fn is_for_one_machine(&self) -> bool {
        let host = host_of(&self.uri).unwrap_or_default();
        host.eq_ignore_ascii_case("localhost")
            || host
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

/// Whether a text has the form of a hub's address: `http(s)://HOST[:PORT]`, or
/// the same with `ws(s)`.
pub fn is_hub_address(uri: &str) -> bool {
    !uri.contains(char::is_whitespace) && host_of(uri).is_some_and(|host| !host.is_empty())
}

/// One form for all that lead to the same place: the same port serves HTTP and
/// WebSockets.
pub fn canonical_address(uri: &str) -> String {
    let uri = uri.trim_end_matches('/').to_ascii_lowercase();
    uri.replacen("wss://", "https://", 1)
        .replacen("ws://", "http://", 1)
}

/// The host of a hub's address, an IPv6 one without its brackets.
fn host_of(uri: &str) -> Option<&str> {
    let schemes = ["http://", "https://", "ws://", "wss://"];
    let rest = schemes.iter().find_map(|scheme| uri.strip_prefix(scheme))?;
    let authority = rest.split('/').next()?;
    match authority.strip_prefix('[') {
        Some(bracketed) => Some(bracketed.split_once(']')?.0),
        None => authority.split(':').next(),
    }
}

impl fmt::Display for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            secret,
            token,
            database,
            uri,
        } = self;
        write!(f, "{PREFIX}{VERSION}:{secret}:{token}:{database}:{uri}")
    }
}

impl fmt::Debug for Invite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invite")
            .field("database", &self.database)
            .field("uri", &self.uri)
            .finish_non_exhaustive()
    }
}

/// Why a text is not an invite. Never holds the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAnInvite(&'static str);

impl fmt::Display for NotAnInvite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "not a usable invite: {}; an invite is one whole line that begins with `{PREFIX}{VERSION}:`",
            self.0
        )
    }
}

impl std::error::Error for NotAnInvite {}

impl FromStr for Invite {
    type Err = NotAnInvite;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let rest = text
            .trim()
            .strip_prefix(PREFIX)
            .ok_or(NotAnInvite("it does not begin as one"))?;
        let mut parts = rest.splitn(5, ':');
        let version = parts.next().unwrap_or_default();
        if version != VERSION {
            return Err(NotAnInvite("it is of another version of Spaces"));
        }
        let mut part = || parts.next().ok_or(NotAnInvite("its end is missing"));
        let invite = Self {
            secret: part()?.to_owned(),
            token: part()?.to_owned(),
            database: part()?.to_owned(),
            uri: part()?.to_owned(),
        };
        if invite.to_string().contains(char::is_whitespace) {
            return Err(NotAnInvite("it has a space or line break inside"));
        }
        if invite.secret.is_empty() || invite.database.is_empty() || !is_hub_address(&invite.uri) {
            return Err(NotAnInvite("a part of it is missing"));
        }
        Ok(invite)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn invite() -> Invite {
        Invite {
            secret: "0a1b".into(),
            token: "ey.J-0._x".into(),
            database: "spaces".into(),
            uri: "http://[::1]:3300".into(),
        }
    }

    #[test]
    fn is_read_back() {
        let line = invite().to_string();
        assert_eq!(
            line,
            "spaces-invite:1:0a1b:ey.J-0._x:spaces:http://[::1]:3300"
        );
        assert_eq!(format!(" {line}\n").parse(), Ok(invite()));
        let open = Invite {
            token: String::new(),
            ..invite()
        };
        assert_eq!(open.to_string().parse(), Ok(open));
    }

    #[test]
    fn the_host_says_who_can_come() {
        for (uri, one_machine) in [
            ("http://[::1]:3300", true),
            ("http://127.0.0.1:40123", true),
            ("ws://127.9.0.1", true),
            ("https://LocalHost/hub", true),
            ("http://192.168.1.7:3300", false),
            ("https://hub.example.org", false),
            ("https://localhost.example.org", false),
            ("wss://[2001:db8::1]:443", false),
        ] {
            let invite = Invite {
                uri: uri.into(),
                ..invite()
            };
            assert!(is_hub_address(uri), "{uri}");
            assert_eq!(invite.is_for_one_machine(), one_machine, "{uri}");
        }
        for uri in [
            "",
            "hub",
            "ftp://a",
            "http://",
            "https://:443",
            "http://a b",
            "http://[::1",
        ] {
            assert!(!is_hub_address(uri), "{uri}");
        }
    }

    #[test]
    fn a_part_of_one_is_refused_without_showing_it() {
        let line = invite().to_string();
        for end in 0..=line.len() - "]:3300".len() {
            let refused = line[..end].parse::<Invite>().unwrap_err().to_string();
            assert!(!refused.contains("0a1b"), "{refused}");
        }
        assert!("spaces-invite:2:a:b:c:http://x".parse::<Invite>().is_err());
        assert!(
            line.replace("spaces:h", "spa ces:h")
                .parse::<Invite>()
                .is_err()
        );
        assert!(!format!("{:?}", invite()).contains("0a1b"));
    }
}
