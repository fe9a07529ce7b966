//! Whose session the calls of a server are made for.

use serde_json::{Value, json};
use spaces_tests::{Cli, Daemon, eventually, repository};

use crate::lines::Conversation;

fn hook(cli: &Cli, event: &str, input: &Value) -> String {
    let words = ["hook", event, "--tool", "claude-code"];
    let done = cli.run_with_input(&words, &input.to_string());
    assert_eq!(done.code, 0, "{}", done.err);
    done.out
}

fn sessions(daemon: &Daemon) -> Vec<Value> {
    let listed = daemon.call("session.list", json!({}));
    listed["sessions"].as_array().expect("sessions").clone()
}

/// The hooks and the server are started by the same process, as an agent tool
/// does; so the claims that the agent takes by a tool are its own to the hooks.
#[test]
fn an_agent_with_hooks_is_one_session() {
    let daemon = Daemon::local();
    let app = repository(daemon.home());
    let cli = daemon.cli().within(&app);
    let event = |session: &str| json!({"session_id": session, "cwd": app, "source": "startup"});
    hook(&cli, "session-start", &event("mine"));
    let mut server = Conversation::start(&cli, &app, &["--tool", "claude-code"]);
    server.initialize("claude-code");
    let claimed = server.tool(
        "claim",
        json!({"action": "acquire", "paths": ["src/**"], "exclusive": true}),
    );
    assert!(claimed.contains("\"held\""), "{claimed}");
    let known = sessions(&daemon);
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0]["tool"], "claude-code");

    let edit = |session: &str| {
        let mut input = event(session);
        input["tool_name"] = json!("Edit");
        input["tool_input"] = json!({"file_path": app.join("src/a.rs")});
        input
    };
    eventually(
        "the claim is known: another session is warned of it",
        || (!hook(&cli, "pre-tool", &edit("other")).is_empty()).then_some(()),
    );
    assert_eq!(
        hook(&cli, "pre-tool", &edit("mine")),
        "",
        "it is its own claim"
    );

    // The tool begins another session in the same process, as after /clear.
    hook(&cli, "session-start", &event("next"));
    server.tool(
        "send_message",
        json!({"channel": "#general", "content": "who is it?"}),
    );
    let next = daemon.call("session.show", json!({"id": "claude-code:next"}));
    let last = eventually("the message is there", || {
        let posted = daemon.call("message.list", json!({"channel": "#general"}));
        let messages = posted["messages"].as_array().expect("messages");
        messages.last().cloned()
    });
    assert_eq!(last["session_id"], next["session"]["id"]);

    assert!(server.end().success());
    let shown = daemon.call("session.show", json!({"id": "claude-code:next"}));
    assert_ne!(
        shown["session"]["state"], "ended",
        "it is the tool's to end"
    );
}

#[test]
fn claude_code_says_its_session_and_project_itself() {
    let daemon = Daemon::local();
    let app = repository(daemon.home());
    let project = app.to_str().expect("a path of text");
    let mut server = Conversation::start_with(
        &daemon.cli(),
        daemon.home(),
        &["--tool", "claude-code"],
        &[
            ("CLAUDE_CODE_SESSION_ID", "abc"),
            ("CLAUDE_PROJECT_DIR", project),
        ],
    );
    server.initialize("claude-code");
    server.tool("update_session", json!({"task": "find the leak"}));
    let shown = eventually("the session has the task", || {
        let shown = daemon.call("session.show", json!({"id": "claude-code:abc"}));
        (shown["session"]["task"] == "find the leak").then_some(shown)
    });
    assert_eq!(shown["session"]["context"]["repo"], "github.com/acme/app");
}

#[test]
fn a_session_of_its_own_is_named_by_the_client_and_ends_with_it() {
    let daemon = Daemon::local();
    let app = repository(daemon.home());
    let mut server = Conversation::start(&daemon.cli(), &app, &[]);
    server.initialize("my-agent");
    server.tool("list_channels", json!({}));
    assert!(sessions(&daemon).is_empty(), "a read needs no session");
    server.tool(
        "note",
        json!({"action": "leave", "content": "for the next one"}),
    );
    let known = sessions(&daemon);
    assert_eq!(known[0]["tool"], "my-agent", "{known:?}");
    assert_eq!(known[0]["context"]["branch"], "main");
    let id = known[0]["id"].clone();
    assert!(server.end().success());
    eventually("it has ended", || {
        let shown = daemon.call("session.show", json!({"id": id}));
        (shown["session"]["state"] == "ended").then_some(())
    });
    // It is shown as ended while that is still on its way.
    daemon.until_sent();
    let rejected = daemon.call("outbox.list", json!({}));
    assert_eq!(rejected["items"], json!([]), "{rejected}");
}

#[test]
fn a_session_that_was_given_is_used() {
    let daemon = Daemon::local();
    daemon.call("session.start", json!({"id": "given", "tool": "my-agent"}));
    let mut server = Conversation::start(&daemon.cli(), daemon.home(), &["--as-session", "given"]);
    server.initialize("anything");
    server.tool("update_session", json!({"state": "waiting"}));
    eventually("the given session waits", || {
        let shown = daemon.call("session.show", json!({"id": "given"}));
        (shown["session"]["state"] == "waiting").then_some(())
    });
}
