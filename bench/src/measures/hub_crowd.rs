//! What many members, many subscribers and many readers cost a post.

use super::Measure;
use crate::crowd::Crowd;
use crate::pair::{Pair, timed};
use crate::row::{Goal, Outcome, Title};
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "hub-crowd",
    about: "send_message with 1,000 members, 200 subscribers, 100 private readers",
    run,
};

const MEMBERS: usize = 1_000;
const SUBSCRIBERS: usize = 200;
const READERS: usize = 100;

fn run(stage: &Stage) -> Outcome {
    let (many, few) = (Crowd::of(MEMBERS), Crowd::of(1));
    let place = |crowd: &Crowd| crowd.channel("talk", "open");
    let (there, here) = (place(&many), place(&few));
    let members = Pair::in_turns(
        stage.rounds(1_000),
        || timed(|| many.post(there, "to a large server")),
        || timed(|| few.post(here, "to a small server")),
    );

    let hidden = many.channel("hidden", "private");
    many.let_in(hidden, &many.members[..READERS]);
    let readers = Pair::in_turns(
        stage.rounds(300),
        || timed(|| many.post(hidden, "to those who read it")),
        || timed(|| many.post(there, "to everybody")),
    );

    let daemons = many.daemons(&many.members[..SUBSCRIBERS], there);
    let one = few.daemons(&few.members[..1], here);
    let mut number = 0;
    let mut content = || {
        number += 1;
        format!("message number {number} for all of them")
    };
    let contents: Vec<String> = (0..2 * stage.rounds(200) + 20).map(|_| content()).collect();
    let (mut to_many, mut to_one) = (contents.iter(), contents.iter());
    let subscribers = Pair::in_turns(
        stage.rounds(200),
        || {
            let content = to_many.next().expect("there are enough");
            timed(|| {
                many.post(there, content);
                daemons.until_all_have(content);
            })
        },
        || {
            let content = to_one.next().expect("there are enough");
            timed(|| {
                few.post(here, content);
                one.until_all_have(content);
            })
        },
    );
    Outcome::of_medians(
        Title {
            name: "send_message in a server of 1,000 members",
            reference: "of 1 member",
            goal: Goal::AtMost(1.3),
        },
        &members,
    )
    .medians(
        Title {
            name: "send_message, delivered to 100 readers of a private channel",
            reference: "in an open channel",
            goal: Goal::AtMost(10.0),
        },
        &readers,
    )
    .medians(
        Title {
            name: "a message until 200 subscribers have it",
            reference: "1 subscriber",
            goal: Goal::AtMost(20.0),
        },
        &subscribers,
    )
}
