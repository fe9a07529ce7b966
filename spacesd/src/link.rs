//! The uplink as the outbox's sender sees it.

use std::future::Future;

use spaces_api::HubState;
use tokio::sync::watch;
use uuid::Uuid;

use crate::operation::{Call, Outcome};
use crate::outbox::sender::Link;
use crate::uplink::Uplink;

/// Carries queued calls to the hub while it is live.
#[derive(Clone)]
pub struct UplinkLink {
    uplink: Uplink,
    live: watch::Receiver<bool>,
}

impl UplinkLink {
    /// Must be called inside the runtime.
    pub fn new(uplink: Uplink) -> Self {
        let mut status = uplink.status();
        let (tell, live) = watch::channel(false);
        tokio::spawn(async move {
            loop {
                let now = status.borrow_and_update().state == HubState::Live;
                tell.send_if_modified(|was| std::mem::replace(was, now) != now);
                if status.changed().await.is_err() {
                    return;
                }
            }
        });
        Self { uplink, live }
    }
}

impl Link for UplinkLink {
    fn call(&self, call: Call, after: Option<Uuid>) -> impl Future<Output = Outcome> + Send {
        // The uplink takes its place when asked, the sender counts from the first poll.
        let uplink = self.uplink.clone();
        async move { uplink.call(call, after).await }
    }

    fn live(&self) -> watch::Receiver<bool> {
        self.live.clone()
    }

    fn reconnect(&self) {
        self.uplink.reconnect();
    }
}
