//! What is asked of the hub on each connection, and in which order: first which
//! hub and schema it is, then the present state of the small tables, then the
//! messages that were missed.

use spaces_api::Timestamp;
use spaces_bindings::DbConnection;
use spaces_domain::block;

use super::inbound::{Inbound, Subscription};
use crate::row::{Known, MessageRow, Table};

const MICROS_PER_DAY: i64 = 24 * 3600 * 1_000_000;

/// Most blocks in one part of the first window, which is in memory as a whole.
const BLOCKS_AT_ONCE: u64 = 16;

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
    ("newest_block", None),
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

/// How the messages are asked for.
pub(super) struct Messages {
    /// One subscription each, to be begun in turn.
    pub parts: Vec<Vec<String>>,
    /// The beginning of the first window: see [`reaches_back_to`].
    pub since: Option<Timestamp>,
    /// Nothing beyond this block is asked for yet: see [`next_block`].
    pub to_block: u64,
}

/// All messages that changed after `last_seq`, and the one that is `known`, if it
/// is still there; with nothing yet, those of the last `window_days`, the newest
/// first, so that a busy hub's can end early. In both cases up to the block after
/// the hub's newest.
///
/// What is subscribed to stays so: the bindings let messages pass through
/// without keeping them, so nothing grows behind it.
pub(super) fn messages(
    last_seq: u64,
    known: Option<Known>,
    newest_block: u64,
    window_days: u32,
) -> Messages {
    match last_seq {
        0 => first_window(newest_block, window_days),
        _ => {
            let next = last_seq + 1;
            let begin = known.map_or(next, |known| known.seq.min(next));
            missed(begin, newest_block)
        }
    }
}

fn missed(begin: u64, newest_block: u64) -> Messages {
    let first = block::of_seq(begin);
    let to_block = first.max(newest_block + 1);
    let begun = [block::UNSORTED, first]
        .map(|block| format!("SELECT * FROM message WHERE block = {block} AND seq >= {begin}"));
    let later = (first + 1..=to_block).map(whole_block);
    Messages {
        parts: vec![begun.into_iter().chain(later).collect()],
        since: None,
        to_block,
    }
}

/// The newest two blocks, then ever more at once, since those of a hub where
/// little is said in the open hold few messages.
fn first_window(newest_block: u64, window_days: u32) -> Messages {
    let now = Timestamp::now().as_micros();
    let since = Timestamp::from_micros(now - i64::from(window_days) * MICROS_PER_DAY);
    let to_block = newest_block + 1;
    let mut parts = Vec::new();
    let (mut end, mut blocks) = (to_block, 2);
    while end > block::UNSORTED {
        let begin = end.saturating_sub(blocks);
        parts.push((begin + 1..=end).map(whole_block).collect());
        (end, blocks) = (begin, (blocks * 2).min(BLOCKS_AT_ONCE));
    }
    let unsorted = block::UNSORTED;
    parts.push(vec![format!(
        "SELECT * FROM message WHERE block = {unsorted} AND created_at > '{since}'"
    )]);
    Messages {
        parts,
        since: Some(since),
        to_block,
    }
}

/// Whether the blocks before the one that these are from hold nothing written
/// since then. Of that tells one that is older and was never changed into a later
/// block: all that is in earlier ones was written before it.
pub(super) fn reaches_back_to<'a>(
    since: Timestamp,
    mut messages: impl Iterator<Item = &'a MessageRow>,
) -> bool {
    messages.any(|row| row.created_at < since && block::of_seq(row.id) == block::of_seq(row.seq))
}

/// The block to ask for after those up to `to_block`, once the hub's newest is
/// `newest_block`. One block is always asked for ahead, so that its first
/// messages come as they are written.
///
/// Blocks are begun in order, which the hub keeps, so whoever has a message has
/// what came before it. Those that are full stay asked for: nothing new is
/// written there, and giving them up would have the hub send their rows again.
pub(super) fn next_block(to_block: u64, newest_block: u64) -> Option<(u64, String)> {
    (to_block <= newest_block).then(|| (to_block + 1, whole_block(to_block + 1)))
}

fn whole_block(block: u64) -> String {
    format!("SELECT * FROM message WHERE block = {block}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::fixture;

    #[test]
    fn what_was_missed_and_no_more() {
        let known = |seq| Known {
            id: 3,
            seq,
            created_at: Timestamp::from_micros(0),
        };
        let first = block::of_seq(7);
        for (known, begin) in [(None, 8), (Some(known(5)), 5), (Some(known(9)), 8)] {
            let missed = messages(7, known, first + 1, 30);
            assert_eq!(
                missed.parts,
                [[
                    format!("SELECT * FROM message WHERE block = 0 AND seq >= {begin}"),
                    format!("SELECT * FROM message WHERE block = {first} AND seq >= {begin}"),
                    format!("SELECT * FROM message WHERE block = {}", first + 1),
                    format!("SELECT * FROM message WHERE block = {}", first + 2),
                ]]
            );
            assert_eq!((missed.since, missed.to_block), (None, first + 2));
        }
    }

    #[test]
    fn one_block_is_asked_for_ahead() {
        assert_eq!(next_block(6, 5), None);
        let (block, query) = next_block(6, 6).unwrap();
        assert_eq!(block, 7);
        assert_eq!(query, "SELECT * FROM message WHERE block = 7");
        assert!(next_block(7, 6).is_none());
    }

    #[test]
    fn a_hub_that_is_behind_is_followed_from_where_we_are() {
        let far = 100_000;
        let missed = messages(far, None, 1, 30);
        assert_eq!(missed.parts[0].len(), 2);
        assert_eq!(missed.to_block, block::of_seq(far));
    }

    #[test]
    fn the_first_window_goes_back_through_every_block_once() {
        let window = messages(0, None, 9, 30);
        assert_eq!(window.to_block, 10);
        let sizes: Vec<usize> = window.parts.iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 4, 4, 1], "the last are those without a block");
        let mut asked: Vec<String> = window.parts[..3].concat();
        asked.sort();
        let mut all: Vec<String> = (1..=10).map(whole_block).collect();
        all.sort();
        assert_eq!(asked, all);
        let last = &window.parts[3][0];
        assert!(last.contains("block = 0 AND created_at > '"), "{last}");
    }

    #[test]
    fn an_old_message_ends_the_window_unless_it_was_changed_in_a_later_block() {
        let since = Timestamp::from_micros(1_000);
        let written = |id, seq, at| MessageRow {
            seq,
            created_at: Timestamp::from_micros(at),
            ..fixture::message_row(id, 1, fixture::ME, "text")
        };
        let ends = |rows: &[MessageRow]| reaches_back_to(since, rows.iter());
        assert!(!ends(&[]));
        assert!(!ends(&[written(5, 5, 1_000), written(6, 6, 2_000)]));
        assert!(ends(&[written(6, 6, 2_000), written(5, 5, 999)]));
        assert!(ends(&[written(5, 7, 999)]), "changed in its own block");
        assert!(!ends(&[written(5, 100_000, 999)]), "others may lie between");
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
