use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use arcan_core::error::CoreError;
use arcan_core::protocol::{AgentEvent, ToolResult};
use arcan_core::runtime::{Middleware, RunOutput, ToolContext};
use spaces_api::methods::message;
use spaces_api::model::{Context, MessageKind};
use spaces_api::{ChannelRef, Wait};
use uuid::Uuid;

use crate::SpacesDaemon;

/// Most entries that wait for the daemon; further ones are dropped and counted.
const WAITING: usize = 1024;

/// Writes tool calls and run ends to the agent log channel.
///
/// The agent loop only hands an entry over: a thread of the middleware's own
/// posts it, so that no state of the daemon can hold or fail the loop. What
/// could not be posted is counted (see [`SpacesActivityMiddleware::lost`]) and
/// logged as a warning, once for each run of failures. Dropping the middleware
/// waits until what was handed over has been tried.
pub struct SpacesActivityMiddleware {
    entries: Mutex<Option<SyncSender<Entry>>>,
    lost: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

struct Entry {
    session: String,
    content: String,
    /// Made here, so that a repeated attempt is the same post.
    key: Uuid,
}

impl SpacesActivityMiddleware {
    /// A middleware that writes to this channel (`#agent-logs`, or an id).
    pub fn new(daemon: &SpacesDaemon, agent_log: impl Into<ChannelRef>) -> Self {
        let (entries, waiting) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = Writer {
            daemon: daemon.clone(),
            channel: agent_log.into(),
            lost: Arc::clone(&lost),
        };
        let writer = thread::Builder::new()
            .name("spaces-activity".to_owned())
            .spawn(move || writer.run(&waiting));
        if let Err(error) = &writer {
            tracing::warn!(%error, "no thread for the Spaces activity log: activity is not written");
        }
        Self {
            entries: Mutex::new(Some(entries)),
            lost,
            writer: writer.ok(),
        }
    }

    /// Entries that did not reach the daemon.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    fn hand_over(&self, session: &str, content: String) {
        let entry = Entry {
            session: session.to_owned(),
            content,
            key: Uuid::new_v4(),
        };
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let accepted = entries
            .as_ref()
            .is_some_and(|entries| entries.try_send(entry).is_ok());
        if !accepted {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Middleware for SpacesActivityMiddleware {
    fn post_tool_call(&self, context: &ToolContext, result: &ToolResult) -> Result<(), CoreError> {
        let outcome = if result.is_error {
            "failed"
        } else {
            "completed"
        };
        self.hand_over(
            &context.session_id,
            format!("tool {} {outcome}", result.tool_name),
        );
        Ok(())
    }

    fn on_run_finished(&self, output: &RunOutput) -> Result<(), CoreError> {
        let iterations = output
            .events
            .iter()
            .filter(|event| matches!(event, AgentEvent::IterationStarted { .. }))
            .count();
        self.hand_over(
            &output.session_id,
            format!(
                "run {} ended: {:?} after {iterations} iterations",
                output.run_id, output.reason
            ),
        );
        Ok(())
    }
}

impl Drop for SpacesActivityMiddleware {
    fn drop(&mut self) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::warn!("the thread of the Spaces activity log panicked");
        }
    }
}

struct Writer {
    daemon: SpacesDaemon,
    channel: ChannelRef,
    lost: Arc<AtomicU64>,
}

impl Writer {
    fn run(&self, entries: &Receiver<Entry>) {
        let mut failing = false;
        for entry in entries {
            let posted = self.post(&entry).or_else(|error| {
                // A write of unknown fate is repeated once, with the same key.
                if error.is_daemon_down() {
                    self.post(&entry)
                } else {
                    Err(error)
                }
            });
            match posted {
                Ok(()) => failing = false,
                Err(error) => {
                    self.lost.fetch_add(1, Ordering::Relaxed);
                    if !failing {
                        tracing::warn!(%error, "cannot write to the Spaces activity log");
                    }
                    failing = true;
                }
            }
        }
    }

    fn post(&self, entry: &Entry) -> Result<(), spaces_client::Error> {
        self.daemon
            .call_for_session::<message::Send>(&entry.session, |session| message::SendParams {
                channel: self.channel.clone(),
                content: entry.content.clone(),
                kind: Some(MessageKind::AgentEvent),
                thread_id: None,
                reply_to: None,
                cwd: None,
                context: Context::default(),
                client_key: Some(entry.key),
                wait: Wait::Queued,
                timeout_ms: None,
                session: Some(session),
            })?;
        Ok(())
    }
}
