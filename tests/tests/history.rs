//! Older history on demand: a reader pages from what a machine's cache keeps on
//! to a channel's first message, and is told plainly where only the hub could go
//! on.

use std::fs;

use serde_json::{Value, json};
use spaces_api::HubState;
use spaces_tests::{Caller, Daemon, Hub, Proxy, eventually, hub_settings, none};

const GENERAL: &str = "Spaces Hub/#general";

/// What a reader finds who pages back until there is nothing before.
struct Read {
    /// Oldest first.
    ids: Vec<u64>,
    contents: Vec<String>,
    /// What the last page said of what is before it.
    end: Value,
    pages: usize,
}

fn ids(page: &Value) -> Vec<u64> {
    let messages = page["messages"].as_array().expect("a page has messages");
    let id = |message: &Value| message["id"].as_u64().expect("a message has an id");
    messages.iter().map(id).collect()
}

fn page_back(daemon: &Daemon, method: &str, query: &Value) -> Read {
    let mut read = Read {
        ids: Vec::new(),
        contents: Vec::new(),
        end: Value::Null,
        pages: 0,
    };
    let mut query = query.clone();
    loop {
        let page = daemon.call(method, query.clone());
        let messages = page["messages"].as_array().expect("a page has messages");
        let content = |message: &Value| message["content"].as_str().expect("a text").to_owned();
        read.ids.splice(0..0, ids(&page));
        read.contents.splice(0..0, messages.iter().map(content));
        read.end = page["older"].clone();
        read.pages += 1;
        if page["before"].is_null() {
            assert_ne!(read.end, "more", "there is no way to the rest: {page}");
            return read;
        }
        query["before"] = page["before"].clone();
    }
}

fn assert_once_and_in_order(read: &Read) {
    assert!(
        read.ids.is_sorted_by(|one, next| one < next),
        "{:?}",
        read.ids
    );
}

/// Posts under a key each, all of which are on the hub at the end.
fn post_all(daemon: &Daemon, post: &Value, word: &str, count: usize) {
    for number in 0..count {
        let mut post = post.clone();
        post["content"] = json!(format!("{word} {number}"));
        daemon.call("message.send", post);
    }
    daemon.until_sent();
}

fn without_rates(hub: &Hub) {
    let publisher = Caller::with_token(hub.port(), &hub.publisher_token());
    let fast = hub_settings(&[
        ("rate_per_sec", json!(10_000)),
        ("rate_burst", json!(10_000)),
    ]);
    publisher.does("set_hub_settings", json!([none(), fast]));
}

/// A member whose cache has the configured bounds from its first start on.
fn member_with(host: &Daemon, configuration: &str) -> Daemon {
    let made = host
        .cli()
        .json(&["invite", "create", "--role", "member", "--json"]);
    let mut member = Daemon::machine();
    member.join(made["invite"].as_str().expect("an invite"));
    // `join` has let a daemon with the default bounds fill a cache.
    fs::remove_dir_all(member.cache_dir()).expect("the cache can be thrown away");
    member.configure_also(configuration);
    member.run();
    member.until_live();
    member
}

#[test]
fn a_small_cache_is_read_on_from_the_hub_to_the_first_message() {
    let mut hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    without_rates(&hub);
    alice.call(
        "thread.create",
        json!({"channel": GENERAL, "name": "early", "wait": "sent"}),
    );
    let thread = eventually("the thread is known", || {
        let threads = alice.call("thread.list", json!({"channel": GENERAL}));
        threads["threads"][0]["id"].as_u64()
    });
    post_all(
        &alice,
        &json!({"channel": GENERAL, "thread_id": thread}),
        "in the thread",
        5,
    );
    post_all(&alice, &json!({"channel": GENERAL}), "post", 1_240);

    let bob = member_with(&alice, "[cache]\nmax_messages = 1000\n");
    let expected = eventually("alice has all that there is", || {
        let read = page_back(
            &alice,
            "message.list",
            &json!({"channel": GENERAL, "limit": 500}),
        );
        let joined = read.contents.last()?;
        (read.ids.len() > 1_245 && !joined.starts_with("post")).then_some(read)
    });
    assert_eq!(expected.end, "none", "all is in her cache");
    eventually("bob's cache keeps its bounds", || {
        let status = bob.call("daemon.status", json!({}));
        (status["cache"]["messages"] == 1_000).then_some(())
    });

    for limit in [170, 500] {
        let query = json!({"channel": GENERAL, "limit": limit});
        let read = page_back(&bob, "message.list", &query);
        assert_once_and_in_order(&read);
        assert_eq!(read.ids, expected.ids);
        assert_eq!(read.contents, expected.contents);
        assert_eq!(read.end, "none");
        assert_eq!(read.pages, expected.ids.len().div_ceil(limit), "full pages");
    }
    // A cursor that no page gave: the hub is asked for the place.
    let middle = bob.call(
        "message.list",
        json!({"channel": GENERAL, "limit": 3, "before": expected.ids[100] + 1}),
    );
    assert_eq!(ids(&middle), expected.ids[98..=100]);
    // What is chosen from the channel is chosen from all of it.
    let query = json!({"channel": GENERAL, "thread_id": thread, "limit": 2});
    let read = page_back(&bob, "message.list", &query);
    let threaded: Vec<_> = (0..5).map(|n| format!("in the thread {n}")).collect();
    assert_eq!((read.contents, read.end), (threaded, json!("none")));
    let status = bob.call("daemon.status", json!({}));
    assert_eq!(
        status["cache"]["messages"], 1_000,
        "what is read is not kept"
    );
    let oldest = bob.call(
        "message.list",
        json!({"channel": GENERAL, "limit": 1, "before": expected.ids[1]}),
    );
    assert_eq!(oldest["messages"][0]["author"], {
        let same = alice.call(
            "message.list",
            json!({"channel": GENERAL, "limit": 1, "before": expected.ids[1]}),
        );
        same["messages"][0]["author"].clone()
    });

    hub.kill();
    bob.until_hub(HubState::Offline);
    alice.until_hub(HubState::Offline);
    let query = json!({"channel": GENERAL, "limit": 500});
    let read = page_back(&bob, "message.list", &query);
    assert_eq!(read.end, "on_hub");
    let (missing, cached) = expected.ids.split_at(expected.ids.len() - read.ids.len());
    assert_eq!(read.ids, cached);
    assert!(missing.len() > 200, "bob's cache has all of the channel");
    let lowest = read.ids[0];
    let nothing = bob.call(
        "message.list",
        json!({"channel": GENERAL, "before": lowest}),
    );
    assert_eq!(
        (&nothing["messages"], &nothing["older"]),
        (&json!([]), &json!("on_hub"))
    );
    let before = lowest.to_string();
    let said = bob.cli().run(&["read", GENERAL, "--before", &before]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(
        said.out
            .contains("older messages are only on the hub, which cannot be asked now"),
        "{}",
        said.out
    );
    let read = page_back(&alice, "message.list", &query);
    assert_eq!((read.ids, read.end), (expected.ids.clone(), json!("none")));

    hub.run();
    bob.until_live();
    let mut query = query;
    query["before"] = json!(lowest);
    let read = page_back(&bob, "message.list", &query);
    assert_eq!((read.ids.as_slice(), read.end), (missing, json!("none")));
}

#[test]
fn the_past_of_a_private_channel_is_for_its_members() {
    let hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let mut bob = alice.invite("member");
    let carol = alice.invite("member");
    let private = json!({"name": "plans", "visibility": "private"});
    let made = alice.call("channel.create", private);
    let channel = made["channel"]["id"].as_u64().expect("a channel has an id");
    post_all(&alice, &json!({"channel": channel}), "plan", 30);
    let whole = page_back(&alice, "message.list", &json!({"channel": channel}));
    assert_eq!(whole.end, "none");

    let add = json!({"channel": channel, "user": bob.username()});
    alice.call("channel.add_member", add.clone());
    eventually("bob is in", || {
        bob.try_call("message.list", json!({"channel": channel}))
            .ok()
    });
    alice.post("#plans", "welcome").expect("a post is queued");
    alice.until_sent();
    eventually("bob reads what comes", || {
        let newest = bob.call("message.list", json!({"channel": channel, "limit": 1}));
        (newest["messages"][0]["content"] == "welcome").then_some(())
    });
    let read = page_back(
        &bob,
        "message.list",
        &json!({"channel": channel, "limit": 7}),
    );
    assert_once_and_in_order(&read);
    assert_eq!(
        read.ids[..whole.ids.len()],
        whole.ids,
        "from before he was in"
    );
    assert_eq!(
        (read.ids.len(), read.end),
        (whole.ids.len() + 1, json!("none"))
    );

    // Two ends of a conversation, one of which has lost its cache.
    for number in 0..5 {
        let dm = json!({"to": bob.username(), "content": format!("psst {number}")});
        alice.call("dm.send", dm);
    }
    let with_alice = json!({"with": alice.username(), "limit": 2});
    eventually("the direct messages are there", || {
        let read = page_back(&bob, "dm.list", &with_alice);
        (read.ids.len() == 5 && read.end == "none").then_some(())
    });
    bob.child().stop();
    fs::remove_dir_all(bob.cache_dir()).expect("the cache can be thrown away");
    bob.run();
    bob.until_live();
    let read = page_back(&bob, "dm.list", &with_alice);
    let said: Vec<_> = (0..5).map(|number| format!("psst {number}")).collect();
    assert_eq!((read.contents, read.end), (said, json!("none")));

    // Carol is in neither.
    let refused = carol.refusal(
        "message.list",
        json!({"channel": channel, "before": u32::MAX}),
    );
    assert_eq!(refused.kind().as_str(), "not_found", "{refused:?}");
    let with_bob = json!({"with": bob.username(), "before": u32::MAX});
    let read = page_back(&carol, "dm.list", &with_bob);
    assert_eq!((read.ids, read.end), (vec![], json!("none")));
    alice.call("channel.remove_member", add);
    eventually("bob is out", || {
        bob.try_call("message.list", json!({"channel": channel}))
            .err()
    });
}

#[test]
fn a_hub_that_hangs_holds_no_reader_up() {
    let hub = Hub::start();
    let alice = Daemon::owner_of(&hub);
    let made = alice.call(
        "channel.create",
        json!({"name": "plans", "visibility": "private"}),
    );
    let channel = made["channel"]["id"].as_u64().expect("a channel has an id");
    post_all(&alice, &json!({"channel": channel}), "plan", 10);

    let proxy = Proxy::start(hub.port());
    let made = alice
        .cli()
        .json(&["invite", "create", "--role", "member", "--json"]);
    let mut bob = Daemon::machine();
    bob.join(made["invite"].as_str().expect("an invite"));
    bob.use_hub_at(&proxy.uri());
    bob.run();
    bob.until_live();
    let add = json!({"channel": channel, "user": bob.username()});
    alice.call("channel.add_member", add);
    let query = json!({"channel": channel, "limit": 4});
    let first = eventually("bob is in and reads", || {
        bob.try_call("message.list", query.clone()).ok()
    });
    assert_eq!((ids(&first).len(), &first["older"]), (4, &json!("more")));

    proxy.stall();
    let held = bob.call("message.list", query.clone());
    assert_eq!((ids(&held), &held["older"]), (vec![], &json!("on_hub")));
    assert!(held["before"].is_null(), "{held}");
    proxy.heal();
    eventually("the hub answers again", || {
        let again = bob.call("message.list", query.clone());
        (again["messages"] == first["messages"]).then_some(())
    });
}
