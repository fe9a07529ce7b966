//! The lists in docs/module.md: every table, view, reducer and procedure of the
//! hub, with who may read or call it. `UPDATE_DOCS=1` writes them anew; without it
//! the test fails where they are stale.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;
use spaces_domain::permissions::ROLES;
use spaces_domain::{Action, Role};
use spaces_tests::Daemon;

use crate::world::World;

const BEGIN: &str =
    "<!-- made by tests/tests/module/catalogue.rs: UPDATE_DOCS=1 writes it anew -->\n";
const END: &str = "<!-- end of what is made -->\n";

/// Who may call or read something.
enum Who {
    /// Tiers of the matrix, in the server that it is about.
    May(Action),
    /// The same, and what else there is to say.
    MayAnd(Action, &'static str),
    Said(&'static str),
}

use Who::{May, MayAnd, Said};

const EVERYBODY: Who = Said("each user of the hub");
const ONESELF: Who = Said("each user, about themselves");
const OWN_SESSION: Who = Said("its own user");
const READERS: Who =
    Said("members in any tier who read the channel, or both users of a direct-message channel");
const SHUT: Who = Said("nobody");

const TABLES: &[(&str, Who)] = &[
    ("module_info", EVERYBODY),
    ("newest_block", EVERYBODY),
    ("user", EVERYBODY),
    ("presence", EVERYBODY),
    ("agent", EVERYBODY),
    ("agent_session", EVERYBODY),
    ("claim", EVERYBODY),
    ("note", EVERYBODY),
    ("server", EVERYBODY),
    ("server_member", EVERYBODY),
    ("channel", EVERYBODY),
    ("thread", EVERYBODY),
    ("message", EVERYBODY),
    ("voice_state", EVERYBODY),
    ("typing", EVERYBODY),
    ("private_channel", Said("its readers, by `my_channels`")),
    (
        "private_thread",
        Said("the channel's readers, by `my_threads`"),
    ),
    (
        "private_message",
        Said("the channel's readers, by `my_inbox` and `channel_history`"),
    ),
    (
        "private_voice_state",
        Said("the channel's readers, by `my_voice_states`"),
    ),
    (
        "private_typing",
        Said("the channel's readers, by `my_typing`"),
    ),
    (
        "channel_member",
        Said("the channel's readers, by `my_channel_members`"),
    ),
    ("delivery", Said("its recipient, by `my_inbox`")),
    ("read_marker", Said("its user, by `my_read_markers`")),
    ("ban", MayAnd(Action::KickMember, "by `my_bans`")),
    (
        "audit_entry",
        MayAnd(Action::ReadAudit, "by `my_audit` and `audit_history`"),
    ),
    (
        "invite",
        MayAnd(Action::InviteMember, "and its maker, by `my_invites`"),
    ),
    ("admission", SHUT),
    ("audit_tail", SHUT),
    ("channel_tail", SHUT),
    ("connection", SHUT),
    ("deletion", SHUT),
    ("done_note", SHUT),
    ("hub_counter", SHUT),
    ("hub_settings", SHUT),
    ("idempotency_key", SHUT),
    ("inbox_state", SHUT),
    ("kept_mute", SHUT),
    ("lease_timer", SHUT),
    ("prune_cursor", SHUT),
    ("prune_sweep", SHUT),
    ("rate_bucket", SHUT),
    ("retention_timer", SHUT),
    ("session_lease", SHUT),
    ("slow_mode", SHUT),
];

const VIEWS: &[(&str, Who)] = &[
    ("my_inbox", Said("what was delivered to the caller")),
    ("my_read_markers", Said("the caller's own")),
    (
        "my_channels",
        Said("channels that are not open and that the caller reads"),
    ),
    (
        "my_channel_members",
        Said("who else reads the caller's private channels"),
    ),
    (
        "my_threads",
        Said("threads of the caller's channels that are not open"),
    ),
    (
        "my_voice_states",
        Said("rosters of the caller's channels that are not open"),
    ),
    (
        "my_typing",
        Said("who types in the caller's channels that are not open"),
    ),
    ("my_bans", MayAnd(Action::KickMember, "in their servers")),
    ("my_audit", MayAnd(Action::ReadAudit, "in their servers")),
    (
        "my_invites",
        MayAnd(
            Action::InviteMember,
            "in their servers, and the caller's own",
        ),
    ),
];

const REDUCERS: &[(&str, Who)] = &[
    (
        "admit",
        MayAnd(Action::ManageHub, "of the home server, and the publisher"),
    ),
    (
        "revoke_admission",
        MayAnd(Action::ManageHub, "of the home server, and the publisher"),
    ),
    (
        "set_hub_settings",
        MayAnd(Action::ManageHub, "of the home server, and the publisher"),
    ),
    (
        "create_owner_invite",
        Said("the publisher, while it owns the home server"),
    ),
    (
        "create_invite",
        MayAnd(Action::InviteAgent, "to lower tiers as the matrix says"),
    ),
    (
        "revoke_invite",
        MayAnd(
            Action::InviteMember,
            "for invites of lower tiers; each for their own",
        ),
    ),
    (
        "redeem_invite",
        Said("the invite's one-use identity, or the joiner"),
    ),
    ("set_profile", ONESELF),
    ("set_status", ONESELF),
    ("register_agent", ONESELF),
    ("start_session", ONESELF),
    ("update_session", OWN_SESSION),
    ("heartbeat", OWN_SESSION),
    ("end_session", OWN_SESSION),
    ("acquire_claim", OWN_SESSION),
    ("renew_claim", Said("whose claim it is")),
    ("release_claim", Said("whose claim it is")),
    ("leave_note", EVERYBODY),
    ("resolve_note", EVERYBODY),
    (
        "create_server",
        Said("each user, but not for an agent session"),
    ),
    ("update_server", May(Action::UpdateServer)),
    ("delete_server", May(Action::DeleteServer)),
    (
        "join_server",
        Said("each user, where the server is open and has not banned them"),
    ),
    ("leave_server", Said("each member but the owner")),
    ("transfer_ownership", May(Action::TransferOwnership)),
    (
        "set_member_role",
        MayAnd(Action::SetRole, "on and to lower tiers"),
    ),
    ("kick_member", MayAnd(Action::KickMember, "on lower tiers")),
    ("ban_member", MayAnd(Action::BanMember, "on lower tiers")),
    ("unban_member", May(Action::BanMember)),
    ("mute_member", MayAnd(Action::MuteMember, "on lower tiers")),
    (
        "unmute_member",
        MayAnd(Action::MuteMember, "on lower tiers"),
    ),
    ("create_channel", May(Action::CreateChannel)),
    (
        "update_channel",
        MayAnd(Action::UpdateChannel, "who read it"),
    ),
    (
        "archive_channel",
        MayAnd(Action::ArchiveChannel, "who read it"),
    ),
    (
        "delete_channel",
        MayAnd(Action::DeleteChannel, "who read it"),
    ),
    (
        "add_channel_member",
        MayAnd(Action::ManageChannelMembers, "who read it"),
    ),
    (
        "remove_channel_member",
        MayAnd(
            Action::ManageChannelMembers,
            "on lower tiers; each themselves",
        ),
    ),
    ("create_thread", READERS),
    (
        "archive_thread",
        MayAnd(Action::ArchiveAnyThread, "and its creator"),
    ),
    (
        "unarchive_thread",
        MayAnd(Action::ArchiveAnyThread, "and its creator"),
    ),
    (
        "send_message",
        Said("as `create_thread`; in announcement channels owner, admin, moderator"),
    ),
    ("send_direct_message", EVERYBODY),
    ("edit_message", Said("its author")),
    (
        "delete_message",
        MayAnd(Action::DeleteOtherMessage, "on lower tiers; its author"),
    ),
    ("add_reaction", READERS),
    ("remove_reaction", READERS),
    ("mark_read", Said("who reads the channel")),
    ("start_typing", READERS),
    ("ack_deliveries", Said("their recipient")),
    (
        "join_voice",
        Said("members in any tier who read the channel"),
    ),
    ("leave_voice", ONESELF),
    ("set_voice_state", Said("who is in a voice channel")),
    (
        "voice_signal",
        Said("who is in a voice channel, to others there"),
    ),
];

const PROCEDURES: &[(&str, Who)] = &[
    ("channel_history", Said("who reads the channel")),
    ("audit_history", May(Action::ReadAudit)),
    ("hub_settings_in_force", Said("each user of the hub")),
];

/// What `spacesctl module schema` says of the hub.
pub fn schema(world: &World) -> Value {
    let machine = Daemon::machine();
    machine
        .cli()
        .json(&["module", "schema", "--server", &world.uri(), "--json"])
}

/// The reducers that a client may call.
pub fn callable(schema: &Value) -> Vec<&str> {
    let reducers = items(&schema["reducers"]).iter();
    let theirs = reducers.filter(|one| one["lifecycle"].is_null());
    theirs.map(|one| one["name"].as_str().unwrap()).collect()
}

#[test]
fn the_command_line_lists_what_the_hub_has() {
    let world = World::open();
    let schema = schema(&world);
    let count = |list: &str| items(&schema[list]).len();
    assert_eq!(count("tables"), TABLES.len());
    assert_eq!(count("views"), VIEWS.len());
    assert_eq!(callable(&schema).len(), REDUCERS.len());
    assert!(count("tables") + count("views") + count("reducers") >= 60);
    let inbox = items(&schema["views"])
        .iter()
        .find(|view| view["name"] == "my_inbox");
    assert_eq!(inbox.unwrap()["columns"][0]["name"], "id");
}

#[test]
fn the_lists_in_the_documentation_are_those_of_the_hub() {
    let world = World::open();
    let made = lists(&schema(&world));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/module.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the mark");
    let (present, after) = rest.split_once(END).expect("the page has the end mark");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
        return;
    }
    assert!(
        present == made,
        "docs/module.md is stale: run this test with UPDATE_DOCS=1. It should say:\n{made}"
    );
}

fn lists(schema: &Value) -> String {
    let mut text = String::new();
    let public = |table: &Value| match table["public"].as_bool() {
        Some(true) => "yes",
        _ => "no",
    };
    text.push_str(
        "\n**Tables**\n\n| table | public | who sees its rows | columns |\n|---|---|---|---|\n",
    );
    for (table, who) in paired(items(&schema["tables"]), TABLES) {
        let (name, columns) = (name(table), words(&table["columns"]));
        writeln!(text, "| `{name}` | {} | {who} | {columns} |", public(table)).unwrap();
    }
    text.push_str("\n**Views**\n\n| view | what it shows | columns |\n|---|---|---|\n");
    for (view, who) in paired(items(&schema["views"]), VIEWS) {
        let (name, columns) = (name(view), words(&view["columns"]));
        writeln!(text, "| `{name}` | {who} | {columns} |").unwrap();
    }
    let called: Vec<Value> = items(&schema["reducers"])
        .iter()
        .filter(|reducer| reducer["lifecycle"].is_null())
        .cloned()
        .collect();
    for (what, list, catalogue) in [
        ("Reducers", called.as_slice(), REDUCERS),
        ("Procedures", items(&schema["procedures"]), PROCEDURES),
    ] {
        let kind = what.trim_end_matches('s').to_lowercase();
        write!(
            text,
            "\n**{what}**\n\n| {kind} | who may call it | arguments |\n|---|---|---|\n"
        )
        .unwrap();
        for (one, who) in paired(list, catalogue) {
            let (name, params) = (name(one), words(&one["params"]));
            writeln!(text, "| `{name}` | {who} | {params} |").unwrap();
        }
    }
    let own = items(&schema["reducers"])
        .iter()
        .filter(|one| !one["lifecycle"].is_null());
    let own: Vec<String> = own.map(|one| format!("`{}`", name(one))).collect();
    writeln!(text, "\nThe hub itself calls {}.\n", own.join(", ")).unwrap();
    text
}

/// Each of the hub's with what is said about it here, in the order said here.
fn paired<'a>(hub: &'a [Value], said: &[(&str, Who)]) -> Vec<(&'a Value, String)> {
    for one in hub {
        let known = said.iter().any(|(about, _)| *about == name(one));
        assert!(known, "nothing is said about {}", name(one));
    }
    let find = |about: &str| {
        let found = hub.iter().find(|one| name(one) == about);
        found.unwrap_or_else(|| panic!("the hub has no {about}"))
    };
    said.iter()
        .map(|(about, who)| (find(about), who.text()))
        .collect()
}

impl Who {
    fn text(&self) -> String {
        match self {
            Self::May(action) => tiers(*action),
            Self::MayAnd(action, more) => format!("{}, {more}", tiers(*action)),
            Self::Said(text) => (*text).to_owned(),
        }
    }
}

fn tiers(action: Action) -> String {
    let may = ROLES.iter().filter(|role| role.may(action));
    may.map(|role: &Role| role.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn name(one: &Value) -> &str {
    one["name"].as_str().unwrap()
}

/// The names of columns or parameters.
fn words(parts: &Value) -> String {
    let names = items(parts).iter().map(name).collect::<Vec<_>>();
    names.join(", ")
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}
