//! Takes in the writes that clients left on disk while no daemon answered; see
//! [`spaces_api::spool`] for the form of the files.
//!
//! Files are taken in the order of their names. One is deleted only after it was
//! accepted; if the daemon dies in between, it is taken again under the same
//! client key, which changes nothing. One that can never be accepted is moved to
//! `failed`, beside a file that says why. A trouble that passes (a full disk, a
//! full outbox, a cache that is not loaded) leaves the rest where it is.

use std::fs::{self, DirBuilder};
use std::future::Future;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use serde_json::Value;
use spaces_api::model::SpoolStatus;
use spaces_api::spool::{SpooledRequest, is_request};
use spaces_api::{
    Access, ErrorKind, MAX_REQUEST_BYTES, METHODS, OLDEST_PROTOCOL, PROTOCOL, RpcError,
};
use tokio::sync::Notify;
use tokio::time::timeout;
use uuid::Uuid;

/// Below the spool directory: files that were set aside.
pub const FAILED: &str = "failed";
/// Added to the name of a file that was set aside: the file that says why.
pub const REASON: &str = ".reason";

/// A look without being called, should the system have missed to call.
const UNCALLED: Duration = Duration::from_secs(30);
/// The first wait after a trouble that passes; doubled up to [`UNCALLED`].
const PATIENCE: Duration = Duration::from_millis(500);

/// The spool directory and what was done with its files.
#[derive(Clone)]
pub struct Spool {
    directory: Arc<Path>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    waiting: AtomicU64,
    accepted: AtomicU64,
    set_aside: AtomicU64,
}

/// How a look at the directory ended.
enum Swept {
    /// Nothing waits that could be taken.
    Clean,
    /// Something stays, for a reason that may pass.
    Later,
}

/// Why a file was not accepted.
enum Refused {
    /// Try again.
    Passing(String),
    /// Never.
    Final(String),
}

impl Spool {
    /// Uses this directory; makes it, for its owner alone, if it is not there.
    ///
    /// # Errors
    /// If it cannot be made or read.
    pub fn open(directory: &Path) -> io::Result<Self> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory.join(FAILED))?;
        let spool = Self {
            directory: directory.into(),
            counts: Arc::default(),
        };
        spool.names()?;
        spool.count_set_aside()?;
        Ok(spool)
    }

    /// Waiting and set-aside files as of the last look, and what was accepted
    /// since the start.
    pub fn status(&self) -> SpoolStatus {
        SpoolStatus {
            waiting: self.counts.waiting.load(Ordering::Relaxed),
            accepted_total: self.counts.accepted.load(Ordering::Relaxed),
            set_aside: self.counts.set_aside.load(Ordering::Relaxed),
        }
    }

    /// Takes what is there and what comes, until `shutdown`. `accept` carries
    /// out a method with its parameters; when it returns `Ok`, the write is in
    /// the outbox, durably.
    pub async fn run<F, A>(self, accept: F, shutdown: impl Future<Output = ()>)
    where
        F: Fn(String, Value) -> A,
        A: Future<Output = Result<(), RpcError>>,
    {
        let called = Arc::new(Notify::new());
        // Kept alive: it ends with its value.
        let _watcher = self.watch(&called);
        let take = async {
            let mut patience = PATIENCE;
            loop {
                let wait = match self.sweep(&accept).await {
                    Swept::Clean => {
                        patience = PATIENCE;
                        UNCALLED
                    }
                    Swept::Later => {
                        let wait = patience;
                        patience = (patience * 2).min(UNCALLED);
                        wait
                    }
                };
                // Called or out of time: both mean to look again.
                let _ = timeout(wait, called.notified()).await;
            }
        };
        tokio::select! {
            () = take => {}
            () = shutdown => {}
        }
    }

    fn watch(&self, called: &Arc<Notify>) -> Option<RecommendedWatcher> {
        let called = Arc::clone(called);
        let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // The sweep itself reads the directory, which is an event too.
            if !event.is_ok_and(|event| event.kind.is_access()) {
                called.notify_one();
            }
        });
        watcher
            .and_then(|mut watcher| {
                watcher.watch(&self.directory, RecursiveMode::NonRecursive)?;
                Ok(watcher)
            })
            .map_err(|error| {
                tracing::warn!(%error, "the spool cannot be watched; it is looked at every {} s", UNCALLED.as_secs());
            })
            .ok()
    }

    async fn sweep<F, A>(&self, accept: &F) -> Swept
    where
        F: Fn(String, Value) -> A,
        A: Future<Output = Result<(), RpcError>>,
    {
        let names = match self.names() {
            Ok(names) => names,
            Err(error) => {
                tracing::warn!(%error, "the spool cannot be read");
                return Swept::Later;
            }
        };
        for name in names {
            if let Err(why) = self.take(&name, accept).await {
                tracing::warn!(file = name, why, "a spooled write has to wait");
                return Swept::Later;
            }
        }
        Swept::Clean
    }

    /// Takes one file, or sets it aside. An error is a trouble that may pass.
    async fn take<F, A>(&self, name: &str, accept: &F) -> Result<(), String>
    where
        F: Fn(String, Value) -> A,
        A: Future<Output = Result<(), RpcError>>,
    {
        let outcome = match self.read(name) {
            Ok(request) => accept(request.method, request.params)
                .await
                .map_err(Refused::by),
            Err(refused) => Err(refused),
        };
        match outcome {
            Ok(()) => {
                self.counts.accepted.fetch_add(1, Ordering::Relaxed);
                self.removed(fs::remove_file(self.directory.join(name)))
            }
            Err(Refused::Final(why)) => {
                tracing::error!(file = name, why, "a spooled write was set aside");
                self.removed(self.set_aside(name, &why))?;
                self.count_set_aside().map_err(|error| error.to_string())
            }
            Err(Refused::Passing(why)) => Err(why),
        }
    }

    fn removed(&self, outcome: io::Result<()>) -> Result<(), String> {
        outcome.map_err(|error| format!("it cannot be taken out of the spool: {error}"))?;
        let waiting = &self.counts.waiting;
        let left = waiting.load(Ordering::Relaxed).saturating_sub(1);
        waiting.store(left, Ordering::Relaxed);
        Ok(())
    }

    fn read(&self, name: &str) -> Result<SpooledRequest, Refused> {
        let path = self.directory.join(name);
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::PermissionDenied => Refused::Final(format!("cannot be read: {error}")),
            _ => Refused::Passing(format!("cannot be read: {error}")),
        };
        let found = fs::symlink_metadata(&path).map_err(unreadable)?;
        if !found.is_file() {
            return Err(Refused::Final("not a file".into()));
        }
        if found.len() > MAX_REQUEST_BYTES as u64 {
            return Err(Refused::Final(format!(
                "{} bytes; a request has at most {MAX_REQUEST_BYTES}",
                found.len()
            )));
        }
        let content = fs::read(&path).map_err(unreadable)?;
        parse(name, &content).map_err(Refused::Final)
    }

    fn set_aside(&self, name: &str, why: &str) -> io::Result<()> {
        let failed = self.directory.join(FAILED);
        fs::write(failed.join(format!("{name}{REASON}")), format!("{why}\n"))?;
        fs::rename(self.directory.join(name), failed.join(name))
    }

    /// Names of the waiting files, in order.
    fn names(&self) -> io::Result<Vec<String>> {
        let mut names = file_names(&self.directory)?;
        names.retain(|name| is_request(name));
        names.sort_unstable();
        let waiting = names.len() as u64;
        self.counts.waiting.store(waiting, Ordering::Relaxed);
        Ok(names)
    }

    fn count_set_aside(&self) -> io::Result<()> {
        let failed: PathBuf = self.directory.join(FAILED);
        let names = file_names(&failed)?;
        let count = names.iter().filter(|name| !name.ends_with(REASON)).count();
        self.counts.set_aside.store(count as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Refused {
    fn by(error: RpcError) -> Self {
        let mut why = format!("{}: {}", error.kind(), error.message);
        if let Some(hint) = &error.data.hint {
            why.push_str("; ");
            why.push_str(hint);
        }
        match error.kind() {
            ErrorKind::DiskFull
            | ErrorKind::OutboxFull
            | ErrorKind::NotReady
            | ErrorKind::Busy
            | ErrorKind::RateLimited
            | ErrorKind::HubUnreachable => Self::Passing(why),
            _ => Self::Final(why),
        }
    }
}

fn file_names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        // Who writes a name that is not text does not write requests.
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

/// Reads a file's content; in words, why it can never be accepted.
fn parse(name: &str, content: &[u8]) -> Result<SpooledRequest, String> {
    let mut request: SpooledRequest =
        serde_json::from_slice(content).map_err(|error| format!("not a spooled write: {error}"))?;
    if !(OLDEST_PROTOCOL..=PROTOCOL).contains(&request.protocol) {
        return Err(format!(
            "written by version {} for protocol {}; this daemon speaks {OLDEST_PROTOCOL} to {PROTOCOL}",
            request.version, request.protocol
        ));
    }
    let method = METHODS.iter().find(|method| method.name == request.method);
    if method.is_none_or(|method| method.access != Access::Write) {
        return Err(format!(
            "`{}` is not a write that can be left in the spool",
            request.method
        ));
    }
    let Some(params) = request.params.as_object_mut() else {
        return Err("its parameters are not an object".into());
    };
    if params.get("client_key").is_none_or(Value::is_null) {
        // Without a key, taking it again after a crash would do it twice.
        let key = key_in(name).ok_or("it has no `client_key`, in its parameters or its name")?;
        params.insert("client_key".into(), Value::String(key.to_string()));
    }
    Ok(request)
}

fn key_in(name: &str) -> Option<Uuid> {
    let (_, key) = name.strip_suffix(".json")?.split_once('-')?;
    key.parse().ok()
}

#[cfg(test)]
mod tests;
