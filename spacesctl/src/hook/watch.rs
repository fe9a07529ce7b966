//! Ends a hook at its deadline, whatever it waits for.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

/// Watches over the time of one hook. The daemon's answers and the tool's input
/// have limits of their own, and the files of a session are small and ours. So
/// the thread that watches is there only once [`Watch::begin`] was called: it
/// costs as much as all else that a short hook does by itself.
pub struct Watch {
    deadline: Instant,
    /// Whoever sets it decides what is given back, and ends the process.
    decided: Arc<AtomicBool>,
    /// What the watcher does before it ends the process.
    late: Cell<Option<Box<dyn FnOnce() + Send>>>,
}

impl Watch {
    /// `late` is done where the deadline comes first.
    pub fn new(deadline: Instant, late: impl FnOnce() + Send + 'static) -> Self {
        Self {
            deadline,
            decided: Arc::default(),
            late: Cell::new(Some(Box::new(late))),
        }
    }

    /// From now on something may take longer than there is time. Ends the process
    /// with code 0 at the deadline, unless [`Watch::over`] was first.
    pub fn begin(&self) {
        let Some(late) = self.late.take() else {
            return;
        };
        let (deadline, decided) = (self.deadline, Arc::clone(&self.decided));
        let watch = move || {
            thread::sleep(deadline.saturating_duration_since(Instant::now()));
            if !decided.swap(true, Ordering::SeqCst) {
                late();
                std::process::exit(0);
            }
        };
        // On a machine that has no thread to give, each wait still has its own limit.
        let _ = thread::Builder::new().spawn(watch);
    }

    /// The hook is done. Does not return where the watcher came first.
    pub fn over(&self) {
        if self.decided.swap(true, Ordering::SeqCst) {
            loop {
                thread::park();
            }
        }
    }
}
