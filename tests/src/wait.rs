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
