//! Random sequences of what happens to an outbox, against a model of what must
//! come of it.

use std::fs;

use proptest::prelude::*;
use spaces_api::ReceiptState;
use tempfile::TempDir;
use uuid::Uuid;

use super::super::{End, Entry, ItemError, Limits, Outbox, SubmitError};
use super::{content, directory, open, post, queued_texts};

#[derive(Clone, Debug)]
enum Step {
    Submit(usize),
    /// The same again.
    Repeat(prop::sample::Index),
    /// The same key with another text.
    Reuse(prop::sample::Index),
    Sent(prop::sample::Index),
    Rejected(prop::sample::Index),
    Retry(prop::sample::Index),
    Discard(prop::sample::Index),
    Close,
    /// The files as they are at this moment, opened elsewhere.
    Crash,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let at = any::<prop::sample::Index>;
    let step = prop_oneof![
        4 => (1..5usize).prop_map(Step::Submit),
        2 => at().prop_map(Step::Repeat),
        1 => at().prop_map(Step::Reuse),
        4 => at().prop_map(Step::Sent),
        2 => at().prop_map(Step::Rejected),
        2 => at().prop_map(Step::Retry),
        1 => at().prop_map(Step::Discard),
        1 => Just(Step::Close),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..40)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Queued,
    Sent,
    Rejected,
    Dropped,
}

#[derive(Default)]
struct Model {
    writes: Vec<(Entry, Fate)>,
    /// Indices of the queued ones, in order.
    queue: Vec<usize>,
}

impl Model {
    fn settle(&mut self, index: usize, fate: Fate) -> bool {
        let queued = self.writes[index].1 == Fate::Queued;
        if queued {
            self.writes[index].1 = fate;
            self.queue.retain(|other| *other != index);
        }
        queued
    }

    fn key(&self, index: usize) -> Uuid {
        self.writes[index].0.call.client_key
    }
}

async fn run(steps: Vec<Step>) {
    let mut directory = directory();
    let mut outbox = open(&directory);
    let mut model = Model::default();
    for (number, step) in steps.into_iter().enumerate() {
        let pick = |index: prop::sample::Index| {
            (!model.writes.is_empty()).then(|| index.index(model.writes.len()))
        };
        match step {
            Step::Submit(count) => {
                let entries: Vec<Entry> = (0..count)
                    .map(|part| post(&format!("{number}.{part}")))
                    .collect();
                outbox.submit(entries.clone()).await.unwrap();
                for entry in entries {
                    model.queue.push(model.writes.len());
                    model.writes.push((entry, Fate::Queued));
                }
            }
            Step::Repeat(index) => {
                let Some(index) = pick(index) else { continue };
                let (entry, fate) = &model.writes[index];
                let receipt = outbox.submit(vec![entry.clone()]).await.unwrap().remove(0);
                assert_eq!(receipt.state, shown(*fate));
            }
            Step::Reuse(index) => {
                let Some(index) = pick(index) else { continue };
                let mut other = post("another text");
                other.call.client_key = model.key(index);
                let refused = outbox.submit(vec![post("beside"), other]).await;
                assert_eq!(refused, Err(SubmitError::KeyReused(model.key(index))));
            }
            Step::Sent(index) => {
                let Some(index) = pick(index) else { continue };
                outbox.settle(model.key(index), End::Sent);
                model.settle(index, Fate::Sent);
            }
            Step::Rejected(index) => {
                let Some(index) = pick(index) else { continue };
                outbox.settle(model.key(index), End::Rejected("no".into()));
                model.settle(index, Fate::Rejected);
            }
            Step::Retry(index) => {
                let Some(index) = pick(index) else { continue };
                let outcome = outbox.retry(model.key(index)).await;
                if model.writes[index].1 == Fate::Rejected {
                    assert_eq!(outcome.unwrap().state, ReceiptState::Queued);
                    model.writes[index].1 = Fate::Queued;
                    model.queue.push(index);
                } else {
                    assert!(matches!(outcome, Err(ItemError::WrongState { .. })));
                }
            }
            Step::Discard(index) => {
                let Some(index) = pick(index) else { continue };
                let outcome = outbox.discard(model.key(index)).await;
                match model.writes[index].1 {
                    Fate::Queued | Fate::Rejected => {
                        assert_eq!(outcome.unwrap().state, ReceiptState::Rejected);
                        model.settle(index, Fate::Dropped);
                        model.writes[index].1 = Fate::Dropped;
                    }
                    Fate::Sent | Fate::Dropped => assert!(outcome.is_err()),
                }
            }
            Step::Close => {
                outbox.close().await;
                outbox = open(&directory);
            }
            Step::Crash => {
                let copy = copied(&outbox, &directory).await;
                outbox = open(&copy);
                directory = copy;
            }
        }
        check(&outbox, &model).await;
    }
}

fn shown(fate: Fate) -> ReceiptState {
    match fate {
        Fate::Queued => ReceiptState::Queued,
        Fate::Sent => ReceiptState::Sent,
        Fate::Rejected | Fate::Dropped => ReceiptState::Rejected,
    }
}

async fn check(outbox: &Outbox, model: &Model) {
    let expected: Vec<&str> = model
        .queue
        .iter()
        .map(|index| content(&model.writes[*index].0.call))
        .collect();
    assert_eq!(queued_texts(outbox), expected);
    for (entry, fate) in &model.writes {
        let receipt = outbox.receipt(entry.call.client_key).await;
        assert_eq!(receipt.expect("known").state, shown(*fate));
    }
    let count = |fate| {
        model
            .writes
            .iter()
            .filter(|(_, other)| *other == fate)
            .count() as u64
    };
    let status = outbox.status();
    assert_eq!(
        (status.queued, status.rejected),
        (count(Fate::Queued), count(Fate::Rejected))
    );
    let listed = outbox
        .list(true, Limits::default().max_items as usize)
        .await;
    assert_eq!(listed.len() as u64, count(Fate::Rejected));
    let bytes: u64 = outbox.pending().iter().map(|pending| pending.bytes).sum();
    assert_eq!(status.bytes, bytes);
}

/// Copies the files in the writer's own thread, between two transactions.
async fn copied(outbox: &Outbox, directory: &TempDir) -> TempDir {
    let copy = super::directory();
    let (from, to) = (directory.path().to_owned(), copy.path().to_owned());
    outbox
        .read(move |_| {
            for name in ["outbox.db", "outbox.db-wal"] {
                fs::copy(from.join(name), to.join(name)).unwrap();
            }
            Ok(())
        })
        .await
        .unwrap();
    copy
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_each_write_is_there_once_in_order_with_its_true_receipt(steps in steps()) {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
            .block_on(run(steps));
    }
}
