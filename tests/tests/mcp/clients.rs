//! Clients that others wrote, as programs that answer one request a line.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::LazyLock;

use serde_json::{Value, json};
use spaces_tests::{Cli, binary};

/// The official SDKs, by how they begin a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sdk {
    /// Probes with `server/discover`.
    PythonDiscover,
    /// Begins with `initialize`.
    PythonInitialize,
    /// Begins with `initialize`.
    TypeScript,
}

/// Where `tests/mcp/setup` has put the clients.
///
/// # Panics
/// If they can't be fetched: without them nothing is shown.
pub fn directory() -> &'static Path {
    static DIRECTORY: LazyLock<PathBuf> = LazyLock::new(|| {
        let test = std::env::current_exe().expect("a running test has a path");
        // <target>/<profile>/deps/<test>
        let target = test.ancestors().nth(3).expect("a target directory");
        let directory = target.join("mcp-clients");
        let done = Command::new(sources().join("setup"))
            .arg(&directory)
            .stdin(Stdio::null())
            .output()
            .expect("tests/mcp/setup runs");
        assert!(
            done.status.success(),
            "the MCP clients are not there:\n{}{}",
            String::from_utf8_lossy(&done.stdout),
            String::from_utf8_lossy(&done.stderr)
        );
        directory
    });
    &DIRECTORY
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp")
}

/// An SDK that talks to a `spacesctl mcp` of its own.
pub struct Client {
    process: Child,
    requests: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Client {
    /// Starts both, for an agent that works in `directory`.
    pub fn start(sdk: Sdk, cli: &Cli, directory: &Path) -> Self {
        let clients = self::directory();
        let python = |mode: &str| {
            let mut command = cli.command(&clients.join("python/bin/python"));
            command.arg(sources().join("client.py")).arg(mode);
            command
        };
        let mut command = match sdk {
            Sdk::PythonDiscover => python("auto"),
            Sdk::PythonInitialize => python("legacy"),
            Sdk::TypeScript => {
                let mut command = cli.command(Path::new("node"));
                command
                    .arg(sources().join("client.mjs"))
                    .arg(clients.join("node"));
                command
            }
        };
        let mut process = command
            .arg(binary("spacesctl"))
            .arg("mcp")
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        Self {
            requests: process.stdin.take(),
            answers: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
        }
    }

    /// Asks the SDK for something and gives what it gave, or `refused` where the
    /// server answered with an error of the protocol.
    pub fn ask(&mut self, request: Value) -> Value {
        let requests = self.requests.as_mut().expect("it has not ended");
        writeln!(requests, "{request}").expect("the SDK reads");
        let mut line = String::new();
        self.answers.read_line(&mut line).expect("the SDK writes");
        assert!(!line.is_empty(), "the SDK ended at {request}");
        let answer: Value = serde_json::from_str(&line).expect("an answer is JSON");
        match answer.get("ok") {
            Some(value) => value.clone(),
            None => answer,
        }
    }

    /// Calls a tool: its text, or its error as the agent reads it.
    pub fn tool(&mut self, name: &str, arguments: Value) -> Result<String, Value> {
        let answer = self.ask(json!({"do": "call", "tool": name, "arguments": arguments}));
        let text = answer["text"]
            .as_str()
            .unwrap_or_else(|| panic!("{name} gave no text: {answer}"));
        match answer["error"] == true {
            true => Err(serde_json::from_str(text).expect("an error is a JSON object")),
            false => Ok(text.to_owned()),
        }
    }

    /// As [`Client::tool`], for what must succeed.
    pub fn does(&mut self, name: &str, arguments: Value) -> String {
        self.tool(name, arguments.clone())
            .unwrap_or_else(|error| panic!("{name} {arguments}: {error}"))
    }

    /// A write's receipt.
    pub fn writes(&mut self, name: &str, arguments: Value) -> Value {
        let text = self.does(name, arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error} in {text}"))
    }
}

impl Drop for Client {
    /// Closes the input, as a tool that ends: the server ends by itself.
    fn drop(&mut self) {
        self.requests.take();
        let ended = self.process.wait();
        if !std::thread::panicking() {
            let status = ended.expect("our own child can be waited for");
            assert!(status.success(), "the SDK ended with {status}");
        }
    }
}
