//! The Arcan bridge against a real daemon and hub: our six tools and the
//! middleware through arcan_core's own registry and loop, and the published
//! arcan-spaces crate, unchanged, over `SpacesdPort`.

use std::sync::Arc;
use std::time::Duration;

use arcan_core::protocol::{ModelDirective, ModelStopReason, ModelTurn, RunStopReason, ToolCall};
use arcan_core::runtime::{
    Middleware, Orchestrator, OrchestratorConfig, Provider, ProviderRequest, RunInput, ToolContext,
    ToolRegistry,
};
use arcan_core::state::AppState;
use arcan_spaces::{SpacesActivityMiddleware, SpacesDaemon, SpacesdPort, register_spaces_tools};
use published_arcan_spaces::{HiveSpacesCoordinator, SpacesPort};
use rustix::process::Signal;
use serde_json::{Value, json};
use spaces_api::HubState;
use spaces_tests::{Daemon, Hub, Proxy, ends, eventually};

const BUDGET: Duration = Duration::from_secs(5);

fn bridge(daemon: &Daemon) -> SpacesDaemon {
    SpacesDaemon::with_budget(daemon.socket(), BUDGET)
}

fn use_tool(registry: &ToolRegistry, name: &str, input: Value) -> Result<Value, String> {
    let tool = registry
        .get(name)
        .unwrap_or_else(|| panic!("no tool {name}"));
    let call = ToolCall {
        call_id: "c1".into(),
        tool_name: name.into(),
        input,
    };
    let context = ToolContext {
        run_id: "r1".into(),
        session_id: "arcan-1".into(),
        iteration: 1,
    };
    let result = tool
        .execute(&call, &context)
        .expect("errors are results that the agent reads");
    if result.is_error {
        Err(result.output.to_string())
    } else {
        Ok(result.output)
    }
}

#[test]
fn six_tools_work_through_the_registry() {
    let hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    let peer = daemon.invite("member");
    let mut registry = ToolRegistry::default();
    register_spaces_tools(&mut registry, &bridge(&daemon));
    assert_eq!(registry.definitions().len(), 6);

    let channels = use_tool(&registry, "spaces_list_channels", json!({})).expect("listed");
    let names: Vec<_> = channels["channels"]
        .as_array()
        .expect("channels")
        .iter()
        .map(|c| &c["name"])
        .collect();
    assert!(names.contains(&&json!("#general")), "{names:?}");

    let post = json!({"channel": "#general", "content": "from arcan"});
    let sent = use_tool(&registry, "spaces_send_message", post).expect("sent");
    assert_eq!(sent["state"], "sent");

    let read = use_tool(
        &registry,
        "spaces_read_messages",
        json!({"channel": "#general"}),
    );
    let read = read.expect("read");
    assert!(
        read["messages"].to_string().contains("from arcan"),
        "{read}"
    );
    assert!(
        read["notice"]
            .as_str()
            .expect("a notice")
            .contains("not instructions")
    );

    let members = use_tool(&registry, "spaces_list_members", json!({})).expect("listed");
    assert_eq!(members["members"].as_array().expect("members").len(), 2);

    let them = peer.call("user.me", json!({}))["user"]["username"].clone();
    let them = format!("@{}", them.as_str().expect("a name"));
    let dm = use_tool(
        &registry,
        "spaces_send_dm",
        json!({"to": them, "content": "psst"}),
    );
    assert_eq!(dm.expect("sent")["state"], "sent");
    eventually("the peer has the message in its inbox", || {
        peer.call("inbox.list", json!({}))
            .to_string()
            .contains("psst")
            .then_some(())
    });

    // The owner's agent is held to the agent tier, which may not make channels.
    let refused = use_tool(
        &registry,
        "spaces_create_channel",
        json!({"name": "by-agent"}),
    );
    let refused = refused.expect_err("an agent may not create channels");
    assert!(refused.contains("agent"), "{refused}");

    let unknown = use_tool(
        &registry,
        "spaces_read_messages",
        json!({"channel": "#genral"}),
    );
    assert!(unknown.expect_err("no such channel").contains("#general"));
}

#[test]
fn the_published_tools_and_hive_run_unchanged_over_our_port() {
    let daemon = Daemon::local();
    let port: Arc<dyn SpacesPort> = Arc::new(SpacesdPort::new(&bridge(&daemon)));
    let mut registry = ToolRegistry::default();
    published_arcan_spaces::register_spaces_tools(&mut registry, Arc::clone(&port));

    let made = daemon.call("channel.create", json!({"name": "hive-t1"}));
    let (channel, server) = (&made["channel"]["id"], &made["channel"]["server_id"]);
    let (channel, server) = (channel.as_u64().expect("id"), server.as_u64().expect("id"));

    let input = json!({"channel_id": channel, "content": "published"});
    use_tool(&registry, "spaces_send_message", input).expect("sent");
    let listed = use_tool(
        &registry,
        "spaces_list_channels",
        json!({"server_id": server}),
    );
    assert!(listed.expect("listed").to_string().contains("hive-t1"));
    eventually("the published tool reads what it sent", || {
        use_tool(
            &registry,
            "spaces_read_messages",
            json!({"channel_id": channel}),
        )
        .expect("read")
        .to_string()
        .contains("published")
        .then_some(())
    });

    let hive = HiveSpacesCoordinator::new(port, server);
    assert_eq!(hive.find_hive_channel("t1").expect("found"), Some(channel));
    hive.share_artifact(channel, 1, "t1", "s-a", 0.5, "first")
        .expect("shared");
    hive.share_artifact(channel, 2, "t1", "s-b", 0.75, "second")
        .expect("shared");
    hive.share_artifact(channel, 2, "t1", "s-c", 0.25, "third")
        .expect("shared");
    let of_generation = |generation| {
        eventually("the artifacts are there", || {
            let found = hive
                .read_generation_artifacts(channel, generation)
                .expect("read");
            (found.len() == generation as usize).then_some(found)
        })
    };
    assert_eq!(of_generation(1)[0].tldr, "first");
    assert_eq!(of_generation(2)[1].session_id, "s-c");
    assert_eq!(
        hive.read_hive_context(channel)
            .expect("read")
            .artifacts
            .len(),
        3
    );
}

/// Calls one tool, then answers: enough of a model for the loop.
struct OneToolCall;

impl Provider for OneToolCall {
    fn name(&self) -> &str {
        "one-tool-call"
    }

    fn complete(
        &self,
        request: &ProviderRequest,
    ) -> Result<ModelTurn, arcan_core::error::CoreError> {
        let call = ModelDirective::ToolCall {
            call: ToolCall {
                call_id: "c1".into(),
                tool_name: "spaces_list_channels".into(),
                input: json!({}),
            },
        };
        let (directive, stop_reason) = if request.iteration == 1 {
            (call, ModelStopReason::ToolUse)
        } else {
            (
                ModelDirective::FinalAnswer {
                    text: "done".into(),
                },
                ModelStopReason::EndTurn,
            )
        };
        Ok(ModelTurn {
            directives: vec![directive],
            stop_reason,
            usage: None,
        })
    }
}

/// Runs the agent loop once and says how it ended and how long it took.
fn run_loop(bridge: &SpacesDaemon) -> (RunStopReason, SpacesLost) {
    let mut tools = ToolRegistry::default();
    register_spaces_tools(&mut tools, bridge);
    let middleware = Arc::new(SpacesActivityMiddleware::new(bridge, "#agent-logs"));
    let watched: Arc<dyn Middleware> = Arc::clone(&middleware) as Arc<dyn Middleware>;
    let orchestrator = Orchestrator::new(
        Arc::new(OneToolCall),
        tools,
        vec![watched],
        OrchestratorConfig::default(),
    );
    let input = RunInput {
        run_id: "r1".into(),
        session_id: "arcan-loop".into(),
        branch_id: "main".into(),
        messages: Vec::new(),
        state: AppState::default(),
    };
    let output = ends("the loop", move || orchestrator.run(input, |_| ()));
    (output.reason, SpacesLost(middleware))
}

/// Keeps the middleware until the test has looked at it.
struct SpacesLost(Arc<SpacesActivityMiddleware>);

#[test]
fn the_loop_runs_and_its_activity_is_in_the_agent_log() {
    let daemon = Daemon::local();
    let (reason, middleware) = run_loop(&bridge(&daemon));
    assert_eq!(reason, RunStopReason::Completed);
    let log = eventually("both entries are in the agent log", || {
        let page = daemon.call("message.list", json!({"channel": "#agent-logs"}));
        let events: Vec<_> = page["messages"]
            .as_array()
            .expect("messages")
            .iter()
            .filter(|message| message["kind"] == "agent_event" && message["pending"] == false)
            .cloned()
            .collect();
        (events.len() == 2).then_some(events)
    });
    assert_eq!(log[0]["content"], "tool spaces_list_channels completed");
    assert!(
        log[1]["content"]
            .as_str()
            .expect("text")
            .contains("run r1 ended: Completed")
    );
    assert_eq!(middleware.0.lost(), 0);
}

#[test]
fn a_daemon_that_is_down_or_stopped_does_not_hold_the_loop() {
    let budget = Duration::from_millis(400);
    let nowhere = Daemon::machine();
    let bridge = SpacesDaemon::with_budget(nowhere.socket(), budget);
    let (reason, middleware) = run_loop(&bridge);
    assert_eq!(reason, RunStopReason::Completed);
    eventually("both entries are counted as lost", || {
        (middleware.0.lost() == 2).then_some(())
    });

    let mut stopped = Daemon::local();
    stopped.child().signal(Signal::STOP);
    let bridge = SpacesDaemon::with_budget(stopped.socket(), budget);
    // It answers only once it may go on: the loop ends by the budget or not at all.
    let (reason, _middleware) = run_loop(&bridge);
    stopped.child().signal(Signal::CONT);
    assert_eq!(reason, RunStopReason::Completed);
}

#[test]
fn while_the_hub_is_away_an_agent_gets_queued_receipts_and_aged_reads() {
    let mut hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    let mut registry = ToolRegistry::default();
    register_spaces_tools(
        &mut registry,
        &SpacesDaemon::with_budget(daemon.socket(), BUDGET),
    );
    hub.kill();
    daemon.until_hub(HubState::Offline);
    let post = json!({"channel": "#general", "content": "later"});
    let sent = use_tool(&registry, "spaces_send_message", post).expect("accepted");
    assert_eq!(sent["state"], "queued");
    let read = use_tool(
        &registry,
        "spaces_read_messages",
        json!({"channel": "#general"}),
    );
    assert_eq!(read.expect("read")["meta"]["hub"], "offline");
}

/// Calls each of our six tools and what the published crate does through the
/// port: each comes to an end, whatever it answers, though who should answer
/// may not do so before the test lets it.
fn nothing_holds_the_loop(bridge: &SpacesDaemon, how: &str) {
    let bridge = bridge.clone();
    ends(how, move || {
        let mut ours = ToolRegistry::default();
        register_spaces_tools(&mut ours, &bridge);
        for (name, input) in [
            ("spaces_list_channels", json!({})),
            (
                "spaces_send_message",
                json!({"channel": "#general", "content": "x"}),
            ),
            ("spaces_read_messages", json!({"channel": "#general"})),
            ("spaces_send_dm", json!({"to": "@nobody", "content": "x"})),
            ("spaces_create_channel", json!({"name": "x"})),
            ("spaces_list_members", json!({})),
        ] {
            drop(use_tool(&ours, name, input));
        }
        let port: Arc<dyn SpacesPort> = Arc::new(SpacesdPort::new(&bridge));
        drop(port.list_channels(1));
        drop(port.send_message(1, "x", None, None));
        // Two calls to the daemon under one budget.
        drop(port.send_message(1, "x", Some(7), None));
        drop(port.read_messages(1, 10, None));
        drop(port.send_dm("@nobody", "x"));
        let hive = HiveSpacesCoordinator::new(port, 1);
        drop(hive.share_artifact(1, 1, "t", "s", 0.5, "first"));
        drop(hive.find_hive_channel("t"));
    });
}

#[test]
fn neither_a_daemon_nor_a_hub_holds_any_tool() {
    let budget = Duration::from_millis(800);
    let at = |daemon: &Daemon| SpacesDaemon::with_budget(daemon.socket(), budget);

    let nowhere = Daemon::machine();
    nothing_holds_the_loop(&at(&nowhere), "no daemon");

    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let mut daemon = Daemon::machine();
    daemon.join(&hub.owner_invite());
    daemon.use_hub_at(&proxy.uri());
    daemon.run();
    daemon.until_live();
    let bridge = at(&daemon);
    nothing_holds_the_loop(&bridge, "all is well");

    // The daemon takes the hub for live until its heartbeat is missed.
    proxy.stall();
    nothing_holds_the_loop(&bridge, "the network is stalled");
    proxy.heal();
    proxy.refuse();
    daemon.until_hub(HubState::Offline);
    nothing_holds_the_loop(&bridge, "the hub is offline");
    let (reason, _middleware) = run_loop(&bridge);
    assert_eq!(reason, RunStopReason::Completed);

    // With connections open that were good a moment ago.
    daemon.child().signal(Signal::STOP);
    nothing_holds_the_loop(&bridge, "the daemon is stopped");
    daemon.child().signal(Signal::CONT);
}
