//! What a command line without a daemon would be: a process that connects to
//! the hub by SpacetimeDB's SDK, posts once, waits until the post is durable,
//! and ends.
//!
//! `one-shot URI CHANNEL_ID CONTENT`, the token in `SPACES_TOKEN`.

use std::process::ExitCode;
use std::sync::mpsc;

use spaces_bindings::reducers::SendMessage;
use spaces_bindings::{DbConnection, MessageContext, MessageKind};
use spacetimedb_sdk::Compression;
use uuid::Uuid;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(uri), Some(channel), Some(content)) =
        (arguments.next(), arguments.next(), arguments.next())
    else {
        eprintln!("usage: one-shot URI CHANNEL_ID CONTENT");
        return ExitCode::from(2);
    };
    let token = std::env::var("SPACES_TOKEN").ok();
    let connection = DbConnection::builder()
        .with_uri(uri)
        .with_database_name("spaces")
        .with_token(token)
        .with_compression(Compression::None)
        .with_confirmed_reads(true)
        .build()
        .expect("the hub listens");
    connection.run_threaded();
    let post = SendMessage {
        client_key: Uuid::new_v4().to_string(),
        agent_session: None,
        channel_id: channel.parse().expect("a channel's id is a number"),
        thread_id: None,
        kind: MessageKind::Text,
        content,
        context: MessageContext {
            repo: None,
            branch: None,
            commit: None,
            paths: Vec::new(),
        },
        reply_to: None,
    };
    let (tell, told) = mpsc::channel();
    connection
        .calls
        .reducer(post, move |_, completion| drop(tell.send(completion)))
        .expect("the connection is open");
    match told.recv() {
        Ok(Ok(Ok(()))) => ExitCode::SUCCESS,
        other => {
            eprintln!("one-shot: the post failed: {other:?}");
            ExitCode::FAILURE
        }
    }
}
