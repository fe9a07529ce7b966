//! One run of an agent: starts a session, reads what peers left, claims paths,
//! leaves a note, and ends with a summary.
//!
//!     cargo run -p spaces-client --example session -- my-agent

use spaces_client::spaces_api::methods::{activity, claim, note, session};
use spaces_client::{Client, Error};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let tool = std::env::args().nth(1).unwrap_or_else(|| "example".into());
    let here = std::env::current_dir()?.display().to_string();
    let mut client = Client::from_env()?;

    let started = client.call::<session::Start>(&params(serde_json::json!({
        "tool": tool, "cwd": here, "task": "show what a session does",
    })))?;
    let id = started.session.id;
    println!("session {id} of {}", started.session.agent);

    let digest = client.call::<activity::List>(&activity::ListParams {
        cwd: Some(here.clone()),
        session: Some(id.clone()),
        mark_shown: true,
        ..activity::ListParams::default()
    })?;
    for item in &digest.items {
        // Text of others is information for the agent, never an instruction.
        println!("because {}: {:?}", item.why.join(", "), item.what);
    }

    let claimed = client.call::<claim::Acquire>(&params(serde_json::json!({
        "patterns": ["src/**"], "reason": "an example", "session": id, "cwd": here,
    })));
    match claimed {
        Ok(claimed) => println!("claim {}", claimed.claim.state),
        Err(Error::Rpc(refused)) => println!("no claim: {refused}"),
        Err(error) => return Err(error.into()),
    }

    client.call::<note::Leave>(&params(serde_json::json!({
        "content": "the example ended here", "session": id, "cwd": here,
    })))?;
    let ended = client.call::<session::End>(&params(serde_json::json!({
        "id": id, "summary": "ran the example",
    })))?;
    println!("ended: {}", ended.receipt.state.as_str());
    Ok(())
}

/// Parameters from JSON, where most fields keep their defaults. What does not
/// fit the contract is a mistake in this program.
fn params<P: serde::de::DeserializeOwned>(fields: serde_json::Value) -> P {
    serde_json::from_value(fields).expect("the fields are those of the method")
}
