//! Requests to a daemon whose cache holds a small hub and whose hub is away: the
//! envelope, the parameters, and what every method makes of them.

mod rig;

use std::cell::RefCell;

use serde_json::Value;
use serde_json::value::RawValue;
use spaces_api::ErrorKind;

use rig::Rig;

thread_local! {
    static RIG: RefCell<Option<Rig>> = const { RefCell::new(None) };
}

/// One request or batch, as it comes over the socket.
pub fn check(input: &[u8]) {
    RIG.with_borrow_mut(|kept| {
        let rig = kept.get_or_insert_with(Rig::start);
        if let Some(reply) = rig.answer(input) {
            is_a_reply(input, reply.as_deref());
        }
        if rig.is_worn() {
            *kept = None;
        }
    });
}

/// Single replies to what is no batch; for a batch at most one for each call.
fn is_a_reply(request: &[u8], reply: Option<&[u8]>) {
    // Each call of a batch is read by itself: a number that no type holds spoils
    // one, not the others.
    let calls: Option<Vec<Box<RawValue>>> = serde_json::from_slice(request).ok();
    let request: Option<Value> = serde_json::from_slice(request).ok();
    let Some(reply) = reply else {
        assert!(
            request.is_some_and(|request| owes_no_reply(&request)),
            "no reply"
        );
        return;
    };
    let Ok(reply) = serde_json::from_slice::<Value>(reply) else {
        // An id comes back as it was written, also a number that no type holds.
        let is_json = serde_json::from_slice::<&RawValue>(reply).is_ok();
        assert!(is_json && request.is_none(), "a reply is JSON");
        return;
    };
    match (calls, &reply) {
        (Some(calls), Value::Array(replies)) => {
            assert!(!replies.is_empty() && replies.len() <= calls.len());
            replies.iter().for_each(|reply| is_one(None, reply));
        }
        _ => is_one(request.as_ref(), &reply),
    }
}

fn owes_no_reply(request: &Value) -> bool {
    match request {
        Value::Array(calls) => calls.iter().all(owes_no_reply),
        Value::Object(members) => !members.contains_key("id"),
        _ => false,
    }
}

fn is_one(request: Option<&Value>, reply: &Value) {
    assert_eq!(reply["jsonrpc"], "2.0", "{reply}");
    let (result, error) = (reply.get("result"), reply.get("error"));
    assert!(result.is_some() != error.is_some(), "{reply}");
    let id = reply.get("id").expect("a reply has an id");
    if let Some(error) = error {
        let kind: ErrorKind =
            serde_json::from_value(error["data"]["kind"].clone()).expect("an error has a kind");
        assert_ne!(kind, ErrorKind::Internal, "{request:?}: {error}");
        assert_eq!(error["code"], kind.code(), "{error}");
        assert_ne!(error["message"], "", "{error}");
    }
    // Where it is not known whose reply it is, the id is null.
    let asked = request.and_then(|request| request.get("id"));
    assert!(
        id.is_null() || asked.is_none_or(|asked| asked == id),
        "{request:?}: {reply}"
    );
}
