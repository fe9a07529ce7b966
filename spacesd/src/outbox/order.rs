//! Which calls must reach the hub in the order in which they were accepted.
//!
//! Promised is order per sender and channel. Held to that are also the calls on
//! one message, one session, one claim: what comes later may need what came
//! before. Everything else may overtake, so that a channel in slow mode holds
//! up nothing but itself.

use std::collections::HashSet;

use crate::operation::{Call, Operation};
use crate::row::Identity;

/// A thing whose calls keep their order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Lane {
    Channel(u64),
    Direct(Identity),
    Message(u64),
    ReadMark(u64),
    Claim(u64),
    /// Start, change and end of a session.
    SessionLife(String),
    /// Calls made for a session: after its start, before its end, in any order
    /// among themselves as far as the session is concerned.
    SessionWork(String),
    /// All else, in one row.
    Own,
}

/// What a call keeps its order with.
#[derive(Clone, Debug)]
pub(super) struct Lanes {
    /// A later call that meets one of these stays behind this call. The first
    /// is the row that the call itself stands in.
    holds: Vec<Lane>,
    /// This call stays behind an earlier one that holds one of these.
    meets: Vec<Lane>,
}

impl Lanes {
    pub fn of(call: &Call) -> Self {
        let mut lanes = Self {
            holds: Vec::with_capacity(2),
            meets: Vec::with_capacity(2),
        };
        match &call.operation {
            Operation::StartSession { id, .. }
            | Operation::UpdateSession { id, .. }
            | Operation::EndSession { id } => {
                lanes.keep(Lane::SessionLife(id.clone()));
                // Work that was queued before its session's start waits for it.
                if !matches!(call.operation, Operation::StartSession { .. }) {
                    lanes.meets.push(Lane::SessionWork(id.clone()));
                }
                // Starting needs the agent, which is registered in this row.
                lanes.meets.push(Lane::Own);
                return lanes;
            }
            Operation::AcquireClaim { session_id, .. } => {
                lanes.keep(Lane::SessionLife(session_id.clone()));
            }
            Operation::SendMessage { channel_id, .. }
            | Operation::LeaveNote { channel_id, .. }
            | Operation::CreateThread { channel_id, .. } => lanes.keep(Lane::Channel(*channel_id)),
            Operation::SendDirectMessage { recipient, .. } => {
                lanes.keep(Lane::Direct(*recipient));
            }
            Operation::EditMessage { message_id, .. }
            | Operation::DeleteMessage { message_id }
            | Operation::AddReaction { message_id, .. }
            | Operation::RemoveReaction { message_id, .. }
            | Operation::ResolveNote { message_id } => lanes.keep(Lane::Message(*message_id)),
            Operation::MarkRead { channel_id, .. } => lanes.keep(Lane::ReadMark(*channel_id)),
            Operation::RenewClaim { claim_id, .. } | Operation::ReleaseClaim { claim_id } => {
                lanes.keep(Lane::Claim(*claim_id));
            }
            _ => lanes.keep(Lane::Own),
        }
        if let Some(session) = &call.session {
            lanes.holds.push(Lane::SessionWork(session.clone()));
            lanes.meets.push(Lane::SessionLife(session.clone()));
        }
        lanes
    }

    fn keep(&mut self, lane: Lane) {
        self.holds.push(lane.clone());
        self.meets.push(lane);
    }

    /// Is this one of the calls whose order among themselves is promised?
    pub fn same_row(&self, other: &Self) -> bool {
        self.holds.first() == other.holds.first()
    }

    /// Must this call stay behind `earlier`?
    pub fn follow(&self, earlier: &Self) -> bool {
        self.meets.iter().any(|lane| earlier.holds.contains(lane))
    }
}

/// The lanes in which something waits.
#[derive(Default)]
pub(super) struct Blocked<'a>(HashSet<&'a Lane>);

impl<'a> Blocked<'a> {
    /// Nothing may overtake this call.
    pub fn by(&mut self, lanes: &'a Lanes) {
        self.0.extend(&lanes.holds);
    }

    pub fn stops(&self, lanes: &Lanes) -> bool {
        !self.0.is_empty() && lanes.meets.iter().any(|lane| self.0.contains(lane))
    }
}

#[cfg(test)]
mod tests {
    use spaces_api::model::{Context, MessageKind};
    use uuid::Uuid;

    use super::{Blocked, Lanes};
    use crate::operation::{Call, Operation};

    fn lanes(session: Option<&str>, operation: Operation) -> Lanes {
        Lanes::of(&Call {
            client_key: Uuid::nil(),
            session: session.map(Into::into),
            operation,
        })
    }

    fn message(session: Option<&str>, channel_id: u64) -> Lanes {
        lanes(
            session,
            Operation::SendMessage {
                channel_id,
                thread_id: None,
                reply_to: None,
                kind: MessageKind::Text,
                content: String::new(),
                context: Context::default(),
            },
        )
    }

    fn end(id: &str) -> Lanes {
        lanes(None, Operation::EndSession { id: id.into() })
    }

    #[test]
    fn a_channel_keeps_its_order_and_no_other() {
        assert!(message(None, 1).follow(&message(None, 1)));
        assert!(!message(None, 2).follow(&message(None, 1)));
        assert!(!message(Some("s"), 2).follow(&message(Some("s"), 1)));
    }

    #[test]
    fn a_session_starts_before_its_work_and_ends_after_it() {
        assert!(message(Some("s"), 1).follow(&end("s")));
        assert!(end("s").follow(&message(Some("s"), 1)));
        assert!(end("s").follow(&end("s")));
        assert!(!end("t").follow(&message(Some("s"), 1)));
        assert!(!message(None, 1).follow(&end("s")));
    }

    #[test]
    fn what_waits_blocks_what_follows_it() {
        let (first, second) = (message(Some("s"), 1), end("s"));
        let mut blocked = Blocked::default();
        assert!(!blocked.stops(&first));
        blocked.by(&first);
        assert!(blocked.stops(&second));
        blocked.by(&second);
        assert!(blocked.stops(&message(Some("s"), 2)));
        assert!(!blocked.stops(&message(Some("t"), 2)));
    }
}
