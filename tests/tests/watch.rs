//! `spacesctl watch` in a real terminal, before a real daemon and hub.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use spaces_api::HubState;
use spaces_tests::{Cli, Daemon, Hub, Terminal, binary, eventually};

/// A terminal of this user with the view of a channel in it.
fn watch(cli: &Cli, channel: &str) -> Terminal {
    let terminal = Terminal::open(cli, 80, 24);
    start(&terminal, channel);
    terminal
}

fn start(terminal: &Terminal, channel: &str) {
    let program = binary("spacesctl");
    terminal.enters(&format!("clear; {} watch '{channel}'", program.display()));
    terminal.until("the view stands", |screen| {
        screen.contains("\u{25cf} live") && screen.contains(&format!("2 {channel}"))
    });
}

fn has_message(daemon: &Daemon, channel: &str, content: &str) -> bool {
    let page = daemon.call("message.list", json!({ "channel": channel }));
    let messages = page["messages"].as_array().expect("messages");
    messages.iter().any(|message| message["content"] == content)
}

fn post(daemon: &Daemon, channel: &str, content: &str) -> u64 {
    let sent = daemon.call(
        "message.send",
        json!({ "channel": channel, "content": content, "wait": "sent", "timeout_ms": 30_000 }),
    );
    assert_eq!(sent["receipt"]["state"], "sent", "{sent}");
    eventually("the message has its id", || {
        let key = &sent["receipt"]["client_key"];
        let shown = daemon
            .try_call("message.show", json!({ "message": key }))
            .ok()?;
        shown["message"]["id"].as_u64()
    })
}

#[test]
fn what_others_post_appears_and_what_is_written_reaches_them() {
    let hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let bob = alice.invite("member");
    let view = watch(&alice.cli(), "#general");

    post(&bob, "#general", "hello from the other machine");
    view.until_shows("hello from the other machine");

    // In a channel that is not open it counts as unread.
    post(&bob, "#agent-logs", "elsewhere");
    let unread = |screen: &str| {
        screen
            .lines()
            .any(|line| line.contains("#agent-logs") && line.contains(" 1"))
    };
    view.until("#agent-logs has one unread message", unread);

    view.types("whello back");
    view.presses(&["M-Enter"]);
    view.pastes("and a second\nand a third line");
    view.until_shows("and a third line");
    view.presses(&["Enter"]);
    eventually("the message is at the other machine", || {
        has_message(
            &bob,
            "#general",
            "hello back\nand a second\nand a third line",
        )
        .then_some(())
    });
    // It may be shown before the post is answered, and keys until then are lost.
    view.until_shows("post to #general");
    view.until("it is shown as sent", |screen| {
        screen.contains("hello back") && !screen.contains("pending")
    });

    // Opened, it is read, here and for the other programs of this user.
    view.types("1");
    view.presses(&["Down", "Enter"]);
    view.until_shows("2 #agent-logs");
    view.until_shows("elsewhere");
    eventually("#agent-logs has nothing unread", || {
        let unread = alice.call("inbox.unread", json!({}));
        let channels = unread["channels"].as_array().expect("channels");
        channels
            .iter()
            .all(|channel| channel["channel"] != "#agent-logs")
            .then_some(())
    });
}

#[test]
fn a_direct_message_is_read_and_answered() {
    let hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let bob = alice.invite("member");
    let name_of = |daemon: &Daemon| {
        let me = daemon.call("user.me", json!({}));
        me["user"]["username"].as_str().expect("a name").to_owned()
    };
    let (alice_name, bob_name) = (name_of(&alice), name_of(&bob));
    let view = watch(&alice.cli(), "#general");
    bob.call(
        "dm.send",
        json!({ "to": alice_name, "content": "only for you", "wait": "sent" }),
    );
    view.until_shows("direct messages");
    view.until_shows("inbox 1");
    view.types("1");
    view.presses(&["End", "Enter"]);
    view.until_shows("only for you");
    view.types("wreceived");
    view.presses(&["Enter"]);
    eventually("the answer is there", || {
        let page = bob.call("dm.list", json!({ "with": alice_name }));
        page.to_string().contains("received").then_some(())
    });
    assert_ne!(alice_name, bob_name);
}

#[test]
fn search_and_threads_are_jumped_to() {
    let daemon = Daemon::local();
    let needle = post(&daemon, "#general", "the needle is here");
    for number in 0..30 {
        post(&daemon, "#general", &format!("hay {number}"));
    }
    let made = daemon.call(
        "thread.create",
        json!({ "channel": "#general", "name": "release" }),
    );
    let thread = made["thread"]["id"].as_u64().expect("an id");
    daemon.call(
        "message.send",
        json!({ "channel": "#general", "content": "branch is cut", "thread_id": thread, "wait": "sent" }),
    );
    let view = watch(&daemon.cli(), "#general");
    let shown = view.until_shows("branch is cut");
    assert!(!shown.contains("the needle"), "{shown}");

    view.types("/needle");
    view.presses(&["Enter"]);
    view.until_shows("1 found for needle");
    view.presses(&["Enter"]);
    view.until("the hit is among its neighbours", |screen| {
        screen.contains("the needle is here") && screen.contains("hay 0")
    });
    view.presses(&["Enter"]);
    view.until("the whole message", |screen| {
        let id = format!(" {needle} ");
        let has_id = |line: &str| line.contains("\u{2502}id ") && line.contains(&id);
        screen.lines().any(has_id)
    });
    view.types("q");
    view.until("the messages again", |screen| {
        !screen.contains("\u{2502}id ")
    });

    // From the message to its thread, and back.
    view.types("G");
    view.until_shows("branch is cut");
    view.types("t");
    view.until("the thread alone", |screen| {
        screen.contains(&format!("thread {thread}")) && !screen.contains("hay 29")
    });
    view.presses(&["Escape"]);
    view.until_shows("hay 29");
    // And by its name.
    view.types("T");
    view.until_shows("release");
    view.presses(&["Enter"]);
    view.until("the thread alone", |screen| {
        screen.contains("branch is cut") && !screen.contains("hay 29")
    });
}

#[test]
fn sessions_and_claims_come_change_and_go() {
    let daemon = Daemon::local();
    let view = watch(&daemon.cli(), "#general");
    view.until_shows("no session runs");
    view.until_shows("nothing is claimed");
    daemon.call(
        "session.start",
        json!({
            "id": "s", "tool": "codex", "agent": "codex.app.main", "task": "fix the parser",
            "context": { "repo": "github.com/acme/app", "branch": "parser" }
        }),
    );
    view.until("the session with all that is said of it", |screen| {
        [
            "codex.app.main",
            "active",
            "acme/app parser",
            "fix the parser",
        ]
        .iter()
        .all(|part| screen.contains(part))
    });
    daemon.call(
        "claim.acquire",
        json!({
            "patterns": ["src/**"], "exclusive": true, "reason": "moving it", "session": "s",
            "context": { "repo": "github.com/acme/app" }, "wait": "sent"
        }),
    );
    view.until("the claim", |screen| {
        screen.contains("src/**") && screen.contains("exclusive in")
    });
    view.types("4");
    view.presses(&["Enter"]);
    view.until_shows("moving it");
    view.presses(&["Escape"]);
    daemon.call("session.update", json!({ "id": "s", "state": "blocked" }));
    view.until_shows("blocked");
    let claim = eventually("the hub has confirmed the claim", || {
        daemon.call("claim.list", json!({}))["claims"][0]["id"].as_u64()
    });
    daemon.call("claim.release", json!({ "id": claim }));
    daemon.call("session.end", json!({ "id": "s" }));
    view.until_shows("nothing is claimed");
    view.until_shows("no session runs");
}

#[test]
fn the_view_fits_itself_to_the_terminal() {
    let daemon = Daemon::local();
    post(&daemon, "#general", "still here");
    let view = watch(&daemon.cli(), "#general");
    view.until_shows("still here");
    view.resizes(40, 10);
    view.until_shows("needs 60x16");
    view.resizes(60, 16);
    view.until_shows("still here");
    view.resizes(160, 50);
    view.until("sessions stand beside the messages", |screen| {
        screen
            .lines()
            .any(|line| line.contains("2 #general") && line.contains("3 Sessions"))
    });
    view.types("?");
    view.until_shows("While you write a message");
}

#[test]
fn a_restart_of_the_daemon_is_told_and_survived() {
    let mut daemon = Daemon::local();
    let view = watch(&daemon.cli(), "#general");
    post(&daemon, "#general", "before");
    view.until_shows("before");

    daemon.kill();
    let away = view.until_shows("spacesd is away");
    assert!(away.contains("before"), "what was known stays: {away}");
    // Written now, it waits for the daemon.
    view.types("wmeanwhile");
    view.presses(&["Enter"]);
    view.until_shows("spooled");
    daemon.run();
    daemon.until_live();
    view.until("the view is live again", |screen| {
        screen.contains("\u{25cf} live") && !screen.contains("away")
    });
    view.until_shows("meanwhile");
    post(&daemon, "#general", "after");
    view.until_shows("after");

    // An orderly end is no different.
    daemon.child().stop();
    view.until_shows("spacesd is away");
    daemon.run();
    daemon.until_live();
    post(&daemon, "#general", "after the second");
    view.until_shows("after the second");
}

#[test]
fn hub_state_and_outbox_are_told_as_they_change() {
    let mut hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    let view = watch(&daemon.cli(), "#general");
    view.until_shows("outbox empty");
    hub.kill();
    daemon.until_hub(HubState::Offline);
    view.until_shows("offline");
    let queued = daemon.cli().json(&["post", "#general", "waits", "--json"]);
    assert_eq!(queued["receipt"]["state"], "queued");
    view.until("the post waits", |screen| {
        screen.contains("outbox 1 queued") && screen.contains("waits") && screen.contains("pending")
    });
    hub.run();
    view.until("the post was sent", |screen| {
        screen.contains("\u{25cf} live")
            && screen.contains("outbox empty")
            && screen.contains("waits")
            && !screen.contains("pending")
    });
}

#[test]
fn a_daemon_that_hangs_is_not_taken_for_a_quiet_one() {
    let mut daemon = Daemon::local();
    let view = watch(&daemon.cli(), "#general");
    daemon.child().signal(Signal::STOP);
    view.until_shows("spacesd does not answer");
    daemon.child().signal(Signal::CONT);
    view.until_shows("\u{25cf} live");
    post(&daemon, "#general", "it lives");
    view.until_shows("it lives");
}

/// What a terminal must be like after a program that took it over.
fn assert_sane(terminal: &Terminal, modes: &str) {
    eventually("the modes of the line are as they were", || {
        (terminal.line_modes() == modes).then_some(())
    });
    assert_eq!(terminal.variable("alternate_on"), "0");
    assert_eq!(terminal.variable("cursor_flag"), "1");
}

#[test]
fn every_end_leaves_the_terminal_as_it_was() {
    let daemon = Daemon::local();
    let terminal = Terminal::open(&daemon.cli(), 80, 24);
    let program = binary("spacesctl");
    // What a program runs under; a shell that reads a line has modes of its own.
    terminal.enters("sleep 1000");
    let modes = eventually("the shell waits", || {
        let modes = terminal.line_modes();
        (terminal.variable("pane_current_command") == "sleep").then_some(modes)
    });
    terminal.presses(&["C-c"]);

    let run = |keys: &dyn Fn(u32), says: &str| {
        terminal.enters(&format!(
            "clear; {} watch; echo \"ended with $?\"; sleep 1000",
            program.display()
        ));
        terminal.until_shows("\u{25cf} live");
        assert_ne!(terminal.line_modes(), modes, "the view has the line");
        assert_eq!(terminal.variable("alternate_on"), "1");
        keys(watcher(&terminal));
        terminal.until_shows(says);
        // An interrupt that comes before it would end nothing.
        eventually("the shell waits", || {
            (terminal.variable("pane_current_command") == "sleep").then_some(())
        });
        assert_sane(&terminal, &modes);
        terminal.presses(&["C-c"]);
    };
    run(&|_| terminal.types("q"), "ended with 0");
    run(&|_| terminal.presses(&["C-c"]), "ended with 0");
    run(
        &|_| {
            terminal.types("w a draft");
            terminal.presses(&["C-c"]);
        },
        "ended with 0",
    );
    for (signal, code) in [(Signal::TERM, 143), (Signal::HUP, 129)] {
        let send = |pid: u32| {
            let pid = Pid::from_raw(pid.cast_signed()).expect("a pid");
            kill_process(pid, signal).expect("it runs");
        };
        run(&send, &format!("ended with {code}"));
    }
}

#[test]
fn a_suspended_view_gives_the_terminal_back_and_comes_again() {
    let daemon = Daemon::local();
    let view = watch(&daemon.cli(), "#general");
    view.presses(&["C-z"]);
    view.until_shows("Stopped");
    assert_eq!(view.variable("alternate_on"), "0");
    view.enters("echo a shell: $((6 * 7))");
    view.until_shows("a shell: 42");
    post(&daemon, "#general", "while it was away");
    view.enters("fg");
    view.until_shows("while it was away");
    assert_eq!(view.variable("alternate_on"), "1");
    view.types("q");
    view.until_shows("ready>");
}

/// The process of the view: the shell's child.
fn watcher(terminal: &Terminal) -> u32 {
    let shell = terminal.variable("pane_pid");
    eventually("the view is a child of the shell", || {
        let children =
            std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).ok()?;
        let child = children.split_whitespace().next()?;
        let name = std::fs::read_to_string(format!("/proc/{child}/comm")).ok()?;
        (name.trim() == "spacesctl").then(|| child.parse().expect("a pid"))
    })
}

#[test]
fn without_a_terminal_or_a_daemon_it_says_what_to_do() {
    let daemon = Daemon::local();
    let done = daemon.cli().run(&["watch"]);
    assert_eq!(done.code, 2, "{}", done.err);
    assert!(done.err.contains("spacesctl events --json"), "{}", done.err);
    let failure: Value = serde_json::from_str(&daemon.cli().run(&["watch", "--json"]).err)
        .expect("with --json a failure is JSON");
    assert_eq!(failure["error"]["kind"], "invalid_params");

    let terminal = Terminal::open(&daemon.cli(), 80, 24);
    let program = binary("spacesctl");
    terminal.enters(&format!("clear; {} watch '#genral'", program.display()));
    terminal.until_shows("did you mean: #general");
    assert_eq!(daemon.cli().run(&["down"]).code, 0);
    terminal.enters(&format!("clear; {} watch", program.display()));
    terminal.until_shows("start it with `spacesctl up`");
}
