//! Posts a message; while no daemon answers, leaves it in the spool.
//!
//!     cargo run -p spaces-client --example post -- '#agent-logs' 'tests are green'

use spaces_client::spaces_api::methods::message;
use spaces_client::spaces_api::model::Context;
use spaces_client::spaces_api::{Method, Wait};
use spaces_client::{Client, Paths, spool};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut words = std::env::args().skip(1);
    let (Some(channel), Some(content)) = (words.next(), words.next()) else {
        return Err("usage: post CHANNEL TEXT".into());
    };
    let params = message::SendParams {
        channel: channel.as_str().into(),
        content,
        kind: None,
        thread_id: None,
        reply_to: None,
        cwd: Some(std::env::current_dir()?.display().to_string()),
        context: Context::default(),
        // Made here: the call and the spool must mean the same write.
        client_key: Some(uuid::Uuid::now_v7()),
        wait: Wait::Sent,
        timeout_ms: Some(2_000),
        session: None,
    };
    let paths = Paths::from_env()?;
    match Client::new(&paths.socket).call::<message::Send>(&params) {
        Ok(written) => println!("{}", written.receipt.state.as_str()),
        Err(error) if error.is_daemon_down() => {
            let spooled = spool::write::<message::Send>(&paths, &params)?;
            println!("spooled {} ({})", message::Send::NAME, spooled.client_key);
        }
        Err(error) => {
            let hint = error.hint().unwrap_or_default();
            return Err(format!("{error}\n{hint}").into());
        }
    }
    Ok(())
}
