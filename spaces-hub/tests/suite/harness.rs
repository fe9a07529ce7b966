//! Starts hubs in directories of their own and talks HTTP to them.

use std::fs::{self, File};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// No hub of these tests takes nearly so long for anything.
const DEADLINE: Duration = Duration::from_secs(60);

/// A directory in which hubs run one after the other.
pub struct Site {
    dir: TempDir,
}

impl Site {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.data().join(name)).unwrap()
    }

    pub fn owner_token(&self) -> String {
        self.read("owner.token").trim().to_owned()
    }

    fn command(&self, module: Option<&Path>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spaces-hub"));
        command
            .args(["--listen", "127.0.0.1:0", "--data-dir"])
            .arg(self.data());
        if let Some(module) = module {
            command.arg("--module").arg(module);
        }
        command
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// Starts a hub and waits until it answers.
    pub fn start(&self, module: Option<&Path>) -> Hub {
        Hub::start(self.command(module), self.dir.path())
    }

    /// Runs a hub that is expected to end by itself; returns its exit status
    /// and log.
    pub fn start_and_fail(&self, module: Option<&Path>) -> (ExitStatus, String) {
        let log = self.dir.path().join("failed.log");
        let mut child = self
            .command(module)
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let status = wait_for_exit(&mut child);
        (status, fs::read_to_string(log).unwrap())
    }
}

/// A running hub; killed when dropped.
pub struct Hub {
    child: Child,
    log: PathBuf,
    pub port: u16,
}

impl Hub {
    /// A hub without a directory to keep.
    pub fn ephemeral(module: &Path) -> (Self, TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_spaces-hub"));
        command
            .args(["--ephemeral", "--listen", "127.0.0.1:0", "--module"])
            .arg(module);
        command.env("TMPDIR", dir.path());
        (Self::start(command, dir.path()), dir)
    }

    pub fn start(mut command: Command, dir: &Path) -> Self {
        let (log, port_file) = (dir.join("hub.log"), dir.join("port"));
        let _ = fs::remove_file(&port_file);
        let mut child = command
            .arg("--port-file")
            .arg(&port_file)
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
        let mut port = None;
        eventually("the port file", || {
            if let Some(status) = child.try_wait().unwrap() {
                panic!(
                    "the hub ended ({status}):\n{}",
                    fs::read_to_string(&log).unwrap()
                );
            }
            port = fs::read_to_string(&port_file).ok();
            port.is_some()
        });
        let port = port.unwrap().trim().parse().unwrap();
        Self { child, log, port }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn get(&self, path: &str, token: Option<&str>) -> Reply {
        let mut request = agent().get(self.url(path));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Reply::new(request.call())
    }

    pub fn post(&self, path: &str, token: Option<&str>, content_type: &str, body: &[u8]) -> Reply {
        let mut request = agent().post(self.url(path)).content_type(content_type);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Reply::new(request.send(body))
    }

    pub fn put(&self, path: &str, token: Option<&str>, body: &[u8]) -> Reply {
        let mut request = agent().put(self.url(path)).content_type("application/wasm");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        Reply::new(request.send(body))
    }

    pub fn call(&self, token: Option<&str>, function: &str, args: Value) -> Reply {
        let path = format!("/v1/database/spaces/call/{function}");
        self.post(
            &path,
            token,
            "application/json",
            args.to_string().as_bytes(),
        )
    }

    pub fn sql(&self, token: Option<&str>, statement: &str) -> Reply {
        self.post(
            "/v1/database/spaces/sql",
            token,
            "text/plain",
            statement.as_bytes(),
        )
    }

    /// The rows of a query that must succeed, made by a new identity.
    pub fn rows(&self, token: Option<&str>, query: &str) -> Vec<Value> {
        let reply = self.sql(token, query);
        assert_eq!(reply.status, 200, "{query}: {}", reply.text);
        reply.json()[0]["rows"].as_array().unwrap().clone()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Sends SIGTERM and checks that the hub ends well.
    pub fn stop(self) -> String {
        self.stop_by(rustix::process::Signal::TERM)
    }

    pub fn stop_by(mut self, signal: rustix::process::Signal) -> String {
        self.signal(signal);
        let status = wait_for_exit(&mut self.child);
        let log = self.log();
        assert!(status.success(), "{status}: {log}");
        log
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(mut self) {
        self.signal(rustix::process::Signal::KILL);
        let status = wait_for_exit(&mut self.child);
        assert_eq!(status.signal(), Some(9));
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        // A test that stopped the hub itself has nothing left to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn wait_for_exit(child: &mut Child) -> ExitStatus {
    let mut status = None;
    eventually("the end of the hub", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// Waits until `condition` holds.
pub fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(
            start.elapsed() < DEADLINE,
            "waited {DEADLINE:?} in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

impl Reply {
    fn new(result: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Self {
        let mut response = result.unwrap();
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            text: response
                .body_mut()
                .with_config()
                .limit(64 << 20)
                .read_to_string()
                .unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().unwrap())
            .unwrap_or_default()
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(DEADLINE))
        .build()
        .into()
}
