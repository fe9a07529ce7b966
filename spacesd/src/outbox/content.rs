//! What makes two calls with one key the same call.

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::operation::Call;

/// A call's content in 32 bytes.
pub(super) type Digest = [u8; 32];

/// The digest of what the caller said. Left out are the key, and the context
/// (repository, branch, commit): the daemon derives it from the caller's
/// directory, where a commit between a call and its repetition changes it.
/// Absent and null members count as one, so that an outbox written by an older
/// version, which knew fewer members, still recognises a repetition.
pub(super) fn digest(call: &Call) -> serde_json::Result<Digest> {
    let mut value = serde_json::to_value(call)?;
    if let Some(members) = value.as_object_mut() {
        members.remove("client_key");
    }
    if let Some(operation) = value.get_mut("operation").and_then(Value::as_object_mut) {
        operation.remove("context");
    }
    let mut hash = Sha256::new();
    feed(&mut hash, &value);
    Ok(hash.finalize().into())
}

/// Each value is preceded by its kind and size, so that no two values feed the
/// same bytes; members go in the order of their names.
fn feed(hash: &mut Sha256, value: &Value) {
    match value {
        Value::Null => hash.update(b"n"),
        Value::Bool(flag) => hash.update(if *flag { b"t" } else { b"f" }),
        Value::Number(number) => feed_text(hash, b"d", &number.to_string()),
        Value::String(text) => feed_text(hash, b"s", text),
        Value::Array(items) => {
            hash.update(b"a");
            hash.update((items.len() as u64).to_le_bytes());
            items.iter().for_each(|item| feed(hash, item));
        }
        Value::Object(members) => {
            let mut said: Vec<_> = members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .collect();
            said.sort_by_key(|(name, _)| *name);
            hash.update(b"o");
            hash.update((said.len() as u64).to_le_bytes());
            for (name, value) in said {
                feed_text(hash, b"k", name);
                feed(hash, value);
            }
        }
    }
}

fn feed_text(hash: &mut Sha256, kind: &[u8], text: &str) {
    hash.update(kind);
    hash.update((text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use spaces_api::model::{Context, MessageKind};
    use uuid::Uuid;

    use super::digest;
    use crate::operation::{Call, Operation};

    fn message(content: &str, branch: Option<&str>) -> Call {
        Call {
            client_key: Uuid::new_v4(),
            session: None,
            operation: Operation::SendMessage {
                channel_id: 1,
                thread_id: None,
                reply_to: None,
                kind: MessageKind::Text,
                content: content.into(),
                context: Context {
                    branch: branch.map(Into::into),
                    ..Context::default()
                },
            },
        }
    }

    #[test]
    fn the_content_counts_and_the_derived_context_does_not() {
        let first = digest(&message("hello", Some("main"))).unwrap();
        assert_eq!(first, digest(&message("hello", Some("topic"))).unwrap());
        assert_ne!(first, digest(&message("hello!", Some("main"))).unwrap());
        let mut other = message("hello", None);
        other.session = Some("s".into());
        assert_ne!(first, digest(&other).unwrap());
    }
}
