//! While the hub or the daemon is away, an agent is told the truth.

use serde_json::json;
use spaces_api::HubState;
use spaces_tests::{Daemon, Hub, eventually, repository};

use crate::clients::{Client, Sdk};

#[test]
fn the_hub_is_away_for_the_python_sdk() {
    the_hub_is_away(Sdk::PythonDiscover);
}

#[test]
fn the_hub_is_away_for_the_typescript_sdk() {
    the_hub_is_away(Sdk::TypeScript);
}

fn the_hub_is_away(sdk: Sdk) {
    let mut hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let bob = alice.invite("member");
    let app = repository(alice.home());
    let mut agent = Client::start(sdk, &alice.cli(), &app);
    let post = |text: &str| json!({"channel": "#general", "content": text});
    assert_eq!(
        agent.writes("send_message", post("before"))["state"],
        "sent"
    );

    hub.kill();
    alice.until_hub(HubState::Offline);
    let queued = agent.writes("send_message", post("meanwhile"));
    assert_eq!(queued["state"], "queued", "{queued}");
    assert!(queued["message"].is_null(), "no id is claimed: {queued}");
    let meaning = queued["meaning"].as_str().expect("what it means");
    assert!(meaning.contains("do not repeat it"), "{meaning}");
    let read = agent.does("read_messages", json!({"channel": "#general"}));
    assert!(
        read.contains("Hub offline: this is from this machine's cache, as of 20"),
        "{read}"
    );
    assert!(
        read.contains("before") && read.contains("pending message"),
        "{read}"
    );
    let digest = agent.does("activity", json!({}));
    assert!(digest.contains("Hub offline"), "{digest}");
    let claim = agent.writes("claim", json!({"action": "acquire", "paths": ["src/**"]}));
    assert_eq!(claim["claim"], "provisional", "{claim}");
    let refused = agent
        .tool("create_channel", json!({"name": "x"}))
        .expect_err("it needs the hub");
    assert_eq!(refused["kind"], "hub_unreachable", "{refused}");
    assert!(refused["hint"].is_string(), "{refused}");

    hub.run();
    alice.until_live();
    let arrived = eventually("what was queued arrives", || {
        let page = bob
            .try_call("message.list", json!({"channel": "#general"}))
            .ok()?;
        let text = page.to_string();
        text.contains("meanwhile").then_some(text)
    });
    assert_eq!(
        arrived.matches("\"meanwhile\"").count(),
        1,
        "once: {arrived}"
    );
    let read = agent.does("read_messages", json!({"channel": "#general"}));
    assert!(read.contains("Hub live."), "{read}");
}

#[test]
fn the_daemon_is_away_and_comes_and_goes_under_a_running_server() {
    let mut machine = Daemon::machine();
    let app = repository(machine.home());
    let mut agent = Client::start(Sdk::TypeScript, &machine.cli(), &app);
    assert_eq!(
        agent
            .ask(json!({"do": "tools"}))
            .as_array()
            .expect("tools")
            .len(),
        12
    );
    let down = agent
        .tool("list_channels", json!({}))
        .expect_err("nobody answers");
    assert_eq!(down["kind"], "daemon_unreachable", "{down}");
    assert!(
        down["hint"]
            .as_str()
            .expect("a hint")
            .contains("spacesctl up"),
        "{down}"
    );
    let resources = agent.ask(json!({"do": "resources"}));
    assert_eq!(resources.as_array().expect("the fixed ones").len(), 2);
    let prompt = agent.ask(json!({"do": "prompt", "name": "hand-over", "arguments": {}}));
    assert!(
        prompt["text"]
            .as_str()
            .expect("a prompt")
            .contains("hand-over note")
    );
    let spooled = agent.writes(
        "send_message",
        json!({"channel": "#general", "content": "kept on the disk"}),
    );
    assert_eq!(spooled["state"], "spooled", "{spooled}");

    machine.run();
    machine.until_live();
    eventually("the spool is taken", || {
        let page = machine.call("message.list", json!({"channel": "#general"}));
        page.to_string().contains("kept on the disk").then_some(())
    });
    let sent = agent.writes(
        "send_message",
        json!({"channel": "#general", "content": "up"}),
    );
    assert_eq!(sent["state"], "sent", "{sent}");
    for number in 0..20 {
        agent.does("search", json!({"query": format!("word{number}")}));
    }
    let status = machine.call("daemon.status", json!({}));
    assert_eq!(
        status["connections"], 2,
        "the server's one, and this question's"
    );

    machine.kill();
    assert!(agent.tool("list_channels", json!({})).is_err());
    machine.run();
    machine.until_live();
    let channels = agent.does("list_channels", json!({}));
    assert!(channels.contains("#general"), "{channels}");
    let posted = machine.call("message.list", json!({"channel": "#general"}));
    let authors = posted["messages"].as_array().expect("messages");
    let sessions: std::collections::HashSet<_> = authors
        .iter()
        .filter(|message| !message["session_id"].is_null())
        .map(|message| message["session_id"].to_string())
        .collect();
    assert_eq!(sessions.len(), 1, "one session across restarts: {posted}");

    let session = authors.last().expect("a message")["session_id"].clone();
    drop(agent);
    eventually("the session ends with the server", || {
        let shown = machine.call("session.show", json!({"id": session}));
        (shown["session"]["state"] == "ended").then_some(())
    });
}
