//! The ways into a hub and a server: admissions and invites.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spaces_domain::{ErrorKind, Role};
use spaces_tests::{Caller, none, some, word};

use crate::world::{HOME, World, settings};

fn hash(secret: &str) -> String {
    Sha256::digest(secret)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn invite(secret: &str, role: &str, uses: u32, expires: Value, temporary: &Caller) -> Value {
    json!([
        none(),
        HOME,
        word(role),
        uses,
        expires,
        hash(secret),
        some(temporary.id())
    ])
}

#[test]
fn an_invite_admits_the_joiner_s_own_identity_and_shuts_its_own_out() {
    let world = World::closed();
    let (temporary, joiner, thief) = (world.stranger(), world.stranger(), world.stranger());
    world.publisher.does(
        "create_invite",
        invite("s3cret", "member", 1, none(), &temporary),
    );

    // Until it is redeemed, its identity may do nothing else.
    for (reducer, arguments) in [
        ("set_status", json!([none()])),
        ("join_server", json!([HOME])),
        ("leave_note", json!([none(), "r", none(), "t", []])),
    ] {
        let refusal = temporary.keyed(reducer, arguments).unwrap_err();
        assert_eq!(refusal.kind, ErrorKind::NotAdmitted, "{reducer}: {refusal}");
    }
    let redeem = |who: &Caller, secret: &str, joiner: &Caller| {
        who.keyed("redeem_invite", json!([secret, joiner.id()]))
            .map_err(|refusal| refusal.kind)
    };
    assert_eq!(
        redeem(&thief, "s3cret", &thief),
        Err(ErrorKind::NotAdmitted),
        "the secret alone opens nothing"
    );
    assert_eq!(
        redeem(&temporary, "other", &joiner),
        Err(ErrorKind::NotFound)
    );
    assert_eq!(
        redeem(&temporary, "s3cret", &temporary),
        Err(ErrorKind::Invalid)
    );
    assert_eq!(redeem(&temporary, "s3cret", &joiner), Ok(()));
    assert_eq!(
        redeem(&temporary, "s3cret", &thief),
        Err(ErrorKind::NotAdmitted),
        "it is used up"
    );
    assert_eq!(
        redeem(&joiner, "s3cret", &joiner),
        Err(ErrorKind::NotFound),
        "nor again by the joiner"
    );
    joiner.does("set_status", json!([none()]));
    let rows = joiner.rows("SELECT * FROM server_member");
    let own = rows.iter().find(|row| joiner.is(&row["identity"])).unwrap();
    assert_eq!(own["role"][0], json!(3));
}

#[test]
fn an_invite_ends_with_its_time_its_maker_s_rank_and_its_revocation() {
    let world = World::open();
    let maker = world.user();
    let mut home = crate::world::Server {
        id: HOME,
        boss: world.publisher.clone(),
    };
    home.admit(&maker, Role::Moderator);
    let joiner = world.user();
    let redeem = |secret: &str| {
        joiner
            .keyed("redeem_invite", json!([secret, joiner.id()]))
            .map_err(|refusal| refusal.kind)
    };
    let make = |secret: &str, expires: Value| {
        maker.keyed(
            "create_invite",
            json!([
                none(),
                HOME,
                word("member"),
                5,
                expires,
                hash(secret),
                none()
            ]),
        )
    };
    let at = |offset: i64| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        some(json!({ "__timestamp_micros_since_unix_epoch__": now.as_micros() as i64 + offset }))
    };
    assert_eq!(make("past", at(-1)).unwrap_err().kind, ErrorKind::Invalid);
    make("short", at(300_000)).unwrap();
    spaces_tests::eventually("the invite expires", || {
        // Another identity each time: one that got in would get in only once.
        let late = world.user();
        let outcome = late.keyed("redeem_invite", json!(["short", late.id()]));
        (outcome.map_err(|refusal| refusal.kind) == Err(ErrorKind::NotFound)).then_some(())
    });

    make("revoked", none()).unwrap();
    maker.does("revoke_invite", json!([none(), hash("revoked")]));
    assert_eq!(redeem("revoked"), Err(ErrorKind::NotFound));

    make("lowered", none()).unwrap();
    let lower = json!([none(), HOME, maker.id(), word("agent")]);
    world.publisher.does("set_member_role", lower);
    assert_eq!(
        redeem("lowered"),
        Err(ErrorKind::NotFound),
        "its maker may invite no longer"
    );
    let raise = json!([none(), HOME, maker.id(), word("moderator")]);
    world.publisher.does("set_member_role", raise);
    assert_eq!(redeem("lowered"), Ok(()));
    assert_eq!(
        redeem("lowered"),
        Err(ErrorKind::Conflict),
        "a member already"
    );

    let for_another = joiner.keyed("redeem_invite", json!(["lowered", world.user().id()]));
    assert_eq!(for_another.unwrap_err().kind, ErrorKind::PermissionDenied);
}

#[test]
fn the_owner_invite_hands_the_hub_over_once() {
    let world = World::closed();
    let (temporary, owner) = (world.stranger(), world.stranger());
    world
        .publisher
        .does("create_owner_invite", json!([hash("own"), temporary.id()]));
    temporary.does("redeem_invite", json!(["own", owner.id()]));
    let rows = owner.rows("SELECT * FROM server_member");
    let owners: Vec<_> = rows
        .iter()
        .filter(|row| row["role"][0] == json!(0))
        .collect();
    assert_eq!(owners.len(), 1);
    assert!(owner.is(&owners[0]["identity"]));
    let again = world.publisher.keyed(
        "create_owner_invite",
        json!([hash("more"), world.stranger().id()]),
    );
    assert_eq!(again.unwrap_err().kind, ErrorKind::PermissionDenied);
    let guest = world.stranger();
    owner.does("admit", json!([none(), guest.id()]));
    guest.does("set_status", json!([none()]));
}

#[test]
fn who_is_shut_out_is_out() {
    let world = World::closed();
    let guest = world.stranger();
    world.publisher.does("admit", json!([none(), guest.id()]));
    guest.does("join_server", json!([HOME]));
    world
        .publisher
        .does("revoke_admission", json!([none(), guest.id()]));
    let refusal = guest.keyed("set_status", json!([none()])).unwrap_err();
    assert_eq!(refusal.kind, ErrorKind::NotAdmitted);
    let members = world.publisher.rows("SELECT * FROM server_member");
    assert!(members.iter().all(|row| !guest.is(&row["identity"])));
    // Opening the hub lets everybody in.
    world.publisher.does(
        "set_hub_settings",
        json!([none(), settings(&[("admission", word("open"))])]),
    );
    guest.does("set_status", json!([none()]));
}
