//! What is said while the daemon that runs is of another version than this
//! program: after an upgrade, until the daemon is restarted.

use spaces_client::spaces_api::VERSION;

use crate::output::clean_line;
use crate::service;

/// Names both versions and what mends it; nothing where they are the same.
pub fn notice(daemon: &str) -> Option<String> {
    (daemon != VERSION).then(|| {
        format!(
            "spacesd {} is running, spacesctl is {VERSION}: {}",
            clean_line(daemon),
            remedy(daemon)
        )
    })
}

/// What to do about a daemon of this version.
pub fn remedy(daemon: &str) -> String {
    let restart = match service::is_installed() {
        true => "restart it with `spacesctl service restart`",
        false => "restart it with `spacesctl down && spacesctl up`",
    };
    if is_later(daemon, VERSION) {
        return format!("upgrade spacesctl; or, to go back to {VERSION}, {restart}");
    }
    restart.to_owned()
}

/// By the numbers; what follows them does not count.
fn is_later(one: &str, other: &str) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        version
            .split(['.', '-', '+'])
            .map_while(|part| part.parse().ok())
            .collect()
    };
    numbers(one) > numbers(other)
}

#[cfg(test)]
mod tests {
    use super::{VERSION, is_later, notice};

    #[test]
    fn versions_are_compared_as_numbers() {
        for (one, other, later) in [
            ("0.10.0", "0.9.1", true),
            ("0.9.1", "0.10.0", false),
            ("1.0.0", "1.0.0", false),
            ("1.0.0-rc.1", "0.9.9", true),
            ("no version", "0.1.0", false),
        ] {
            assert_eq!(is_later(one, other), later, "{one} and {other}");
        }
    }

    #[test]
    fn both_versions_are_named_and_the_side_that_is_behind() {
        assert_eq!(notice(VERSION), None);
        let older = notice("0.0.1").unwrap();
        assert!(
            older.starts_with(&format!(
                "spacesd 0.0.1 is running, spacesctl is {VERSION}: restart it with `spacesctl "
            )),
            "{older}"
        );
        let newer = notice("999.0.0").unwrap();
        assert!(newer.contains(": upgrade spacesctl;"), "{newer}");
        assert!(!notice("0\u{1b}[2J").unwrap().contains('\u{1b}'));
    }
}
