//! `voice.*`

use spaces_api::methods::voice::{
    JoinParams, LeaveParams, ListParams, Roster, SetStateParams, SignalParams,
};
use spaces_api::model::ChannelType;
use spaces_api::{ErrorKind, RpcError, WriteParams, Written};

use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::reference::{self, cache_failed};

const MOST_SIGNAL_BYTES: usize = 16_384;

pub(super) async fn join(call: &Call, params: JoinParams) -> Result<Written, RpcError> {
    call.require_hub()?;
    let channel = reference::channel(&call.daemon, &params.channel)?.channel;
    if channel.channel_type != ChannelType::Voice {
        let message = format!(
            "#{} is of type {}, not voice",
            channel.name, channel.channel_type
        );
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    let operation = Operation::JoinVoice {
        channel_id: channel.id,
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}

pub(super) async fn leave(call: &Call, params: LeaveParams) -> Result<Written, RpcError> {
    let receipt = call
        .administer(&params.delivery(), Operation::LeaveVoice {})
        .await?;
    Ok(Written { receipt })
}

pub(super) async fn set_state(call: &Call, params: SetStateParams) -> Result<Written, RpcError> {
    let operation = Operation::SetVoiceState {
        muted: params.muted,
        deafened: params.deafened,
        speaking: params.speaking,
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}

pub(super) fn list(call: &Call, params: ListParams) -> Result<Roster, RpcError> {
    let channel = params
        .channel
        .map(|channel| reference::channel(&call.daemon, &channel))
        .transpose()?;
    let participants = call
        .daemon
        .cache
        .voice(channel.map(|facts| facts.channel.id));
    Ok(Roster {
        participants: participants.map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn signal(call: &Call, params: SignalParams) -> Result<Written, RpcError> {
    call.require_hub()?;
    if params.payload.len() > MOST_SIGNAL_BYTES {
        let message = format!(
            "the payload has {} bytes; at most {MOST_SIGNAL_BYTES} are allowed",
            params.payload.len()
        );
        return Err(RpcError::new(ErrorKind::TooLarge, message));
    }
    let (to, _) = reference::user(&call.daemon, &params.to)?;
    let delivery = params.delivery();
    let operation = Operation::VoiceSignal {
        to,
        payload: params.payload,
    };
    let receipt = call.administer(&delivery, operation).await?;
    Ok(Written { receipt })
}
