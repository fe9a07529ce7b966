mod accepting;
mod ages;
mod damaged;
mod enduring;
mod hub;
mod model;
mod sending;

use std::time::Duration;

use spaces_api::model::{Context, MessageKind};
use tempfile::TempDir;
use uuid::Uuid;

use super::{Entry, Limits, Opened, Outbox};
use crate::operation::{Call, Operation};

/// No condition in these tests takes nearly as long.
const DEADLINE: Duration = Duration::from_secs(30);

impl Outbox {
    /// Settings and statements for the writer's connection.
    async fn pragma(&self, pragma: &'static str) {
        let done = self
            .read(move |store| store.connection.execute_batch(pragma))
            .await;
        done.expect(pragma);
    }
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn open(directory: &TempDir) -> Outbox {
    open_with(directory, Limits::default())
}

fn open_with(directory: &TempDir, limits: Limits) -> Outbox {
    let Opened { outbox, warning } = Outbox::open(directory.path(), limits).unwrap();
    assert_eq!(warning, None);
    outbox
}

fn post(content: &str) -> Entry {
    post_to(1, content)
}

fn post_to(channel_id: u64, content: &str) -> Entry {
    Entry {
        call: Call {
            client_key: Uuid::new_v4(),
            session: None,
            operation: Operation::SendMessage {
                channel_id,
                thread_id: None,
                reply_to: None,
                kind: MessageKind::Text,
                content: content.into(),
                context: Context::default(),
            },
        },
        method: "message.send",
        target: format!("#{channel_id}"),
    }
}

fn content(call: &Call) -> &str {
    match &call.operation {
        Operation::SendMessage { content, .. } => content,
        other => panic!("not a message: {other:?}"),
    }
}

fn queued_texts(outbox: &Outbox) -> Vec<String> {
    outbox
        .pending()
        .iter()
        .map(|pending| content(&pending.call).to_owned())
        .collect()
}
