//! Who is let in, and what the others are told.

use std::fs;

use spaces_tests::Hub;
use spacesd::uplink::CallError;

use super::rig::*;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_admitted_is_told_so_and_let_in_by_an_invite() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), None);
    let why = client.trouble("does not admit us").await;
    assert!(why.contains("spacesctl join"), "{why}");
    let refused = client
        .uplink
        .redeem("spaces-invite:1:nonsense")
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("not a usable invite"),
        "{refused}"
    );
    client.uplink.redeem(&hub.owner_invite()).await.unwrap();
    client.live().await;

    let other = Client::start(hub.uri(), None);
    other.trouble("does not admit us").await;
    let used = other.uplink.redeem(&hub.owner_invite()).await.unwrap_err();
    assert!(
        matches!(&used, CallError::Refused(refusal) if refusal.kind == "not_found"),
        "a used invite: {used:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_token_a_wrong_database_and_a_wrong_address_are_told_apart() {
    let hub = Hub::start();
    let forged = format!("e30.{}.x", "e30");
    let client = Client::with(hub.uri(), None, "spaces", Some(&forged));
    client.trouble("does not accept our token").await;

    let client = Client::with(hub.uri(), None, "elsewhere", None);
    client.trouble("no Spaces database `elsewhere`").await;

    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let client = Client::start(format!("http://{free}"), None);
    client.trouble("cannot reach").await;
    client.uri.send_replace(Some("nonsense".to_owned()));
    client.trouble("is not the address of a hub").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_kept_for_its_owner_and_used_again() {
    let hub = Hub::start();
    let client = Client::start(hub.uri(), Some(&hub.owner_invite()));
    let first = client.live().await.identity;
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(client.token_file())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    client.uplink.shutdown().await;
    let token = fs::read_to_string(client.token_file()).unwrap();
    let again = Client::with(hub.uri(), None, "spaces", Some(&token));
    assert_eq!(again.live().await.identity, first);
    let (identity, token) = again.uplink.new_identity().await.unwrap();
    assert_ne!(Some(identity), first);
    assert!(!token.is_empty());
}
