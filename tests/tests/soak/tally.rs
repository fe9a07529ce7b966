//! What the load did and what came back, by kind.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use spaces_api::{ErrorKind, ReceiptState};
use spaces_client::Error;

/// Shared by all that make load.
#[derive(Default)]
pub struct Tally {
    over: AtomicBool,
    writes: AtomicU64,
    outcomes: Mutex<BTreeMap<(String, String), u64>>,
    faults: Mutex<Vec<String>>,
}

impl Tally {
    /// From now on nobody begins anything new.
    pub fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }

    /// Writes that a daemon has accepted.
    pub fn writes(&self) -> u64 {
        self.writes.load(Ordering::Relaxed)
    }

    pub fn count(&self, what: &str, outcome: &str) {
        let mut outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        *outcomes
            .entry((what.to_owned(), outcome.to_owned()))
            .or_default() += 1;
    }

    /// A write was accepted, over whichever way.
    pub fn wrote(&self) {
        self.writes.fetch_add(1, Ordering::Relaxed);
    }

    /// What must not happen under any load or fault.
    pub fn fault(&self, what: String) {
        let mut faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        faults.push(what);
    }

    /// Counts the outcome of a call. One that nothing done to the network or, where
    /// it is `restarted`, to the daemon explains is a fault.
    pub fn judge(&self, method: &str, outcome: &Result<Value, Error>, restarted: bool) {
        match outcome {
            Ok(result) => {
                let receipt = &result["receipt"];
                if receipt.is_object() {
                    self.wrote();
                }
                if receipt["state"] == ReceiptState::Rejected.as_str() {
                    self.count(method, "rejected");
                } else {
                    self.count(method, "ok");
                }
            }
            Err(error) => {
                self.count(method, error.kind().as_str());
                if !is_explained(error.kind(), restarted) {
                    self.fault(format!("{method}: {error}"));
                }
            }
        }
    }

    /// Lines of `what: outcome count, ...`, and the faults.
    pub fn report(&self) -> (String, Vec<String>) {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((what, outcome), count) in outcomes.iter() {
            let line = lines.entry(what).or_default();
            line.push(format!("{outcome} {count}"));
        }
        let lines: Vec<String> = lines
            .into_iter()
            .map(|(what, outcomes)| format!("  {what:<24} {}", outcomes.join(", ")))
            .collect();
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        (lines.join("\n"), faults.clone())
    }

    /// How often `what` ended well.
    pub fn good(&self, what: &str) -> u64 {
        let outcomes = self.outcomes.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (what.to_owned(), "ok".to_owned());
        outcomes.get(&key).copied().unwrap_or_default()
    }
}

/// Refusals that a hub or daemon that is away, or another writer, explains.
fn is_explained(kind: ErrorKind, restarted: bool) -> bool {
    match kind {
        ErrorKind::HubUnreachable
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::RateLimited => true,
        ErrorKind::DaemonUnreachable | ErrorKind::NotReady | ErrorKind::Busy => restarted,
        _ => false,
    }
}
