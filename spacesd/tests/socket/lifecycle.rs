//! Start and end of the program.

use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Output;

use rustix::process::Signal;
use serde_json::json;

use crate::daemon::{Daemon, claim};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_second_daemon_says_who_is_there() {
    let mut daemon = Daemon::start();
    let output = daemon.command().output().unwrap();
    assert!(!output.status.success());
    let pid = daemon.child().id().to_string();
    assert!(said(&output).contains(&pid), "{}", said(&output));
    let output = daemon
        .command()
        .env("SPACES_STATE_DIR", daemon.home.path().join("other"))
        .output()
        .unwrap();
    assert!(
        said(&output).contains("spacesd.sock.lock"),
        "{}",
        said(&output)
    );
}

#[test]
fn sigterm_finishes_what_was_begun() {
    let mut daemon = Daemon::start();
    let mut lines = daemon.lines();
    let mut slow = claim("slow");
    slow["wait"] = json!("sent");
    slow["timeout_ms"] = json!(1000);
    lines.request(1, "claim.acquire", slow);
    lines.request(2, "daemon.ping", json!({}));
    assert_eq!(lines.reply()["id"], 2, "the slow call is under way");
    daemon.child().signal(Signal::TERM);
    spaces_tests::eventually("newcomers are refused", || {
        UnixStream::connect(daemon.socket()).is_err().then_some(())
    });
    assert_eq!(lines.reply()["result"]["receipt"]["state"], "queued");
    assert_eq!(lines.next(), None);
    let status = spaces_tests::eventually("the daemon ends", || daemon.child().exited());
    assert!(status.success(), "{status}");
    assert!(!daemon.socket().exists());
    daemon.run();
    assert_eq!(
        daemon.call("daemon.status", json!({}))["result"]["outbox"]["queued"],
        1
    );
}

#[test]
fn drain_takes_no_more_and_ends() {
    let mut daemon = Daemon::start();
    daemon.queue_claim("kept");
    let stay = daemon.call("daemon.drain", json!({ "timeout_ms": 10, "stay": true }));
    assert_eq!(stay["result"]["still_queued"], 1);
    assert!(daemon.queue_claim("also kept")["result"].is_object());
    let drained = daemon.call("daemon.drain", json!({ "timeout_ms": 10 }));
    assert_eq!(drained["result"]["still_queued"], 2);
    let status = spaces_tests::eventually("the daemon ends", || daemon.child().exited());
    assert!(status.success(), "{status}");
}

#[test]
fn a_killed_daemons_socket_is_taken_over() {
    let mut daemon = Daemon::start();
    daemon.child().kill();
    assert!(daemon.socket().exists() && UnixStream::connect(daemon.socket()).is_err());
    daemon.run();
    assert!(daemon.call("daemon.ping", json!({}))["result"].is_object());
}

#[test]
fn a_misspelt_key_is_told_with_its_place() {
    let daemon = Daemon::start();
    let file = daemon.home.path().join("wrong.toml");
    std::fs::write(&file, "[hub]\nmdoe = \"local\"\n").unwrap();
    for check in [true, false] {
        let mut command = daemon.command();
        command
            .arg("--config")
            .arg(&file)
            .args(check.then_some("--check-config"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(78));
        assert!(
            said(&output).contains("wrong.toml:2:1"),
            "{}",
            said(&output)
        );
        assert!(
            said(&output).contains("did you mean `hub.mode`?"),
            "{}",
            said(&output)
        );
    }
    let output = daemon.command().arg("--print-config").output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("[outbox]"));
}

#[test]
fn settings_are_read_again_on_hangup_and_by_call() {
    let mut daemon = Daemon::start();
    let file = daemon.home.path().join("config.toml");
    std::fs::write(
        &file,
        "agent_log = \"#work\"\n[outbox]\nmax_items = 2\n[socket]\nmax_connections = 99\n",
    )
    .unwrap();
    let reply = daemon.call("daemon.reload", json!({}));
    // The follower of the file may have been faster with what is applied at once.
    assert_eq!(
        reply["result"]["needs_restart"],
        json!(["socket.max_connections"]),
        "{reply}"
    );
    spaces_tests::eventually("the new limit holds", || {
        let status = daemon.call("daemon.status", json!({}));
        (status["result"]["outbox"]["max_items"] == 2).then_some(())
    });
    std::fs::write(&file, "[outbox]\nmax_items = 3\n").unwrap();
    daemon.child().signal(Signal::HUP);
    spaces_tests::eventually("the limit is read again", || {
        let status = daemon.call("daemon.status", json!({}));
        (status["result"]["outbox"]["max_items"] == 3).then_some(())
    });
    std::fs::write(&file, "[outbox]\nmax_itms = 3\n").unwrap();
    let reply = daemon.call("daemon.reload", json!({}));
    assert!(
        reply["error"]["message"]
            .as_str()
            .unwrap()
            .contains("config.toml:2:1"),
        "{reply}"
    );
}

#[test]
fn a_socket_that_is_taken_away_comes_back() {
    let daemon = Daemon::start();
    let mut before = daemon.lines();
    let socket = daemon.socket();
    let directory = socket.parent().unwrap();
    // As a sweeper of temporary files does, and the end of a login.
    for remove in [
        |socket: &Path, _: &Path| std::fs::remove_file(socket),
        |_: &Path, directory: &Path| std::fs::remove_dir_all(directory),
    ] {
        remove(&socket, directory).unwrap();
        spaces_tests::eventually("the socket is there again", || {
            UnixStream::connect(&socket).ok()
        });
        assert!(daemon.call("daemon.ping", json!({}))["result"].is_object());
        assert_eq!(directory.metadata().unwrap().mode() & 0o777, 0o700);
    }
    assert!(before.call("daemon.ping", json!({}))["result"].is_object());
}
