//! Limits: a clear error, then the end of the connection; others are served.

use std::collections::VecDeque;
use std::io::Write;
use std::os::unix::net::UnixStream;

use serde_json::json;
use spaces_api::{MAX_BATCH, MAX_REQUEST_BYTES};

use crate::daemon::{Daemon, Lines, Response, claim, kind};

#[test]
fn a_request_over_the_limit_is_refused_in_both_framings() {
    let daemon = Daemon::start();
    let mut lines = daemon.lines();
    // Without an end: it must not be waited for.
    let long = format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"{}",
        "x".repeat(MAX_REQUEST_BYTES)
    );
    lines.write(&long);
    assert_eq!(kind(&lines.reply()), "too_large");
    assert_eq!(lines.next(), None);
    let response = daemon.post(long.as_bytes());
    assert_eq!(
        (response.status, kind(&response.json())),
        (413, "too_large")
    );
    assert!(daemon.call("daemon.ping", json!({}))["result"].is_object());
}

#[test]
fn a_batch_over_the_limit_is_refused_whole() {
    let daemon = Daemon::start();
    let call = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.ping\"}";
    let batch = |count: usize| format!("[{}]", vec![call; count].join(","));
    let fits = daemon.post(batch(MAX_BATCH).as_bytes()).json();
    assert_eq!(fits.as_array().unwrap().len(), MAX_BATCH);
    assert_eq!(
        kind(&daemon.post(batch(MAX_BATCH + 1).as_bytes()).json()),
        "too_large"
    );
}

#[test]
fn slow_clients_are_let_go_and_idle_ones_are_not() {
    let daemon = Daemon::start();
    let mut idle = daemon.lines();
    assert!(idle.call("daemon.ping", json!({}))["result"].is_object());
    let mut half_header = daemon.connect();
    half_header
        .write_all(b"POST /rpc HTTP/1.1\r\nHost: loc")
        .unwrap();
    let mut half_line = daemon.lines();
    half_line.write("{\"jsonrpc\":");
    assert_eq!(kind(&half_line.reply()), "invalid_request");
    assert_eq!(half_line.next(), None);
    let mut end = Vec::new();
    std::io::Read::read_to_end(&mut half_header, &mut end).unwrap();
    assert!(
        idle.call("daemon.ping", json!({}))["result"].is_object(),
        "an idle connection stays"
    );
}

#[test]
fn silent_connections_keep_no_one_out() {
    let daemon = Daemon::with(&[("SPACES_SOCKET_MAX_CONNECTIONS", "64")]);
    let mut working = daemon.lines();
    assert!(working.call("daemon.ping", json!({}))["result"].is_object());
    let mut flood = Vec::new();
    for number in 0..1000 {
        let mut stream = UnixStream::connect(daemon.socket()).unwrap();
        if number % 2 == 0 {
            // Half-open: it may have been let go already.
            let _ = stream.write_all(b"GET /heal");
        }
        flood.push(stream);
        if number % 100 == 0 {
            assert!(
                daemon.call("daemon.ping", json!({}))["result"].is_object(),
                "a newcomer, {number}"
            );
            assert!(
                working.call("daemon.ping", json!({}))["result"].is_object(),
                "an old client, {number}"
            );
        }
    }
    assert_eq!(daemon.get("/healthz").status, 200);
    drop(flood);
}

/// What a good client asks for, and the proof that it is answered.
fn is_served(lines: &mut Lines, pid: u32, what: &str) {
    let pong = lines.call("daemon.ping", json!({}));
    assert_eq!(pong["result"]["pid"], pid, "{what}: {pong}");
    let queued = lines.call("claim.acquire", claim(what));
    assert_eq!(
        queued["result"]["receipt"]["state"], "queued",
        "{what}: {queued}"
    );
}

#[test]
fn a_thousand_half_open_clients_and_a_flood_leave_others_served() {
    const HALF_OPEN: usize = 1_000;
    const FLOOD: usize = 10_000;
    /// Held open at once: twice as many as the daemon serves.
    const HELD: usize = 2_048;
    allow_files(2 * HELD as u64);
    let mut daemon = Daemon::start();
    let pid = daemon.child().id();
    let mut old = daemon.lines();
    is_served(&mut old, pid, "before");

    let mut half_open: Vec<UnixStream> = Vec::new();
    for number in 0..HALF_OPEN {
        let mut stream = daemon.connect();
        let begun: &[u8] = match number % 3 {
            0 => b"GET /healthz HTTP/1.1\r\nHost: loc",
            1 => b"{\"jsonrpc\":\"2.0\",\"id\":1,",
            _ => b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{",
        };
        stream.write_all(begun).unwrap();
        half_open.push(stream);
    }
    is_served(&mut old, pid, "an old client beside half-open ones");
    is_served(&mut daemon.lines(), pid, "a newcomer beside half-open ones");

    let socket = daemon.socket();
    let flooding = std::thread::spawn(move || {
        let mut held: VecDeque<UnixStream> = VecDeque::with_capacity(HELD);
        for _ in 0..FLOOD {
            if held.len() == HELD {
                held.pop_front();
            }
            held.push_back(UnixStream::connect(&socket).expect("the daemon accepts"));
        }
        held
    });
    let mut rounds = 0;
    while !flooding.is_finished() {
        is_served(
            &mut old,
            pid,
            &format!("an old client in the flood, {rounds}"),
        );
        is_served(
            &mut daemon.lines(),
            pid,
            &format!("a newcomer in the flood, {rounds}"),
        );
        rounds += 1;
    }
    let held = flooding.join().unwrap();
    is_served(&mut old, pid, "an old client in the flooded state");
    is_served(&mut daemon.lines(), pid, "a newcomer in the flooded state");
    assert_eq!(daemon.get("/healthz").status, 200);
    drop((held, half_open));
    let queued = daemon.call("daemon.status", json!({}))["result"]["outbox"]["queued"].clone();
    assert_eq!(queued, 2 * rounds + 5, "each claim once");
}

/// The test's own sockets are open files too.
fn allow_files(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|now| now >= wanted) {
        return;
    }
    let raised = Rlimit {
        current: Some(wanted),
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, raised).expect("`ulimit -Hn` allows some thousand open files");
}

#[test]
fn with_all_seats_at_work_a_newcomer_is_told_so() {
    let daemon = Daemon::with(&[("SPACES_SOCKET_MAX_CONNECTIONS", "8")]);
    let mut seated: Vec<Lines> = (0..8).map(|_| daemon.lines()).collect();
    for lines in &mut seated {
        assert!(lines.call("daemon.ping", json!({}))["result"].is_object());
    }
    let mut lines = daemon.lines();
    lines.write("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.ping\"}\n");
    assert_eq!(kind(&lines.reply()), "busy");
    let mut stream = daemon.connect();
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .unwrap();
    let response = Response::read(stream);
    assert_eq!((response.status, kind(&response.json())), (503, "busy"));
    for lines in &mut seated {
        assert!(lines.call("daemon.ping", json!({}))["result"].is_object());
    }
    seated.pop();
    let reply = spaces_tests::eventually("a seat is free again", || {
        let reply = daemon.call("daemon.ping", json!({}));
        reply["result"].is_object().then_some(reply)
    });
    assert!(reply["result"].is_object());
}
