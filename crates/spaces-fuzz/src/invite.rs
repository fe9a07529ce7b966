//! The one line that brings somebody into a hub.

use spaces_domain::invite::Invite;

pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match text.parse::<Invite>() {
        Ok(invite) => {
            let line = invite.to_string();
            assert_eq!(line.parse().as_ref(), Ok(&invite), "{text:?}");
            assert!(!line.contains(char::is_whitespace));
            let mut other = invite.clone();
            other.secret.push('x');
            other.token.push('y');
            assert_eq!(
                format!("{other:?}"),
                format!("{invite:?}"),
                "Debug tells a secret"
            );
        }
        Err(error) => {
            // The explanation is always one of a few: it cannot tell what was given.
            let said = error.to_string();
            assert!(said.starts_with("not a usable invite: "), "{said}");
            assert!(said.len() < 200, "{said}");
        }
    }
}
