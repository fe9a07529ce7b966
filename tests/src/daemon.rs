use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::process::Signal;
use serde_json::{Value, json};
use spaces_api::{HubState, Method, RpcError};
use spaces_client::Client;
use tempfile::TempDir;

use crate::{Child, Cli, Clock, Disk, Hub, PATIENCE, binary, eventually};

/// A real `spacesd` with a home of its own: one user on one machine.
pub struct Daemon {
    /// Before the home: its log is shown when a test fails.
    child: Option<Child>,
    home: TempDir,
    log: &'static str,
    backtraces: bool,
    disk: Option<Arc<Disk>>,
    clock: Option<Clock>,
    runtime: Option<TempDir>,
}

impl Daemon {
    /// A machine on which nothing has run yet.
    pub fn machine() -> Self {
        let home = tempfile::Builder::new()
            .prefix("spaces")
            .tempdir()
            .expect("a home");
        let run = home.path().join("run");
        fs::create_dir(&run).expect("the home is ours");
        fs::set_permissions(&run, fs::Permissions::from_mode(0o700)).expect("it is ours");
        Self {
            home,
            child: None,
            log: "spacesd=debug,info",
            backtraces: true,
            disk: None,
            clock: None,
            runtime: None,
        }
    }

    /// Puts the runtime directory into memory, where a login has it. Before
    /// anything has run.
    pub fn put_runtime_in_memory(&mut self) {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() {
            let place = tempfile::Builder::new()
                .prefix("spaces")
                .permissions(fs::Permissions::from_mode(0o700))
                .tempdir_in(memory)
                .expect("a directory in memory");
            let run = self.home.path().join("run");
            fs::remove_dir(&run).expect("it is empty");
            symlink(place.path(), run).expect("the home is ours");
            self.runtime = Some(place);
        }
    }

    /// Puts one of the machine's directories, such as `state` or `cache`, on a
    /// small disk of its own. Before anything has run.
    pub fn put_on_disk(&mut self, directory: &str, kibibytes: u32) -> Arc<Disk> {
        let disk = Arc::new(Disk::mount(&self.home.path().join(directory), kibibytes));
        self.disk = Some(Arc::clone(&disk));
        disk
    }

    /// Gives the daemon a clock that the test sets, from its next start on.
    pub fn set_by(&mut self, clock: Clock) {
        self.clock = Some(clock);
    }

    pub fn clock(&self) -> &Clock {
        self.clock.as_ref().expect("the test gave it a clock")
    }

    /// A daemon in local mode: it starts a hub of its own and owns it.
    pub fn local() -> Self {
        let mut daemon = Self::machine();
        daemon.run();
        daemon.until_live();
        daemon
    }

    /// The owner's daemon on a hub: it redeems the hub's first invite.
    pub fn owner_of(hub: &Hub) -> Self {
        Self::joined(&hub.owner_invite())
    }

    /// A daemon that came in by an invite.
    pub fn joined(invite: &str) -> Self {
        let mut daemon = Self::machine();
        daemon.join(invite);
        daemon.run();
        daemon.until_live();
        daemon
    }

    /// `spacesctl join`, as a new user does it.
    pub fn join(&self, invite: &str) {
        let done = self.cli().run(&["join", invite]);
        assert_eq!(done.code, 0, "spacesctl join: {}{}", done.err, done.out);
        // `join` has started a daemon; the test wants one that it can kill.
        let done = self.cli().run(&["down"]);
        assert_eq!(done.code, 0, "spacesctl down: {}{}", done.err, done.out);
    }

    /// Another user on the same hub, invited by this one into the role.
    pub fn invite(&self, role: &str) -> Self {
        let made = self
            .cli()
            .json(&["invite", "create", "--role", role, "--json"]);
        Self::joined(
            made["invite"]
                .as_str()
                .expect("invite create gives the invite"),
        )
    }

    /// Writes `config.toml`.
    pub fn configure(&self, text: &str) {
        let directory = self.home.path().join("config/spaces");
        fs::create_dir_all(&directory).expect("the home is ours");
        fs::write(directory.join("config.toml"), text).expect("the home is ours");
    }

    /// Adds to the configuration that `spacesctl join` wrote.
    pub fn configure_also(&self, text: &str) {
        let path = self.home.path().join("config/spaces/config.toml");
        let written = fs::read_to_string(&path).expect("`join` wrote the configuration");
        fs::write(&path, format!("{written}\n{text}")).expect("the home is ours");
    }

    /// Points the configuration that `spacesctl join` wrote at another address
    /// of the same hub: a proxy before it. Who the machine is on the hub, it stays.
    pub fn use_hub_at(&self, uri: &str) {
        let path = self.home.path().join("config/spaces/config.toml");
        let text = fs::read_to_string(&path).expect("`join` wrote the configuration");
        let lines = text.lines().map(|line| {
            if line.trim_start().starts_with("uri") {
                format!("uri = \"{uri}\"")
            } else {
                line.to_owned()
            }
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        fs::write(&path, text).expect("the home is ours");
        let current = self.state_dir().join("hub.current");
        fs::write(current, format!("{uri} spaces\n")).expect("the home is ours");
    }

    /// What it shall log from its next start on; everything of its own if this
    /// is not said.
    pub fn log_as(&mut self, directives: &'static str) {
        self.log = directives;
    }

    /// From its next start on a fault is told without where it happened, as in an
    /// installed daemon: to tell it keeps some 70 MB of the program's symbols.
    pub fn without_backtraces(&mut self) {
        self.backtraces = false;
    }

    /// Starts the daemon and waits until it answers.
    pub fn run(&mut self) {
        let mut command = self.cli().command(&binary("spacesd"));
        command.env("SPACES_LOG", self.log);
        if !self.backtraces {
            command.env_remove("RUST_BACKTRACE");
        }
        if let Some(clock) = &self.clock {
            clock.rule(&mut command);
        }
        self.child = Some(Child::spawn(&mut command, &self.log_file()));
        eventually("the daemon answers", || {
            if let Some(status) = self.child().exited() {
                panic!("the daemon ended with {status} at its start");
            }
            let pong = self.try_call("daemon.ping", json!({})).ok()?;
            assert_eq!(
                pong["pid"],
                self.child().id(),
                "another daemon has the socket"
            );
            Some(())
        });
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.child().kill();
        self.child = None;
    }

    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("the daemon runs")
    }

    /// Waits until the daemon's link to its hub is live.
    pub fn until_live(&self) {
        self.until_hub(HubState::Live);
    }

    /// Waits until the daemon's link is in this state.
    pub fn until_hub(&self, state: HubState) {
        eventually(&format!("the hub link is {}", state.as_str()), || {
            let status = self.call("daemon.status", json!({}));
            (status["hub"]["state"] == state.as_str()).then_some(())
        });
    }

    /// Calls a method on a connection of its own; panics on an error reply.
    pub fn call(&self, method: &str, params: Value) -> Value {
        self.try_call(method, params)
            .unwrap_or_else(|error| panic!("{method} answered an error: {error:?}"))
    }

    /// Calls a method on a connection of its own.
    pub fn try_call(&self, method: &str, params: Value) -> Result<Value, spaces_client::Error> {
        raw_call(&mut self.client(), method, &params)
    }

    /// Calls a method that must fail, and gives its error.
    pub fn refusal(&self, method: &str, params: Value) -> RpcError {
        match self.try_call(method, params) {
            Err(spaces_client::Error::Rpc(error)) => error,
            other => panic!("{method} should have been refused, but gave {other:?}"),
        }
    }

    /// Calls a method of the contract, with its types.
    pub fn typed<M: Method>(&self, params: &M::Params) -> M::Result {
        self.client()
            .call::<M>(params)
            .unwrap_or_else(|error| panic!("{}: {error}", M::NAME))
    }

    /// The user's name on the hub, as others address it: `@alice`.
    pub fn username(&self) -> String {
        let me = self.call("user.me", json!({}));
        let name = me["user"]["username"].as_str().expect("a user has a name");
        format!("@{name}")
    }

    /// Queues a message in a channel.
    pub fn post(&self, channel: &str, content: &str) -> Result<Value, spaces_client::Error> {
        let post = json!({"channel": channel, "content": content});
        self.try_call("message.send", post)
    }

    /// The contents of a channel's messages that the hub has confirmed, oldest
    /// first, as this daemon shows them.
    pub fn confirmed(&self, channel: impl Into<Value>) -> Vec<String> {
        let channel = channel.into();
        let mut contents = Vec::new();
        let mut before = Value::Null;
        loop {
            let mut params = json!({"channel": channel, "limit": 500});
            if !before.is_null() {
                params["before"] = before;
            }
            let page = self.call("message.list", params);
            let messages = page["messages"].as_array().expect("a page has messages");
            let older = messages
                .iter()
                .filter(|message| message["pending"] == false && message["kind"] != "join")
                .filter_map(|message| message["content"].as_str().map(str::to_owned));
            contents.splice(0..0, older.collect::<Vec<_>>());
            before = page["before"].clone();
            if before.is_null() || messages.is_empty() {
                return contents;
            }
        }
    }

    /// Waits until nothing is queued.
    pub fn until_sent(&self) {
        eventually("everything is sent", || {
            let flushed = self.call("outbox.flush", json!({"timeout_ms": 5_000}));
            (flushed["still_queued"] == 0).then_some(())
        });
    }

    /// A client with a connection of its own.
    pub fn client(&self) -> Client {
        Client::new(self.socket())
    }

    pub fn cli(&self) -> Cli {
        Cli::new(self.home.path(), self.disk.clone())
    }

    pub fn home(&self) -> &Path {
        self.home.path()
    }

    pub fn socket(&self) -> PathBuf {
        self.home.path().join("run/spaces/spacesd.sock")
    }

    /// Everything that the daemon printed, over all its runs.
    pub fn log_file(&self) -> PathBuf {
        self.home.path().join("spacesd.log")
    }

    pub fn state_dir(&self) -> PathBuf {
        self.home.path().join("state/spaces")
    }

    pub fn cache_dir(&self) -> PathBuf {
        self.home.path().join("cache/spaces")
    }
}

/// Calls a method over this client's connection, whatever its types.
pub fn raw_call(
    client: &mut Client,
    method: &str,
    params: &Value,
) -> Result<Value, spaces_client::Error> {
    let result = client.call_raw(method, params, PATIENCE)?;
    Ok(serde_json::from_str(result.get()).expect("a result is JSON"))
}

impl Drop for Daemon {
    /// A killed daemon leaves its supervised hub to the next daemon. Here there
    /// is no next one: `spacesctl down` ends whatever runs for this home.
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            child.signal(Signal::CONT);
        }
        if self.socket().exists() {
            let _ = self.cli().run(&["down"]);
        }
    }
}
