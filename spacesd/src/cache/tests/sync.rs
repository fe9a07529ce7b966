use std::time::{Duration, Instant};

use spaces_api::model::EventKind;

use crate::cache::fixture::*;
use crate::cache::{Cache, CacheError, Limits};
use crate::events::SinceError;
use crate::row::{Batch, Change, Row, Table};

fn words(fixture: &Fixture, cursor: u64) -> Vec<&'static str> {
    let events = fixture.cache.events().since(cursor, 1000).unwrap();
    events.iter().map(|event| event.what.word()).collect()
}

pub(super) fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !condition() {
        assert!(Instant::now() < deadline, "{what} did not happen in 10 s");
        std::thread::yield_now();
    }
}

#[test]
fn history_of_the_first_sync_is_no_news_and_what_follows_is() {
    let fixture = Fixture::unsynced();
    let start = fixture.cache.events().latest();
    assert!(!fixture.cache.ready());
    let mut rows = small_hub();
    rows.extend((1..=50).map(|id| message(id, GENERAL, BOB, "old")));
    fixture.apply(Batch {
        changes: rows.into_iter().map(Change::Put).collect(),
        snapshot_of: SNAPSHOT.to_vec(),
        synced_to: Some(50),
    });
    assert!(fixture.cache.ready());
    assert_eq!(fixture.cache.last_seq(), 50);
    assert_eq!(fixture.cache.events().latest(), start);
    // A page of older history that is fetched later is no news either.
    fixture.put([message(51, GENERAL, BOB, "new")]);
    fixture.apply(Batch {
        changes: vec![Change::Put(message(7, AGENT_LOGS, BOB, "older"))],
        ..Batch::default()
    });
    assert_eq!(words(&fixture, start), ["message"]);
    let events = fixture.cache.events().since(start, 10).unwrap();
    let EventKind::Message { message } = &events[0].what else {
        panic!("a message event");
    };
    assert_eq!(message.content, "new");
    assert_eq!(fixture.cache.status().messages, 51);
}

#[test]
fn a_repeated_snapshot_changes_nothing_and_says_nothing() {
    let fixture = Fixture::new();
    let start = fixture.cache.events().latest();
    let repeat = Batch {
        changes: small_hub().into_iter().map(Change::Put).collect(),
        snapshot_of: SNAPSHOT.to_vec(),
        synced_to: None,
    };
    fixture.apply(repeat);
    assert_eq!(words(&fixture, start), [""; 0]);
}

#[test]
fn a_snapshot_removes_what_it_does_not_have() {
    let fixture = Fixture::new();
    let start = fixture.cache.events().latest();
    let changes = small_hub()
        .into_iter()
        .filter(|row| !matches!(row, Row::Channel(channel) if channel.id == AGENT_LOGS))
        .map(Change::Put)
        .collect();
    fixture.apply(Batch {
        changes,
        snapshot_of: vec![Table::Channel],
        synced_to: None,
    });
    assert_eq!(words(&fixture, start), ["removed"]);
    assert_eq!(fixture.cache.channels(None, true).unwrap().len(), 1);
    assert_eq!(fixture.cache.users(false, 10).unwrap().len(), 3);
}

#[test]
fn what_was_synced_survives_a_restart() {
    let fixture = Fixture::new();
    fixture.put([message(3, GENERAL, BOB, "kept")]);
    fixture.cache.note_live(at(77));
    let latest = fixture.cache.events().latest();
    let (fixture, warning) = fixture.reopen();
    assert_eq!(warning, None);
    assert!(fixture.cache.ready());
    assert_eq!(fixture.cache.me(), Some(ME));
    assert_eq!(fixture.cache.last_seq(), 3);
    assert_eq!(fixture.cache.as_of(), at(77));
    assert_eq!(fixture.cache.status().messages, 1);
    assert_eq!(fixture.cache.events().latest(), latest);
    assert_eq!(words(&fixture, latest - 1), ["message"]);
}

#[test]
fn another_hub_or_identity_begins_with_an_empty_cache() {
    let fixture = Fixture::new();
    let old = fixture.cache.events().latest();
    fixture.put([message(3, GENERAL, BOB, "theirs")]);
    let rebuilds = fixture.cache.rebuilds();
    fixture.cache.bind("hub", None).blocking_recv().unwrap();
    fixture.cache.bind("hub", Some(ME)).blocking_recv().unwrap();
    assert!(!rebuilds.has_changed().unwrap());
    fixture
        .cache
        .bind("hub", Some(BOB))
        .blocking_recv()
        .unwrap();
    assert!(rebuilds.has_changed().unwrap());
    assert!(!fixture.cache.ready());
    assert_eq!(fixture.cache.last_seq(), 0);
    assert!(fixture.cache.channels(None, true).unwrap().is_empty());
    assert_eq!(fixture.cache.me(), Some(BOB));
    assert!(matches!(
        fixture.cache.events().since(old, 10),
        Err(SinceError::CursorExpired { .. })
    ));
}

#[test]
fn a_damaged_or_foreign_file_is_replaced_with_a_word() {
    let garbage = vec![b'x'; 64 * 1024];
    let mut other_schema = Vec::new();
    {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("other.db");
        let db = rusqlite::Connection::open(&path).unwrap();
        db.execute_batch("PRAGMA user_version = 99; CREATE TABLE t(x)")
            .unwrap();
        drop(db);
        other_schema.extend(std::fs::read(&path).unwrap());
    }
    let cut_short = {
        let fixture = Fixture::new();
        fixture.put((1..200).map(|id| message(id, GENERAL, BOB, "text ".repeat(100).as_str())));
        fixture.cache.close();
        let path = fixture.dir.path().join("cache.db");
        let whole = std::fs::read(path).unwrap();
        whole[..whole.len() / 3].to_vec()
    };
    for content in [
        garbage,
        other_schema,
        cut_short,
        b"SQLite format 3\0".to_vec(),
    ] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cache.db"), content).unwrap();
        let opened = Cache::open(dir.path()).unwrap();
        assert!(opened.warning.unwrap().contains("begun anew"));
        assert!(!opened.cache.ready());
        opened.cache.bind("hub", Some(ME));
        let applied = opened.cache.apply(Batch {
            changes: small_hub().into_iter().map(Change::Put).collect(),
            snapshot_of: SNAPSHOT.to_vec(),
            synced_to: Some(0),
        });
        applied.blocking_recv().unwrap();
        assert_eq!(opened.cache.channels(None, true).unwrap().len(), 2);
    }
}

#[test]
fn damage_that_is_met_while_running_begins_a_new_cache() {
    let fixture = Fixture::new();
    fixture.put((1..400).map(|id| message(id, GENERAL, BOB, "text ".repeat(200).as_str())));
    let (fixture, _) = fixture.reopen();
    let rebuilds = fixture.cache.rebuilds();
    let path = fixture.dir.path().join("cache.db");
    let length = std::fs::metadata(&path).unwrap().len();
    {
        use std::os::unix::fs::FileExt;
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        for page in 1..length / 4096 {
            file.write_all_at(&[0xAA; 4096], page * 4096).unwrap();
        }
    }
    let page = crate::cache::PageQuery {
        channel_id: GENERAL,
        limit: 500,
        ..Default::default()
    };
    assert!(fixture.cache.messages(&page).is_err());
    wait_until("the new cache", || rebuilds.has_changed().unwrap());
    assert_eq!(fixture.cache.last_seq(), 0);
    assert!(!fixture.cache.ready());
    fixture.put(small_hub());
    assert_eq!(fixture.cache.channels(None, true).unwrap().len(), 2);
}

#[test]
fn a_file_that_is_deleted_while_running_is_made_anew_once_it_is_missed() {
    let fixture = Fixture::new();
    let rebuilds = fixture.cache.rebuilds();
    let open = fixture.cache.moment().unwrap();
    std::fs::remove_dir_all(fixture.dir.path()).unwrap();
    // What is open reads on; what would have to be opened finds nothing.
    assert_eq!(open.channels(None, true).unwrap().len(), 2);
    assert!(matches!(
        fixture.cache.channels(None, true),
        Err(CacheError::Renewed)
    ));
    wait_until("the new cache", || rebuilds.has_changed().unwrap());
    assert!(!fixture.cache.ready());
    drop(open);
    fixture.put(small_hub());
    assert_eq!(fixture.cache.channels(None, true).unwrap().len(), 2);
    assert!(fixture.dir.path().join("cache.db").exists());
}

#[test]
fn history_beyond_the_limits_goes_and_counts_stay_true() {
    let fixture = Fixture::new();
    fixture.put((1..=1800).map(|id| message(id, GENERAL, BOB, "x")));
    fixture.cache.set_limits(Limits {
        max_messages: 700,
        max_age_days: None,
    });
    wait_until("pruning", || fixture.cache.status().messages == 700);
    let facts = fixture.cache.channel(GENERAL).unwrap().unwrap();
    assert_eq!(facts.channel.unread, 700);
    let oldest = fixture
        .cache
        .read(|db| {
            db.query_row("SELECT min(id), count(*) FROM message", [], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
        })
        .unwrap();
    assert_eq!(oldest, (1101, 700));
}

#[test]
fn the_log_is_moved_into_the_database_in_a_quiet_time() {
    let fixture = Fixture::new();
    let database = fixture.dir.path().join("cache.db");
    let size = || std::fs::metadata(&database).unwrap().len();
    let page = "word ".repeat(800);
    fixture.put((1..=1_500).map(|id| message(id, GENERAL, BOB, &page)));
    wait_until("the log's move into the database", || {
        size() > 1_500 * 4_000
    });
    assert_eq!(fixture.cache.status().messages, 1_500);
}

#[test]
fn the_log_is_moved_in_a_busy_time_before_it_is_long() {
    let fixture = Fixture::new();
    let log = fixture.dir.path().join("cache.db-wal");
    let page = "word ".repeat(800);
    // No pause is long enough for a quiet time.
    for batch in 0..60 {
        let ids = batch * 100 + 1..=batch * 100 + 100;
        fixture.put(ids.map(|id| message(id, GENERAL, BOB, &page)));
    }
    let length = std::fs::metadata(log).unwrap().len();
    assert!(length < 12 * 1024 * 1024, "the log is {length} bytes long");
}
