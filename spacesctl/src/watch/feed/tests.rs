use spaces_client::spaces_api::methods::message::Page;
use spaces_client::spaces_api::model::{Message, Older};

use super::{Feed, HELD, PAGE, Span};
use crate::watch::place::{Place, View};
use crate::watch::samples::{message, meta};

fn general() -> View {
    View::whole(Place::of(&message(1, "")))
}

fn page(ids: impl IntoIterator<Item = u64>, before: Option<u64>) -> Page {
    Page {
        messages: ids
            .into_iter()
            .map(|id| message(id, &format!("m{id}")))
            .collect(),
        before,
        older: Some(match before {
            Some(_) => Older::More,
            None => Older::None,
        }),
        after: None,
        meta: meta(),
    }
}

fn waiting(key: u128, content: &str) -> Message {
    Message {
        id: None,
        seq: None,
        pending: true,
        client_key: Some(uuid::Uuid::from_u128(key)),
        ..message(0, content)
    }
}

fn ids(feed: &Feed) -> Vec<Option<u64>> {
    feed.all().map(|message| message.id).collect()
}

fn at_newest(ids: impl IntoIterator<Item = u64>, before: Option<u64>) -> Feed {
    let mut feed = Feed::default();
    assert_eq!(feed.open(general(), None), Span::Newest);
    feed.take(Span::Newest, page(ids, before));
    feed
}

#[test]
fn a_message_that_comes_takes_the_place_of_the_one_that_waited() {
    let mut feed = at_newest([1], None);
    let mut newest = page([1], None);
    newest
        .messages
        .extend([waiting(1, "mine"), waiting(2, "mine")]);
    feed.take(Span::Newest, newest);
    assert_eq!(ids(&feed), [Some(1), None, None]);
    feed.hear(&message(5, "mine"));
    assert_eq!(ids(&feed), [Some(1), Some(5), None]);
    feed.hear(&message(5, "mine"));
    assert_eq!(ids(&feed), [Some(1), Some(5), None], "heard twice");
}

#[test]
fn an_edit_replaces_and_an_older_state_does_not() {
    let mut feed = at_newest([1, 2], None);
    let edited = Message {
        seq: Some(9),
        content: "new".into(),
        ..message(1, "")
    };
    feed.hear(&edited);
    feed.hear(&message(1, "m1"));
    assert_eq!(feed.get(0).unwrap().content, "new");
}

#[test]
fn what_was_heard_while_a_page_was_on_its_way_stays() {
    let mut feed = at_newest([1, 2], None);
    feed.hear(&message(3, "m3"));
    feed.take(Span::Newest, page([1, 2], None));
    assert_eq!(ids(&feed), [Some(1), Some(2), Some(3)]);
}

#[test]
fn a_page_that_does_not_meet_what_is_here_begins_anew() {
    let mut feed = at_newest([1, 2], None);
    feed.take(Span::Newest, page([50, 51], Some(50)));
    assert_eq!(ids(&feed), [Some(50), Some(51)]);
    assert!(feed.has_older());
}

#[test]
fn messages_of_elsewhere_are_not_shown() {
    let mut feed = at_newest([1], None);
    let elsewhere = Message {
        channel_id: 99,
        channel: "#other".into(),
        ..message(7, "x")
    };
    feed.hear(&elsewhere);
    assert_eq!(ids(&feed), [Some(1)]);
    feed.open(
        View {
            thread: Some(3),
            ..general()
        },
        None,
    );
    feed.take(Span::Newest, page([], None));
    feed.hear(&message(8, "in the channel"));
    feed.hear(&Message {
        thread_id: Some(3),
        ..message(9, "in the thread")
    });
    assert_eq!(ids(&feed), [Some(9)]);
}

#[test]
fn the_reader_stays_where_it_reads_and_older_pages_come_when_it_is_near() {
    let mut feed = at_newest(101..=200, Some(101));
    assert_eq!(feed.wanted(), None, "at the newest nothing is missing");
    feed.go_to(3, 0);
    assert_eq!(feed.wanted(), Some(Span::Before(101)));
    assert_eq!(feed.wanted(), None, "it is on its way");
    feed.take(Span::Before(101), page(1..=100, None));
    assert_eq!(feed.cursor(), Some((103, 0)));
    assert_eq!(feed.chosen().unwrap().id, Some(104));
    feed.hear(&message(201, "x"));
    assert_eq!(feed.chosen().unwrap().id, Some(104));
    feed.go_to(0, 0);
    assert_eq!(feed.wanted(), None, "this is the beginning");
    feed.go_to(feed.len() - 1, 0);
    assert!(!feed.at_newest());
    assert_eq!(feed.go_to_newest(), None);
    assert!(feed.at_newest());
}

#[test]
fn what_only_the_hub_has_is_read_once_it_can_be_asked() {
    let offline = |ids| Page {
        older: Some(Older::OnHub),
        ..page(ids, None)
    };
    let mut feed = at_newest(101..=200, Some(101));
    feed.go_to(0, 0);
    assert_eq!(feed.wanted(), Some(Span::Before(101)));
    feed.take(Span::Before(101), offline(61..=100));
    assert!(feed.lacks_older() && !feed.has_older());
    feed.go_to(0, 0);
    assert_eq!(feed.wanted(), None, "not over and over");
    feed.take(Span::Newest, offline(101..=200));
    assert!(feed.lacks_older());
    feed.hear(&message(5, "an old one was edited"));
    assert_eq!(
        feed.get(0).unwrap().id,
        Some(61),
        "what is between is missing"
    );
    feed.take(Span::Newest, page(101..=200, Some(101)));
    assert!(!feed.lacks_older());
    assert_eq!(feed.wanted(), Some(Span::Before(61)));
    feed.take(Span::Before(61), page(1..=60, None));
    assert_eq!(ids(&feed).len(), 200);
}

#[test]
fn a_jump_into_the_past_finds_its_way_back_to_the_present() {
    let mut feed = Feed::default();
    assert_eq!(feed.open(general(), Some(50)), Span::UpTo(50));
    feed.take(Span::UpTo(50), page(1..=50, None));
    assert_eq!(feed.chosen().unwrap().id, Some(50));
    feed.hear(&message(900, "now"));
    assert_eq!(
        feed.len(),
        50,
        "a message of the present does not follow it"
    );
    feed.take(Span::Newest, page([900], Some(900)));
    assert_eq!(feed.len(), 50, "nor does a page of the present");
    assert_eq!(feed.wanted(), Some(Span::After(50)));
    feed.take(Span::After(50), page(51..51 + u64::from(PAGE), None));
    assert!(feed.is_past());
    assert_eq!(feed.wanted(), None);
    feed.go_to(feed.len() - 1, 0);
    assert_eq!(feed.wanted(), Some(Span::After(150)));
    feed.take(Span::After(150), page([900], None));
    assert!(!feed.is_past());
    feed.hear(&message(901, "now"));
    assert_eq!(feed.get(feed.len() - 1).unwrap().id, Some(901));
}

#[test]
fn from_the_past_there_is_a_short_way_too() {
    let mut feed = Feed::default();
    feed.open(general(), Some(50));
    feed.take(Span::UpTo(50), page(1..=50, None));
    assert_eq!(feed.go_to_newest(), Some(Span::Newest));
    feed.take(Span::Newest, page([900], Some(900)));
    assert!(feed.at_newest());
    assert_eq!(ids(&feed), [Some(900)]);
}

#[test]
fn memory_is_bounded_and_what_was_forgotten_can_be_read_again() {
    let mut feed = at_newest([1], None);
    for id in 2..HELD as u64 + 500 {
        feed.hear(&message(id, "x"));
    }
    assert_eq!(feed.len(), HELD);
    feed.go_to(0, 0);
    assert_eq!(
        feed.wanted(),
        feed.get(0).unwrap().id.map(Span::Before),
        "the page before the first that is held"
    );
}

#[test]
fn a_refused_page_may_be_asked_for_again() {
    let mut feed = at_newest(101..=200, Some(101));
    feed.go_to(0, 0);
    assert_eq!(feed.wanted(), Some(Span::Before(101)));
    feed.refused(Span::Before(101), "away".into());
    assert_eq!(feed.fault, None, "what is here stays");
    assert_eq!(feed.wanted(), Some(Span::Before(101)));
    feed.open(general(), None);
    feed.refused(Span::Newest, "away".into());
    assert_eq!(feed.fault.as_deref(), Some("away"));
}
