use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spaces_domain::ErrorKind::{Conflict, Invalid, NotFound, PermissionDenied};
use spaces_tests::{none, some, word};
use uuid::Uuid;

use super::{Case, Family};
use crate::world::settings;

pub const CASES: Family = &[
    ("admit", |stage| {
        let newcomer = stage.world.stranger();
        let of = |id: Value| json!([none(), id]);
        Case::keyed(
            &stage.world.publisher,
            of(newcomer.id()),
            of(stage.boss.id()),
        )
        .no(
            "not of the hub",
            &stage.boss,
            of(newcomer.id()),
            PermissionDenied,
        )
    }),
    ("revoke_admission", |stage| {
        let publisher = &stage.world.publisher;
        let (guest, nobody) = (stage.world.stranger(), stage.world.stranger());
        let of = |id: Value| json!([none(), id]);
        publisher.does("admit", of(guest.id()));
        Case::keyed(publisher, of(guest.id()), of(nobody.id()))
            .no(
                "not of the hub",
                &stage.boss,
                of(guest.id()),
                PermissionDenied,
            )
            .no("nobody", publisher, of(nobody.id()), NotFound)
            .no("oneself", publisher, of(publisher.id()), Invalid)
    }),
    ("set_hub_settings", |stage| {
        let publisher = &stage.world.publisher;
        let of = |name: &str, value: Value| json!([none(), settings(&[(name, value)])]);
        Case::keyed(
            publisher,
            of("audit_days", json!(100)),
            of("audit_days", json!(101)),
        )
        .no(
            "not of the hub",
            &stage.boss,
            of("audit_days", json!(1)),
            PermissionDenied,
        )
        .no("no days", publisher, of("audit_days", json!(0)), Invalid)
        .no("no name", publisher, of("hub_name", json!("")), Invalid)
    }),
    ("create_owner_invite", |stage| {
        let publisher = &stage.world.publisher;
        let (temporary, other) = (stage.world.stranger(), stage.world.stranger());
        let hash = hash(&unique());
        Case::keyed(
            publisher,
            json!([hash, temporary.id()]),
            json!([hash, other.id()]),
        )
        .no(
            "not the publisher",
            &stage.boss,
            json!([hash, other.id()]),
            PermissionDenied,
        )
        .no("no hash", publisher, json!(["secret", other.id()]), Invalid)
        .no(
            "a known identity",
            publisher,
            json!([hash, stage.boss.id()]),
            Conflict,
        )
    }),
    ("create_invite", |stage| {
        let (boss, id) = (&stage.boss, stage.server.id);
        let taken = hash(&unique());
        let of = |role: &str, uses: u32, expires: Value, hash: &str| {
            json!([none(), id, word(role), uses, expires, hash, none()])
        };
        boss.does("create_invite", of("agent", 1, none(), &taken));
        let fresh = hash(&unique());
        let past = some(json!({ "__timestamp_micros_since_unix_epoch__": 1 }));
        let nowhere = json!([
            none(),
            super::NOWHERE,
            word("agent"),
            1,
            none(),
            fresh,
            none()
        ]);
        Case::keyed(
            boss,
            of("member", 2, none(), &fresh),
            of("member", 3, none(), &fresh),
        )
        .no(
            "of one's own tier",
            &stage.member,
            of("member", 1, none(), &fresh),
            PermissionDenied,
        )
        .no(
            "of the owner's",
            boss,
            of("owner", 1, none(), &fresh),
            PermissionDenied,
        )
        .no(
            "no member",
            &stage.outsider,
            of("agent", 1, none(), &fresh),
            PermissionDenied,
        )
        .no("no uses", boss, of("agent", 0, none(), &fresh), Invalid)
        .no(
            "too many uses",
            boss,
            of("agent", 1_001, none(), &fresh),
            Invalid,
        )
        .no("over already", boss, of("agent", 1, past, &fresh), Invalid)
        .no("no hash", boss, of("agent", 1, none(), "secret"), Invalid)
        .no(
            "the same secret",
            boss,
            of("agent", 1, none(), &taken),
            Conflict,
        )
        .no("no server", boss, nowhere, NotFound)
    }),
    ("revoke_invite", |stage| {
        let (boss, id) = (&stage.boss, stage.server.id);
        let [hash, nothing] = [hash(&unique()), hash(&unique())];
        let made = json!([none(), id, word("member"), 1, none(), hash, none()]);
        boss.does("create_invite", made);
        Case::keyed(boss, json!([none(), hash]), json!([none(), nothing]))
            .no(
                "a member's",
                &stage.member,
                json!([none(), hash]),
                PermissionDenied,
            )
            .no("no invite", boss, json!([none(), nothing]), NotFound)
    }),
    ("redeem_invite", |stage| {
        let (boss, outsider, id) = (&stage.boss, &stage.outsider, stage.server.id);
        let invite = |uses: u32| {
            let secret = unique();
            let arguments = json!([
                none(),
                id,
                word("member"),
                uses,
                none(),
                hash(&secret),
                none()
            ]);
            boss.does("create_invite", arguments);
            secret
        };
        let (secret, used_up) = (invite(5), invite(1));
        let first = stage.world.user();
        first.does("redeem_invite", json!([used_up, first.id()]));
        let revoked = invite(1);
        boss.does("revoke_invite", json!([none(), hash(&revoked)]));
        let of = |secret: &str| json!([secret, outsider.id()]);
        Case::keyed(outsider, of(&secret), of(&revoked))
            .no("no invite", outsider, of("nothing"), NotFound)
            .no(
                "the hash is no secret",
                outsider,
                of(&hash(&secret)),
                NotFound,
            )
            .no("used up", outsider, of(&used_up), NotFound)
            .no(
                "used up, replayed",
                &first,
                json!([used_up, first.id()]),
                NotFound,
            )
            .no("revoked", outsider, of(&revoked), NotFound)
            .no("for another", &stage.member, of(&secret), PermissionDenied)
            .no(
                "a member already",
                &first,
                json!([secret, first.id()]),
                Conflict,
            )
    }),
];

fn unique() -> String {
    Uuid::new_v4().to_string()
}

fn hash(secret: &str) -> String {
    let digest = Sha256::digest(secret);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
