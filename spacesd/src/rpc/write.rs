//! Writes: checked, then on disk, then answered. What may be queued goes through
//! here; what needs the hub at once goes through `admin`.

use std::time::Duration;

use serde_json::json;
use spaces_api::{Delivery, ErrorKind, Receipt, ReceiptState, RpcError, Wait};
use spaces_domain::content::check_content;
use spaces_domain::limits::CONTENT_CHARS;
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use super::Call;
use crate::operation::{Call as HubCall, Operation};
use crate::outbox::{Entry, SubmitError};

const DEFAULT_WAIT: Duration = Duration::from_secs(10);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long a sent message has to come back from the hub.
const SHOWN_WITHIN: Duration = Duration::from_secs(1);

/// How long a call waits for a mark of its own in the cache, which may be on a
/// full disk.
pub(super) const WRITTEN_WITHIN: Duration = Duration::from_secs(2);

/// A write to be queued.
pub(super) struct Write {
    pub method: &'static str,
    /// Where it goes, in words.
    pub target: String,
    pub operation: Operation,
}

impl Call {
    /// Queues one write, and waits for the hub where the caller asks for that.
    pub(super) async fn write(
        &self,
        delivery: &Delivery,
        write: Write,
    ) -> Result<Receipt, RpcError> {
        let mut receipts = self.write_all(delivery, vec![write]).await?;
        receipts
            .pop()
            .ok_or_else(|| RpcError::new(ErrorKind::Internal, "a write has no receipt"))
    }

    /// Queues writes that belong together: all of them or none. The last has the
    /// caller's client key, the others keys that follow from it, so that repeating
    /// the call repeats none of them.
    pub(super) async fn write_all(
        &self,
        delivery: &Delivery,
        writes: Vec<Write>,
    ) -> Result<Vec<Receipt>, RpcError> {
        let limit = wait_limit(delivery)?;
        let daemon = &self.daemon;
        daemon.accepting()?;
        let session = delivery
            .session
            .as_deref()
            .map(|session| daemon.session_id(session));
        if let Some(session) = &session {
            daemon.sessions.heard_of(session);
        }
        let first = delivery.client_key.unwrap_or_else(Uuid::now_v7);
        let makes_message: Vec<bool> = writes
            .iter()
            .map(|write| write.operation.makes_message())
            .collect();
        let last = writes.len().saturating_sub(1);
        let entries = writes.into_iter().enumerate().map(|(index, mut write)| {
            write.operation.redact();
            Entry {
                call: HubCall {
                    client_key: following_key(first, last - index),
                    session: session.clone(),
                    operation: write.operation,
                },
                method: write.method,
                target: crate::redact::text(&write.target).into_owned(),
            }
        });
        let receipts = daemon.outbox.submit(entries.collect()).await;
        let mut receipts = receipts.map_err(|error| not_accepted(&error))?;
        daemon.hasten();
        let Some(limit) = limit else {
            return Ok(receipts);
        };
        let deadline = Instant::now() + limit;
        for (receipt, makes_message) in receipts.iter_mut().zip(makes_message) {
            self.settle(receipt, deadline).await?;
            if makes_message {
                self.learn_message_id(receipt, deadline).await;
            }
        }
        Ok(receipts)
    }

    /// Waits until the hub has answered, or the time is over; then the receipt
    /// says so.
    async fn settle(&self, receipt: &mut Receipt, deadline: Instant) -> Result<(), RpcError> {
        let left = deadline.saturating_duration_since(Instant::now());
        if let Some(settled) = self.daemon.outbox.settled(receipt.client_key, left).await {
            *receipt = settled;
        }
        match receipt.state {
            ReceiptState::Rejected => Err(rejected(receipt)),
            ReceiptState::Queued | ReceiptState::Sent => Ok(()),
        }
    }

    /// The row of a sent message comes back a moment later; who waited for the
    /// hub is told its id too.
    async fn learn_message_id(&self, receipt: &mut Receipt, deadline: Instant) {
        let deadline = deadline.min(Instant::now() + SHOWN_WITHIN);
        let mut news = self.daemon.events.watch();
        while receipt.state == ReceiptState::Sent && receipt.message_id.is_none() {
            news.mark_unchanged();
            receipt.message_id = self
                .daemon
                .cache
                .message_id_of(&receipt.client_key)
                .unwrap_or_default();
            if receipt.message_id.is_none()
                && !matches!(timeout_at(deadline, news.changed()).await, Ok(Ok(())))
            {
                return;
            }
        }
    }
}

/// The key of the write at this place, from the end, of a call. One key in, the same keys out.
fn following_key(first: Uuid, index: usize) -> Uuid {
    if index == 0 {
        return first;
    }
    let number = u128::try_from(index).unwrap_or_default();
    // The version and variant bits are left as they are: the low bits count.
    Uuid::from_u128(first.as_u128() ^ number)
}

fn wait_limit(delivery: &Delivery) -> Result<Option<Duration>, RpcError> {
    let limit = delivery
        .timeout_ms
        .map_or(DEFAULT_WAIT, Duration::from_millis);
    if limit > LONGEST_WAIT {
        let message = format!(
            "timeout_ms is {}; at most {} is waited",
            limit.as_millis(),
            LONGEST_WAIT.as_millis()
        );
        return Err(RpcError::new(ErrorKind::InvalidParams, message)
            .hint("wait less, and ask for the receipt with outbox.show"));
    }
    Ok((delivery.wait == Wait::Sent).then_some(limit))
}

/// Text as it may be stored: checked by the hub's own rule, without secrets.
pub(super) fn content(text: &str) -> Result<String, RpcError> {
    let text = crate::redact::text(text);
    let length = text.chars().count();
    if length > CONTENT_CHARS {
        let message =
            format!("the text has {length} characters; at most {CONTENT_CHARS} are allowed");
        return Err(
            RpcError::new(ErrorKind::TooLarge, message).hint("say less, or send it in parts")
        );
    }
    checked(check_content(&text))?;
    Ok(text.into_owned())
}

/// Shorter text as it will be stored, for an answer that shows it at once.
pub(super) fn prose(text: Option<String>) -> Option<String> {
    text.map(|text| crate::redact::text(&text).into_owned())
}

/// A name that others refer by cannot have a part taken out: with a secret in it
/// it is refused.
pub(super) fn without_secret(what: &str, name: &str) -> Result<(), RpcError> {
    if crate::redact::text(name) == name {
        return Ok(());
    }
    let message = format!("{what} holds what looks like a secret");
    Err(RpcError::new(ErrorKind::InvalidParams, message)
        .hint("nothing was stored; give it without the secret"))
}

/// A rule of the hub, applied here so that the error comes at once.
pub(super) fn checked(outcome: Result<(), spaces_domain::Refusal>) -> Result<(), RpcError> {
    outcome.map_err(|refusal| of_refusal(refusal.kind.as_str(), refusal.message, None))
}

/// What the module's refusal means to the caller.
pub(super) fn of_refusal(kind: &str, message: String, retry_after_ms: Option<u64>) -> RpcError {
    let (kind, hint) = match kind {
        "invalid" => (ErrorKind::InvalidParams, None),
        "not_found" => (ErrorKind::NotFound, None),
        "permission_denied" => (
            ErrorKind::PermissionDenied,
            Some(
                "`user.me` (`spacesctl user me`) shows your roles; a higher tier can do it or raise yours",
            ),
        ),
        "conflict" | "out_of_order" => (ErrorKind::Conflict, None),
        "key_reused" => (
            ErrorKind::KeyReused,
            Some("use a new client key for new content"),
        ),
        "rate_limited" => (
            ErrorKind::RateLimited,
            Some("try again after retry_after_ms"),
        ),
        "not_admitted" => (
            ErrorKind::PermissionDenied,
            Some("redeem an invite to this hub"),
        ),
        "banned" | "muted" => (
            ErrorKind::PermissionDenied,
            Some("a moderator of the server can lift it"),
        ),
        "archived" => (ErrorKind::Conflict, Some("unarchive it, or use another")),
        _ => (ErrorKind::Rejected, None),
    };
    let mut error = RpcError::new(kind, message);
    if let Some(hint) = hint {
        error = error.hint(hint);
    }
    match retry_after_ms {
        Some(millis) => error.retry_after_ms(millis),
        None => error,
    }
}

/// The hub refused a write for good.
fn rejected(receipt: &Receipt) -> RpcError {
    let reason = receipt
        .reason
        .clone()
        .unwrap_or_else(|| "the hub gave no reason".into());
    let refusal = spaces_domain::Refusal::parse(&reason);
    let error = match refusal.kind {
        spaces_domain::ErrorKind::Internal => RpcError::new(ErrorKind::Rejected, reason),
        kind => of_refusal(kind.as_str(), refusal.message, None),
    };
    error.detail(json!({ "receipt": receipt }))
}

pub(super) fn not_accepted(error: &SubmitError) -> RpcError {
    let (kind, hint) = match error {
        SubmitError::KeyReused(_) => (ErrorKind::KeyReused, "use a new client key for new content"),
        SubmitError::Full { .. } => (
            ErrorKind::OutboxFull,
            "nothing was accepted; wait until the hub is back, or raise outbox.max_items and outbox.max_bytes",
        ),
        SubmitError::DiskFull(_) | SubmitError::ReadOnly(_) => (
            ErrorKind::DiskFull,
            "nothing was accepted; make room on the disk of the state directory and try again, no restart is needed",
        ),
        SubmitError::TooLarge { .. } => (ErrorKind::TooLarge, "send it in parts"),
        SubmitError::Closed => (
            ErrorKind::Busy,
            "the daemon is stopping; try again when it is back",
        ),
    };
    RpcError::new(kind, error.to_string()).hint(hint)
}

#[cfg(test)]
mod tests {
    use spaces_api::{Delivery, ErrorKind, Wait};
    use uuid::Uuid;

    use super::{content, following_key, of_refusal, wait_limit};

    #[test]
    fn keys_that_follow_are_distinct_and_repeatable() {
        let first = Uuid::now_v7();
        assert_eq!(following_key(first, 0), first);
        assert_ne!(following_key(first, 1), first);
        assert_eq!(following_key(first, 1), following_key(first, 1));
        assert_eq!(following_key(first, 1).get_version_num(), 7);
    }

    #[test]
    fn a_text_is_refused_by_the_hubs_own_rule() {
        assert_eq!(content("").unwrap_err().kind(), ErrorKind::InvalidParams);
        assert_eq!(
            content(&"x".repeat(8001)).unwrap_err().kind(),
            ErrorKind::TooLarge
        );
        assert_eq!(content(&"ä".repeat(8000)).unwrap().chars().count(), 8000);
    }

    #[test]
    fn every_refusal_of_the_module_has_a_kind() {
        for kind in spaces_domain::ErrorKind::ALL {
            let mapped = of_refusal(kind.as_str(), String::new(), None).kind();
            let internal = kind == spaces_domain::ErrorKind::Internal;
            assert_eq!(mapped == ErrorKind::Rejected, internal, "{kind}");
        }
    }

    #[test]
    fn a_wait_has_a_limit() {
        let delivery = |wait, timeout_ms| Delivery {
            wait,
            timeout_ms,
            ..Delivery::default()
        };
        assert_eq!(wait_limit(&delivery(Wait::Queued, None)).unwrap(), None);
        assert!(
            wait_limit(&delivery(Wait::Sent, Some(60_000)))
                .unwrap()
                .is_some()
        );
        assert!(wait_limit(&delivery(Wait::Sent, Some(60_001))).is_err());
    }
}
