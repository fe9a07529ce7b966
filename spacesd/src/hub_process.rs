//! The local hub: `spaces-hub` as a supervised child on a loopback port.
//!
//! A daemon that is killed leaves its hub behind: nothing tells a child of its
//! parent's death on every system. The next daemon then adopts it instead of
//! failing at its lock: what answers at the port in the port file, and has the
//! database that the data directory names, is our hub. It is watched by asking,
//! since only a parent can wait for a process.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use spaces_client::log_file;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::uplink::backoff::Backoff;
use crate::uplink::http;

const BINARY: &str = "spaces-hub";
/// A first start compiles the module.
const START_WITHIN: Duration = Duration::from_secs(120);
const STOP_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);
const WATCH_EVERY: Duration = Duration::from_secs(1);
/// Questions in a row that an adopted hub may leave unanswered.
const SILENCES: u32 = 5;
const FIRST_BACKOFF: Duration = Duration::from_millis(250);
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
const SETTLED_AFTER: Duration = Duration::from_secs(60);

/// Where a local hub keeps its things.
#[derive(Clone, Debug)]
pub struct HubPaths {
    /// The binary; none looks for it.
    pub binary: Option<PathBuf>,
    /// What `--data-dir` is given.
    pub data: PathBuf,
    /// Written by a hub that serves, removed by one that ends.
    pub port_file: PathBuf,
    /// The port of the last hub, for the next one: invites and the daemons of
    /// others on this machine name it.
    pub last_port: PathBuf,
    pub log: PathBuf,
    /// Name of the database.
    pub database: String,
}

impl HubPaths {
    /// Everything inside the daemon's state directory.
    pub fn in_state(state: &Path, database: &str) -> Self {
        Self {
            binary: None,
            data: state.join("hub"),
            port_file: state.join("hub.port"),
            last_port: state.join("hub.last-port"),
            log: state.join("hub.log"),
            database: database.to_owned(),
        }
    }

    /// What the hub's first start leaves for its owner.
    pub fn owner_invite(&self) -> PathBuf {
        self.data.join("owner.invite")
    }
}

/// How the local hub is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HubProcessState {
    Starting,
    Running {
        pid: Option<u32>,
        /// Whether an earlier daemon started it.
        adopted: bool,
    },
    /// It does not run; why, and when it is tried again.
    Down(String),
    Stopped,
}

/// The supervised hub. Dropping it leaves the hub running; [`HubProcess::stop`]
/// ends it.
pub struct HubProcess {
    uri: watch::Receiver<Option<String>>,
    state: watch::Receiver<HubProcessState>,
    stopping: watch::Sender<bool>,
    supervisor: JoinHandle<()>,
}

impl HubProcess {
    /// Begins to supervise: adopts the hub that runs, or starts one. Must be
    /// called inside a tokio runtime.
    pub fn start(paths: HubPaths) -> Self {
        let (uri, uri_seen) = watch::channel(None);
        let (state, state_seen) = watch::channel(HubProcessState::Starting);
        let stopping = watch::Sender::new(false);
        let supervisor = Supervisor {
            paths,
            uri,
            state,
            stopping: stopping.subscribe(),
        };
        Self {
            uri: uri_seen,
            state: state_seen,
            stopping,
            supervisor: tokio::spawn(supervisor.run()),
        }
    }

    /// Where the hub is; none while it does not run.
    pub fn uri(&self) -> watch::Receiver<Option<String>> {
        self.uri.clone()
    }

    pub fn state(&self) -> watch::Receiver<HubProcessState> {
        self.state.clone()
    }

    /// Asks the hub to end, and kills it if it does not within 10 s.
    pub async fn stop(self) {
        self.stopping.send_replace(true);
        if let Err(error) = self.supervisor.await {
            tracing::error!(%error, "the local hub's supervisor ended badly");
        }
    }
}

struct Supervisor {
    paths: HubPaths,
    uri: watch::Sender<Option<String>>,
    state: watch::Sender<HubProcessState>,
    stopping: watch::Receiver<bool>,
}

/// A hub that answers.
enum Running {
    Ours(Child),
    Adopted(Option<Pid>),
}

impl Supervisor {
    async fn run(mut self) {
        let mut backoff = Backoff::new(FIRST_BACKOFF, LONGEST_BACKOFF);
        loop {
            let begun = Instant::now();
            let why = match self.bring_up().await {
                Ok(Some((running, port))) => {
                    let pid = match &running {
                        Running::Ours(child) => child.id(),
                        Running::Adopted(pid) => {
                            pid.map(|pid| pid.as_raw_nonzero().get().unsigned_abs())
                        }
                    };
                    let adopted = matches!(running, Running::Adopted(_));
                    tracing::info!(port, pid, adopted, "the local hub serves");
                    self.keep(port);
                    self.uri
                        .send_replace(Some(format!("http://127.0.0.1:{port}")));
                    self.state
                        .send_replace(HubProcessState::Running { pid, adopted });
                    match self.watch(running, port).await {
                        Some(why) => why,
                        None => break,
                    }
                }
                Ok(None) => break,
                Err(why) => why,
            };
            self.uri.send_replace(None);
            if begun.elapsed() >= SETTLED_AFTER {
                backoff.reset();
            }
            tracing::warn!(why, "the local hub does not run");
            self.state.send_replace(HubProcessState::Down(why));
            tokio::select! {
                () = sleep(backoff.next_wait()) => {}
                _ = self.stopping.wait_for(|stop| *stop) => break,
            }
        }
        self.uri.send_replace(None);
        self.state.send_replace(HubProcessState::Stopped);
    }

    /// A hub that answers, and its port; none when it is time to stop.
    async fn bring_up(&mut self) -> Result<Option<(Running, u16)>, String> {
        if let Some(port) = port_in(&self.paths.port_file)
            && self.is_ours(port).await
        {
            return Ok(Some((Running::Adopted(self.pid_in_lock()), port)));
        }
        self.state.send_replace(HubProcessState::Starting);
        let mut child = self.spawn()?;
        let started = tokio::select! {
            started = timeout(START_WITHIN, self.until_it_serves(&mut child)) => started,
            _ = stop_asked(&self.stopping) => {
                end(&mut child).await;
                return Ok(None);
            }
        };
        match started {
            Ok(Ok(port)) => Ok(Some((Running::Ours(child), port))),
            Ok(Err(why)) => Err(why),
            Err(_) => {
                end(&mut child).await;
                Err(format!(
                    "{BINARY} did not serve within {START_WITHIN:?}; see {}",
                    self.paths.log.display()
                ))
            }
        }
    }

    fn spawn(&self) -> Result<Child, String> {
        let binary = find(self.paths.binary.as_deref())?;
        let paths = &self.paths;
        let log = open_log(&paths.log)
            .map_err(|error| format!("cannot write {}: {error}", paths.log.display()))?;
        let errors = log
            .try_clone()
            .map_err(|error| format!("cannot write {}: {error}", paths.log.display()))?;
        let port = port_in(&paths.last_port)
            .filter(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
        if let Err(error) = fs::remove_file(&paths.port_file)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            return Err(format!(
                "cannot remove {}: {error}",
                paths.port_file.display()
            ));
        }
        Command::new(&binary)
            .arg("--listen")
            .arg(format!("127.0.0.1:{}", port.unwrap_or(0)))
            .arg("--data-dir")
            .arg(&paths.data)
            .arg("--port-file")
            .arg(&paths.port_file)
            .arg("--database")
            .arg(&paths.database)
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            // A Ctrl-C for the daemon must not end the hub before the daemon
            // has sent what it has.
            .process_group(0)
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))
    }

    /// Waits for the port file of a new child.
    async fn until_it_serves(&self, child: &mut Child) -> Result<u16, String> {
        loop {
            if let Some(port) = port_in(&self.paths.port_file) {
                return Ok(port);
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(format!(
                    "{BINARY} ended at its start ({status}); see {}",
                    self.paths.log.display()
                ));
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Watches a hub until it ends, and says how; none when it was stopped.
    async fn watch(&mut self, running: Running, port: u16) -> Option<String> {
        match running {
            Running::Ours(mut child) => tokio::select! {
                ended = child.wait() => Some(match ended {
                    Ok(status) => format!("{BINARY} ended ({status}); see {}", self.paths.log.display()),
                    Err(error) => format!("{BINARY} cannot be waited for: {error}"),
                }),
                _ = stop_asked(&self.stopping) => {
                    end(&mut child).await;
                    None
                }
            },
            Running::Adopted(pid) => tokio::select! {
                () = self.until_silent(port) => Some(format!("the {BINARY} of an earlier daemon ended")),
                _ = stop_asked(&self.stopping) => {
                    self.end_adopted(pid, port).await;
                    None
                }
            },
        }
    }

    async fn until_silent(&self, port: u16) {
        let mut silences = 0;
        while silences < SILENCES {
            sleep(WATCH_EVERY).await;
            silences = if self.is_ours(port).await {
                0
            } else {
                silences + 1
            };
            if silences > 0 && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return; // Nobody listens there any more.
            }
        }
    }

    async fn end_adopted(&self, pid: Option<Pid>, port: u16) {
        // A number that may mean another process by now is not signalled.
        let Some(pid) = pid.filter(|pid| self.pid_in_lock() == Some(*pid)) else {
            return;
        };
        if !self.is_ours(port).await {
            return;
        }
        let ended = async {
            while self.is_ours(port).await {
                sleep(LOOK_EVERY).await;
            }
        };
        signal(pid, Signal::TERM);
        if timeout(STOP_WITHIN, ended).await.is_err() {
            signal(pid, Signal::KILL);
        }
    }

    /// Has the next hub listen where this one does.
    fn keep(&self, port: u16) {
        let kept = &self.paths.last_port;
        if port_in(kept) == Some(port) {
            return;
        }
        // Without it this hub serves as well; only the next one is elsewhere.
        if let Err(error) = fs::write(kept, format!("{port}\n")) {
            tracing::warn!(path = %kept.display(), %error, "the local hub's port cannot be kept");
        }
    }

    /// The process that holds the data directory's lock, as it wrote itself.
    fn pid_in_lock(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.paths.data.join("hub.lock")).ok()?;
        Pid::from_raw(text.trim().parse().ok()?)
    }

    /// Whether the hub of our data directory answers at this port.
    async fn is_ours(&self, port: u16) -> bool {
        #[derive(Deserialize)]
        struct Facts {
            database_identity: String,
        }
        let Ok(text) = fs::read_to_string(self.paths.data.join("hub.json")) else {
            return false;
        };
        let Ok(facts) = serde_json::from_str::<Facts>(&text) else {
            return false;
        };
        let (uri, path) = (
            format!("http://127.0.0.1:{port}"),
            format!("/v1/database/{}/identity", self.paths.database),
        );
        let digits = |text: &str| {
            text.trim()
                .trim_matches('"')
                .trim_start_matches("0x")
                .to_owned()
        };
        match http::get(&uri, &path, ANSWER_WITHIN).await {
            Ok(answer) => {
                answer.status == 200 && digits(&answer.text) == digits(&facts.database_identity)
            }
            Err(_) => false,
        }
    }
}

fn port_in(file: &Path) -> Option<u16> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

async fn stop_asked(stopping: &watch::Receiver<bool>) {
    // An error means that the handle is gone: then the hub is left to run.
    if stopping.clone().wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// SIGTERM, and SIGKILL for a hub that does not heed it.
async fn end(child: &mut Child) {
    if let Some(pid) = child
        .id()
        .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?))
    {
        signal(pid, Signal::TERM);
    }
    if timeout(STOP_WITHIN, child.wait()).await.is_err() {
        tracing::warn!("the local hub did not end within {STOP_WITHIN:?}; killing it");
        if let Err(error) = child.kill().await {
            tracing::error!(%error, "the local hub cannot be killed");
        }
    }
}

fn signal(pid: Pid, signal: Signal) {
    if let Err(error) = kill_process(pid, signal) {
        tracing::debug!(%error, "the local hub was gone already");
    }
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if let Some(directory) = path.parent() {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    log_file::open(path)
}

/// The hub's binary: the given one, `SPACES_HUB_BIN`, beside our own, on PATH.
fn find(given: Option<&Path>) -> Result<PathBuf, String> {
    if let Some(binary) = given
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("SPACES_HUB_BIN").map(PathBuf::from))
    {
        return match binary.is_file() {
            true => Ok(binary),
            false => Err(format!(
                "{} is not there: check SPACES_HUB_BIN",
                binary.display()
            )),
        };
    }
    let own = std::env::current_exe().ok();
    let beside = own
        .as_deref()
        .and_then(Path::parent)
        .map(|directory| directory.join(BINARY));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|directory| directory.join(BINARY));
    beside.into_iter().chain(on_path).find(|binary| binary.is_file()).ok_or_else(|| {
        format!("{BINARY} is neither beside this spacesd nor on PATH: install it, name it in SPACES_HUB_BIN, or set hub.mode = \"remote\"")
    })
}
