//! Whom an act may be done to, and that a server has one owner at all times.

use serde_json::json;
use spaces_domain::permissions::ROLES;
use spaces_domain::{Action, ErrorKind, Role};
use spaces_tests::{none, word};

use crate::world::World;

/// Kicking every tier by every tier, and giving every role.
#[test]
fn nobody_acts_on_an_equal_or_higher_tier() {
    let world = World::open();
    for actor_role in ROLES {
        let actor = world.user();
        let mut server = world.server(&actor, actor_role, "open");
        for target_role in [Role::Admin, Role::Moderator, Role::Member, Role::Agent] {
            let target = world.user();
            if server.role_of(&server.boss.clone()) == Some(1) && target_role == Role::Admin {
                // The boss is an admin here, and makes no other.
                target.does("join_server", json!([server.id]));
                let arguments = json!([none(), server.id, target.id(), word("admin")]);
                actor.does("set_member_role", arguments);
            } else {
                server.admit(&target, target_role);
            }
            let may = actor_role.may(Action::KickMember) && actor_role.outranks(target_role);
            let outcome = actor.keyed(
                "kick_member",
                json!([none(), server.id, target.id(), none()]),
            );
            assert_eq!(
                outcome.is_ok(),
                may,
                "{actor_role} kicks {target_role}: {outcome:?}"
            );
            assert_eq!(server.role_of(&target).is_none(), may);
        }
        for given in ROLES {
            let target = world.user();
            server.admit(&target, Role::Agent);
            let may = actor_role.may(Action::SetRole) && actor_role.outranks(given);
            let arguments = json!([none(), server.id, target.id(), word(given.as_str())]);
            let outcome = actor.keyed("set_member_role", arguments);
            assert_eq!(
                outcome.is_ok(),
                may,
                "{actor_role} gives {given}: {outcome:?}"
            );
        }
    }
}

#[test]
fn a_server_always_has_one_owner() {
    let world = World::open();
    let (first, second) = (world.user(), world.user());
    let mut server = world.server(&first, Role::Owner, "open");
    server.admit(&second, Role::Member);
    let refused = |outcome: Result<(), spaces_domain::Refusal>, kind| {
        assert_eq!(outcome.unwrap_err().kind, kind);
    };
    refused(
        first.keyed("leave_server", json!([server.id])),
        ErrorKind::Conflict,
    );
    let to_itself = json!([none(), server.id, first.id()]);
    refused(
        first.keyed("transfer_ownership", to_itself),
        ErrorKind::Invalid,
    );
    let to_a_stranger = json!([none(), server.id, world.user().id()]);
    refused(
        first.keyed("transfer_ownership", to_a_stranger),
        ErrorKind::NotFound,
    );
    let lower_itself = json!([none(), server.id, first.id(), word("member")]);
    refused(
        first.keyed("set_member_role", lower_itself),
        ErrorKind::Invalid,
    );

    first.does(
        "transfer_ownership",
        json!([none(), server.id, second.id()]),
    );
    let rows = first.rows("SELECT * FROM server_member");
    let owners = rows
        .iter()
        .filter(|row| row["server_id"] == json!(server.id) && row["role"][0] == json!(0));
    let owners: Vec<_> = owners.collect();
    assert_eq!(owners.len(), 1);
    assert!(second.is(&owners[0]["identity"]));
    assert_eq!(server.role_of(&first), Some(1), "the old owner is an admin");
}
