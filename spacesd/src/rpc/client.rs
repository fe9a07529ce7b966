use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use spaces_api::{ErrorKind, RpcError};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinHandle};

/// A connected client, as far as calls concern it: whether it can be sent
/// notifications, and what it is subscribed to.
#[derive(Debug)]
pub struct Client {
    pushes: Option<mpsc::Sender<Vec<u8>>>,
    subscriptions: Mutex<Subscriptions>,
}

#[derive(Debug, Default)]
struct Subscriptions {
    last: u64,
    open: HashMap<u64, AbortHandle>,
}

/// Subscriptions that one connection may have at once.
const MAX_SUBSCRIPTIONS: usize = 32;

impl Client {
    /// A client on a line connection: what is sent into `pushes` is written to it.
    pub fn on_lines(pushes: mpsc::Sender<Vec<u8>>) -> Arc<Self> {
        Arc::new(Self {
            pushes: Some(pushes),
            subscriptions: Mutex::default(),
        })
    }

    /// A client over HTTP, which cannot be sent notifications.
    pub fn on_http() -> Arc<Self> {
        Arc::new(Self {
            pushes: None,
            subscriptions: Mutex::default(),
        })
    }

    /// Starts a subscription; `begin` is given its id and the way to the client.
    pub(super) fn subscribe(
        &self,
        begin: impl FnOnce(u64, mpsc::Sender<Vec<u8>>) -> JoinHandle<()>,
    ) -> Result<u64, RpcError> {
        let Some(pushes) = &self.pushes else {
            let message = "a subscription needs a connection that stays open";
            let error = RpcError::new(ErrorKind::InvalidRequest, message);
            return Err(error.hint("use the line framing, or GET /events over HTTP"));
        };
        let mut subscriptions = self.subscriptions();
        subscriptions.open.retain(|_, task| !task.is_finished());
        if subscriptions.open.len() >= MAX_SUBSCRIPTIONS {
            let message = format!("this connection has {MAX_SUBSCRIPTIONS} subscriptions already");
            return Err(
                RpcError::new(ErrorKind::Busy, message).hint("end one with events.unsubscribe")
            );
        }
        subscriptions.last += 1;
        let id = subscriptions.last;
        let task = begin(id, pushes.clone());
        subscriptions.open.insert(id, task.abort_handle());
        Ok(id)
    }

    /// Ends a subscription; false if there is none of this id.
    pub(super) fn unsubscribe(&self, id: u64) -> bool {
        let task = self.subscriptions().open.remove(&id);
        task.inspect(AbortHandle::abort).is_some()
    }

    fn subscriptions(&self) -> MutexGuard<'_, Subscriptions> {
        self.subscriptions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.subscriptions()
            .open
            .values()
            .for_each(AbortHandle::abort);
    }
}
