//! The rules that the module and the daemon share: patterns of claims, mentions,
//! names, refusals, moments.

use spaces_api::Timestamp;
use spaces_domain::{ClaimTarget, Refusal, content, names, overlap};

/// Up to three texts: two patterns and a path.
pub fn check(input: &[u8]) {
    let texts = crate::texts(input);
    let text = |index: usize| texts.get(index).map_or("", AsRef::as_ref);
    patterns(text(0), text(1), text(2));
    mentions(text(0));
    refusal(text(0));
    moment(text(0));
}

fn patterns(left: &str, right: &str, path: &str) {
    let fine = |pattern: &str| overlap::check_pattern(ClaimTarget::Paths, pattern).is_ok();
    if !fine(left) || !fine(right) {
        return;
    }
    let (a, b) = ((ClaimTarget::Paths, left), (ClaimTarget::Paths, right));
    let overlaps = overlap::overlaps(a, b);
    assert_eq!(overlaps, overlap::overlaps(b, a), "{left:?} and {right:?}");
    assert!(overlap::overlaps(a, a), "{left:?} with itself");
    if content::check_line("a path", path, 1_024).is_ok()
        && overlap::covers(left, path)
        && overlap::covers(right, path)
    {
        assert!(overlaps, "both {left:?} and {right:?} cover {path:?}");
    }
}

/// Who is mentioned has a name that could be registered, and stands in the text.
fn mentions(text: &str) {
    for address in content::mentions(text) {
        names::check_username(&address.username).expect("a name");
        let written = match &address.agent {
            Some(agent) => {
                names::check_agent_name(agent).expect("an agent's name");
                format!("@{}/{agent}", address.username)
            }
            None => format!("@{}", address.username),
        };
        assert!(text.contains(&written), "{written} in {text:?}");
    }
}

/// What the hub says is understood again as it was meant.
fn refusal(text: &str) {
    let refusal = Refusal::parse(text);
    assert_eq!(Refusal::parse(&refusal.to_string()), refusal, "{text:?}");
}

fn moment(text: &str) {
    if let Ok(moment) = text.parse::<Timestamp>() {
        let written = moment.to_string();
        assert_eq!(
            written.parse::<Timestamp>().as_ref(),
            Ok(&moment),
            "{text:?}"
        );
    }
}
