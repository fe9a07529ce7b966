//! The invite that hands a new hub to its first user, with the real module.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spaces_domain::invite::Invite;

use crate::harness::Site;
use crate::modules::module;

#[test]
fn whoever_redeems_the_owners_invite_owns_the_first_server() {
    let site = Site::new();
    let hub = site.start(None);
    let text = site.read("owner.invite");
    let invite: Invite = text.parse().unwrap();
    assert_eq!(
        (invite.database.as_str(), invite.uri),
        ("spaces", hub.url(""))
    );

    // The module knows the secret's hash alone.
    let hash: String = Sha256::digest(&invite.secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let owner = site.owner_token();
    assert_eq!(
        hub.rows(Some(&owner), "SELECT secret_hash FROM invite"),
        [json!([hash])]
    );

    // The joiner is a stranger until the invite's own identity redeems it.
    let joiner = hub.post("/v1/identity", None, "text/plain", b"").json();
    let (identity, token) = (&joiner["identity"], joiner["token"].as_str());
    let members = "SELECT identity, role FROM server_member";
    assert_eq!(hub.sql(token, members).status, 403);
    let joiner = json!({ "__identity__": format!("0x{}", identity.as_str().unwrap()) });
    let redeem = |token: &str| {
        let key = uuid::Uuid::new_v4().to_string();
        hub.call(
            Some(token),
            "redeem_invite",
            json!([key, invite.secret, joiner]),
        )
    };
    let redeemed = redeem(&invite.token);
    assert_eq!(redeemed.status, 200, "{}", redeemed.text);
    let owners: Vec<Value> = hub.rows(token, members);
    let expected = json!([[joiner["__identity__"]], [0, []]]);
    assert_eq!(owners, [expected], "the joiner, with the first role");

    // It is used up, and its identity with it.
    assert_eq!(redeem(&invite.token).status, 403);
    hub.stop();
    let hub = site.start(None);
    assert_eq!(site.read("owner.invite"), text, "written once");
    assert!(
        hub.rows(Some(&owner), "SELECT secret_hash FROM invite")
            .is_empty()
    );
}

#[test]
fn a_module_without_invites_gets_none_and_the_log_says_so() {
    let site = Site::new();
    let hub = site.start(Some(&module("notes")));
    assert!(fs::metadata(site.data().join("owner.invite")).is_err());
    assert!(
        hub.log().contains("no owner.invite is written"),
        "{}",
        hub.log()
    );
}
