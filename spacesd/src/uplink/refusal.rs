//! Why the hub said no. A refused WebSocket closes without a reason, so the
//! same question is then asked over HTTP, which answers with one.

use std::time::Duration;

use spaces_bindings::SCHEMA_VERSION;
use spaces_domain::Refusal as Said;

use super::CallError;
use super::http::{self, Answer};
use crate::operation::Refusal;

/// What stands between us and the hub.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Obstacle {
    /// The hub is closed and does not know us; its own words.
    NotAdmitted(String),
    /// For everything else: what is wrong and what to do.
    Other(String),
    /// Nothing: the hub would let us in now.
    None,
}

/// Asks the hub what it has against us.
pub(super) async fn ask(uri: &str, database: &str, token: &str, within: Duration) -> Obstacle {
    let path = format!("/v1/database/{database}/call/heartbeat");
    let answer = match http::post(uri, &path, Some(token), "[[]]".to_owned(), within).await {
        Ok(answer) => answer,
        Err(error) => return Obstacle::Other(error),
    };
    let text = answer.text.trim();
    match answer.status {
        200 => Obstacle::None,
        401 => Obstacle::Other(format!("the hub at {uri} {}", of_token(text))),
        403 => Obstacle::NotAdmitted(text.to_owned()),
        404 => Obstacle::Other(format!(
            "the hub at {uri} has no Spaces database `{database}` ({text}): check hub.database, and that the module is published there"
        )),
        status => Obstacle::Other(format!("the hub at {uri} answered HTTP {status}: {text}")),
    }
}

/// What a failed call's answer says.
pub(super) fn of_answer(answer: &Answer) -> CallError {
    match answer.status {
        403 | 530 => CallError::Refused(of_text(&answer.text)),
        401 => CallError::Failed(format!("the hub {}", of_token(answer.text.trim()))),
        status => CallError::Failed(format!(
            "the hub answered HTTP {status}: {}",
            answer.text.trim()
        )),
    }
}

fn of_token(said: &str) -> String {
    format!(
        "does not accept our token ({said}): it is of another hub, or this one began anew or has other keys; restore the hub's data or the right token, or remove the token file (`token` in the state directory) and join with an invite, as a new user"
    )
}

/// The module's typed refusal, from its text.
pub(super) fn of_text(text: &str) -> Refusal {
    let said = Said::parse(text.trim());
    Refusal {
        kind: said.kind.as_str().to_owned(),
        retry_after_ms: said.retry_after_ms(),
        message: said.message,
    }
}

/// Which side to upgrade, where the hub's schema is not ours.
pub(super) fn of_schema(theirs: u32, module_version: &str) -> Option<String> {
    let sides = format!(
        "the hub's module {module_version} has schema {theirs}, this spacesd speaks schema {SCHEMA_VERSION}"
    );
    match theirs.cmp(&SCHEMA_VERSION) {
        std::cmp::Ordering::Equal => None,
        std::cmp::Ordering::Greater => Some(format!("{sides}: upgrade spacesd on this machine")),
        std::cmp::Ordering::Less => Some(format!("{sides}: upgrade the hub")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_side_is_named() {
        assert_eq!(of_schema(SCHEMA_VERSION, "0.1.0"), None);
        let newer = of_schema(SCHEMA_VERSION + 1, "0.2.0").unwrap();
        assert!(
            newer.ends_with("upgrade spacesd on this machine"),
            "{newer}"
        );
        let older = of_schema(SCHEMA_VERSION - 1, "0.0.9").unwrap();
        assert!(older.ends_with("upgrade the hub"), "{older}");
    }

    #[test]
    fn a_refusal_keeps_its_kind_and_waiting_time() {
        let refusal = of_text("rate_limited: too many; retry_after_ms=250");
        assert_eq!(refusal.kind, "rate_limited");
        assert_eq!(refusal.retry_after_ms, Some(250));
    }
}
