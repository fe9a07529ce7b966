//! What the command line does without a daemon: the real binary, in directories
//! of its own.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Write;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use spaces_client::spaces_api::methods::message;
use spaces_client::spaces_api::spool::SpooledRequest;

/// What takes longer hangs.
const HANG: Duration = Duration::from_secs(120);

/// A user with an empty home.
struct User {
    home: tempfile::TempDir,
}

impl User {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.home.path().join(below)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spacesctl"));
        command
            .env_clear()
            .env("HOME", self.home.path())
            .env("XDG_RUNTIME_DIR", self.home.path())
            .current_dir(self.home.path())
            .args(arguments);
        command
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.run_with_input(arguments, b"")
    }

    fn run_with_input(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that refuses early does not read its input.
        let _ = child.stdin.take().unwrap().write_all(input);
        ended(child)
    }

    fn spooled(&self) -> Vec<SpooledRequest> {
        let mut files: Vec<_> = std::fs::read_dir(self.path(".local/state/spaces/spool"))
            .map(|entries| entries.map(|entry| entry.unwrap().path()).collect())
            .unwrap_or_default();
        files.sort();
        files
            .iter()
            .map(|file| serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap())
            .collect()
    }
}

/// Waits for a process that must end by itself.
fn ended(child: Child) -> Output {
    let pid = child.id();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(child.wait_with_output()));
    told.recv_timeout(HANG)
        .unwrap_or_else(|_| panic!("spacesctl (pid {pid}) does not end"))
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn a_post_is_spooled_whole_and_says_so() {
    let user = User::new();
    let output = user.run(&["post", "#agent-logs", "hello", "there", "--kind", "summary"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(
        out(&output).starts_with("spooled: post to #agent-logs"),
        "{}",
        out(&output)
    );
    assert!(err(&output).contains("not queued yet"), "{}", err(&output));
    assert!(err(&output).contains("spacesctl up"), "{}", err(&output));

    let [request] = user.spooled().try_into().unwrap();
    assert_eq!(request.method, "message.send");
    let params: message::SendParams = serde_json::from_value(request.params).unwrap();
    assert_eq!(params.content, "hello there");
    assert_eq!(params.channel.to_string(), "#agent-logs");
    let cwd = PathBuf::from(params.cwd.unwrap());
    assert_eq!(
        cwd.canonicalize().unwrap(),
        user.home.path().canonicalize().unwrap()
    );
}

#[test]
fn every_kind_of_write_that_may_wait_is_spooled_in_order() {
    let user = User::new();
    for arguments in [
        &["session", "start", "--tool", "codex", "--id", "s1"][..],
        &["post", "general", "one"],
        &["dm", "send", "@alice", "two"],
        &["note", "leave", "three"],
        &["session", "update", "s1", "--state", "idle"],
        &["session", "end", "s1", "four"],
    ] {
        let output = user.run(arguments);
        assert_eq!(code(&output), 0, "{arguments:?}: {}", err(&output));
    }
    let methods: Vec<_> = user
        .spooled()
        .into_iter()
        .map(|request| request.method)
        .collect();
    assert_eq!(
        methods,
        [
            "session.start",
            "message.send",
            "dm.send",
            "note.leave",
            "session.update",
            "session.end"
        ]
    );
}

#[test]
fn with_json_the_receipt_says_spooled_under_the_callers_key() {
    let user = User::new();
    let key = "0198c0de-7000-7000-8000-000000000001";
    let output = user.run(&["post", "general", "x", "--client-key", key, "--json"]);
    let receipt: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(receipt["receipt"]["state"], "spooled");
    assert_eq!(receipt["receipt"]["client_key"], key);
    assert_eq!(user.spooled()[0].params["client_key"], key);
    assert_eq!(err(&output), "");
}

#[test]
fn text_may_come_from_stdin_and_loses_only_the_last_newline() {
    let user = User::new();
    assert_eq!(
        code(&user.run_with_input(&["post", "general", "-"], b"a\n\nb\n")),
        0
    );
    assert_eq!(user.spooled()[0].params["content"], "a\n\nb");
}

#[test]
fn what_cannot_be_a_message_is_refused_and_not_spooled() {
    let user = User::new();
    for (arguments, input, expected, said) in [
        (&["post", "general", ""][..], &b""[..], 2, "empty"),
        (&["post", "general", "-"], b" \n", 2, "empty"),
        (&["post", "general", "-"], b"\xff\xfe", 2, "not UTF-8"),
        (
            &["post", "general", "-"],
            &vec![b'a'; 2_000_000],
            8,
            "over 1048576 bytes",
        ),
    ] {
        let output = user.run_with_input(arguments, input);
        assert_eq!(code(&output), expected, "{said}: {}", err(&output));
        assert!(err(&output).contains(said), "{}", err(&output));
        assert_eq!(out(&output), "");
    }
    assert!(user.spooled().is_empty());
}

#[test]
fn a_text_that_the_hub_would_refuse_is_not_spooled() {
    let user = User::new();
    let output = user.run_with_input(&["post", "general", "-"], &vec![b'a'; 9_000]);
    assert_eq!(code(&output), 8, "{}", err(&output));
    assert!(err(&output).contains("8000"), "{}", err(&output));
    assert!(user.spooled().is_empty());
}

#[test]
fn reads_and_admin_work_say_in_one_line_how_to_start_the_daemon() {
    let user = User::new();
    for arguments in [
        &["read", "general"][..],
        &["activity"],
        &["status"],
        &["channel", "create", "x"],
        &["member", "list"],
        &["rpc", "daemon.ping"],
        &["tail", "-f", "general"],
    ] {
        let output = user.run(arguments);
        assert_eq!(code(&output), 18, "{arguments:?}: {}", err(&output));
        let said = err(&output);
        assert!(said.starts_with("error: spacesd is not running"), "{said}");
        assert!(said.contains("start it with `spacesctl up`"), "{said}");
        assert_eq!(said.lines().count(), 2, "{said}");
        assert_eq!(out(&output), "", "{arguments:?}");
    }
}

#[test]
fn with_json_a_failure_is_json_too() {
    let user = User::new();
    let output = user.run(&["read", "general", "--json"]);
    assert_eq!(code(&output), 18);
    let error: Value = serde_json::from_str(&err(&output)).unwrap();
    assert_eq!(error["error"]["kind"], "daemon_unreachable");
    assert!(
        error["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("spacesctl up")
    );
}

#[test]
fn a_daemon_that_does_not_answer_holds_a_prompt_only_for_a_moment() {
    let user = User::new();
    std::fs::create_dir(user.path("spaces")).unwrap();
    // Takes connections (into its queue) and says nothing: a stopped daemon.
    let _stopped = UnixListener::bind(user.path("spaces/spacesd.sock")).unwrap();
    let output = user.run(&["status", "--prompt"]);
    assert_eq!((code(&output), out(&output).trim()), (0, "spaces ?"));
}

#[test]
fn a_prompt_without_a_daemon_is_no_failure() {
    let output = User::new().run(&["status", "--prompt"]);
    assert_eq!((code(&output), out(&output).trim()), (0, "spaces down"));
    assert_eq!(err(&output), "");
}

#[test]
fn down_without_a_daemon_is_no_failure() {
    let output = User::new().run(&["down"]);
    assert_eq!(
        (code(&output), out(&output).trim()),
        (0, "spacesd is not running")
    );
}

#[test]
fn up_says_why_a_daemon_did_not_start() {
    let user = User::new();
    let output = user
        .command(&["up"])
        .env("SPACESD_BIN", "/bin/false")
        .output()
        .unwrap();
    assert_eq!(code(&output), 18, "{}", err(&output));
    assert!(err(&output).contains("ended at once"), "{}", err(&output));
    assert!(err(&output).contains("spacesd.log"), "{}", err(&output));

    let output = user
        .command(&["up"])
        .env("SPACESD_BIN", "/nonexistent/spacesd")
        .output()
        .unwrap();
    assert_eq!(code(&output), 3, "{}", err(&output));
}

#[test]
fn what_cannot_be_undone_needs_consent() {
    let user = User::new();
    for arguments in [
        &["channel", "delete", "general"][..],
        &["server", "delete", "Spaces Hub"],
        &["member", "kick", "@bob"],
        &["member", "ban", "@bob"],
        &["member", "transfer-ownership", "@bob"],
        &["delete", "12"],
        &["outbox", "drop", "0198c0de-7000-7000-8000-000000000001"],
    ] {
        let asked = user.run(arguments);
        assert_eq!(code(&asked), 2, "{arguments:?}: {}", err(&asked));
        assert!(err(&asked).contains("--yes"), "{}", err(&asked));
        let consented = user.run(&[arguments, &["--yes"]].concat());
        assert_eq!(code(&consented), 18, "{arguments:?}: {}", err(&consented));
    }
}

#[test]
fn mistakes_name_the_nearest_right_word() {
    let user = User::new();
    for (arguments, right) in [
        (&["stauts"][..], "status"),
        (&["channel", "creat", "x"], "create"),
        (&["post", "general", "x", "--wiat", "sent"], "--wait"),
        (&["post", "general", "x", "--wait", "snet"], "sent"),
        (&["post", "general", "x", "--kind", "sumary"], "summary"),
        (&["help", "chanel"], "channel"),
        (&["help", "exit-code"], "exit-codes"),
    ] {
        let output = user.run(arguments);
        assert_ne!(code(&output), 0, "{arguments:?}");
        assert!(
            err(&output).contains(right),
            "{arguments:?}: {}",
            err(&output)
        );
    }
}

#[test]
fn a_socket_path_that_is_too_long_is_refused_with_a_hint() {
    let user = User::new();
    let output = user
        .command(&["status"])
        .env("SPACES_SOCKET", format!("/tmp/{}", "a".repeat(120)))
        .output()
        .unwrap();
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("SPACES_SOCKET"), "{}", err(&output));
}

#[test]
fn exit_codes_are_listed() {
    let user = User::new();
    let text = out(&user.run(&["help", "exit-codes"]));
    assert!(text.contains("daemon_unreachable"), "{text}");
    let codes: Value =
        serde_json::from_str(&out(&user.run(&["help", "exit-codes", "--json"]))).unwrap();
    let unreachable = codes
        .as_array()
        .unwrap()
        .iter()
        .find(|code| code["kind"] == "daemon_unreachable")
        .unwrap();
    assert_eq!(unreachable["code"], 18);
}

#[test]
fn manual_pages_and_completions_come_from_the_same_definitions() {
    let user = User::new();
    let dir = user.path("man");
    assert_eq!(code(&user.run(&["man", dir.to_str().unwrap()])), 0);
    let page = std::fs::read_to_string(dir.join("spacesctl-post.1")).unwrap();
    assert!(page.contains("wait"), "{page}");
    assert!(
        !dir.join("spacesctl-launch.1").exists(),
        "a hidden command has a page"
    );
    for shell in ["bash", "zsh", "fish"] {
        let script = out(&user.run(&["completions", shell]));
        assert!(script.contains("COMPLETE"), "{shell}: {script}");
    }
}

#[test]
fn the_shell_is_given_commands_words_and_no_hang_without_a_daemon() {
    let user = User::new();
    let complete = |words: &[&str]| {
        let child = user
            .command(&[&["--"], words].concat())
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .env("_CLAP_COMPLETE_COMP_TYPE", "9")
            .env("_CLAP_COMPLETE_SPACE", "true")
            .env("_CLAP_IFS", "\n")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        out(&ended(child))
    };
    assert!(complete(&["spacesctl", "chan"]).contains("channel"));
    assert!(complete(&["spacesctl", "post", "general", "--kind", "summ"]).contains("summary"));
    complete(&["spacesctl", "read", "gen"]);
    // A stopped daemon: it takes the connection into its queue and says nothing.
    std::fs::create_dir(user.path("spaces")).unwrap();
    let _stopped = UnixListener::bind(user.path("spaces/spacesd.sock")).unwrap();
    complete(&["spacesctl", "read", "gen"]);
}

#[test]
fn config_says_where_the_file_is() {
    let user = User::new();
    let place = out(&user.run(&["config", "path"]));
    assert_eq!(
        Path::new(place.trim()),
        user.path(".config/spaces/config.toml")
    );
    let places: Value =
        serde_json::from_str(&out(&user.run(&["config", "path", "--json"]))).unwrap();
    assert_eq!(places["socket"], json!(user.path("spaces/spacesd.sock")));
    assert!(out(&user.run(&["config", "print"])).contains("does not exist"));
}

#[test]
fn colours_are_for_terminals_only() {
    let user = User::new();
    let output = user.run(&["post", "general", "x"]);
    assert!(!out(&output).contains('\u{1b}'));
    assert!(!err(&output).contains('\u{1b}'));
}

#[test]
fn join_refuses_what_is_no_invite_and_changes_nothing() {
    let user = User::new();
    let output = user.run(&["join", "spaces-invite:1:half"]);
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("invite"), "{}", err(&output));
    assert!(!user.path(".config").exists());
}
