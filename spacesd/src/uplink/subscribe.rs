//! What is asked of the hub on each connection, and in which order: first which
//! hub and schema it is, then the present state of the small tables, then the
//! messages that were missed.

use spaces_api::Timestamp;
use spaces_bindings::DbConnection;

use super::inbound::{Inbound, Subscription};
use crate::row::Table;

const MICROS_PER_DAY: i64 = 24 * 3600 * 1_000_000;

/// The tables that are held whole, and what of ours they fill.
const STATE: &[(&str, Option<Table>)] = &[
    ("user", Some(Table::User)),
    ("presence", Some(Table::Presence)),
    ("agent", Some(Table::Agent)),
    ("agent_session", Some(Table::Session)),
    ("claim", Some(Table::Claim)),
    ("server", Some(Table::Server)),
    ("server_member", Some(Table::Member)),
    ("channel", Some(Table::Channel)),
    ("thread", Some(Table::Thread)),
    ("voice_state", Some(Table::Voice)),
    ("my_read_markers", Some(Table::ReadMarker)),
    ("my_channels", Some(Table::Channel)),
    ("my_threads", Some(Table::Thread)),
    ("my_voice_states", Some(Table::Voice)),
    ("my_bans", Some(Table::Ban)),
    ("my_audit", Some(Table::Audit)),
    ("my_invites", Some(Table::Invite)),
    // Messages, of which old ones may be gone here and there alike.
    ("note", None),
    // Handed on and acknowledged, never compared.
    ("my_inbox", None),
    ("typing", None),
    ("my_typing", None),
];

/// The tables of which the answer to [`Subscription::State`] holds every row.
pub(super) fn snapshot() -> Vec<Table> {
    let mut tables: Vec<Table> = Vec::new();
    for (_, table) in STATE {
        if let Some(table) = table
            && !tables.contains(table)
        {
            tables.push(*table);
        }
    }
    tables
}

pub(super) fn begin(
    connection: &DbConnection,
    inbound: &Inbound,
    subscription: Subscription,
    queries: Vec<String>,
) {
    let (applied, failed) = (inbound.clone(), inbound.clone());
    connection
        .subscription_builder()
        .on_applied(move |_| applied.applied(subscription))
        .on_error(move |_, error| failed.refused(format!("{subscription:?}: {error}")))
        .subscribe(queries);
}

pub(super) fn info() -> Vec<String> {
    vec!["SELECT * FROM module_info".to_owned()]
}

pub(super) fn state() -> Vec<String> {
    STATE
        .iter()
        .map(|(table, _)| format!("SELECT * FROM {table}"))
        .collect()
}

/// All messages that changed after `last_seq`; with nothing yet, those of the
/// last `window_days` in parts, the newest first, so that a busy hub's can end
/// early.
///
/// The floor of a live subscription stays where it was: the bindings let
/// messages pass through without keeping them, so nothing grows behind it.
pub(super) fn messages(last_seq: u64, window_days: u32) -> Vec<String> {
    if last_seq > 0 {
        return vec![format!("SELECT * FROM message WHERE seq > {last_seq}")];
    }
    let now = Timestamp::now().as_micros();
    let back = |days: u32| Timestamp::from_micros(now - i64::from(days) * MICROS_PER_DAY);
    let mut queries = Vec::new();
    let mut until = None;
    for days in [1, 7]
        .into_iter()
        .filter(|days| *days < window_days)
        .chain([window_days])
    {
        let since = back(days);
        queries.push(match until {
            None => format!("SELECT * FROM message WHERE created_at > '{since}'"),
            Some(until) => format!(
                "SELECT * FROM message WHERE created_at > '{since}' AND created_at <= '{until}'"
            ),
        });
        until = Some(since);
    }
    queries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_and_no_more() {
        assert_eq!(messages(7, 30), ["SELECT * FROM message WHERE seq > 7"]);
        let window = messages(0, 30);
        assert_eq!(window.len(), 3);
        let end = |query: &str| query.split('\'').nth(1).map(str::to_owned);
        assert!(window[1].ends_with(&format!("created_at <= '{}'", end(&window[0]).unwrap())));
        assert_eq!(messages(0, 1).len(), 1);
    }

    #[test]
    fn a_snapshot_names_each_table_once() {
        let snapshot = snapshot();
        for (at, table) in snapshot.iter().enumerate() {
            assert!(!snapshot[at + 1..].contains(table), "{table:?}");
        }
        assert!(snapshot.contains(&Table::Channel));
    }
}
