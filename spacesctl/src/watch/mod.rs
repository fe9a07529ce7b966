//! `spacesctl watch`: a live view in the terminal. [`state`] holds what is known,
//! [`update`] changes it and says what is to be done, [`draw`] shows it; all three
//! are free of input and output, which are at the edge: [`screen`] and [`daemon`].

mod asks;
mod chooser;
mod daemon;
mod draw;
mod feed;
mod keys;
mod place;
mod press;
mod refresh;
#[cfg(test)]
mod samples;
mod screen;
mod state;
mod update;

use std::io::IsTerminal;
use std::panic::AssertUnwindSafe;
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::time::{Duration, Instant};

use clap::Args;
use spaces_client::spaces_api::methods::{channel, message};
use spaces_client::spaces_api::{ChannelRef, ErrorKind, Timestamp};

use crate::ctl::Ctl;
use crate::failure::Failure;
use crate::names;
use place::{Place, View};
use screen::Screen;
use state::{Now, State};
use update::{Effect, Input, update};

/// Watch everything live: channels, messages, sessions, claims
///
/// Channels with what is unread, messages, sessions with their repository,
/// branch and task, claims, and how hub and outbox are. Keys are shown below,
/// all of them with `?`. Needs a terminal of at least 60x16.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl watch
  spacesctl watch agent-logs
  spacesctl watch @alice              direct messages with @alice

Without a terminal: `spacesctl events --json`, `spacesctl tail -f CHANNEL`.")]
pub struct Watch {
    /// What to begin with: a channel, or `@user`
    #[arg(add = names::channels())]
    channel: Option<ChannelRef>,
}

/// Something that reaches the loop.
enum Happening {
    Input(Input),
    Suspend,
    /// A signal that ends the process.
    Signal(i32),
    /// The view cannot go on.
    Failed(Failure),
}

/// Happenings that wait for the loop; beyond it those who tell of them wait.
const WAITING: usize = 1024;
/// Happenings that are taken in before the screen is drawn again.
const AT_ONCE: usize = 256;
/// Ages on the screen are renewed this often.
const TICK: Duration = Duration::from_secs(1);

impl Watch {
    /// Watches until the reader quits.
    ///
    /// # Errors
    /// There is no terminal, no daemon, or no such channel.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        if ctl.out.is_json() || !std::io::stdin().is_terminal() || !std::io::stdout().is_terminal()
        {
            return Err(
                Failure::new(ErrorKind::InvalidParams, "`watch` needs a terminal").hint(
                    "for programs there is `spacesctl events --json`, for pipes `spacesctl tail -f`",
                ),
            );
        }
        let client = daemon::client(&ctl.paths.socket);
        // Before anything is read, so that nothing falls between the two.
        let subscription = client.subscribe(&daemon::everything())?;
        let begin = self.channel.map(|channel| find(ctl, channel)).transpose()?;

        let (happen, happenings) = mpsc::sync_channel(WAITING);
        let (ask, asked) = mpsc::channel();
        screen::follow_signals(happen.clone())?;
        let mut screen = Screen::open()?;
        screen::follow_keys(happen.clone());
        daemon::follow(client, subscription, happen.clone());
        daemon::answer(ctl.paths.clone(), asked, happen);

        let mut state = State::new(now(), screen.size()?);
        if let Some(place) = begin {
            state.focus = state::Pane::Messages;
            update::open(&mut state, View::whole(place), None);
        }
        let mut effects = update(&mut state, Input::Tick, now());
        loop {
            for effect in effects.drain(..) {
                match effect {
                    Effect::Ask(what) => {
                        if ask.send(what).is_err() {
                            return Err(fault("the thread that asks the daemon has ended"));
                        }
                    }
                    Effect::Redraw => screen.forget()?,
                    Effect::Suspend => screen.suspend()?,
                    Effect::Quit => return Ok(()),
                }
            }
            screen.show(&state)?;
            let first = happenings.recv_timeout(update::rest(&state, TICK));
            let more = std::iter::from_fn(|| happenings.try_recv().ok());
            let first = match first {
                Ok(happening) => happening,
                Err(RecvTimeoutError::Timeout) => Happening::Input(Input::Tick),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(fault("all threads of the view have ended"));
                }
            };
            for happening in std::iter::once(first).chain(more).take(AT_ONCE) {
                match happening {
                    Happening::Input(input) => {
                        effects.extend(update(&mut state, input, now()));
                    }
                    Happening::Suspend => effects.push(Effect::Suspend),
                    Happening::Signal(signal) => {
                        drop(screen);
                        return screen::end_by(signal).map_err(Failure::from);
                    }
                    Happening::Failed(failure) => return Err(failure),
                }
            }
        }
    }
}

/// Runs what waits for something in a thread of its own. If that panics, the view
/// ends too: it would show no more of what the thread tells.
fn run_aside(
    to: SyncSender<Happening>,
    work: impl FnOnce(&SyncSender<Happening>) + Send + 'static,
) {
    std::thread::spawn(move || {
        let worked = std::panic::catch_unwind(AssertUnwindSafe(|| work(&to)));
        if worked.is_err() {
            // The view may have ended before.
            let _ = to.send(Happening::Failed(fault("a thread of the view panicked")));
        }
    });
}

fn now() -> Now {
    Now {
        at: Instant::now(),
        clock: Timestamp::now(),
    }
}

fn fault(what: &str) -> Failure {
    Failure::new(ErrorKind::Internal, what).hint("this is a fault of the program; please report it")
}

/// The place that was named. The daemon knows best which names are right.
fn find(ctl: &mut Ctl, named: ChannelRef) -> Result<Place, Failure> {
    let name = named.to_string();
    let page = ctl.client.call::<message::List>(&message::ListParams {
        channel: named,
        thread_id: None,
        limit: Some(1),
        before: None,
        after: None,
        author: None,
        kind: None,
    });
    if let Some(user) = name.strip_prefix('@') {
        // Whom nobody has written to yet has no channel: that is no mistake.
        return match page {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(Place::Conversation {
                channel_id: 0,
                user: user.split('/').next().unwrap_or(user).to_owned(),
            }),
        };
    }
    page?;
    let listed = ctl
        .client
        .call::<channel::List>(&channel::ListParams {
            server: None,
            all: true,
        })?
        .channels;
    let (server, channel_name) = match name.rsplit_once('/') {
        Some((server, name)) => (Some(server.trim()), name),
        None => (None, name.as_str()),
    };
    let channel_name = channel_name.trim().trim_start_matches('#');
    let found = listed.into_iter().find(|channel| {
        channel.id.to_string() == name
            || channel.name.eq_ignore_ascii_case(channel_name)
                && server.is_none_or(|server| channel.server.eq_ignore_ascii_case(server))
    });
    found
        .map(|channel| Place::Channel {
            label: format!("#{}", channel.name),
            id: channel.id,
        })
        .ok_or_else(|| Failure::new(ErrorKind::NotFound, format!("there is no channel {name}")))
}
