//! What is really on the hub, asked of the hub itself over plain HTTP, past
//! every part of the daemon.

use std::fs;

use serde_json::{Value, json};
use spaces_tests::{Caller, Daemon, Hub, none, some};

/// Places of a message's columns in the hub's answer, and of an absent value.
const CONTENT: usize = 10;
const ABSENT: u64 = 1;
const PAGE: u32 = 500;

/// All contents of a channel, in order, as this daemon's user may see them.
pub fn contents(hub: &Hub, daemon: &Daemon, channel_id: u64) -> Vec<String> {
    let token = fs::read_to_string(daemon.state_dir().join("token")).unwrap();
    let user = Caller::with_token(hub.port(), token.trim());
    let mut contents = Vec::new();
    let mut before = none();
    loop {
        let answer = user.asks("channel_history", json!([channel_id, before, PAGE]));
        let page = answer[1].as_array().unwrap().iter();
        let page: Vec<String> = page.map(|row| text(&row[CONTENT])).collect();
        contents.splice(0..0, page);
        if answer[2][0] == json!(ABSENT) {
            return contents;
        }
        before = some(answer[2][1].clone());
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
