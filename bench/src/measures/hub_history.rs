//! What a post costs the hub with 1,000,000 stored messages against 1,000.

use spaces_bindings::MessageKind;
use spaces_bindings::reducers::SendMessage;
use uuid::Uuid;

use super::Measure;
use crate::pair::{Pair, timed};
use crate::row::{Goal, Outcome, Title};
use crate::sdk::{agent_log, place};
use crate::site::Site;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "hub-history",
    about: "send_message by the SDK, durable, with 1,000,000 messages on the hub",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let (long, short) = stage.histories();
    let pair = Pair::in_turns(stage.rounds(2_000), poster(&long), poster(&short));
    Outcome::of_medians(
        Title {
            name: "send_message, 1,000,000 messages on the hub",
            reference: "1,000 messages on the hub",
            goal: Goal::AtMost(1.3),
        },
        &pair,
    )
}

fn poster(site: &Site) -> impl FnMut() -> std::time::Duration + '_ {
    let (_, channel) = agent_log(site.hub.port(), &site.hub.publisher_token());
    let mut number = site.posted();
    move || {
        number += 1;
        let post = SendMessage {
            client_key: Uuid::new_v4().to_string(),
            agent_session: None,
            channel_id: channel,
            thread_id: None,
            kind: MessageKind::Text,
            content: format!("post number {number} to a hub with a history"),
            context: place(number),
            reply_to: None,
        };
        timed(|| site.publisher.call(post))
    }
}
