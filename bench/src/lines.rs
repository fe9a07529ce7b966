//! A raw client of the daemon's socket: it sends a prepared line and reads one,
//! without looking into it, so that what is timed is the daemon.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use serde_json::{Value, json};

use crate::readable::until_readable;

/// An open connection with the line framing.
pub struct Lines {
    stream: UnixStream,
    received: Vec<u8>,
    /// Where the line that was given out last ends in `received`.
    consumed: usize,
}

impl Lines {
    pub fn open(socket: &Path) -> Self {
        Self {
            stream: UnixStream::connect(socket).expect("the daemon listens"),
            received: Vec::with_capacity(256 * 1024),
            consumed: 0,
        }
    }

    /// Sends a line and gives back the next one that comes.
    pub fn ask(&mut self, request: &[u8]) -> &[u8] {
        self.stream.write_all(request).expect("the daemon reads");
        self.next_line()
    }

    /// As [`Lines::ask`], for what must succeed: its result.
    pub fn result(&mut self, method: &str, params: &Value) -> Value {
        let answer = self.ask(&line(method, params));
        let mut answer: Value = serde_json::from_slice(answer).expect("the daemon answers JSON");
        assert!(answer.get("error").is_none(), "{method}: {answer}");
        answer["result"].take()
    }

    /// Waits for the next line, and gives it without its end.
    pub fn next_line(&mut self) -> &[u8] {
        self.received.drain(..self.consumed);
        self.consumed = 0;
        let mut searched = 0;
        loop {
            if let Some(end) = self.received[searched..]
                .iter()
                .position(|&byte| byte == b'\n')
            {
                let end = searched + end;
                self.consumed = end + 1;
                return &self.received[..end];
            }
            searched = self.received.len();
            let mut piece = [0; 64 * 1024];
            until_readable(&self.stream);
            let count = self.stream.read(&mut piece).expect("the daemon answers");
            assert_ne!(count, 0, "the daemon closed the connection");
            self.received.extend_from_slice(&piece[..count]);
        }
    }
}

/// A request as a line.
pub fn line(method: &str, params: &Value) -> Vec<u8> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    let mut line = request.to_string().into_bytes();
    line.push(b'\n');
    line
}

/// A line that posts `content` to the agents' channel.
pub fn post(content: &str) -> Vec<u8> {
    line(
        "message.send",
        &json!({"channel": "#agent-logs", "content": content}),
    )
}
