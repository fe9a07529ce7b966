use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what must happen. Long, because it is only ever
/// reached by a failing test.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks `probe` again and again until it gives a value.
///
/// # Panics
/// After [`PATIENCE`], saying what was waited for.
pub fn eventually<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(
            Instant::now() < deadline,
            "waited {PATIENCE:?} for this in vain: {what}"
        );
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Does what must come to an end by itself: a call that nobody will answer.
///
/// # Panics
/// If it has not ended after a multiple of [`PATIENCE`], or with its own panic.
pub fn ends<T: Send + 'static>(what: &str, act: impl FnOnce() -> T + Send + 'static) -> T {
    let (tell, told) = mpsc::channel();
    let hand = thread::spawn(move || drop(tell.send(act())));
    match told.recv_timeout(PATIENCE * 5) {
        Ok(value) => value,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("this does not end: {what}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match hand.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("it has sent its value"),
        },
    }
}
