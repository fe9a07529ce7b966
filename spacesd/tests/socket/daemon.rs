//! A real spacesd with directories of its own and no hub.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use spaces_tests::{Child, eventually};
use tempfile::TempDir;

/// No reply of a test takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Daemon {
    pub home: TempDir,
    pub child: Option<Child>,
    settings: Vec<(&'static str, String)>,
}

impl Daemon {
    pub fn start() -> Self {
        Self::with(&[])
    }

    /// With further settings from the environment.
    pub fn with(settings: &[(&'static str, &str)]) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::set_permissions(home.path(), PermissionsExt::from_mode(0o700)).unwrap();
        let settings = settings
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect();
        let mut daemon = Self {
            home,
            child: None,
            settings,
        };
        daemon.run();
        daemon
    }

    /// The program with this daemon's places; nothing listens at its hub's address.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spacesd"));
        let home = self.home.path();
        command
            .env("SPACES_CONFIG", home.join("config.toml"))
            .env("SPACES_STATE_DIR", home.join("state"))
            .env("SPACES_CACHE_DIR", home.join("cache"))
            .env("SPACES_SOCKET", self.socket())
            .env("SPACES_HUB_MODE", "remote")
            .env("SPACES_HUB_URI", "http://127.0.0.1:9")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }

    pub fn run(&mut self) {
        let log = self.home.path().join("spacesd.log");
        self.child = Some(Child::spawn(&mut self.command(), &log));
        eventually("the daemon listens", || {
            if let Some(status) = self.child().exited() {
                panic!("the daemon ended with {status} at its start");
            }
            UnixStream::connect(self.socket()).ok()
        });
    }

    pub fn child(&mut self) -> &mut Child {
        self.child.as_mut().unwrap()
    }

    pub fn socket(&self) -> PathBuf {
        self.home.path().join("run/spacesd.sock")
    }

    pub fn connect(&self) -> UnixStream {
        let stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    pub fn lines(&self) -> Lines {
        Lines::over(self.connect())
    }

    /// One call on a line connection of its own.
    pub fn call(&self, method: &str, params: Value) -> Value {
        self.lines().call(method, params)
    }

    /// Queues a claim, which needs nothing from the hub. Returns the reply.
    pub fn queue_claim(&self, task: &str) -> Value {
        self.call("claim.acquire", claim(task))
    }

    /// One HTTP exchange: the status and the body.
    pub fn http(&self, request: &str, body: &[u8]) -> Response {
        let mut stream = self.connect();
        let head = format!(
            "{request}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        // The daemon may refuse before it has read all of it.
        let _ = stream.write_all(body);
        Response::read(stream)
    }

    pub fn post(&self, body: &[u8]) -> Response {
        self.http("POST /rpc HTTP/1.1\r\nHost: localhost", body)
    }

    pub fn get(&self, path: &str) -> Response {
        self.http(&format!("GET {path} HTTP/1.1\r\nHost: localhost"), b"")
    }
}

/// Parameters of a claim that needs no repository on disk.
pub fn claim(task: &str) -> Value {
    json!({ "session": "test", "task": task, "context": { "repo": "example.org/a/b" } })
}

/// A line connection.
pub struct Lines {
    reader: BufReader<UnixStream>,
}

impl Lines {
    pub fn over(stream: UnixStream) -> Self {
        Self {
            reader: BufReader::new(stream),
        }
    }

    pub fn write(&mut self, text: &str) {
        self.reader.get_mut().write_all(text.as_bytes()).unwrap();
    }

    pub fn send(&mut self, message: &Value) {
        self.write(&format!("{message}\n"));
    }

    pub fn request(&mut self, id: u64, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
    }

    /// The next message; none at the end of the connection.
    pub fn next(&mut self) -> Option<Value> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => {
                Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
            }
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => None,
            Err(error) => panic!("no reply: {error}"),
        }
    }

    pub fn reply(&mut self) -> Value {
        self.next().expect("the connection ended without a reply")
    }

    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.request(1, method, params);
        self.reply()
    }

    /// Says that nothing more will be sent.
    pub fn finish(&mut self) {
        self.reader.get_ref().shutdown(Shutdown::Write).unwrap();
    }
}

pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn read(mut stream: UnixStream) -> Self {
        let mut all = Vec::new();
        // A reset after the answer is the end too.
        let _ = stream.read_to_end(&mut all);
        let end = all.windows(4).position(|four| four == b"\r\n\r\n");
        let end =
            end.unwrap_or_else(|| panic!("no HTTP answer: {}", String::from_utf8_lossy(&all)));
        let head = String::from_utf8(all[..end].to_vec())
            .unwrap()
            .to_lowercase();
        Self {
            status: head.split_whitespace().nth(1).unwrap().parse().unwrap(),
            head,
            body: all[end + 4..].to_vec(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// The kind of an error reply.
pub fn kind(reply: &Value) -> &str {
    reply["error"]["data"]["kind"]
        .as_str()
        .unwrap_or_else(|| panic!("no error: {reply}"))
}
