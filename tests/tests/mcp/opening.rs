//! However a client begins, and however badly, the server answers and stays.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use spaces_tests::{Daemon, eventually};

use crate::lines::Conversation;

fn modern_meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "probe", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

fn server(machine: &Daemon) -> Conversation {
    Conversation::start(&machine.cli(), machine.home(), &[])
}

fn works(server: &mut Conversation) {
    let listed = server.ask("tools/list", json!({}));
    let tools = listed["result"]["tools"].as_array();
    assert_eq!(tools.unwrap_or_else(|| panic!("{listed}")).len(), 12);
}

#[test]
fn initialize_comes_first() {
    let machine = Daemon::machine();
    let mut server = server(&machine);
    let answer = server.initialize("anyone");
    assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
    assert_eq!(answer["result"]["serverInfo"]["name"], "spaces");
    works(&mut server);
    assert!(server.end().success());
}

#[test]
fn a_discover_probe_comes_first_and_then_either_lifecycle() {
    let machine = Daemon::machine();
    let mut one = server(&machine);
    let found = one.ask("server/discover", json!({"_meta": modern_meta()}));
    let versions = found["result"]["supportedVersions"].to_string();
    assert!(
        versions.contains("2026-07-28") && versions.contains("2025-11-25"),
        "{found}"
    );
    one.initialize("anyone");
    works(&mut one);
    assert!(one.end().success());

    let mut other = server(&machine);
    other.ask("server/discover", json!({"_meta": modern_meta()}));
    let listed = other.ask("tools/list", json!({"_meta": modern_meta()}));
    assert_eq!(
        listed["result"]["tools"].as_array().expect("tools").len(),
        12
    );
    let unknown = other.ask("no/such", json!({"_meta": modern_meta()}));
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    assert!(other.end().success());
}

#[test]
fn a_clumsy_beginning_is_answered_and_does_not_end_the_server() {
    let machine = Daemon::machine();
    let mut server = server(&machine);
    // Notifications and lines that are no messages have no answer.
    server.say(
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 7, "reason": "the probe took too long"}}),
    );
    server.say(json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    server.write("not json\n\n");
    let unknown = server.ask("server/probe", json!({}));
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    let incomplete = server.ask("server/discover", json!({}));
    assert!(incomplete["error"]["code"].is_number(), "{incomplete}");
    let early = server.ask("tools/list", json!({}));
    assert!(early["error"]["code"].is_number(), "{early}");
    let strange = server.ask(
        "tools/list",
        json!({"_meta": {
            "io.modelcontextprotocol/protocolVersion": "2099-01-01",
            "io.modelcontextprotocol/clientInfo": {"name": "probe", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        }}),
    );
    assert!(strange["error"]["code"].is_number(), "{strange}");
    server.say(
        json!({"jsonrpc": "2.0", "method": "notifications/cancelled",
        "params": {"requestId": 8}}),
    );
    assert!(server.ask("ping", json!({}))["result"].is_object());
    server.initialize("anyone");
    works(&mut server);
    let unknown = server.ask("no/such", json!({}));
    assert_eq!(unknown["error"]["code"], -32601, "{unknown}");
    works(&mut server);
    assert!(server.end().success());
}

#[test]
fn it_ends_with_its_input_or_when_it_is_asked_to() {
    let machine = Daemon::machine();
    assert!(server(&machine).end().success(), "nothing was said");
    for signal in [Signal::TERM, Signal::INT] {
        let mut server = server(&machine);
        server.initialize("anyone");
        let pid = Pid::from_raw(i32::try_from(server.id()).expect("a pid")).expect("a pid");
        kill_process(pid, signal).expect("it runs");
        let mut rest = String::new();
        eventually("the server closes its output", || {
            server.read_rest(&mut rest).then_some(())
        });
        assert_eq!(rest, "");
    }
}
