//! Reads the tool's input: bounded in bytes and in time, and done as soon as
//! one JSON value is complete, so that a tool that leaves the pipe open costs nothing.

use std::io::{self, BufReader, IsTerminal, Read, Stdin};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use serde::Deserialize;
use serde_json::Value;

/// Largest input. Tools send whole files in `tool_response`; transcripts come by path.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// Reads one JSON value from standard input. `Null` where there is none: a
/// terminal, an empty pipe.
///
/// # Errors
/// What was wrong, in words: not JSON, over [`MAX_BYTES`], not complete within `limit`.
pub fn read(limit: Duration) -> Result<Value, String> {
    let stdin = io::stdin();
    if stdin.is_terminal() {
        return Ok(Value::Null);
    }
    let mut timed = Timed {
        stdin,
        deadline: Instant::now() + limit,
        over: false,
    };
    let value = parse(&mut timed);
    if timed.over {
        return Err(format!("no complete input within {} ms", limit.as_millis()));
    }
    value
}

/// Standard input, given up at a deadline. Without a thread: to start one takes
/// longer than to read what is there.
struct Timed {
    stdin: Stdin,
    deadline: Instant,
    over: bool,
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let left = self.deadline.saturating_duration_since(Instant::now());
            let left = Timespec::try_from(left).map_err(io::Error::other)?;
            let ready = &mut [PollFd::new(&self.stdin, PollFlags::IN)];
            match poll(ready, Some(&left)) {
                Ok(0) => {
                    self.over = true;
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Ok(_) => return Ok(rustix::io::read(&self.stdin, buffer)?),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// Reads one JSON value, and nothing after it. `Null` where there is none.
///
/// # Errors
/// What was wrong, in words.
pub fn parse(input: impl Read) -> Result<Value, String> {
    let mut bounded = input.take(MAX_BYTES);
    let value = {
        let mut json = serde_json::Deserializer::from_reader(BufReader::new(&mut bounded));
        Value::deserialize(&mut json)
    };
    match value {
        Ok(value) => Ok(value),
        Err(_) if bounded.limit() == 0 => Err(format!("the input is over {MAX_BYTES} bytes")),
        Err(error) if error.is_eof() && bounded.limit() == MAX_BYTES => Ok(Value::Null),
        Err(error) if error.is_eof() && error.column() == 0 => Ok(Value::Null),
        Err(error) => Err(format!("the input is not JSON: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_BYTES, parse};

    #[test]
    fn one_value_is_read_and_the_rest_left() {
        assert_eq!(parse(&b"{\"a\": 1}\n"[..]), Ok(json!({"a": 1})));
        assert_eq!(parse(&b"{\"a\": 1} trailing"[..]), Ok(json!({"a": 1})));
    }

    #[test]
    fn nothing_is_null() {
        assert_eq!(parse(&b""[..]), Ok(Value::Null));
        assert_eq!(parse(&b"\n"[..]), Ok(Value::Null));
    }

    #[test]
    fn garbage_and_a_cut_value_are_told_apart_from_nothing() {
        assert!(parse(&b"\xff\xfe{"[..]).is_err());
        assert!(parse(&b"{\"a\": "[..]).is_err());
        assert!(parse(&b"{\"a\": \"\xff\"}"[..]).is_err());
    }

    #[test]
    fn an_endless_input_is_refused_at_the_limit() {
        let endless = std::io::Read::chain(&b"\""[..], std::io::repeat(b'a'));
        let error = parse(endless).unwrap_err();
        assert!(error.contains(&MAX_BYTES.to_string()), "{error}");
    }

    #[test]
    fn deep_nesting_is_an_error_not_a_crash() {
        let deep = "[".repeat(1_000_000);
        assert!(parse(deep.as_bytes()).is_err());
    }
}
