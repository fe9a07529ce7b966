//! Messages are asked for block by block: none is missed or told twice where
//! one block ends and the next begins, nor those from before there were blocks.

use spaces_api::HubState;
use spaces_tests::{Caller, Hub, module};
use spacesd::operation::Outcome;

use crate::rig::{Client, quick};

/// The `seq`s of a block, as the module counts them.
const BLOCK: u64 = 4_096;

fn publisher(hub: &Hub) -> Caller {
    Caller::with_token(hub.port(), &hub.publisher_token())
}

/// Goes on as if so many changes had been made; the hub stays in its block.
fn count_to(hub: &Hub, seq: u64) {
    let publisher = publisher(hub);
    let block = publisher.rows("SELECT * FROM newest_block")[0]["block"].as_u64();
    assert_eq!(
        block,
        Some(seq / BLOCK + 1),
        "another block would be skipped"
    );
    let (status, body) = publisher.sql(&format!("UPDATE hub_counter SET seq = {seq}"));
    assert_eq!(status, 200, "{body}");
}

async fn come_back(client: &Client, hub: &Hub) {
    client.uri.send_replace(None);
    let gone = |status: &spacesd::uplink::LinkStatus| status.state == HubState::Offline;
    client.until("let go", gone).await;
    client.memory.forget();
    client.uri.send_replace(Some(hub.uri()));
    client.live().await;
}

async fn post_all(client: &Client, texts: &[String]) {
    for text in texts {
        let posted = client.uplink.call(client.post(text), None).await;
        assert_eq!(posted, Outcome::Committed);
    }
}

fn texts(word: &str) -> Vec<String> {
    (0..12).map(|number| format!("{word} {number}")).collect()
}

/// A dozen posts over each of the first three borders of blocks.
async fn post_over_borders(hub: &Hub, writer: &Client) -> Vec<String> {
    let mut all = Vec::new();
    for block in 1..=3 {
        count_to(hub, block * BLOCK - 5);
        let texts = texts(&format!("into block {}", block + 1));
        post_all(writer, &texts).await;
        all.extend(texts);
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_goes_on_from_block_to_block() {
    let hub = Hub::start();
    let writer = Client::start(hub.uri(), Some(&hub.owner_invite()));
    writer.live().await;
    let token = std::fs::read_to_string(writer.token_file()).unwrap();
    let reader = Client::with(hub.uri(), None, "spaces", Some(token.trim()));
    reader.live().await;
    let all = post_over_borders(&hub, &writer).await;
    reader.received(all.last().unwrap()).await;
    assert_eq!(reader.memory.contents(), all);
    let newest = reader.memory.messages().iter().map(|one| one.seq).max();
    assert_eq!(newest, Some(reader.memory.kept.lock().unwrap().last_seq));
    assert!(newest > Some(3 * BLOCK));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_window_goes_back_until_it_has_enough() {
    let hub = Hub::start();
    let writer = Client::start(hub.uri(), Some(&hub.owner_invite()));
    writer.live().await;
    let all = post_over_borders(&hub, &writer).await;
    let token = std::fs::read_to_string(writer.token_file()).unwrap();
    let (token, timing) = (Some(token.trim()), quick());
    let everything = Client::with(hub.uri(), None, "spaces", token);
    everything.live().await;
    assert_eq!(everything.memory.contents(), all);
    // The newest two blocks have eight, which is enough here.
    let few = Client::windowed(hub.uri(), None, "spaces", token, timing, 5);
    few.live().await;
    assert_eq!(few.memory.contents(), all[all.len() - 8..]);
    post_all(&writer, &["live".to_owned()]).await;
    few.received("live").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_missed_in_several_blocks_comes_and_no_more() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    client.live().await;
    let all = post_over_borders(&hub, &client).await;
    client.received(all.last().unwrap()).await;
    let messages = client.memory.messages();
    for seen in [3, 11, 12, 20, all.len() - 1] {
        let of = |text: &String| messages.iter().find(|one| one.content == *text);
        client.memory.kept.lock().unwrap().last_seq = of(&all[seen]).unwrap().seq;
        come_back(&client, &hub).await;
        assert_eq!(client.memory.contents(), all[seen + 1..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_before_there_were_blocks_is_not_missed() {
    let mut hub = Hub::start_with(Some(&module("spaces-1")));
    let token = hub.publisher_token();
    let member = Caller::stranger(hub.port());
    publisher(&hub)
        .call("fill", serde_json::json!([member.id()]))
        .unwrap();
    hub.upgrade();
    let client = Client::with(hub.uri(), None, "spaces", Some(&token));
    client.live().await;
    let old = "said in the open";
    client.received(old).await;
    let mut messages = client.memory.messages();
    messages.retain(|message| message.content == old);
    client.memory.kept.lock().unwrap().last_seq = messages[0].seq - 1;
    come_back(&client, &hub).await;
    assert!(client.memory.contents().iter().any(|one| one == old));
    client.memory.kept.lock().unwrap().last_seq = messages[0].seq;
    come_back(&client, &hub).await;
    assert!(!client.memory.contents().iter().any(|one| one == old));
}
