//! `hub.*`

use std::time::Duration;

use spaces_api::methods::None as NoParams;
use spaces_api::methods::hub::{AdmitParams, SetParams, Settled, ShutOutParams};
use spaces_api::{ErrorKind, RpcError, WriteParams, Written};
use tokio::time::timeout;

use crate::operation::{HubSettings, Operation};
use crate::row::Identity;
use crate::rpc::Call;
use crate::rpc::admin::not_answered;
use crate::rpc::reference;
use crate::rpc::write::without_secret;
use crate::uplink::CallError;

/// How long the hub has to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn settings(call: &Call, _: NoParams) -> Result<Settled, RpcError> {
    call.require_hub()?;
    let asked = timeout(ANSWER_WITHIN, call.daemon.uplink.hub_settings()).await;
    let settings = asked
        .unwrap_or(Err(CallError::Lost))
        .map_err(not_answered)?;
    settled(call, settings)
        .ok_or_else(|| RpcError::new(ErrorKind::Internal, "the hub's answer lacks a setting"))
}

fn settled(call: &Call, settings: HubSettings) -> Option<Settled> {
    Some(Settled {
        name: settings.name?,
        admission: settings.admission?,
        rate_per_sec: settings.rate_per_sec?,
        rate_burst: settings.rate_burst?,
        message_days: settings.message_days?,
        messages_per_channel: settings.messages_per_channel?,
        delivery_days: settings.delivery_days?,
        idempotency_days: settings.idempotency_days?,
        audit_days: settings.audit_days?,
        session_days: settings.session_days?,
        session_timeout_secs: settings.session_timeout_secs?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn set(call: &Call, params: SetParams) -> Result<Written, RpcError> {
    let delivery = params.delivery();
    if let Some(name) = &params.name {
        without_secret("the name", name)?;
    }
    let settings = HubSettings {
        name: params.name,
        admission: params.admission,
        rate_per_sec: params.rate_per_sec,
        rate_burst: params.rate_burst,
        message_days: params.message_days,
        messages_per_channel: params.messages_per_channel,
        delivery_days: params.delivery_days,
        idempotency_days: params.idempotency_days,
        audit_days: params.audit_days,
        session_days: params.session_days,
        session_timeout_secs: params.session_timeout_secs,
    };
    if settings == HubSettings::default() {
        return Err(
            RpcError::new(ErrorKind::InvalidParams, "nothing is to be changed")
                .hint("give at least one setting; hub.settings shows those in force"),
        );
    }
    let operation = Operation::SetHub(Box::new(settings));
    let receipt = call.administer(&delivery, operation).await?;
    Ok(Written { receipt })
}

pub(super) async fn admit(call: &Call, params: AdmitParams) -> Result<Written, RpcError> {
    let identity: Identity = params.identity.parse().map_err(|error| {
        RpcError::new(ErrorKind::InvalidParams, error)
            .hint("`spacesctl status` shows it to the one whom the hub does not admit")
    })?;
    let operation = Operation::Admit { identity };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}

pub(super) async fn shut_out(call: &Call, params: ShutOutParams) -> Result<Written, RpcError> {
    call.require_hub()?;
    let (user, _) = reference::user(&call.daemon, &params.user)?;
    let operation = Operation::ShutOut { user };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}
