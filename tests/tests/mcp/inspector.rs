//! The inspector's command line, as somebody who wonders what the server offers.

use serde_json::{Value, json};
use spaces_tests::{Daemon, binary, eventually, repository};

use crate::clients::directory;

fn inspect(daemon: &Daemon, words: &[&str]) -> Value {
    let app = daemon.home().join("app");
    let mut command = daemon.cli().command(std::path::Path::new("node"));
    command
        .arg(directory().join("node/node_modules/.bin/mcp-inspector"))
        .args(["--cli"])
        .arg(binary("spacesctl"))
        .arg("mcp")
        .args(words)
        .current_dir(app);
    // The inspector hands on only what it is told to.
    for name in [
        "XDG_CONFIG_HOME",
        "XDG_STATE_HOME",
        "XDG_CACHE_HOME",
        "XDG_RUNTIME_DIR",
    ] {
        let value = command
            .get_envs()
            .find(|(known, _)| *known == name)
            .and_then(|(_, value)| value?.to_str())
            .expect("the test's user has directories of its own")
            .to_owned();
        command.arg("-e").arg(format!("{name}={value}"));
    }
    let done = command.output().expect("the inspector runs");
    let text = String::from_utf8_lossy(&done.stdout);
    assert!(
        done.status.success(),
        "{words:?}: {text}{}",
        String::from_utf8_lossy(&done.stderr)
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{words:?}: {error} in {text}"))
}

#[test]
fn it_lists_calls_and_reads() {
    let daemon = Daemon::local();
    repository(daemon.home());
    let tools = inspect(&daemon, &["--method", "tools/list"]);
    let tools = tools["tools"].as_array().expect("tools");
    assert_eq!(tools.len(), 12);
    assert!(
        tools
            .iter()
            .all(|tool| tool["inputSchema"]["type"] == "object")
    );

    let words = [
        "--method",
        "tools/call",
        "--tool-name",
        "send_message",
        "--tool-arg",
        "channel=#general",
        "content=seen by the inspector",
    ];
    let sent = inspect(&daemon, &words);
    assert_ne!(sent["isError"], true, "{sent}");
    let receipt: Value = serde_json::from_str(sent["content"][0]["text"].as_str().expect("text"))
        .expect("a receipt");
    assert_eq!(receipt["state"], "sent");
    eventually("the message is there", || {
        let posted = daemon.call("message.list", json!({"channel": "#general"}));
        posted
            .to_string()
            .contains("seen by the inspector")
            .then_some(())
    });

    let words = [
        "--method",
        "tools/call",
        "--tool-name",
        "read_messages",
        "--tool-arg",
        "channel=#genral",
    ];
    let unknown = inspect(&daemon, &words);
    assert_eq!(unknown["isError"], true, "{unknown}");

    let resources = inspect(&daemon, &["--method", "resources/list"]);
    assert!(resources.to_string().contains("spaces://activity"));
    let read = inspect(
        &daemon,
        &["--method", "resources/read", "--uri", "spaces://channels"],
    );
    assert!(
        read["contents"][0]["text"]
            .as_str()
            .expect("text")
            .contains("#general")
    );
    let prompt = inspect(
        &daemon,
        &["--method", "prompts/get", "--prompt-name", "hand-over"],
    );
    assert_eq!(prompt["messages"][0]["role"], "user");
}
