//! Two agents of two tools on related branches of one repository, each in a
//! worktree of its own: what the first does is on top of what the second reads.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use spaces_tests::{ActivityWatch, Daemon, Hub, eventually, git};

const REPO: &str = "github.com/acme/app";

fn commit(dir: &Path, file: &str, text: &str) {
    let path = dir.join(file);
    fs::create_dir_all(path.parent().expect("a directory")).expect("the home is ours");
    fs::write(path, text).expect("the home is ours");
    git(dir, &["add", "."]);
    git(dir, &["commit", "-qm", file]);
}

/// A clone with `main`, a worktree on `parser`, and one on `parser-tests`, which
/// was begun from `parser`.
fn worktrees(home: &Path) -> [PathBuf; 2] {
    let app = home.join("app");
    fs::create_dir_all(&app).expect("the home is ours");
    git(&app, &["init", "-q", "-b", "main"]);
    git(
        &app,
        &["remote", "add", "origin", "git@github.com:acme/app.git"],
    );
    commit(&app, "src/parser.rs", "fn parse() {}\n");
    let [parser, tests] = ["parser", "parser-tests"].map(|branch| home.join(branch));
    git(
        &app,
        &["worktree", "add", "-q", "-b", "parser", "../parser"],
    );
    commit(&parser, "src/lexer.rs", "fn lex() {}\n");
    git(
        &parser,
        &[
            "worktree",
            "add",
            "-q",
            "-b",
            "parser-tests",
            "../parser-tests",
        ],
    );
    [parser, tests]
}

/// One session of an agent tool: what its hooks are told and say.
struct Session<'a> {
    daemon: &'a Daemon,
    tool: &'static str,
    id: &'static str,
    cwd: &'a Path,
}

impl Session<'_> {
    fn hook(&self, event: &str, more: Value) -> String {
        let mut input = json!({"session_id": self.id, "cwd": self.cwd});
        let fields = input.as_object_mut().expect("an object");
        fields.extend(more.as_object().expect("an object").clone());
        let cli = self.daemon.cli().within(self.cwd);
        let words = ["hook", event, "--tool", self.tool];
        let done = cli.run_with_input(&words, &input.to_string());
        assert_eq!(done.code, 0, "{event}: {}", done.err);
        if done.out.is_empty() {
            return String::new();
        }
        let output: Value = serde_json::from_str(&done.out).expect("output is JSON");
        let context = &output["hookSpecificOutput"]["additionalContext"];
        context.as_str().unwrap_or_default().to_owned()
    }

    fn start(&self) -> String {
        self.hook("session-start", json!({"source": "startup"}))
    }

    fn stop(&self, said: &str) {
        self.hook("stop", json!({"last_assistant_message": said}));
    }

    fn end(&self) {
        self.hook("session-end", json!({"reason": "exit"}));
    }

    fn edits(&self, file: &str) -> String {
        let path = self.cwd.join(file);
        let edit = json!({"tool_name": "Edit", "tool_input": {"file_path": path}});
        self.hook("pre-tool", edit)
    }

    /// As the agent does it in its shell.
    fn spacesctl(&self, words: &[&str]) {
        let session = format!("{}:{}", self.tool, self.id);
        let mut words = words.to_vec();
        words.extend(["--as-session", &session, "--wait", "sent"]);
        let done = self.daemon.cli().within(self.cwd).run(&words);
        assert_eq!(done.code, 0, "{words:?}: {}{}", done.out, done.err);
    }
}

/// The heads of the blocks in a digest, in order.
fn heads(digest: &str) -> Vec<&str> {
    let heads = digest
        .lines()
        .filter_map(|line| line.strip_prefix("<spaces-peer-"));
    heads
        .map(|head| head.split_once(' ').map_or("", |(_, head)| head))
        .collect()
}

#[test]
fn the_second_agent_starts_with_what_the_first_does() {
    let daemon = Daemon::local();
    let [parser, tests] = worktrees(daemon.home());
    // Noise of others, newer than what matters.
    for number in 0..5 {
        daemon.call(
            "message.send",
            json!({"channel": "#agent-logs", "content": format!("elsewhere {number}"),
                "kind": "summary", "context": {"repo": "github.com/acme/other", "branch": "main"}}),
        );
    }

    let first = Session {
        daemon: &daemon,
        tool: "claude-code",
        id: "one",
        cwd: &parser,
    };
    assert!(!first.start().contains(" claim "), "nobody was here before");
    first.spacesctl(&[
        "claim",
        "acquire",
        "src/**",
        "--exclusive",
        "--reason",
        "new grammar",
    ]);
    first.spacesctl(&["note", "leave", "the grammar is in docs/grammar.md"]);
    first.stop("The lexer is rewritten; the parser is next.");
    for number in 5..10 {
        daemon.call(
            "message.send",
            json!({"channel": "#general", "content": format!("chatter {number}"), "wait": "sent"}),
        );
    }

    let second = Session {
        daemon: &daemon,
        tool: "codex",
        id: "two",
        cwd: &tests,
    };
    let told = eventually("all of it is known", || {
        let told = second.start();
        let parts = ["new grammar", "docs/grammar.md", "The lexer is rewritten"];
        parts.iter().all(|part| told.contains(part)).then_some(told)
    });
    assert!(told.contains(&format!("{REPO} on parser-tests")), "{told}");
    let heads = heads(&told);
    let mut top: Vec<_> = heads
        .iter()
        .take(3)
        .map(|head| head.split_once(' ').map_or("", |(what, _)| what))
        .collect();
    top.sort_unstable();
    assert_eq!(top, ["claim", "note", "summary"], "on top: {heads:#?}");
    assert!(
        heads.iter().take(3).all(|head| head.contains(REPO)),
        "{heads:#?}"
    );
    let of_first = heads.iter().take(3).filter(|head| head.contains("claude"));
    assert_eq!(of_first.count(), 3, "who wrote them: {heads:#?}");
    for once in ["new grammar", "docs/grammar.md", "The lexer is rewritten"] {
        assert_eq!(told.matches(once).count(), 1, "{once} in {told}");
    }

    let warned = second.edits("src/lexer.rs");
    assert!(
        warned.contains("src/lexer.rs") && warned.contains("new grammar"),
        "{warned}"
    );
    assert_eq!(second.edits("src/lexer.rs"), "", "warned of once");
    assert_eq!(second.edits("tests/lexer.rs"), "", "nobody claims that");
    assert_eq!(first.edits("src/lexer.rs"), "", "its own claim");

    first.spacesctl(&["note", "leave", "left off at the precedence of `?`"]);
    first.stop("The parser is half done.");
    first.end();
    eventually("its claims went with it", || {
        let claims = daemon.call("claim.list", json!({"repo": REPO}));
        (claims["claims"] == json!([])).then_some(())
    });

    let next = Session {
        daemon: &daemon,
        tool: "gemini",
        id: "three",
        cwd: &parser,
    };
    let told = eventually("the note is there for the next session", || {
        let told = next.start();
        told.contains("left off at the precedence").then_some(told)
    });
    assert_eq!(
        told.matches("left off at the precedence").count(),
        1,
        "once: {told}"
    );
    assert!(!told.contains("new grammar"), "the claim is gone: {told}");
    assert_eq!(
        told.matches("The parser is half done.").count(),
        1,
        "{told}"
    );

    let open = daemon.call("note.list", json!({"cwd": parser}));
    let notes = open["notes"].as_array().expect("notes");
    assert_eq!(notes.len(), 2, "{open}");
    for note in notes {
        let id = note["message"]["id"].to_string();
        next.spacesctl(&["note", "done", &id]);
    }
    next.end();
    let last = Session {
        daemon: &daemon,
        tool: "gemini",
        id: "four",
        cwd: &parser,
    };
    eventually("a note that is done is not shown again", || {
        (!last.start().contains("left off at the precedence")).then_some(())
    });
}

/// A tool resumes a session under its old id, ended or not: it goes on, and no
/// write is refused for it.
#[test]
fn a_resumed_session_goes_on() {
    let daemon = Daemon::local();
    let [parser, _] = worktrees(daemon.home());
    let session = Session {
        daemon: &daemon,
        tool: "claude-code",
        id: "one",
        cwd: &parser,
    };
    session.start();
    session.start();
    daemon.call(
        "session.update",
        json!({"id": "claude-code:one", "task": "keep me", "wait": "sent"}),
    );
    session.end();
    let shown = || daemon.call("session.show", json!({"id": "claude-code:one"}))["session"].clone();
    eventually("it has ended", || {
        (shown()["state"] == "ended").then_some(())
    });
    session.start();
    daemon.call("outbox.flush", json!({"timeout_ms": 20_000}));
    eventually("it goes on", || {
        let now = shown();
        (now["state"] == "active" && now["pending"] == false).then_some(())
    });
    assert_eq!(shown()["task"], "keep me");
    let waiting = daemon.call("outbox.list", json!({}));
    assert_eq!(waiting["items"], json!([]), "{waiting}");
}

#[test]
fn a_watcher_is_told_when_its_digest_differs() {
    let hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let bob = alice.invite("member");
    let here = json!({"context": {"repo": REPO}});
    let (mut watch, mut digest) = ActivityWatch::open(&bob, &here);
    for task in ["write the lexer", "write the parser", "write the tests"] {
        assert!(!digest.to_string().contains(task), "{digest}");
        let start = json!({"tool": "codex", "task": task, "context": {"repo": REPO}});
        alice.call("session.start", start);
        while !digest.to_string().contains(task) {
            let now = watch.told();
            assert_ne!(now["items"], digest["items"], "told without a difference");
            digest = now;
        }
    }
}
