//! `events.*`

use std::sync::Arc;

use spaces_api::methods::None;
use spaces_api::methods::events::{Pushed, SubscribeParams, Subscribed, UnsubscribeParams};
use spaces_api::{ErrorKind, RpcError};
use tokio::sync::mpsc;

use crate::rpc::envelope::notification;
use crate::rpc::feed::Rendered;
use crate::rpc::{Call, Feed, FeedItem};

const EVENT: &str = "event";

pub(super) fn subscribe(call: &Call, params: SubscribeParams) -> Result<Subscribed, RpcError> {
    let feed = Feed::open(&call.daemon, params.cursor, &params.kinds, &params.channels)?;
    let cursor = feed.cursor();
    let subscription = call
        .client
        .subscribe(|id, pushes| tokio::spawn(push(id, feed, pushes)))?;
    Ok(Subscribed {
        subscription,
        cursor,
    })
}

pub(super) fn unsubscribe(call: &Call, params: UnsubscribeParams) -> Result<None, RpcError> {
    if call.client.unsubscribe(params.subscription) {
        return Ok(None {});
    }
    let message = format!(
        "this connection has no subscription {}",
        params.subscription
    );
    Err(RpcError::new(ErrorKind::NotFound, message)
        .hint("it may have ended because the reader lagged"))
}

async fn push(subscription: u64, mut feed: Feed, pushes: mpsc::Sender<Vec<u8>>) {
    loop {
        let (text, go_on) = match feed.next().await {
            FeedItem::Event(event) => (event_text(subscription, &event), true),
            FeedItem::Lagged(cursor) => (lagged_text(subscription, cursor), false),
            FeedItem::Ended => return,
        };
        if pushes.send(text).await.is_err() || !go_on {
            return;
        }
    }
}

fn event_text(subscription: u64, event: &Arc<Rendered>) -> Vec<u8> {
    let mut params = Vec::with_capacity(event.json.len() + 48);
    params.extend_from_slice(format!("{{\"subscription\":{subscription},\"event\":").as_bytes());
    params.extend_from_slice(&event.json);
    params.push(b'}');
    notification(EVENT, &params)
}

fn lagged_text(subscription: u64, cursor: u64) -> Vec<u8> {
    let pushed = Pushed {
        subscription,
        event: Option::None,
        lagged: Some(cursor),
    };
    let params = serde_json::to_vec(&pushed).expect("numbers can be written");
    notification(EVENT, &params)
}
