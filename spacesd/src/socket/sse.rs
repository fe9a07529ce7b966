//! `GET /events`: events as server-sent events.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response};
use spaces_api::{ErrorKind, RpcError};
use tokio::sync::watch;
use tokio::time::timeout;

use super::http::Body;
use super::stop_asked;
use crate::rpc::{Feed, FeedItem, Rpc};

/// A comment is sent after so much silence, so that a dead reader is noticed.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Streams events after the cursor of the query or of `Last-Event-ID`, which a
/// reconnecting client sends; new ones only without either.
///
/// # Errors
/// A query that is not understood, or a cursor that is too old.
pub(super) fn stream(
    request: &Request<Incoming>,
    rpc: &Rpc,
    stopping: watch::Receiver<bool>,
) -> Result<Response<Body>, RpcError> {
    let mut cursor = request.headers().get("last-event-id").map(|id| {
        let id = id.to_str().unwrap_or_default();
        parse_cursor(id)
    });
    let (mut kinds, mut channels) = (Vec::new(), Vec::new());
    for (name, value) in
        form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes())
    {
        let list = value
            .split(',')
            .filter(|word| !word.is_empty())
            .map(str::to_owned);
        match name.as_ref() {
            // What the client saw last goes before what its address says.
            "cursor" if cursor.is_some() => {}
            "cursor" => cursor = Some(parse_cursor(&value)),
            "kinds" => kinds.extend(list),
            "channels" => channels.extend(list.map(Into::into)),
            other => {
                let message = format!("GET /events: unknown query parameter `{other}`");
                return Err(RpcError::new(ErrorKind::InvalidParams, message)
                    .hint("it takes: cursor, kinds, channels"));
            }
        }
    }
    let feed = rpc.feed(cursor.transpose()?, &kinds, &channels)?;
    let frames = stream::unfold((Some(feed), stopping), |(feed, stopping)| {
        next(feed, stopping)
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn parse_cursor(text: &str) -> Result<u64, RpcError> {
    text.trim().parse().map_err(|_| {
        let message = format!("`{text}` is not a cursor");
        RpcError::new(ErrorKind::InvalidParams, message)
            .hint("give the `id` of the last event that was seen")
    })
}

type State = (Option<Feed>, watch::Receiver<bool>);
type Chunk = Result<Frame<Bytes>, std::convert::Infallible>;

async fn next(feed: Option<Feed>, mut stopping: watch::Receiver<bool>) -> Option<(Chunk, State)> {
    let mut feed = feed?;
    let item = tokio::select! {
        item = timeout(KEEP_ALIVE, feed.next()) => item,
        () = stop_asked(&mut stopping) => return None,
    };
    let (text, feed) = match item {
        Err(_) => (Bytes::from_static(b": still here\n\n"), Some(feed)),
        Ok(FeedItem::Event(event)) => {
            let head = format!("id: {}\nevent: {}\ndata: ", event.cursor, event.word);
            let mut text = Vec::with_capacity(head.len() + event.json.len() + 2);
            text.extend_from_slice(head.as_bytes());
            text.extend_from_slice(&event.json);
            text.extend_from_slice(b"\n\n");
            (text.into(), Some(feed))
        }
        Ok(FeedItem::Lagged(cursor)) => {
            let text = format!("event: lagged\ndata: {{\"lagged\":{cursor}}}\n\n");
            (text.into(), None)
        }
        Ok(FeedItem::Ended) => return None,
    };
    Some((Ok(Frame::data(text)), (feed, stopping)))
}
