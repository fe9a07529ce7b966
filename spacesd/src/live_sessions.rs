//! Which agent sessions are alive on this machine. The daemon speaks for them to
//! the hub, which ends a session of which it hears nothing.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A session of which nothing was heard for so long is taken for dead. An agent
/// may wait hours for its person.
const SILENT_FOR: Duration = Duration::from_secs(4 * 60 * 60);

/// Sessions that are kept in mind at most.
const MOST: usize = 10_000;

/// Sessions and when they were last heard of.
#[derive(Debug, Default)]
pub struct LiveSessions(Mutex<HashMap<String, Instant>>);

impl LiveSessions {
    /// A session has made a call.
    pub fn heard_of(&self, id: &str) {
        let mut sessions = self.sessions();
        let now = Instant::now();
        if let Some(last) = sessions.get_mut(id) {
            *last = now;
            return;
        }
        if sessions.len() >= MOST {
            sessions.retain(|_, last| now.duration_since(*last) < SILENT_FOR);
        }
        if sessions.len() < MOST {
            sessions.insert(id.to_owned(), now);
        }
    }

    /// A session has ended.
    pub fn forget(&self, id: &str) {
        self.sessions().remove(id);
    }

    /// Ids of the sessions that are alive.
    pub fn alive(&self) -> Vec<String> {
        let mut sessions = self.sessions();
        sessions.retain(|_, last| last.elapsed() < SILENT_FOR);
        sessions.keys().cloned().collect()
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::LiveSessions;

    #[test]
    fn a_session_lives_from_its_first_call_to_its_end() {
        let sessions = LiveSessions::default();
        sessions.heard_of("a");
        sessions.heard_of("a");
        sessions.heard_of("b");
        sessions.forget("b");
        assert_eq!(sessions.alive(), ["a"]);
    }
}
