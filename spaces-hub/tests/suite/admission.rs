//! The module's `client_connected` decides who may do anything.

use serde_json::json;

use crate::clients::open;
use crate::harness::Site;
use crate::modules::module;

const REFUSAL: &str = "not_admitted: ask for an invite";

#[test]
fn a_refusal_is_403_with_the_modules_text_everywhere() {
    let site = Site::new();
    let hub = site.start(Some(&module("doorman")));
    let stranger = hub.post("/v1/identity", None, "text/plain", b"").json();
    let stranger = stranger["token"].as_str().unwrap();
    for token in [None, Some(stranger)] {
        let replies = [
            hub.call(token, "let_in", json!([format!("0x{:064x}", 1)])),
            hub.sql(token, "SELECT * FROM guest"),
        ];
        for reply in replies {
            assert_eq!((reply.status, reply.text.as_str()), (403, REFUSAL));
        }
        let refused = open(&hub, "v2.bsatn.spacetimedb", token, "").err().unwrap();
        assert_eq!((refused.status, refused.text.as_str()), (403, REFUSAL));
    }
}

#[test]
fn who_is_let_in_may_call_query_and_subscribe() {
    let site = Site::new();
    let hub = site.start(Some(&module("doorman")));
    let guest = hub.post("/v1/identity", None, "text/plain", b"").json();
    let (identity, token) = (&guest["identity"], guest["token"].as_str());
    let argument = json!([{ "__identity__": format!("0x{}", identity.as_str().unwrap()) }]);
    let reply = hub.call(Some(&site.owner_token()), "let_in", argument);
    assert_eq!(reply.status, 200, "{}", reply.text);

    assert_eq!(hub.rows(token, "SELECT * FROM guest").len(), 2);
    let (_socket, response) = open(&hub, "v2.bsatn.spacetimedb", token, "").unwrap();
    assert_eq!(
        response.headers()["spacetime-identity"],
        identity.as_str().unwrap()
    );
}
