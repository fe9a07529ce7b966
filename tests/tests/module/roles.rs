//! Every cell of the matrix: five tiers by all actions, allowed and refused,
//! generated from the table that the module itself is built with.

use serde_json::{Value, json};
use spaces_domain::permissions::{MATRIX, ROLES};
use spaces_domain::{Action, ErrorKind, Refusal, Role};
use spaces_tests::{Caller, none, some, word};

use crate::world::{HOME, Server, World, message, post, session};

#[test]
fn every_cell_of_the_matrix() {
    let world = World::open();
    let mut wrong = Vec::new();
    for (action, row) in MATRIX {
        for (role, allowed) in ROLES.into_iter().zip(row) {
            let outcome = Attempt::new(&world, role, action).run(none());
            wrong.extend(unexpected(&format!("{role}: {action}"), allowed, outcome));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_call_for_an_agent_session_is_held_to_the_agent_tier() {
    let world = World::open();
    let mut wrong = Vec::new();
    for (action, row) in MATRIX {
        if matches!(
            action,
            Action::ReadChannel | Action::MarkRead | Action::ReadAudit
        ) {
            continue; // These calls change nothing for others and name no session.
        }
        let attempt = Attempt::new(&world, Role::Owner, action);
        let session = session(&attempt.actor);
        let outcome = attempt.run(some(session));
        wrong.extend(unexpected(
            &format!("owner's session: {action}"),
            row[4],
            outcome,
        ));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn unexpected(what: &str, allowed: bool, outcome: Result<(), Refusal>) -> Option<String> {
    match (allowed, outcome) {
        (true, Ok(())) => None,
        (false, Err(refusal)) if refusal.kind == ErrorKind::PermissionDenied => None,
        (true, Err(refusal)) => Some(format!("{what} was refused: {refusal}")),
        (false, Err(refusal)) => Some(format!("{what} was refused for another reason: {refusal}")),
        (false, Ok(())) => Some(format!("{what} was allowed")),
    }
}

/// One actor in one tier of a new server, about to do one thing.
struct Attempt<'a> {
    world: &'a World,
    action: Action,
    actor: Caller,
    /// A member in the lowest tier.
    victim: Caller,
    server: Server,
}

impl<'a> Attempt<'a> {
    fn new(world: &'a World, role: Role, action: Action) -> Self {
        // The hub is run by the members of its first server.
        if action == Action::ManageHub {
            let boss = world.publisher.clone();
            let mut server = Server { id: HOME, boss };
            let actor = match role {
                Role::Owner => world.publisher.clone(),
                _ => world.user(),
            };
            if role != Role::Owner {
                server.admit(&actor, role);
            }
            return Self {
                world,
                action,
                actor,
                victim: world.user(),
                server,
            };
        }
        let (actor, victim) = (world.user(), world.user());
        let mut server = world.server(&actor, role, "open");
        server.admit(&victim, Role::Agent);
        Self {
            world,
            action,
            actor,
            victim,
            server,
        }
    }

    /// Tries the action, for a session where one is given.
    fn run(&self, session: Value) -> Result<(), Refusal> {
        let Self {
            actor,
            victim,
            server,
            ..
        } = self;
        let (id, boss) = (server.id, &server.boss);
        let general = || server.channel("general");
        let said =
            |author: &Caller| post(author, none(), general(), &uuid::Uuid::new_v4().to_string());
        match self.action {
            Action::ReadChannel => {
                answered(actor.asks("channel_history", json!([general(), none(), 10])))
            }
            Action::React => actor.keyed("add_reaction", json!([session, said(boss), "👍"])),
            Action::MarkRead => actor.keyed("mark_read", json!([general(), said(boss)])),
            Action::PostText => {
                actor.keyed("send_message", message(session, general(), "text", "hello"))
            }
            Action::PostAgentLog => {
                let log = server.new_channel("log", "agentLog", "open");
                actor.keyed("send_message", message(session, log, "summary", "done"))
            }
            Action::PostAnnouncement => {
                let news = server.new_channel("news", "announcement", "open");
                actor.keyed("send_message", message(session, news, "text", "news"))
            }
            Action::CreateThread => {
                actor.keyed("create_thread", json!([session, general(), "a thread"]))
            }
            Action::ArchiveOwnThread => {
                let thread = self.thread(actor);
                actor.keyed("archive_thread", json!([session, thread]))
            }
            Action::ArchiveAnyThread => {
                let thread = self.thread(victim);
                actor.keyed("archive_thread", json!([session, thread]))
            }
            Action::EditOwnMessage => {
                actor.keyed("edit_message", json!([session, said(actor), "better"]))
            }
            Action::DeleteOwnMessage => {
                actor.keyed("delete_message", json!([session, said(actor)]))
            }
            Action::DeleteOtherMessage => {
                actor.keyed("delete_message", json!([session, said(victim)]))
            }
            Action::MuteMember => {
                let muted = actor.keyed(
                    "mute_member",
                    json!([session, id, victim.id(), in_an_hour(), none()]),
                );
                muted?;
                actor.keyed("unmute_member", json!([session, id, victim.id()]))
            }
            Action::KickMember => {
                actor.keyed("kick_member", json!([session, id, victim.id(), none()]))
            }
            Action::InviteAgent => self.invite(session, Role::Agent),
            Action::InviteMember => self.invite(session, Role::Member),
            Action::InviteHigher => self.invite(session, Role::Moderator),
            Action::CreateChannel => {
                let arguments = json!([session, id, "new", word("text"), word("open"), none()]);
                actor.keyed("create_channel", arguments)
            }
            Action::UpdateChannel => {
                let arguments =
                    json!([session, general(), none(), some("a topic"), none(), none()]);
                actor.keyed("update_channel", arguments)
            }
            Action::ArchiveChannel => {
                actor.keyed("archive_channel", json!([session, general(), true]))
            }
            Action::DeleteChannel => actor.keyed("delete_channel", json!([session, general()])),
            Action::ManageChannelMembers => {
                let channel = server.new_channel("hidden", "text", "private");
                self.let_in(channel);
                actor.keyed("add_channel_member", json!([session, channel, victim.id()]))
            }
            Action::BanMember => {
                actor.keyed(
                    "ban_member",
                    json!([session, id, victim.id(), none(), none()]),
                )?;
                actor.keyed("unban_member", json!([session, id, victim.id()]))
            }
            Action::SetRole => actor.keyed(
                "set_member_role",
                json!([session, id, victim.id(), word("member")]),
            ),
            Action::UpdateServer => actor.keyed(
                "update_server",
                json!([session, id, none(), some("what it is"), none()]),
            ),
            Action::ReadAudit => self.read_audit(),
            Action::ManageHub => {
                let newcomer = self.world.stranger();
                actor.keyed("admit", json!([session, newcomer.id()]))?;
                actor.keyed("revoke_admission", json!([session, newcomer.id()]))
            }
            Action::DeleteServer => actor.keyed("delete_server", json!([session, id])),
            Action::TransferOwnership => {
                actor.keyed("transfer_ownership", json!([session, id, victim.id()]))
            }
        }
    }

    fn thread(&self, creator: &Caller) -> u64 {
        let name = uuid::Uuid::new_v4().to_string();
        creator.does(
            "create_thread",
            json!([none(), self.server.channel("general"), name]),
        );
        let rows = creator.rows("SELECT * FROM thread");
        crate::world::find(&rows, "name", &json!(name))["id"]
            .as_u64()
            .unwrap()
    }

    fn invite(&self, session: Value, role: Role) -> Result<(), Refusal> {
        let hash = format!("{:0>64}", uuid::Uuid::new_v4().simple().to_string());
        let role = word(role.as_str());
        let arguments = json!([session, self.server.id, role, 1, none(), hash, none()]);
        self.actor.keyed("create_invite", arguments)
    }

    /// Lets the actor read a private channel that the boss made.
    fn let_in(&self, channel: u64) {
        let arguments = json!([none(), channel, self.actor.id()]);
        self.server.boss.does("add_channel_member", arguments);
    }

    /// The view and the procedure must agree on who reads the audit.
    fn read_audit(&self) -> Result<(), Refusal> {
        let shown = self.actor.rows("SELECT * FROM my_audit");
        let answer = answered(
            self.actor
                .asks("audit_history", json!([self.server.id, none(), 10])),
        );
        assert_eq!(
            answer.is_ok(),
            !shown.is_empty(),
            "{answer:?} but {shown:?}"
        );
        answer
    }
}

/// A procedure's answer: its first column is an error, where there is one.
fn answered(page: Value) -> Result<(), Refusal> {
    match page[0][1].as_str() {
        Some(text) if page[0][0] == json!(0) => Err(Refusal::parse(text)),
        _ => Ok(()),
    }
}

fn in_an_hour() -> Value {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    json!({ "__timestamp_micros_since_unix_epoch__": now.as_micros() as u64 + 3_600_000_000 })
}
