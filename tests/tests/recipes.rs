//! The recipes of docs/agents.md, taken from there and run.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use spaces_tests::{Daemon, binary, eventually, repository};

fn document() -> String {
    read(&root().join("docs/agents.md"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The blocks of a language in the order of the document.
fn blocks(language: &str) -> Vec<String> {
    let document = document();
    let fence = format!("```{language}\n");
    let blocks: Vec<_> = document
        .split(&fence)
        .skip(1)
        .map(|rest| rest.split("```").next().expect("it ends").to_owned())
        .collect();
    assert!(!blocks.is_empty(), "no {language} in docs/agents.md");
    blocks
}

/// The only block of a language.
fn block(language: &str) -> String {
    let [block] = blocks(language).try_into().expect("one block");
    block
}

/// A program in the user's environment, with spacesctl on PATH.
fn command(daemon: &Daemon, program: &str, directory: &Path) -> Command {
    let ours = binary("spacesctl");
    let ours = ours.parent().expect("a directory").display();
    let path = std::env::var("PATH").expect("a PATH");
    let mut command = daemon.cli().command(Path::new(program));
    command
        .env("PATH", format!("{ours}:{path}"))
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

fn text(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

fn contents(daemon: &Daemon, channel: &str) -> Vec<String> {
    let page = daemon.call("message.list", json!({"channel": channel, "limit": 100}));
    let messages = page["messages"].as_array().expect("messages").iter();
    messages
        .map(|message| message["content"].as_str().expect("a text").to_owned())
        .collect()
}

#[test]
fn the_two_commands_and_the_settings_by_hand() {
    let daemon = Daemon::local();
    let app = repository(daemon.home());
    let done = command(&daemon, "sh", &app)
        .args(["-ec", &block("sh")])
        .output();
    text(&done.expect("sh runs"));
    assert!(read(&daemon.home().join(".claude/settings.json")).contains("hook session-start"));
    assert!(read(&daemon.home().join(".claude.json")).contains("\"mcp\""));

    for words in [["hooks", "install"], ["mcp", "install"]] {
        let done = command(&daemon, "spacesctl", &app)
            .args(words)
            .args(["claude-code", "--project"])
            .output();
        text(&done.expect("spacesctl runs"));
    }
    let parsed = |text: &str| -> Value { serde_json::from_str(text).expect("JSON") };
    let written = blocks("json");
    let [hooks, servers] = written.as_slice() else {
        panic!("two blocks of settings");
    };
    assert_eq!(parsed(servers), parsed(&read(&app.join(".mcp.json"))));
    let (by_hand, installed) = (
        parsed(hooks),
        parsed(&read(&app.join(".claude/settings.json"))),
    );
    for (event, entries) in by_hand["hooks"].as_object().expect("hooks") {
        assert_eq!(*entries, installed["hooks"][event], "{event}");
    }

    // The tool runs the commands of these settings at a session's turns.
    let run = |event: &str, more: Value| {
        let line = by_hand["hooks"][event][0]["hooks"][0]["command"].as_str();
        let mut input = json!({"session_id": "recipe", "cwd": app});
        input
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("one").clone());
        let file = daemon.home().join("event.json");
        fs::write(&file, input.to_string()).expect("the home is ours");
        let done = command(&daemon, "sh", &app)
            .args(["-c", line.expect("a command")])
            .stdin(fs::File::open(&file).expect("it is there"))
            .output();
        text(&done.expect("sh runs"))
    };
    run("SessionStart", json!({"source": "startup"}));
    run(
        "Stop",
        json!({"last_assistant_message": "said by the recipe"}),
    );
    eventually("the summary is in the log", || {
        let told = contents(&daemon, "#agent-logs");
        told.contains(&"said by the recipe".to_owned())
            .then_some(())
    });
}

#[test]
fn the_loop_in_bash() {
    let daemon = Daemon::local();
    let app = repository(daemon.home());
    let script = daemon.home().join("loop.sh");
    fs::write(&script, block("bash")).expect("the home is ours");
    let checked = Command::new("shellcheck").arg(&script).output();
    text(&checked.expect("shellcheck runs"));
    let work = |task: &str, work: &[&str]| {
        let done = command(&daemon, "bash", &app)
            .arg(&script)
            .args([task, "src/**"])
            .args(work)
            .output();
        text(&done.expect("bash runs"))
    };
    work("mend the parser", &["true"]);
    work("mend the lexer", &["false"]);
    let told = eventually("the summaries are in the log", || {
        let told = contents(&daemon, "#agent-logs");
        (told.len() >= 2).then_some(told)
    });
    assert_eq!(
        told,
        [
            "mend the parser: done",
            "mend the lexer: failed with exit code 1"
        ]
    );
    let notes = daemon.call("note.list", json!({"cwd": app}));
    let notes = notes["notes"].as_array().expect("notes");
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert_eq!(
        notes[0]["message"]["content"],
        "mend the lexer: failed with exit code 1; run again: false"
    );
    eventually("the sessions have ended and hold nothing", || {
        let open = daemon.call("session.list", json!({}));
        let claims = daemon.call("claim.list", json!({}));
        (open["sessions"] == json!([]) && claims["claims"] == json!([])).then_some(())
    });

    daemon.call(
        "session.start",
        json!({"id": "peer", "tool": "t", "cwd": app}),
    );
    daemon.call(
        "claim.acquire",
        json!({"patterns": ["src/**"], "exclusive": true, "session": "peer", "cwd": app,
            "wait": "sent"}),
    );
    work("mend it again", &["touch", "should-not-be-there"]);
    assert!(
        !app.join("should-not-be-there").exists(),
        "the claim of a peer is respected"
    );
}

#[test]
fn python_over_the_socket() {
    let daemon = Daemon::local();
    let app = repository(daemon.home());
    let script = daemon.home().join("recipe.py");
    fs::write(&script, block("python")).expect("the home is ours");
    // Isolated: nothing but the standard library.
    let done = command(&daemon, "python3", &app)
        .arg("-I")
        .arg(&script)
        .output();
    let said = text(&done.expect("python3 runs"));
    assert!(said.ends_with("sent\n"), "{said}");
    eventually("both are in the log", || {
        let told = contents(&daemon, "#agent-logs");
        let both = ["hello from Python", "said hello from Python"];
        both.iter()
            .all(|text| told.iter().any(|one| one == text))
            .then_some(())
    });
}

#[test]
fn node_over_the_socket() {
    let daemon = Daemon::local();
    let script = daemon.home().join("recipe.mjs");
    fs::write(&script, block("js")).expect("the home is ours");
    let mut process = command(&daemon, "node", daemon.home())
        .arg(&script)
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut lines = BufReader::new(process.stdout.take().expect("it is piped")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert!(next().starts_with("following from"));
    let me = daemon.call("user.me", json!({}));
    let name = me["user"]["username"].as_str().expect("a name");
    daemon.call(
        "message.send",
        json!({"channel": "#general", "content": format!("is @{name} there?")}),
    );
    assert_eq!(next(), "answered sent");
    assert!(process.wait().expect("it ends").success());
    eventually("the answer is there", || {
        let told = contents(&daemon, "#general");
        told.contains(&"seen".to_owned()).then_some(())
    });
}

#[test]
fn the_arcan_registration() {
    let source = root().join("crates/arcan-spaces/examples/register.rs");
    assert_eq!(block("rust"), read(&source), "the example is the recipe");
    let daemon = Daemon::local();
    let program = binary("examples/register");
    let program = program.to_str().expect("a path of text").to_owned();
    let done = command(&daemon, &program, daemon.home()).output();
    assert_eq!(text(&done.expect("the example runs")), "\"sent\"\n");
    eventually("the post is there", || {
        let told = contents(&daemon, "#general");
        told.contains(&"hello from Arcan".to_owned()).then_some(())
    });
    eventually("its activity is in the agent log", || {
        let told = contents(&daemon, "#agent-logs");
        told.contains(&"tool spaces_send_message completed".to_owned())
            .then_some(())
    });
}
