//! What the API promises of all its methods, held by a real daemon on a real
//! hub. Lists of methods come from `rpc.discover`, so that a new one cannot be
//! forgotten.

mod claims;
mod full;
mod metrics;
mod own_writes;
mod reads;
mod secrets;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};
use spaces_tests::Daemon;

/// The methods of this access (`read`, `write`, `admin`, `local`), with the
/// schemas of their parameters.
fn methods(daemon: &Daemon, access: &[&str]) -> Vec<(String, Value)> {
    let document = daemon.call("rpc.discover", json!({}));
    let methods = document["methods"].as_array().expect("methods").iter();
    let of_these = methods.filter(|method| {
        let its = method["x-access"].as_str().expect("an access");
        access.contains(&its)
    });
    let named = of_these.map(|method| {
        let schema = resolved(&document, &method["params"][0]["schema"]);
        (
            method["name"].as_str().expect("a name").to_owned(),
            schema.clone(),
        )
    });
    named.collect()
}

fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str() {
        Some(reference) => document
            .pointer(reference.trim_start_matches('#'))
            .expect("a reference resolves"),
        None => schema,
    }
}

/// One request by HTTP on a connection of its own: the body of the answer.
fn http(daemon: &Daemon, line: &str, body: &str) -> String {
    let mut stream = UnixStream::connect(daemon.socket()).expect("the daemon listens");
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .expect("the daemon reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    assert!(head.starts_with("HTTP/1.1 200"), "{line}: {head}");
    if !head.to_lowercase().contains("transfer-encoding: chunked") {
        return body.to_owned();
    }
    let (mut text, mut rest) = (String::new(), body);
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a chunk has a size");
        text.push_str(&after[..size]);
        rest = after[size..].trim_start_matches("\r\n");
    }
    text
}
