//! What is particular to HTTP.

use serde_json::json;

use crate::daemon::{Daemon, kind};

const PING: &[u8] = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"daemon.ping\"}";

#[test]
fn browsers_are_refused() {
    let daemon = Daemon::start();
    for header in [
        "Host: localhost\r\nOrigin: http://evil.example",
        "Host: localhost\r\nReferer: http://localhost/",
        "Host: evil.example",
        "Host: localhost.evil.example",
    ] {
        let response = daemon.http(&format!("POST /rpc HTTP/1.1\r\n{header}"), PING);
        assert_eq!(
            (response.status, kind(&response.json())),
            (403, "permission_denied"),
            "{header}"
        );
    }
    for host in ["localhost", "spacesd", "localhost:80"] {
        let response = daemon.http(&format!("POST /rpc HTTP/1.1\r\nHost: {host}"), PING);
        assert_eq!(response.status, 200, "{host}");
    }
}

#[test]
fn every_answer_tells_version_and_protocol() {
    let daemon = Daemon::start();
    for response in [
        daemon.post(PING),
        daemon.get("/healthz"),
        daemon.get("/nowhere"),
        daemon.get("/rpc"),
    ] {
        assert!(
            response
                .head
                .contains(&format!("spaces-version: {}", spaces_api::VERSION)),
            "{}",
            response.head
        );
        assert!(
            response
                .head
                .contains(&format!("spaces-protocol: {}", spaces_api::PROTOCOL)),
            "{}",
            response.head
        );
    }
    assert_eq!(daemon.get("/nowhere").status, 404);
    let wrong = daemon.get("/rpc");
    assert_eq!(wrong.status, 405);
    assert!(wrong.head.contains("allow: post"), "{}", wrong.head);
}

#[test]
fn a_notification_has_no_content_and_a_batch_one_array() {
    let daemon = Daemon::start();
    let response = daemon.post(b"{\"jsonrpc\":\"2.0\",\"method\":\"daemon.ping\"}");
    assert_eq!((response.status, response.body.len()), (204, 0));
    let batch = [b"[".as_slice(), PING, b",", PING, b"]"].concat();
    assert_eq!(daemon.post(&batch).json().as_array().unwrap().len(), 2);
}

#[test]
fn alive_is_not_ready_before_the_first_load() {
    let daemon = Daemon::start();
    assert_eq!(daemon.get("/healthz").status, 200);
    let ready = daemon.get("/readyz");
    assert_eq!((ready.status, kind(&ready.json())), (503, "not_ready"));
    assert_eq!(kind(&daemon.call("channel.list", json!({}))), "not_ready");
}

#[test]
fn metrics_count_what_happens() {
    let daemon = Daemon::start();
    daemon.post(PING);
    daemon.queue_claim("counted");
    let metrics = daemon.get("/metrics");
    assert_eq!(metrics.status, 200);
    for line in [
        "spaces_requests_total{method=\"daemon.ping\"} 1",
        "spaces_requests_total{method=\"claim.acquire\"} 1",
        "spaces_outbox_queued 1",
        "spaces_hub_live 0",
        "spaces_cache_ready 0",
    ] {
        assert!(
            metrics.text().lines().any(|found| found == line),
            "{line} not in\n{}",
            metrics.text()
        );
    }
}

#[test]
fn subscriptions_are_told_where_they_work() {
    let daemon = Daemon::start();
    let request = b"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"events.subscribe\"}";
    let reply = daemon.post(request).json();
    assert_eq!(kind(&reply), "invalid_request");
    assert!(
        reply["error"]["data"]["hint"]
            .as_str()
            .unwrap()
            .contains("/events")
    );
}
