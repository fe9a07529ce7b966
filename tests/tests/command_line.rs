//! The whole command line as a person or a program uses it: every command with
//! `--json`, mistaken names, consent, colours, completion, following.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};
use spaces_api::HubState;
use spaces_tests::{Child, Cli, Daemon, Finished, Hub, Terminal, binary, eventually};

/// Every command that does something, by the manual pages.
fn commands(cli: &Cli) -> BTreeSet<String> {
    let dir = cli.home().join("man");
    let done = cli.run(&["man", dir.to_str().expect("text")]);
    assert_eq!(done.code, 0, "{}", done.err);
    let pages: BTreeSet<String> = fs::read_dir(&dir)
        .expect("the pages")
        .map(|page| page.expect("a page").file_name())
        .map(|name| name.into_string().expect("text"))
        .map(|name| name.trim_end_matches(".1").to_owned())
        .collect();
    let leaf = |page: &&String| {
        let below = format!("{page}-");
        !pages.iter().any(|other| other.starts_with(&below))
            || !fs::read_to_string(dir.join(format!("{page}.1")))
                .expect("a page")
                .contains("SUBCOMMANDS")
    };
    pages.iter().filter(leaf).cloned().collect()
}

/// What a call printed as JSON, line by line.
fn values(call: &[&str], done: &Finished) -> Vec<Value> {
    done.out
        .lines()
        .map(|line| {
            serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("{call:?} printed no JSON: {error}: {line}"))
        })
        .collect()
}

#[test]
fn every_command_prints_json_where_it_is_asked_to() {
    let mut hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let bob = alice.invite("member");
    let bob = bob.call("user.me", json!({}))["user"]["username"]
        .as_str()
        .map(|name| format!("@{name}"))
        .expect("a name");
    let cli = alice.cli();
    let used = std::cell::RefCell::new(BTreeSet::new());
    // Words up to the first `--` name the command.
    let run = |words: &str, more: &[&str]| -> Value {
        used.borrow_mut()
            .insert(format!("spacesctl-{}", words.replace(' ', "-")));
        let words: Vec<_> = words.split(' ').chain(more.iter().copied()).collect();
        let call = [&words[..], &["--json"]].concat();
        let done = cli.run(&call);
        assert_eq!(done.code, 0, "{call:?}: {}{}", done.err, done.out);
        assert_eq!(done.err, "", "{call:?}");
        let mut printed = values(&call, &done);
        assert!(!printed.is_empty(), "{call:?} printed nothing");
        printed.swap_remove(0)
    };
    let id = |value: &Value| value.as_u64().expect("an id").to_string();

    run("up", &[]);
    run("status", &[]);
    run("reconnect", &[]);
    run("reload", &[]);
    let sent = run("post", &["general", "hello", "--wait", "sent"]);
    let message = eventually("the message has its id", || {
        let shown = alice.try_call(
            "message.show",
            json!({ "message": sent["receipt"]["client_key"] }),
        );
        Some(id(&shown.ok()?["message"]["id"]))
    });
    run("read", &["general"]);
    run("tail", &["general"]);
    run("activity", &[]);
    run("search", &["hello"]);
    run("show", &[&message]);
    run("edit", &[&message, "hello again"]);
    run("react", &[&message, "ok"]);
    run("delete", &[&message, "--yes"]);
    run("inbox list", &[]);
    run("inbox ack", &["--all"]);
    run("inbox unread", &[]);
    run("dm send", &[&bob, "hi"]);
    run("dm list", &[&bob]);
    run("dm conversations", &[]);
    let note = run("note leave", &["for the next", "--wait", "sent"]);
    run("note list", &[]);
    let note = note["receipt"]["client_key"].as_str().expect("a key");
    let note = eventually("the note has its id", || {
        let shown = alice.try_call("message.show", json!({ "message": note }));
        Some(id(&shown.ok()?["message"]["id"]))
    });
    run("note done", &[&note]);
    run("session start", &["--tool", "codex", "--id", "s"]);
    run("session heartbeat", &["s"]);
    run("session update", &["s", "--state", "idle"]);
    run("session list", &[]);
    run("session show", &["s"]);
    run(
        "claim acquire",
        &[
            "src/**",
            "--as-session",
            "s",
            "--repo",
            "github.com/acme/app",
        ],
    );
    let claim = eventually("the claim has its id", || {
        let held = alice.call("claim.list", json!({}));
        held["claims"][0]["id"].as_u64().map(|id| id.to_string())
    });
    run("claim list", &[]);
    run(
        "claim check",
        &["src/a.rs", "--repo", "github.com/acme/app"],
    );
    run("claim renew", &[&claim]);
    run("claim release", &[&claim]);
    run("session end", &["s", "done"]);
    run("channel create", &["plans"]);
    run("channel list", &[]);
    run("channel update", &["plans", "--topic", "what comes"]);
    run("channel members", &["plans"]);
    run("channel archive", &["plans"]);
    run("channel archive", &["plans", "--undo"]);
    run("channel create", &["secret", "--private"]);
    run("channel add", &["secret", &bob]);
    run("channel remove", &["secret", &bob]);
    let thread = run("thread create", &["plans", "release"]);
    let thread = id(&thread["thread"]["id"]);
    run("thread list", &["plans"]);
    run("thread archive", &[&thread]);
    run("thread unarchive", &[&thread]);
    run("channel delete", &["plans", "--yes"]);
    run("server create", &["Second"]);
    run("server list", &[]);
    run("server update", &["Second", "--description", "another"]);
    run("server delete", &["Second", "--yes"]);
    run("member list", &[]);
    run("member set-role", &[&bob, "moderator"]);
    run("member mute", &[&bob, "--until", "1h"]);
    run("member unmute", &[&bob]);
    run("member kick", &[&bob, "--yes"]);
    run("member ban", &[&bob, "--yes"]);
    run("member bans", &[]);
    run("member unban", &[&bob]);
    let invite = run("invite create", &["--role", "member"]);
    assert!(invite["invite"].is_string(), "{invite}");
    let invites = run("invite list", &[]);
    run("invite revoke", &[&id(&invites["invites"][0]["id"])]);
    run("hub settings", &[]);
    run("hub set", &["--message-days", "365", "--yes"]);
    let nobody = "c2".to_owned() + &"0".repeat(62);
    run("hub admit", &[&nobody]);
    run("hub shut-out", &[&nobody, "--yes"]);
    run("user me", &[]);
    let me = cli.run(&["user", "me"]).out;
    assert!(me.contains("owner in Spaces Hub"), "{me}");
    run("user show", &[&bob]);
    run("user list", &[]);
    run("user set", &["--display-name", "Alice"]);
    run("agent register", &["codex.app.main", "--tool", "codex"]);
    run("agent list", &[]);
    run("voice join", &["voice"]);
    run("voice set", &["--muted", "true"]);
    run("voice list", &["voice"]);
    run("voice leave", &[]);
    run("audit", &[]);
    let audit = cli.run(&["audit"]).out;
    let named = format!("set_member_role {bob}: ");
    assert!(audit.contains(&named), "{audit}");
    let key = sent["receipt"]["client_key"].as_str().expect("a key");
    run("outbox show", &[key]);
    run("outbox list", &[]);
    run("outbox flush", &[]);
    run("config path", &[]);
    run("config print", &[]);
    run("rpc", &["daemon.ping"]);
    run("module schema", &[]);
    run("help", &["exit-codes"]);
    run("help", &["channel", "create"]);
    run("man", &[cli.home().join("pages").to_str().expect("text")]);
    run("hooks install", &["claude-code"]);
    run("hooks status", &[]);
    run("hooks uninstall", &["claude-code"]);
    run("mcp install", &["claude-code"]);
    run("mcp status", &[]);
    run("mcp uninstall", &["claude-code"]);
    for verb in [
        "install",
        "start",
        "stop",
        "restart",
        "status",
        "logs",
        "uninstall",
    ] {
        run(&format!("service {verb}"), &["--dry-run"]);
    }
    run("doctor", &[]);
    hub.kill();
    alice.until_hub(HubState::Offline);
    let queued = run("post", &["general", "not for long"]);
    let key = queued["receipt"]["client_key"].as_str().expect("a key");
    run("outbox drop", &[key, "--yes"]);
    run("down", &[]);

    let all = commands(&cli);
    let left: Vec<_> = all.difference(&used.borrow()).cloned().collect();
    /// What prints no results of its own, or needs another setting than this.
    const ELSEWHERE: [&str; 12] = [
        "spacesctl-completions", // a script
        "spacesctl-events",      // does not end
        "spacesctl-hook",        // speaks the language of the tool
        "spacesctl-join",        // on another machine
        "spacesctl-watch",       // draws
        "spacesctl-inbox-mark",  // needs something unread
        "spacesctl-member-transfer-ownership",
        "spacesctl-module-publish", // needs a server without the module
        "spacesctl-outbox-retry",   // needs a write that the hub refused
        "spacesctl-server-join",
        "spacesctl-server-leave",
        "spacesctl-voice-signal",
    ];
    let left: Vec<_> = left
        .iter()
        .filter(|name| !ELSEWHERE.contains(&name.as_str()))
        .collect();
    assert!(left.is_empty(), "not tried: {left:?}");
}

#[test]
fn a_mistaken_name_is_answered_with_the_nearest_right_one() {
    let daemon = Daemon::local();
    let cli = daemon.cli();
    daemon.call("user.set_profile", json!({ "username": "alice" }));
    eventually("the name is known", || {
        let me = daemon.call("user.me", json!({}));
        (me["user"]["username"] == "alice").then_some(())
    });
    for (words, right) in [
        (&["post", "agent-log", "x"][..], "#agent-logs"),
        (&["read", "#genral"], "#general"),
        (&["channel", "update", "genral", "--topic", "x"], "#general"),
        (&["dm", "send", "@alcie", "x"], "@alice"),
        (&["user", "show", "alicee"], "@alice"),
        (&["member", "kick", "@alise", "--yes"], "@alice"),
        (
            &["server", "update", "Space Hub", "--description", "x"],
            "Spaces Hub",
        ),
    ] {
        let done = cli.run(words);
        assert_eq!(done.code, 3, "{words:?}: {}", done.err);
        assert!(
            done.err.contains(&format!("did you mean: {right}")),
            "{words:?}: {}",
            done.err
        );
        let told: Value = serde_json::from_str(&cli.run(&[words, &["--json"]].concat()).err)
            .expect("with --json a failure is JSON");
        assert_eq!(told["error"]["kind"], "not_found", "{told}");
        assert_eq!(told["error"]["candidates"][0], right, "{told}");
    }
}

#[test]
fn before_what_cannot_be_undone_it_is_asked() {
    let daemon = Daemon::local();
    daemon.call("channel.create", json!({ "name": "plans" }));
    let there = || {
        let list = daemon.call("channel.list", json!({}));
        let channels = list["channels"].as_array().expect("channels").clone();
        channels.iter().any(|channel| channel["name"] == "plans")
    };
    eventually("the channel is there", || there().then_some(()));
    let terminal = Terminal::open(&daemon.cli(), 80, 24);
    let program = binary("spacesctl");
    let line = format!("clear; {} channel delete plans", program.display());
    terminal.enters(&line);
    terminal.until_shows("This cannot be undone. [y/N]");
    terminal.enters("");
    terminal.until_shows("nothing was done");
    assert!(there());
    terminal.enters(&line);
    terminal.until("it asks again", |screen| {
        screen.contains("This cannot be undone. [y/N]") && !screen.contains("nothing was done")
    });
    terminal.enters("y");
    eventually("the channel is gone", || (!there()).then_some(()));
}

#[test]
fn colours_are_for_terminals_that_want_them() {
    let daemon = Daemon::local();
    let terminal = Terminal::open(&daemon.cli(), 80, 24);
    let program = binary("spacesctl");
    let has_colours = |run: &str, line: &str| {
        // Each run ends by a word of its own: what the one before left on the
        // screen is not taken for what this one writes. Nor is the line that is
        // typed, wherever it is broken: there the word has quotes inside.
        let (first, rest) = run.split_at(1);
        terminal.enters(&format!("clear; {line}; echo {first}''{rest}"));
        terminal.until("the status", |screen| {
            screen.contains("outbox") && screen.lines().any(|line| line == run)
        });
        terminal.coloured_screen().contains("\u{1b}[32m")
    };
    let status = format!("{} status", program.display());
    assert!(has_colours("plain", &status));
    assert!(!has_colours("unwanted", &format!("NO_COLOR=1 {status}")));
    assert!(!has_colours("piped", &format!("{status} | cat")));
}

#[test]
fn real_shells_complete_commands_flags_and_the_names_that_the_daemon_knows() {
    let daemon = Daemon::local();
    daemon.call("user.set_profile", json!({ "username": "alice" }));
    eventually("the name is known", || {
        let me = daemon.call("user.me", json!({}));
        (me["user"]["username"] == "alice").then_some(())
    });
    for (shell, begin, source) in [
        (
            "bash",
            "env PS1='ready> ' bash --norc --noprofile -i",
            "source <(spacesctl completions bash)",
        ),
        (
            "zsh",
            "env PS1='ready> ' zsh -f -i",
            "autoload -Uz compinit; compinit -D -u; source <(spacesctl completions zsh)",
        ),
        // What fish suggests by itself, in grey, is no answer to Tab.
        (
            "fish",
            "fish --no-config --private -i -C 'set -g fish_autosuggestion_enabled 0; \
             function fish_prompt; echo -n \"ready> \"; end'",
            "spacesctl completions fish | source",
        ),
    ] {
        completes(&daemon, shell, begin, source);
    }
}

/// Types what is begun into a shell that has read the script, and presses Tab.
fn completes(daemon: &Daemon, shell: &str, begin: &str, source: &str) {
    let bin = binary("spacesctl");
    let dir = bin.parent().expect("a directory");
    let path = std::env::var("PATH").expect("a path of text");
    let begin = format!("env PATH={}:{path} {begin}", dir.display());
    let terminal = Terminal::running(&daemon.cli(), 100, 24, &begin);
    terminal.enters(&format!("{source}; echo sourced"));
    terminal.until(&format!("{shell} has read the script"), |screen| {
        screen.lines().any(|line| line == "sourced")
    });
    terminal.presses(&["C-l"]);
    for (begun, whole) in [
        ("spacesctl sear", "spacesctl search"),
        ("spacesctl post agent-l", "spacesctl post agent-logs"),
        (
            "spacesctl post general x --wai",
            "spacesctl post general x --wait",
        ),
        (
            "spacesctl post general x --kind summ",
            "spacesctl post general x --kind summary",
        ),
        ("spacesctl user show al", "spacesctl user show alice"),
        ("spacesctl dm send al", "spacesctl dm send alice"),
    ] {
        terminal.until(&format!("{shell} has an empty line"), |screen| {
            screen.lines().any(|line| line.trim_end() == "ready>") && !screen.contains("spacesctl")
        });
        terminal.types(begun);
        let typed = format!("ready> {begun}");
        terminal.until_shows(&typed);
        terminal.presses(&["Tab"]);
        let wanted = format!("ready> {whole}");
        terminal.until(&format!("{shell} makes it {whole:?}"), |screen| {
            screen.lines().any(|line| line.trim_end() == wanted)
        });
        terminal.presses(&["C-u", "C-l"]);
    }
}

#[test]
fn tail_follows_over_a_restart_of_the_daemon() {
    let mut daemon = Daemon::local();
    let log = daemon.home().join("tail.log");
    let mut command = daemon.cli().command(&binary("spacesctl"));
    command.args(["tail", "-f", "general", "--json"]);
    let tail = Child::spawn(&mut command, &log);
    // Only what comes after the page: whether it follows yet cannot be asked.
    eventually("the first page", || {
        tail.log().contains("joined").then_some(())
    });
    let post = |daemon: &Daemon, content: &str| {
        daemon.call(
            "message.send",
            json!({ "channel": "#general", "content": content, "wait": "sent" }),
        );
        eventually(content, || tail.log().contains(content).then_some(()));
    };
    post(&daemon, "before the restart");
    daemon.kill();
    eventually("it says so", || {
        tail.log().contains("waiting for the daemon").then_some(())
    });
    daemon.run();
    daemon.until_live();
    post(&daemon, "after the restart");
    assert_eq!(tail.log().matches("before the restart").count(), 1);
    assert_eq!(tail.log().matches("after the restart").count(), 1);
}
