//! The least that a short command of Spaces can be: a process that connects to
//! the daemon, sends prepared requests, reads as many answers, and ends.
//!
//! `bare SOCKET REQUEST...`, each request a line of JSON.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let Some(socket) = arguments.next() else {
        eprintln!("usage: bare SOCKET REQUEST...");
        return ExitCode::from(2);
    };
    let requests: Vec<_> = arguments.map(|request| request + "\n").collect();
    let mut stream = UnixStream::connect(socket).expect("the daemon listens");
    let lines = requests.concat();
    stream
        .write_all(lines.as_bytes())
        .expect("the daemon reads");
    let mut answers = BufReader::new(stream);
    for request in &requests {
        let mut answer = String::new();
        answers.read_line(&mut answer).expect("the daemon answers");
        if !answer.contains("\"result\"") {
            eprintln!("bare: {request} was answered with {answer}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
