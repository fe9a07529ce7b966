//! A hub with a history, and a machine that has all of it in its cache.

use serde_json::{Value, json};
use spaces_tests::{Daemon, Hub, Proxy, eventually};

use crate::sdk::{SdkClient, place};

/// A hub, a machine with a daemon on it, and the network between them.
pub struct Site {
    pub hub: Hub,
    /// Between the daemon and the hub. Nothing is held back unless a measure
    /// asks for it.
    pub proxy: Proxy,
    pub daemon: Daemon,
    pub publisher: SdkClient,
    sessions: Vec<String>,
    posted: u64,
}

impl Site {
    /// Posts so many messages. The daemon is there from the first on, so that
    /// they come to it as they do in life, one transaction after the other.
    pub fn with(messages: u64) -> Self {
        let hub = Hub::start();
        let proxy = Proxy::start(hub.port());
        let publisher = SdkClient::of_publisher(&hub);
        publisher.lift_limits();
        let daemon = machine_on(&hub.owner_invite(), &proxy.uri());
        publisher.join_server();
        let sessions = publisher.start_sessions();
        let mut site = Self {
            hub,
            proxy,
            daemon,
            publisher,
            sessions,
            posted: 0,
        };
        site.post(messages);
        site.until_cached();
        site
    }

    /// Posts so many more messages, durably, by the SDK.
    pub fn post(&mut self, messages: u64) {
        let from = self.posted;
        self.posted += messages;
        self.publisher.fill(&self.sessions, from, self.posted);
    }

    /// Waits until the daemon has every message.
    pub fn until_cached(&self) {
        eventually("the daemon has every message", || {
            let status = self.daemon.call("daemon.status", json!({}));
            (status["cache"]["messages"].as_u64()? >= self.posted).then_some(())
        });
    }

    /// Waits until nothing is left in the daemon's outbox.
    pub fn until_sent(&self) {
        eventually("the outbox is empty", || {
            let flushed = self
                .daemon
                .call("outbox.flush", json!({"timeout_ms": 10_000}));
            (flushed["still_queued"] == 0).then_some(())
        });
    }

    /// How many messages were posted by [`Site::post`].
    pub fn posted(&self) -> u64 {
        self.posted
    }

    pub fn pid(&mut self) -> u32 {
        self.daemon.child().id()
    }
}

/// A machine whose daemon came in by this invite and finds the hub at `uri`. It
/// logs as one in daily use does.
pub fn machine_on(invite: &str, uri: &str) -> Daemon {
    let mut daemon = Daemon::machine();
    daemon.put_runtime_in_memory();
    daemon.join(invite);
    daemon.use_hub_at(uri);
    daemon.log_as("info");
    daemon.run();
    daemon.until_live();
    daemon
}

/// What a reader who works on `app7` asks for: 50 items.
pub fn digest_params() -> Value {
    let place = place(7);
    json!({
        "context": {"repo": place.repo, "branch": place.branch, "paths": place.paths},
        "limit": 50,
    })
}
