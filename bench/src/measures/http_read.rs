//! A read as one HTTP request on a connection of its own.

use super::Measure;
use crate::lines::line;
use crate::pair::{Pair, timed};
use crate::references::echo::{OneShotEcho, ask_once};
use crate::row::{Goal, Outcome, Title};
use crate::site::digest_params;
use crate::stage::Stage;

pub const MEASURE: Measure = Measure {
    name: "http-read",
    about: "activity.list of 50 items, one HTTP request per connection",
    run,
};

fn run(stage: &Stage) -> Outcome {
    let site = stage.short();
    let socket = site.daemon.socket();
    let body = line("activity.list", &digest_params());
    let mut request = format!(
        "POST /rpc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(&body);
    let reply = ask_once(&socket, &request);
    assert!(reply > 1_000, "{reply} bytes are no digest");

    let directory = stage.directory("http-read");
    let echo = OneShotEcho::serve(&directory.join("echo.sock"), request.len(), reply);
    let pair = Pair::in_turns(
        stage.rounds(3_000),
        || timed(|| ask_once(&socket, &request)),
        || timed(|| echo.ask(&request)),
    );
    Outcome::of_medians(
        Title {
            name: "read: one HTTP request per connection",
            reference: "connect, echo of the same bytes, close",
            goal: Goal::AtMost(5.0),
        },
        &pair,
    )
}
