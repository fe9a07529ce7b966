//! What 200 connected daemons cost each commit, by how full their inboxes are.
//!
//! Each daemon has a live view of its inbox. A view that the engine ran again in
//! every commit, or whose cost grew with the backlog, would show here.

use super::Measure;
use crate::crowd::{Crowd, inbox_of};
use crate::pair::{Pair, timed};
use crate::row::{Goal, Outcome, Title};
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "inbox-view",
    about: "send_message with 200 connected daemons and empty, small and full inboxes",
    run,
};

const DAEMONS: usize = 200;
/// Enough to read in one go.
const SMALL: usize = 10;
/// More than the 64 that are shown at once.
const FULL: usize = 100;
/// What waits for one who was away for long.
const BACKLOG: usize = 3_000;

/// A hub with daemons that never acknowledge, and a channel that none reads.
struct Waiting {
    crowd: Crowd,
    elsewhere: u64,
    _daemons: Option<crate::crowd::Daemons>,
}

impl Waiting {
    fn with(daemons: usize, deliveries: usize) -> Self {
        let crowd = Crowd::of(daemons);
        let elsewhere = crowd.channel("elsewhere", "open");
        let quiet = crowd.channel("quiet", "open");
        if deliveries > 0 {
            let hidden = crowd.channel("hidden", "private");
            crowd.let_in(hidden, &crowd.members);
            let content = "words that wait to be fetched ".repeat(20);
            for _ in 0..deliveries {
                crowd.post(hidden, &content);
            }
            let (pending, _) = inbox_of(&crowd.owner, &crowd.members[0]);
            assert_eq!(pending as usize, deliveries, "they wait");
        }
        let open = (daemons > 0).then(|| crowd.daemons(&crowd.members, quiet));
        Self {
            crowd,
            elsewhere,
            _daemons: open,
        }
    }

    fn post(&self) -> std::time::Duration {
        timed(|| {
            self.crowd
                .post(self.elsewhere, "what concerns none of them")
        })
    }
}

fn run(stage: &Stage) -> Outcome {
    let rounds = stage.rounds(500);
    let alone = Waiting::with(0, 0);
    let empty = Waiting::with(DAEMONS, 0);
    let against = |value: &Waiting, reference: &Waiting| {
        Pair::in_turns(rounds, || value.post(), || reference.post())
    };
    let mut outcome = Outcome::of_medians(
        Title {
            name: "send_message, 200 daemons connected, empty inboxes",
            reference: "no daemon connected",
            goal: Goal::AtMost(2.0),
        },
        &against(&empty, &alone),
    );
    drop(alone);
    for (name, deliveries) in [
        (
            "send_message, 200 daemons connected, 10 items in each inbox",
            SMALL,
        ),
        ("send_message, 200 daemons connected, full inboxes", FULL),
    ] {
        let filled = Waiting::with(DAEMONS, deliveries);
        let title = Title {
            name,
            reference: "empty inboxes",
            goal: Goal::AtMost(1.3),
        };
        outcome = outcome.medians(title, &against(&filled, &empty));
    }
    drop(empty);
    outcome.extend(backlog(stage));
    outcome
}

/// One more delivery to somebody who has been away for long.
fn backlog(stage: &Stage) -> Outcome {
    let crowd = Crowd::of(2);
    let (away, new) = (&crowd.members[0], &crowd.members[1]);
    for _ in 0..BACKLOG {
        crowd.write_to(away, "while you were away");
    }
    let (pending, shown) = inbox_of(&crowd.owner, away);
    assert!(pending as usize == BACKLOG && shown == 64, "they wait");
    let pair = Pair::in_turns(
        stage.rounds(300),
        || timed(|| crowd.write_to(away, "and more")),
        || timed(|| crowd.write_to(new, "hello")),
    );
    Outcome::of_medians(
        Title {
            name: "a direct message to an inbox where 3,000 wait",
            reference: "to one where at most 300 wait",
            goal: Goal::AtMost(1.3),
        },
        &pair,
    )
}
