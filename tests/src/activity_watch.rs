//! A client that is told whenever its digest of activity would differ.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::{Daemon, PATIENCE};

/// One `activity.watch`, on a connection of its own.
pub struct ActivityWatch {
    lines: BufReader<UnixStream>,
    subscription: Value,
}

impl ActivityWatch {
    /// Begins to watch; also gives the digest as it is.
    ///
    /// # Panics
    /// If the daemon refuses.
    pub fn open(daemon: &Daemon, params: &Value) -> (Self, Value) {
        let mut stream = UnixStream::connect(daemon.socket()).expect("the daemon listens");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket takes a timeout");
        let request =
            json!({"jsonrpc": "2.0", "id": 1, "method": "activity.watch", "params": params});
        writeln!(stream, "{request}").expect("the daemon reads");
        let mut watch = Self {
            lines: BufReader::new(stream),
            subscription: Value::Null,
        };
        let mut reply = watch.line();
        let result = reply["result"].take();
        assert!(result.is_object(), "{reply}");
        watch.subscription = result["subscription"].clone();
        (watch, result["digest"].clone())
    }

    /// The next digest that the daemon tells of.
    ///
    /// # Panics
    /// If none comes, or something else.
    pub fn told(&mut self) -> Value {
        let line = self.line();
        assert_eq!(line["method"], "activity.changed", "{line}");
        let told = &line["params"];
        assert_eq!(told["subscription"], self.subscription, "{told}");
        told["digest"].clone()
    }

    fn line(&mut self) -> Value {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line).expect("the daemon tells");
        assert!(read > 0, "the daemon has closed the connection");
        serde_json::from_str(&line).expect("a line is JSON")
    }
}
