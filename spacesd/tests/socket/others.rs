//! Other users of the machine, and places that they could reach into.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::daemon::Daemon;

/// Becomes another user of this machine: root directly, anybody else within a
/// user namespace, where root's own name stands for this user and the others
/// for its subordinate ones.
fn as_another_user() -> Command {
    const OTHER: [&str; 3] = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    if rustix::process::geteuid().is_root() {
        let mut command = Command::new("setpriv");
        command.args(OTHER);
        return command;
    }
    let within = ["--user", "--map-root-user", "--map-auto", "setpriv"];
    let whole = |command: &mut Command| {
        command.args(within);
        command.args(["--reuid=1", "--regid=1", "--clear-groups"]);
    };
    let mut trial = Command::new("unshare");
    whole(&mut trial);
    let tried = trial.arg("true").output();
    let refusal = match &tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(refusal) = refusal {
        panic!(
            "this test needs to be another user: run it as root, or give this user subordinate \
             ids (/etc/subuid, package uidmap) and user namespaces: {refusal}"
        );
    }
    let mut command = Command::new("unshare");
    whole(&mut command);
    command
}

fn asks_health(mut who: Command, socket: &Path) -> Output {
    who.args([
        "curl",
        "--silent",
        "--show-error",
        "--max-time",
        "20",
        "--unix-socket",
    ])
    .arg(socket)
    .arg("http://localhost/healthz")
    .output()
    .unwrap()
}

fn mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn another_user_cannot_connect_even_where_the_modes_let_them() {
    let daemon = Daemon::start();
    let socket = daemon.socket();
    // The way to the socket's own directory is open to everybody here.
    mode(daemon.home.path(), 0o755);
    let own = asks_health(Command::new("env"), &socket);
    assert!(own.status.success(), "{own:?}");
    let other = asks_health(as_another_user(), &socket);
    assert_eq!(
        other.status.code(),
        Some(7),
        "curl cannot connect: {other:?}"
    );

    mode(socket.parent().unwrap(), 0o755);
    mode(&socket, 0o666);
    let other = asks_health(as_another_user(), &socket);
    assert!(
        !other.status.success() && other.stdout.is_empty(),
        "{other:?}"
    );
    let log = std::fs::read_to_string(daemon.home.path().join("spacesd.log")).unwrap();
    assert!(
        log.contains("refused a connection of another user"),
        "{log}"
    );
    assert!(daemon.call("daemon.ping", json!({}))["result"].is_object());
}

#[test]
fn a_directory_that_others_could_change_is_refused() {
    let daemon = Daemon::start();
    let home = daemon.home.path();
    let refusal = |socket: &Path, code: i32| {
        let output = daemon
            .command()
            .env("SPACES_SOCKET", socket)
            .env("SPACES_STATE_DIR", home.join("other"))
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(code), "{output:?}");
        assert!(!socket.exists());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let real = home.join("real");
    std::fs::create_dir(&real).unwrap();
    for open in [0o770, 0o777, 0o720, 0o701] {
        mode(&real, open);
        let said = refusal(&real.join("spacesd.sock"), 1);
        assert!(said.contains("chmod 700"), "{said}");
    }
    mode(&real, 0o700);
    let link = home.join("link");
    symlink(&real, &link).unwrap();
    let said = refusal(&link.join("spacesd.sock"), 1);
    assert!(said.contains("symbolic link"), "{said}");
    let said = refusal(&real.join("s".repeat(120)), 78);
    assert!(said.contains("limit"), "{said}");
}
