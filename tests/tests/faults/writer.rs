//! One who writes in one place, and remembers every word that was said about it.

use std::path::Path;

use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};
use spaces_client::{Client, Error};
use spaces_tests::{eventually, raw_call};
use uuid::Uuid;

const POSTS_IN_A_ROUND: usize = 6;
const EDITS_IN: f64 = 0.25;

/// Where a writer writes.
#[derive(Clone)]
pub enum Place {
    Channel(&'static str),
    /// To this user.
    Direct(String),
}

pub struct Writer {
    pub name: String,
    pub place: Place,
    /// In the order in which they were acknowledged.
    pub posts: Vec<Post>,
}

pub struct Post {
    pub key: Uuid,
    /// The content that the hub has to show in the end.
    pub content: String,
    /// What was said about the post, and about each edit of it.
    pub said: Vec<Said>,
    message_id: Option<u64>,
}

/// What a receipt said when a call returned.
pub struct Said {
    pub state: String,
    /// The receipt, for a complaint about it.
    pub receipt: Value,
}

impl Writer {
    pub fn new(name: String, place: Place) -> Self {
        Self {
            name,
            place,
            posts: Vec::new(),
        }
    }

    /// Posts, and edits earlier posts, until the round's share is acknowledged.
    pub fn write_some(&mut self, socket: &Path, random: &mut StdRng) {
        let mut client = Client::new(socket);
        for _ in 0..POSTS_IN_A_ROUND {
            self.post(&mut client, random);
            if random.random_bool(EDITS_IN) {
                self.edit(&mut client, random);
            }
        }
    }

    fn post(&mut self, client: &mut Client, random: &mut StdRng) {
        let content = format!("{} {:06}", self.name, self.posts.len());
        let (method, mut params) = match &self.place {
            Place::Channel(name) => ("message.send", json!({"channel": name})),
            Place::Direct(user) => ("dm.send", json!({"to": user})),
        };
        params["content"] = json!(content);
        let (key, said) = acknowledged(client, method, params, random);
        self.posts.push(Post {
            key,
            content,
            said: vec![said],
            message_id: None,
        });
    }

    /// Edits an earlier post that the hub is known to have, if one is found.
    fn edit(&mut self, client: &mut Client, random: &mut StdRng) {
        let at = random.random_range(0..self.posts.len());
        let post = &mut self.posts[at];
        if post.message_id.is_none() {
            let asked = raw_call(client, "outbox.show", &json!({"client_key": post.key}));
            // The daemon may be away: then this post is not edited now.
            post.message_id = asked
                .ok()
                .and_then(|shown| shown["receipt"]["message_id"].as_u64());
        }
        let Some(id) = post.message_id else { return };
        let original = post.content.split(" v").next().unwrap();
        let content = format!("{original} v{}", post.said.len());
        let params = json!({"message": id, "content": content});
        let (_, said) = acknowledged(client, "message.edit", params, random);
        post.content = content;
        post.said.push(said);
    }
}

/// Makes a call until it is acknowledged, always with the same key, as a careful
/// client does.
fn acknowledged(
    client: &mut Client,
    method: &str,
    mut params: Value,
    random: &mut StdRng,
) -> (Uuid, Said) {
    let key = Uuid::from_u128(random.random());
    params["client_key"] = json!(key);
    if random.random_bool(0.25) {
        params["wait"] = json!("sent");
        params["timeout_ms"] = json!(300);
    }
    let receipt = eventually("a write is acknowledged", || {
        match raw_call(client, method, &params) {
            Ok(result) => Some(result["receipt"].clone()),
            Err(Error::Rpc(error)) => match error.data.detail.as_ref() {
                // Refused by the hub, which is told with the receipt.
                Some(detail) if detail["receipt"].is_object() => Some(detail["receipt"].clone()),
                _ => panic!("{method} {params} was refused: {error:?}"),
            },
            // No answer: the daemon has just gone.
            Err(_) => None,
        }
    });
    let state = receipt["state"].as_str().unwrap_or_default().to_owned();
    (key, Said { state, receipt })
}
