//! Admin calls: they need the hub, are carried out at once, and are never queued.

use std::time::Duration;

use serde_json::json;
use spaces_api::{Delivery, ErrorKind, Receipt, ReceiptState, RpcError, Timestamp};
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::Call;
use super::write::of_refusal;
use crate::operation::{Call as HubCall, Operation, Outcome};
use crate::uplink::CallError;

/// How long the hub has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// How long what was made has to come back from the hub.
const SHOWN_WITHIN: Duration = Duration::from_secs(5);

/// How often what was made is looked for where no event tells of it.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

impl Call {
    /// Has the hub carry out an operation now.
    pub(super) async fn administer(
        &self,
        delivery: &Delivery,
        mut operation: Operation,
    ) -> Result<Receipt, RpcError> {
        self.require_hub()?;
        operation.redact();
        let client_key = delivery.client_key.unwrap_or_else(Uuid::now_v7);
        let queued_at = Timestamp::now();
        let call = HubCall {
            client_key,
            session: delivery
                .session
                .as_deref()
                .map(|session| self.daemon.session_id(session)),
            operation,
        };
        let answer = timeout(ANSWER_WITHIN, self.daemon.uplink.call(call, None)).await;
        match answer.unwrap_or(Outcome::Unknown) {
            Outcome::Committed => Ok(Receipt {
                client_key,
                state: ReceiptState::Sent,
                message_id: None,
                queued_at,
                sent_at: Some(Timestamp::now()),
                reason: None,
            }),
            Outcome::Refused(refusal) => Err(of_refusal(
                &refusal.kind,
                refusal.message,
                refusal.retry_after_ms,
            )),
            Outcome::Unknown => {
                let message = "the hub did not answer: whether it was done is not known";
                Err(RpcError::new(ErrorKind::HubUnreachable, message)
                    .hint("repeat the call with the client_key in `detail`: it is done once, however often it is repeated")
                    .detail(json!({ "client_key": client_key, "outcome": "unknown" })))
            }
        }
    }

    /// Refuses at once while the hub is away.
    pub(super) fn require_hub(&self) -> Result<(), RpcError> {
        if self.daemon.live() {
            return Ok(());
        }
        let message = format!(
            "this needs the hub, and the hub is not connected: {}",
            self.daemon.hub.detail()
        );
        Err(RpcError::new(ErrorKind::HubUnreachable, message).hint(
            "nothing was done; `spacesctl status` says more, `spacesctl reconnect` tries at once",
        ))
    }

    /// What a committed call has made, as soon as the cache has it.
    pub(super) async fn shown<T>(
        &self,
        what: &str,
        receipt: &Receipt,
        look: impl Fn() -> Result<Option<T>, RpcError>,
    ) -> Result<T, RpcError> {
        let deadline = Instant::now() + SHOWN_WITHIN;
        let mut news = self.daemon.events.watch();
        loop {
            news.mark_unchanged();
            if let Some(thing) = look()? {
                return Ok(thing);
            }
            // Not every table has an event (threads, servers): look now and then too.
            let _ = timeout_at(deadline.min(Instant::now() + LOOK_AGAIN), news.changed()).await;
            if Instant::now() >= deadline {
                let message =
                    format!("the {what} was made on the hub, but has not been shown here yet");
                return Err(RpcError::new(ErrorKind::NotReady, message)
                    .hint("list again in a moment; do not make it a second time")
                    .detail(json!({ "receipt": receipt })));
            }
        }
    }
}

/// Why the hub did not answer what was asked of it beside a write.
pub(super) fn not_answered(error: CallError) -> RpcError {
    match error {
        CallError::Refused(refusal) => {
            of_refusal(&refusal.kind, refusal.message, refusal.retry_after_ms)
        }
        CallError::Offline(_) | CallError::Lost => {
            RpcError::new(ErrorKind::HubUnreachable, error.to_string())
                .hint("`spacesctl status` says more; try again when the hub is there")
        }
        CallError::Failed(message) => RpcError::new(ErrorKind::Rejected, message),
    }
}
