//! A Redis server on a Unix socket, and the shortest way to ask it.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;

use spaces_tests::{Child, eventually};
use tempfile::TempDir;

use crate::readable::until_readable;

/// A `redis-server` of our own. It has no TCP port.
pub struct Redis {
    socket: PathBuf,
    process: Child,
    _directory: TempDir,
}

impl Redis {
    /// Keeps everything in memory alone.
    pub fn in_memory() -> Self {
        Self::start(&["--save", "", "--appendonly", "no"])
    }

    /// Answers a write after it has synced it.
    pub fn durable() -> Self {
        Self::start(&[
            "--save",
            "",
            "--appendonly",
            "yes",
            "--appendfsync",
            "always",
        ])
    }

    fn start(settings: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let socket = directory.path().join("redis.sock");
        let mut command = Command::new("redis-server");
        command
            .args(["--port", "0", "--unixsocket"])
            .arg(&socket)
            .arg("--dir")
            .arg(directory.path())
            .args(settings);
        let mut process = Child::spawn(&mut command, &directory.path().join("redis.log"));
        eventually("redis-server listens", || {
            if let Some(status) = process.exited() {
                panic!("redis-server ended with {status}: {}", process.log());
            }
            UnixStream::connect(&socket).ok()
        });
        Self {
            socket,
            process,
            _directory: directory,
        }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// A connection of its own.
    pub fn client(&self) -> RedisClient {
        RedisClient {
            stream: UnixStream::connect(&self.socket).expect("redis-server listens"),
            received: vec![0; 64 * 1024],
        }
    }
}

/// An open connection. It counts the bytes of an answer and reads no further
/// into it, as the raw client of Spaces does.
pub struct RedisClient {
    stream: UnixStream,
    received: Vec<u8>,
}

impl RedisClient {
    /// Waits for `+OK`.
    pub fn set(&mut self, request: &SetRequest) {
        self.stream.write_all(&request.0).expect("it reads");
        let mut answer = [0; 5];
        until_readable(&self.stream);
        self.stream.read_exact(&mut answer).expect("it answers");
        assert_eq!(&answer, b"+OK\r\n", "redis-server refused a SET");
    }

    /// Reads the value of `k`, which has `length` bytes.
    pub fn get(&mut self, length: usize) {
        const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
        self.stream.write_all(GET).expect("it reads");
        let expected = format!("${length}\r\n").len() + length + 2;
        let mut received = 0;
        while received < expected {
            until_readable(&self.stream);
            received += self.stream.read(&mut self.received).expect("it answers");
        }
        assert_eq!(received, expected, "redis-server sent something else");
    }
}

/// `SET k VALUE`, ready to be sent.
pub struct SetRequest(Vec<u8>);

impl SetRequest {
    pub fn of(value: &[u8]) -> Self {
        let mut request =
            format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n", value.len()).into_bytes();
        request.extend_from_slice(value);
        request.extend_from_slice(b"\r\n");
        Self(request)
    }
}
