use proptest::prelude::*;
use spaces_api::model::Message;

use crate::cache::fixture::*;
use crate::cache::{Gap, Limits, MessagePage, PageQuery};
use crate::row::{MessageRow, PageEnd, Row};

fn query(before: Option<u64>, limit: u32) -> PageQuery {
    PageQuery {
        channel_id: GENERAL,
        before,
        limit,
        ..PageQuery::default()
    }
}

fn numbers(messages: &[Message]) -> Vec<u64> {
    messages.iter().filter_map(|message| message.id).collect()
}

fn read(fixture: &Fixture, before: Option<u64>, limit: u32) -> (Vec<u64>, Option<Gap>) {
    let page = fixture.cache.messages(&query(before, limit)).unwrap();
    (numbers(&page.messages), page.gap)
}

fn gap(beyond: usize, end: PageEnd) -> Option<Gap> {
    Some(Gap { beyond, end })
}

fn put(fixture: &Fixture, ids: impl IntoIterator<Item = u64>) {
    fixture.put(ids.into_iter().map(|id| message(id, GENERAL, BOB, "x")));
}

#[test]
fn a_page_says_where_messages_are_missing() {
    let fixture = Fixture::new();
    assert_eq!(read(&fixture, None, 3), (vec![], gap(0, PageEnd::Newest)));
    assert_eq!(
        read(&fixture, Some(4), 3),
        (vec![], gap(0, PageEnd::BeforeId(4)))
    );
    put(&fixture, 10..=15);
    let missing = PageEnd::BeforeOrdinal(10);
    assert_eq!(read(&fixture, None, 3), (vec![13, 14, 15], None));
    // The gap is before this page, and then all of the next.
    assert_eq!(
        read(&fixture, Some(13), 3),
        (vec![10, 11, 12], gap(0, missing))
    );
    assert_eq!(
        read(&fixture, Some(13), 9),
        (vec![10, 11, 12], gap(0, missing))
    );
    assert_eq!(read(&fixture, Some(10), 3), (vec![], gap(0, missing)));

    // An old message that came alone, because it was edited.
    put(&fixture, [5]);
    assert_eq!(
        read(&fixture, Some(13), 4),
        (vec![5, 10, 11, 12], gap(1, missing))
    );
    assert_eq!(read(&fixture, Some(10), 4), (vec![5], gap(1, missing)));
    assert_eq!(
        read(&fixture, Some(8), 4),
        (vec![5], gap(1, PageEnd::BeforeId(8)))
    );
    assert_eq!(
        read(&fixture, Some(5), 4),
        (vec![], gap(0, PageEnd::BeforeOrdinal(5)))
    );

    // What comes between closes the gap, whatever its order.
    put(&fixture, [9, 6, 7, 8]);
    assert_eq!(read(&fixture, Some(13), 4), (vec![9, 10, 11, 12], None));
    put(&fixture, 1..=4);
    assert_eq!(read(&fixture, Some(4), 4), (vec![1, 2, 3], None));
    assert_eq!(read(&fixture, Some(1), 4), (vec![], None));
    let whole: Vec<u64> = (1..=15).collect();
    assert_eq!(read(&fixture, None, 50), (whole, None));
}

#[test]
fn what_the_limits_took_is_missing_and_not_the_beginning() {
    let fixture = Fixture::new();
    put(&fixture, 1..=30);
    fixture.cache.set_limits(Limits {
        max_messages: 10,
        max_age_days: None,
    });
    super::sync::wait_until("pruning", || fixture.cache.status().messages == 10);
    assert_eq!(
        read(&fixture, Some(25), 50),
        (vec![21, 22, 23, 24], gap(0, PageEnd::BeforeOrdinal(21)))
    );
}

#[test]
fn a_row_is_shown_as_if_it_had_been_in_the_cache() {
    let fixture = Fixture::new();
    let stranger = crate::row::Identity([0xAB; 32]);
    let row = MessageRow {
        agent_address: Some("@bob/codex.app.main".to_owned()),
        session_id: Some("s".to_owned()),
        context: place("r", Some("b")),
        reply_to: Some(2),
        mentions: vec![ME, stranger],
        reactions: vec![("+1".to_owned(), vec![CAROL, ME])],
        edited_at: Some(at(9)),
        ..message_row(7, DM_WITH_BOB, BOB, "secret")
    };
    let deleted = MessageRow {
        content: "gone".to_owned(),
        deleted: true,
        ..message_row(8, DM_WITH_BOB, stranger, "")
    };
    let rows = [row, deleted];
    let shown = fixture.cache.show(DM_WITH_BOB, &rows).unwrap();
    fixture.put(rows.map(Row::Message));
    let kept = fixture.cache.messages(&PageQuery {
        channel_id: DM_WITH_BOB,
        ..query(None, 9)
    });
    assert_eq!(shown, kept.unwrap().messages);
    assert_eq!(shown[0].channel, "@bob");
    assert_eq!(shown[0].mentions, ["alice", "abababababab"]);
}

/// Messages of the channel; every third is in a thread.
const ALL: u64 = 30;

fn threaded(id: u64) -> MessageRow {
    MessageRow {
        thread_id: id.is_multiple_of(3).then_some(5),
        ..message_row(id, GENERAL, BOB, "x")
    }
}

/// The page with what it lacks, as the hub would give it.
fn completed(query: &PageQuery, page: MessagePage) -> Vec<u64> {
    let mut ids = numbers(&page.messages);
    let Some(gap) = page.gap else {
        return ids;
    };
    let end = match gap.end {
        PageEnd::Newest => u64::MAX,
        PageEnd::BeforeId(end) | PageEnd::BeforeOrdinal(end) => end,
    };
    ids.drain(..gap.beyond);
    let fits = |id: &u64| *id < end && query.fits(&threaded(*id));
    let mut lacking: Vec<u64> = (1..=ALL).rev().filter(fits).collect();
    lacking.truncate(query.limit as usize - ids.len());
    lacking.reverse();
    lacking.extend(ids);
    lacking
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever part of a channel the cache has, however it came: the page and
    /// what its gap names are the page.
    #[test]
    fn a_page_and_its_gap_make_the_whole_page(
        known in proptest::collection::btree_set(1..ALL, 0..ALL as usize)
            .prop_flat_map(|known| Just(known.into_iter().collect::<Vec<_>>()).prop_shuffle()),
        pages in proptest::collection::vec(
            (proptest::option::of(1..ALL + 3), 1u32..12, any::<bool>()), 1..12),
    ) {
        let fixture = Fixture::new();
        for id in &known {
            fixture.put([Row::Message(threaded(*id))]);
        }
        // The newest is always there: it comes by subscription.
        fixture.put([Row::Message(threaded(ALL))]);
        for (before, limit, in_thread) in pages {
            let query = PageQuery {
                thread_id: in_thread.then_some(5),
                ..query(before, limit)
            };
            let page = fixture.cache.messages(&query).unwrap();
            let fits = |id: &u64| query.fits(&threaded(*id));
            let mut whole: Vec<u64> = (1..=ALL).rev().filter(fits).take(limit as usize).collect();
            whole.reverse();
            prop_assert_eq!(completed(&query, page), whole, "{:?} of {:?}", query, known);
        }
    }
}
