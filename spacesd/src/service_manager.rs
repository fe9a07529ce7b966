//! What systemd is told: ready, alive, stopping. Elsewhere nobody listens, and
//! nothing is said.

use std::time::Duration;

use sd_notify::NotifyState;

/// Says that the socket is served.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// Says that the orderly end has begun.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Proves now and then that the runtime still turns, where that is asked for.
pub async fn keep_watchdog_fed() {
    let Some(period) = sd_notify::watchdog_enabled() else {
        return;
    };
    let mut beat = tokio::time::interval((period / 3).max(Duration::from_millis(100)));
    loop {
        beat.tick().await;
        tell(&[NotifyState::Watchdog]);
    }
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager was not told");
    }
}
