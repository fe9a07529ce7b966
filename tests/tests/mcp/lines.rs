//! A conversation with the server line by line.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};

use serde_json::{Value, json};
use spaces_tests::{Cli, binary, eventually};

pub struct Conversation {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    next_id: u64,
}

impl Conversation {
    pub fn start(cli: &Cli, directory: &Path, words: &[&str]) -> Self {
        Self::start_with(cli, directory, words, &[])
    }

    pub fn start_with(
        cli: &Cli,
        directory: &Path,
        words: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        let mut command = cli.command(&binary("spacesctl"));
        command
            .arg("mcp")
            .args(words)
            .envs(variables.iter().copied())
            .current_dir(directory);
        Self::spawn(&mut command)
    }

    /// With a command as an agent tool has it in its settings.
    pub fn spawn(command: &mut Command) -> Self {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("spacesctl starts");
        Self {
            input: process.stdin.take(),
            output: BufReader::new(process.stdout.take().expect("it is piped")),
            process,
            next_id: 1,
        }
    }

    /// Begins as every client did before 2026.
    pub fn initialize(&mut self, client: &str) -> Value {
        let answer = self.ask(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": client, "version": "1"}}),
        );
        self.say(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        answer
    }

    /// A request; its answer, whole.
    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let id = self.next_id;
        self.next_id += 1;
        self.say(json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        let answer = self.hear();
        assert_eq!(answer["id"], id, "{method}: {answer}");
        answer
    }

    /// Calls a tool: its text.
    pub fn tool(&mut self, name: &str, arguments: Value) -> String {
        let answer = self.ask("tools/call", json!({"name": name, "arguments": arguments}));
        let text = answer["result"]["content"][0]["text"].as_str();
        text.unwrap_or_else(|| panic!("{name}: {answer}"))
            .to_owned()
    }

    pub fn say(&mut self, message: Value) {
        self.write(&format!("{message}\n"));
    }

    pub fn write(&mut self, text: &str) {
        let input = self.input.as_mut().expect("it has not ended");
        input.write_all(text.as_bytes()).expect("the server reads");
    }

    pub fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the server writes");
        assert!(!line.is_empty(), "the server ended");
        serde_json::from_str(&line).expect("a line is JSON")
    }

    /// Everything up to the end of the output; true when it is over.
    pub fn read_rest(&mut self, rest: &mut String) -> bool {
        self.output.read_line(rest).expect("the server writes") == 0
    }

    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Closes the input and waits until the server ends by itself.
    pub fn end(mut self) -> ExitStatus {
        self.input.take();
        eventually("the server ends with its input", || {
            self.process.try_wait().expect("our own child")
        })
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
