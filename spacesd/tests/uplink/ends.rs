//! Every way in which a link ends, and what comes after it.

use std::fs;
use std::time::Duration;

use spaces_api::HubState;
use spaces_tests::{Hub, PATIENCE, Proxy};
use spacesd::operation::Outcome;
use spacesd::uplink::Timing;

use super::rig::*;

#[tokio::test(flavor = "multi_thread")]
async fn after_a_killed_hub_only_what_was_missed_comes() {
    let mut hub = Hub::start();
    let invite = hub.owner_invite();
    // No heartbeat can tell it that the hub is gone.
    let timing = Timing {
        heartbeat_every: PATIENCE * 10,
        answer_within: PATIENCE * 10,
        ..quick()
    };
    let (reader, poster) = (
        Client::timed(hub.uri(), Some(&invite), "spaces", None, timing),
        Proxy::start(hub.port()),
    );
    let live = reader.live().await;
    // The same user from a second machine, which the reader does not hear while it is cut off.
    let token = fs::read_to_string(reader.token_file()).unwrap();
    let writer = Client::with(poster.uri(), None, "spaces", Some(&token));
    assert_eq!(writer.live().await.identity, live.identity);
    assert_eq!(
        writer.uplink.call(writer.post("before"), None).await,
        Outcome::Committed
    );
    reader.received("before").await;

    hub.kill();
    let down = reader
        .until("offline", |status| status.state == HubState::Offline)
        .await;
    assert_eq!(down.reconnects, 1);
    assert_eq!(
        reader.uplink.call(reader.post("lost"), None).await,
        Outcome::Unknown
    );

    reader.uri.send_replace(None);
    hub.run();
    writer.live().await;
    assert_eq!(
        writer.uplink.call(writer.post("meanwhile"), None).await,
        Outcome::Committed
    );
    reader.memory.forget();
    reader.uri.send_replace(Some(hub.uri()));
    let again = reader.live().await;
    assert_eq!(again.identity, live.identity);
    reader.received("meanwhile").await;
    assert_eq!(reader.memory.contents(), ["meanwhile"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stalled_link_is_noticed_and_replaced() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let client = Client::start(proxy.uri(), Some(&hub.owner_invite()));
    client.live().await;
    proxy.stall();
    let unanswered = client.uplink.call(client.post("into the void"), None);
    client
        .until("noticed", |status| status.state == HubState::Offline)
        .await;
    // How soon is held by the uplink's own tests, without a clock on the wall.
    assert_eq!(unanswered.await, Outcome::Unknown);
    proxy.heal();
    client.live().await;
    assert_eq!(
        client.uplink.call(client.post("again"), None).await,
        Outcome::Committed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_is_a_sign_of_life_as_an_answer_is() {
    let hub = Hub::start();
    let writer = Client::start(hub.uri(), Some(&hub.owner_invite()));
    writer.live().await;
    let token = fs::read_to_string(writer.token_file()).unwrap();
    let once = Timing {
        heartbeat_every: Duration::from_secs(3600),
        ..quick()
    };
    // The same user elsewhere, who asks the hub once.
    let reader = Client::timed(hub.uri(), None, "spaces", Some(&token), once);
    reader
        .until("answered", |status| {
            status.state == HubState::Live && status.round_trip.is_some()
        })
        .await;
    let before = reader.uplink.status().borrow().fresh_at;
    let mut later = false;
    for number in 0.. {
        let posted = writer
            .uplink
            .call(writer.post(&format!("row {number}")), None);
        assert_eq!(posted.await, Outcome::Committed);
        reader.received(&format!("row {number}")).await;
        later = reader.uplink.status().borrow().fresh_at > before;
        if later || number > 10_000 {
            break;
        }
    }
    assert!(later, "{:?}", reader.uplink.status().borrow());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_sync_is_waited_for_and_a_stalled_one_is_not() {
    let hub = Hub::start();
    let proxy = Proxy::start(hub.port());
    let invite = hub.owner_invite();
    let writer = Client::start(hub.uri(), Some(&invite));
    writer.live().await;
    let wanted: Vec<_> = (0..100)
        .map(|number| format!("{number} {}", "x".repeat(7_900)))
        .collect();
    let calls: Vec<_> = wanted
        .iter()
        .map(|text| writer.uplink.call(writer.post(text), None))
        .collect();
    for call in calls {
        assert_eq!(call.await, Outcome::Committed);
    }
    let token = fs::read_to_string(writer.token_file()).unwrap();

    // Eight seconds of rows: four times as long as an answer may take.
    proxy.throttle(Some(100_000));
    let slow = Client::with(proxy.uri(), None, "spaces", Some(&token));
    let live = slow.live().await;
    assert_eq!(live.reconnects, 0);
    assert_eq!(live.last_error, None, "it was waited for");
    assert_eq!(slow.memory.contents(), wanted);

    let stalled = Client::with(proxy.uri(), None, "spaces", Some(&token));
    stalled
        .until("syncing", |status| status.state == HubState::Syncing)
        .await;
    proxy.stall();
    stalled.trouble("has not answered").await;
    proxy.heal();
    stalled.live().await;
    assert_eq!(stalled.memory.contents(), wanted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_that_began_anew_is_filled_again_at_once() {
    let hub = Hub::start();
    let timing = Timing {
        first_backoff: PATIENCE * 1000,
        longest_backoff: PATIENCE * 1000,
        ..quick()
    };
    let invite = hub.owner_invite();
    let client = Client::timed(hub.uri(), Some(&invite), "spaces", None, timing);
    client.live().await;
    assert_eq!(
        client
            .uplink
            .call(client.post("kept by the hub"), None)
            .await,
        Outcome::Committed
    );
    client.received("kept by the hub").await;
    *client.memory.kept.lock().unwrap() = Kept::default();
    client.memory.rebuilds.send_modify(|count| *count += 1);
    client
        .until("another link", |status| {
            status.reconnects == 1 && status.state == HubState::Live
        })
        .await;
    assert_eq!(client.memory.contents(), ["kept by the hub"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_hub_begins_anew() {
    let (one, two) = (Hub::start(), Hub::start());
    let client = Client::start(one.uri(), Some(&one.owner_invite()));
    client.live().await;
    assert_eq!(
        client
            .uplink
            .call(client.post("on the first hub"), None)
            .await,
        Outcome::Committed
    );
    client.received("on the first hub").await;
    let first = client.memory.bound();

    client.uri.send_replace(None);
    client
        .until("let go", |status| status.state == HubState::Offline)
        .await;
    fs::remove_file(client.token_file()).unwrap();
    fs::write(
        client.directory.path().join("owner.invite"),
        two.owner_invite(),
    )
    .unwrap();
    client.uri.send_replace(Some(two.uri()));
    client.live().await;
    assert_ne!(client.memory.bound(), first);
    assert!(client.memory.contents().is_empty());
    assert_eq!(
        client
            .uplink
            .call(client.post("on the second hub"), None)
            .await,
        Outcome::Committed
    );
}
