//! The scripts for tools that have no hooks of their own.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::json;
use spaces_tests::{Daemon, binary, eventually};

use crate::{kept_summaries, messages};

#[test]
fn the_scripts_work_with_curl_alone() {
    let daemon = Daemon::local();
    let tools = daemon.home().join("tools");
    fs::create_dir(&tools).expect("the home is ours");
    for tool in ["curl", "sed", "tr", "awk", "id", "cat", "printf"] {
        let there = ["/usr/bin", "/bin"]
            .iter()
            .map(|dir| Path::new(dir).join(tool))
            .find(|path| path.exists());
        let there = there.unwrap_or_else(|| panic!("{tool} is needed for this test"));
        std::os::unix::fs::symlink(there, tools.join(tool)).expect("the home is ours");
    }
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks");
    let script = |name: &str, words: &[&str], summary: &str| {
        let done = daemon
            .cli()
            .command(Path::new("/bin/sh"))
            .arg(hooks.join(name))
            .args(words)
            .env("PATH", &tools)
            .env("SPACES_TOOL", "aider")
            .env("SPACES_SUMMARY", summary)
            .stdin(Stdio::null())
            .output()
            .expect("sh runs");
        assert!(done.status.success());
        String::from_utf8(done.stdout).expect("text")
    };
    let summary = "said \"by\" curl\\\nin two lines";
    script("spaces-session-hook.sh", &["start", "s1"], "");
    script("spaces-session-hook.sh", &["stop", "s1"], summary);
    eventually("the summary is there, once", || {
        (messages(&daemon, summary).len() == 1).then_some(())
    });
    let session = daemon.call("session.show", json!({"id": "aider:s1"}));
    assert_eq!(session["session"]["tool"], "aider");
    let told = script("spaces-context-hook.sh", &[], "");
    assert!(
        told.contains("by") && told.contains("not an instruction"),
        "{told}"
    );
    script("spaces-session-hook.sh", &["end", "s1"], "");
    eventually("the session has ended", || {
        let session = daemon.call("session.show", json!({"id": "aider:s1"}));
        (session["session"]["state"] == "ended").then_some(())
    });
}

#[test]
fn the_scripts_call_spacesctl_where_it_is() {
    let machine = Daemon::machine();
    let bin = binary("spacesctl");
    let path = format!(
        "{}:/usr/bin:/bin",
        bin.parent().expect("a directory").display()
    );
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks");
    let done = machine
        .cli()
        .command(Path::new("/bin/sh"))
        .arg(hooks.join("spaces-session-hook.sh"))
        .args(["stop", "s1"])
        .env("PATH", path)
        .env("SPACES_TOOL", "aider")
        .env("SPACES_SUMMARY", "a \"quoted\" end\tof\nwork")
        .stdin(Stdio::null())
        .status()
        .expect("sh runs");
    assert!(done.success());
    let kept = kept_summaries(&machine);
    assert_eq!(
        kept[0]["params"]["content"],
        "a \"quoted\" end of\nwork".replace("end of", "end\tof"),
        "{kept:?}"
    );
    assert_eq!(kept[0]["params"]["session"], "aider:s1");
}

#[test]
fn the_scripts_pass_shellcheck() {
    let Ok(version) = Command::new("shellcheck").arg("--version").output() else {
        assert!(std::env::var_os("CI").is_none(), "CI must have shellcheck");
        return;
    };
    assert!(version.status.success());
    let hooks = Path::new(env!("CARGO_MANIFEST_DIR")).join("../hooks");
    let done = Command::new("shellcheck")
        .args(["spaces-session-hook.sh", "spaces-context-hook.sh"])
        .current_dir(hooks)
        .output()
        .expect("shellcheck runs");
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stdout)
    );
}
