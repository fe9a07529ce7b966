//! Text of peers in an agent's context: whatever it is, and even if it knows the
//! marker, it stays inside its block.

use serde_json::json;
use spaces_api::Timestamp;
use spaces_api::methods::activity::Digest;
use spacesctl::hook::digest;
use spacesctl::peers::{Blocks, Head, clean, inline, printable};

/// What the marker is put in place of: a text that knows it.
const KNOWN: &str = "MARKER";

/// A byte that bounds the text, then the text, who wrote it, where and why.
pub fn check(input: &[u8]) {
    let Some((bound, rest)) = input.split_first() else {
        return;
    };
    let texts = crate::texts(rest);
    let text = |index: usize| texts.get(index).map_or("", AsRef::as_ref);
    cleaning(text(0));
    block(
        usize::from(*bound) * 8,
        [text(0), text(1), text(2), text(3)],
    );
    whole_digest([text(0), text(1), text(2), text(3)]);
}

fn cleaning(text: &str) {
    let cleaned = clean(text);
    assert_eq!(clean(&cleaned), cleaned, "twice is once");
    assert!(!knows_the_word(&cleaned));
    assert!(cleaned.chars().all(|c| c == '\n' || !c.is_control()));
    let printed = printable(text);
    assert_eq!(printable(&printed), printed, "twice is once");
    assert!(!inline(text, 100).contains(['\n', '"', '<', '>']));
}

fn block(bound: usize, texts: [&str; 4]) {
    let blocks = Blocks::fresh();
    let legend = blocks.legend();
    let marker = legend
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
        .map(|(marker, _)| marker)
        .expect("the legend names the marker");
    let [text, from, place, why] = texts.map(|text| text.replace(KNOWN, marker));
    let head = Head {
        what: "note",
        from: &from,
        at: Some(Timestamp::from_micros(0)),
        place: Some(&place),
        why: Some(&why),
        ids: &[("message", 7)],
    };
    let block = blocks.block(&head, &text, bound);
    let mut lines = block.split('\n');
    let first = lines.next().expect("a first line");
    assert!(first.starts_with(&format!("<{marker} note from=\"")) && first.ends_with("\">"));
    assert_eq!(first.matches(['<', '>']).count(), 2, "{first}");
    assert_eq!(first.matches('"').count() % 2, 0, "{first}");
    assert_eq!(lines.next_back(), Some(format!("</{marker}>").as_str()));
    let inside: Vec<&str> = lines.collect();
    let inside = inside.join("\n");
    assert!(!knows_the_word(&inside), "{inside}");
    assert!(inside.chars().count() <= bound, "longer than {bound}");
    assert_eq!(block.to_lowercase().matches(WORD).count(), 2, "{block}");
}

/// What a session starts with: each kind of item, with the texts everywhere.
fn whole_digest([text, from, place, why]: [&str; 4]) {
    let context = json!({"repo": place, "branch": why, "paths": [text]});
    let message = json!({
        "id": 1, "seq": 1, "channel_id": 1, "channel": place, "kind": "text",
        "author": {"identity": "00", "username": from, "agent": from},
        "content": text, "context": context, "created_at": MOMENT,
    });
    let claim = json!({
        "id": 1, "agent": from, "session_id": "s", "owner": from, "repo": place,
        "patterns": [text], "exclusive": true, "reason": why, "state": "held",
        "expires_at": MOMENT,
    });
    let session = json!({
        "id": "s", "agent": from, "owner": from, "tool": why, "context": context,
        "task": text, "state": "active", "started_at": MOMENT, "last_seen": MOMENT,
    });
    let inbox = json!({
        "id": 1, "reason": "dm", "message": message, "at": MOMENT, "read": false,
    });
    let told = json!({
        "id": 2, "reason": "claim", "detail": text, "at": MOMENT, "read": false,
    });
    let items = [
        json!({"type": "claim", "claim": claim}),
        json!({"type": "note", "note": {"message": message, "done": false}}),
        json!({"type": "inbox", "item": inbox}),
        json!({"type": "inbox", "item": told}),
        json!({"type": "summary", "message": message}),
        json!({"type": "session", "session": session}),
    ];
    let items = items.map(|mut item| {
        item["why"] = json!([why]);
        item["score"] = json!(1.0);
        item
    });
    let digest: Digest = serde_json::from_value(json!({
        "items": items, "context": context, "omitted": 3,
        "meta": {"as_of": MOMENT, "hub": "offline", "stale_for_ms": 1},
    }))
    .expect("these are the fields of a digest");
    let start = digest::session_start(&digest).expect("there is something to say");
    is_made_of_blocks(&start);
    is_made_of_blocks(&digest::news(&digest).expect("there is something new"));
    let paths = [text.to_owned(), place.to_owned()];
    let claims = [serde_json::from_value(claim).expect("these are the fields of a claim")];
    is_made_of_blocks(&digest::claims(&paths, &claims, &digest.meta).expect("a claim"));
}

/// One line of ours, the legend, blocks, and perhaps one line of ours.
fn is_made_of_blocks(output: &str) {
    assert!(output.chars().count() <= digest::MAX_CHARS, "{output}");
    let mut lines = output.split('\n').peekable();
    let opening = lines.next().expect("an opening");
    assert!(
        opening.starts_with("Spaces") && !knows_the_word(opening),
        "{output}"
    );
    let legend = lines.next().expect("a legend");
    let (begin, end) = match legend
        .split_once('<')
        .and_then(|(_, rest)| rest.split_once('>'))
    {
        Some((marker, _)) => (format!("<{marker} "), format!("</{marker}>")),
        None => panic!("no legend in {output}"),
    };
    while lines.next_if(|line| line.starts_with(&begin)).is_some() {
        let end = lines
            .find(|line| *line == end || knows_the_word(line))
            .filter(|line| *line == end);
        assert!(end.is_some(), "a block has no end in {output}");
    }
    let last = lines.next().unwrap_or_default();
    assert!(!knows_the_word(last) && lines.next().is_none(), "{output}");
}

const MOMENT: &str = "2026-01-01T00:00:00Z";
const WORD: &str = "spaces-peer";

fn knows_the_word(text: &str) -> bool {
    text.to_lowercase().contains(WORD)
}
