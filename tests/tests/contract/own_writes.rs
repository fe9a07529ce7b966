//! Who has heard that a write is sent sees it in the next read.

use serde_json::{Value, json};
use spaces_tests::{Daemon, Hub, raw_call};

const ROUNDS: usize = 200;

fn page(client: &mut spaces_client::Client) -> Vec<Value> {
    let asked = json!({"channel": "#general", "limit": 500});
    let page = raw_call(client, "message.list", &asked).expect("a page");
    page["messages"].as_array().expect("messages").clone()
}

fn count(messages: &[Value], content: &str) -> usize {
    let same = messages.iter().filter(|one| one["content"] == content);
    same.count()
}

#[test]
fn a_post_is_in_every_read_from_its_acknowledgement_on() {
    let hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    let mut writer = daemon.client();
    let mut reader = daemon.client();
    for number in 0..ROUNDS {
        let content = format!("waited {number}");
        let post = json!({"channel": "#general", "content": content, "wait": "sent"});
        let sent = raw_call(&mut writer, "message.send", &post).expect("a post");
        assert_eq!(sent["receipt"]["state"], "sent");
        assert_eq!(
            count(&page(&mut reader), &content),
            1,
            "just after {content}"
        );
    }
    // Nobody waits here: the message must be seen all the while it is taken over
    // from the outbox into the cache, and never twice.
    for number in 0..ROUNDS {
        let content = format!("watched {number}");
        let post = json!({"channel": "#general", "content": content});
        raw_call(&mut writer, "message.send", &post).expect("a post");
        loop {
            let seen = page(&mut reader);
            let same: Vec<_> = seen
                .iter()
                .filter(|one| one["content"] == content)
                .collect();
            assert_eq!(same.len(), 1, "while {content} is sent: {same:?}");
            if same[0]["pending"] == false {
                break;
            }
        }
    }
}

#[test]
fn an_edit_a_session_and_a_claim_are_in_the_read_after_they_are_sent() {
    let hub = Hub::start();
    let daemon = Daemon::owner_of(&hub);
    let mut client = daemon.client();
    let mut call = |method: &str, params: Value| {
        raw_call(&mut client, method, &params).unwrap_or_else(|error| panic!("{method}: {error:?}"))
    };
    let posted = call(
        "message.send",
        json!({"channel": "#general", "content": "first", "wait": "sent"}),
    );
    let id = posted["receipt"]["message_id"].clone();
    call(
        "session.start",
        json!({"id": "one", "tool": "test", "wait": "sent"}),
    );
    for number in 0..ROUNDS / 4 {
        let text = format!("text {number}");
        call(
            "message.edit",
            json!({"message": id, "content": text, "wait": "sent"}),
        );
        let shown = call("message.show", json!({"message": id}));
        assert_eq!(shown["message"]["content"], text, "an edit");

        call(
            "session.update",
            json!({"id": "one", "task": text, "wait": "sent"}),
        );
        let shown = call("session.show", json!({"id": "one"}));
        assert_eq!(shown["session"]["task"], text, "a session's task");

        let path = format!("src/{number}.rs");
        call(
            "claim.acquire",
            json!({"patterns": [path], "session": "one", "wait": "sent",
                "context": {"repo": "github.com/acme/app"}}),
        );
        let listed = call("claim.list", json!({"repo": "github.com/acme/app"}));
        let there = listed["claims"].as_array().expect("claims").iter();
        let same = there.filter(|claim| claim["patterns"][0] == path).count();
        assert_eq!(same, 1, "a claim: {listed}");
    }
}
