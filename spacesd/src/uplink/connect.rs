//! One connection, from the first byte to the last, on a thread and runtime of
//! its own: building it blocks without a deadline, and the SDK may panic and
//! leave its locks poisoned. Whoever started it hears of it by events, may drop
//! it at any time, and never touches what is inside.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use spaces_api::Timestamp;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use super::history::AuditPart;
use super::serve::Connection;
use super::{CallError, PastPage, Sink, Timing};
use crate::operation::{Call, HubSettings, Outcome};
use crate::row::Identity;

/// What is asked of a connection.
pub(super) enum Request {
    Call {
        call: Box<Call>,
        after: Option<Uuid>,
        answer: oneshot::Sender<Outcome>,
    },
    /// A page of a channel: what is before `before_ordinal`, or the newest.
    Page {
        channel_id: u64,
        before_ordinal: Option<u64>,
        limit: u32,
        answer: oneshot::Sender<Result<PastPage, CallError>>,
    },
    /// A page of a server's audit: what is before `before_ordinal`, or the newest.
    Audit {
        server_id: u64,
        before_ordinal: Option<u64>,
        answer: oneshot::Sender<Result<AuditPart, CallError>>,
    },
    /// The hub's settings.
    Settings {
        answer: oneshot::Sender<Result<HubSettings, CallError>>,
    },
    Close,
}

/// What a connection tells of itself.
#[derive(Debug)]
pub(super) enum Event {
    /// The hub let us in.
    Greeted { identity: Identity },
    /// The schema fits; the rows come.
    Syncing {
        schema_version: u32,
        module_version: String,
    },
    /// Everything that was missed is on disk.
    Live,
    /// Something came from the hub.
    Heard {
        /// When what is stored equalled what the hub holds.
        stored_to: Instant,
    },
    /// An answer to a heartbeat.
    Alive {
        round_trip: Duration,
        /// The hub's clock when it answered.
        hub_time: Timestamp,
        clock_skew_ms: i64,
        /// When what is stored equalled what the hub holds.
        stored_to: Instant,
    },
    /// The last event, unless the thread is stuck.
    Ended(String),
}

/// What a connection needs.
pub(super) struct Plan {
    pub uri: String,
    pub database: String,
    pub token: String,
    pub window_days: u32,
    pub window_messages: u32,
    pub timing: Timing,
    pub sink: Arc<dyn Sink>,
}

/// Starts a connection. It ends when the sender of requests is dropped.
///
/// # Errors
/// When the system gives no thread.
pub(super) fn start(
    plan: Plan,
) -> std::io::Result<(
    mpsc::UnboundedSender<Request>,
    mpsc::UnboundedReceiver<Event>,
)> {
    let (requests, requested) = mpsc::unbounded_channel();
    let (events, happened) = mpsc::unbounded_channel();
    thread::Builder::new()
        .name("uplink".to_owned())
        .spawn(move || {
            let told = events.clone();
            let ended = std::panic::catch_unwind(AssertUnwindSafe(|| run(plan, requested, events)));
            let why = match ended {
                Ok(why) => why,
                Err(panic) => format!("the SDK panicked: {}", panic_text(&*panic)),
            };
            // Nobody listens any more where the attempt was given up.
            let _ = told.send(Event::Ended(why));
        })?;
    Ok((requests, happened))
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a word")
}

fn run(
    plan: Plan,
    requested: mpsc::UnboundedReceiver<Request>,
    events: mpsc::UnboundedSender<Event>,
) -> String {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("uplink-io")
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return format!("no runtime for the connection: {error}"),
    };
    let ended = runtime.block_on(async {
        // To build blocks this thread. To serve belongs beside the SDK's own tasks:
        // each thread that has to be woken on the way makes a message later.
        let connection = Connection::build(plan, requested, events)?;
        match tokio::spawn(connection.serve()).await {
            Ok(ended) => ended,
            Err(fault) => match fault.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(cancelled) => Err(cancelled.to_string()),
            },
        }
    });
    runtime.shutdown_background();
    match ended {
        Ok(()) => "closed".to_owned(),
        Err(why) => why,
    }
}
