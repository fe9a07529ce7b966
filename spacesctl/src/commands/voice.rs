use clap::{Args, Subcommand};
use spaces_client::spaces_api::methods::voice;
use spaces_client::spaces_api::{ChannelRef, ErrorKind, UserRef};

use crate::ctl::Ctl;
use crate::delivery::{Authority, write_params};
use crate::failure::Failure;
use crate::names;
use crate::output::{BOLD, DIM, ago, clean_line};

use super::text::Text;

/// Voice channels: rosters and signalling; audio itself is not carried
#[derive(Debug, Subcommand)]
pub enum Voice {
    /// Join a voice channel
    Join(Join),
    /// Leave the voice channel
    Leave(Leave),
    /// Say whether you are muted, deafened or speaking
    Set(Set),
    /// Show who is in a voice channel
    List(List),
    /// Send an offer, answer or candidate to one participant, privately
    Signal(Signal),
}

/// Join a voice channel
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl voice join voice")]
pub struct Join {
    /// The channel
    #[arg(add = names::channels())]
    channel: ChannelRef,
    #[command(flatten)]
    authority: Authority,
}

/// Leave the voice channel
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl voice leave")]
pub struct Leave {
    #[command(flatten)]
    authority: Authority,
}

/// Say whether you are muted, deafened or speaking
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  spacesctl voice set --muted true
  spacesctl voice set --speaking false")]
pub struct Set {
    /// Others do not hear you
    #[arg(long, value_name = "true|false")]
    muted: Option<bool>,
    /// You do not hear others
    #[arg(long, value_name = "true|false")]
    deafened: Option<bool>,
    /// You speak now
    #[arg(long, value_name = "true|false")]
    speaking: Option<bool>,
    #[command(flatten)]
    authority: Authority,
}

/// Show who is in a voice channel
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl voice list voice")]
pub struct List {
    /// Only this channel
    #[arg(add = names::channels())]
    channel: Option<ChannelRef>,
}

/// Send an offer, answer or candidate to one participant, privately
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  spacesctl voice signal @alice - < offer.json")]
pub struct Signal {
    /// The participant
    #[arg(add = names::users())]
    to: UserRef,
    #[command(flatten)]
    payload: Text,
    #[command(flatten)]
    authority: Authority,
}

impl Voice {
    /// Does what was asked.
    pub fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        match self {
            Self::Join(Join { channel, authority }) => {
                let what = format!("you are in {channel}");
                ctl.write::<voice::Join>(
                    &authority,
                    &what,
                    &write_params!(authority, voice::JoinParams { channel }),
                )
            }
            Self::Leave(Leave { authority }) => ctl.write::<voice::Leave>(
                &authority,
                "you have left",
                &write_params!(authority, voice::LeaveParams {}),
            ),
            Self::Set(set) => set.run(ctl),
            Self::List(list) => list.run(ctl),
            Self::Signal(signal) => {
                let payload = signal.payload.read_any()?;
                let how = signal.authority;
                let what = format!("signal to {}", signal.to);
                let params = write_params!(
                    how,
                    voice::SignalParams {
                        to: signal.to,
                        payload
                    }
                );
                ctl.write::<voice::Signal>(&how, &what, &params)
            }
        }
    }
}

impl Set {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        if self.muted.or(self.deafened).or(self.speaking).is_none() {
            return Err(
                Failure::new(ErrorKind::InvalidParams, "nothing to change was said")
                    .hint("give --muted, --deafened or --speaking"),
            );
        }
        let how = self.authority;
        let params = write_params!(
            how,
            voice::SetStateParams {
                muted: self.muted,
                deafened: self.deafened,
                speaking: self.speaking,
            }
        );
        ctl.write::<voice::SetState>(&how, "your voice state", &params)
    }
}

impl List {
    fn run(self, ctl: &mut Ctl) -> Result<(), Failure> {
        let params = voice::ListParams {
            channel: self.channel,
        };
        ctl.read::<voice::List>(&params, |out, roster| {
            if roster.participants.is_empty() {
                out.line("nobody");
            }
            for participant in &roster.participants {
                let states = [
                    (participant.muted, "muted"),
                    (participant.deafened, "deafened"),
                    (participant.speaking, "speaking"),
                ];
                let mut facts: Vec<_> = states
                    .into_iter()
                    .filter(|(is, _)| *is)
                    .map(|(_, word)| word.to_owned())
                    .collect();
                facts.push(format!("since {}", ago(participant.since)));
                facts.push(format!("channel {}", participant.channel_id));
                let user = || format!("@{}", participant.user.username);
                let name = participant.agent.clone().unwrap_or_else(user);
                out.line(format_args!(
                    "{BOLD}{}{BOLD:#} {DIM}{}{DIM:#}",
                    clean_line(&name),
                    facts.join(" · ")
                ));
            }
            out.freshness(&roster.meta);
        })
    }
}
