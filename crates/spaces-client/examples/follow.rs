//! Prints what happens, one event a line, across restarts of the daemon.
//!
//!     cargo run -p spaces-client --features tokio --example follow

use std::time::Duration;

use spaces_client::spaces_api::ErrorKind;
use spaces_client::spaces_api::methods::events::SubscribeParams;
use spaces_client::{AsyncClient, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = AsyncClient::from_env()?;
    let mut from = SubscribeParams::default();
    loop {
        match client.subscribe(&from).await {
            Ok(mut events) => {
                eprintln!("following from {}", events.cursor());
                while let Some(Ok(event)) = events.next().await {
                    println!("{} {}", event.cursor, event.what.word());
                }
                from.cursor = Some(events.cursor());
            }
            Err(error) if error.kind() == ErrorKind::CursorExpired => from.cursor = None,
            Err(error) if error.is_daemon_down() => {}
            Err(error) => return Err(error),
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}
