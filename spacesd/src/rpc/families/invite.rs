//! `invite.*`

use std::fmt::Write as _;

use rand::TryRngCore;
use rand::rngs::OsRng;
use sha2::{Digest, Sha256};
use spaces_api::methods::invite::{
    CreateParams, Created, Invites, ListParams, RedeemParams, RevokeParams,
};
use spaces_api::model::Role;
use spaces_api::{ErrorKind, Receipt, ReceiptState, RpcError, Timestamp, WriteParams, Written};
use spaces_domain::invite::{Invite, is_hub_address};
use uuid::Uuid;

use crate::operation::Operation;
use crate::rpc::Call;
use crate::rpc::admin::not_answered;
use crate::rpc::reference::{self, cache_failed};

const SECRET_BYTES: usize = 32;
const DEFAULT_VALID_MICROS: i64 = 7 * 24 * 60 * 60 * 1_000_000;
const MOST_USES: u32 = 1_000;

pub(super) async fn create(call: &Call, params: CreateParams) -> Result<Created, RpcError> {
    call.require_hub()?;
    let server = reference::server(&call.daemon, params.server.as_ref())?;
    let role = params.role.unwrap_or(Role::Member);
    let max_uses = params.max_uses.unwrap_or(1);
    let now = call.daemon.hub_time();
    let expires_at = params.expires_at.unwrap_or(Timestamp::from_micros(
        now.as_micros() + DEFAULT_VALID_MICROS,
    ));
    if !(1..=MOST_USES).contains(&max_uses) {
        let message = format!("max_uses is {max_uses}; it must be 1 to {MOST_USES}");
        return Err(RpcError::new(ErrorKind::InvalidParams, message));
    }
    if expires_at <= now {
        return Err(RpcError::new(
            ErrorKind::InvalidParams,
            format!("`expires_at` is {expires_at}, which has passed"),
        ));
    }
    let uri = match params.uri.as_deref() {
        Some(uri) if is_hub_address(uri) => uri.trim_end_matches('/').to_owned(),
        Some(uri) => {
            return Err(RpcError::new(
                ErrorKind::InvalidParams,
                format!("`uri` is `{uri}`, which is not the address of a hub"),
            )
            .hint("write it as https://HOST or http://HOST:PORT"));
        }
        None => call.daemon.hub_address()?,
    };
    let secret = secret()?;
    // Admitted by the invite to redeem it, and to nothing else.
    let (temporary, token) = call
        .daemon
        .uplink
        .new_identity()
        .await
        .map_err(not_answered)?;
    let operation = Operation::CreateInvite {
        server_id: server.id,
        role,
        max_uses,
        expires_at,
        secret_hash: hex(&Sha256::digest(secret.as_bytes())),
        temporary: Some(temporary),
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    let invite = Invite {
        secret,
        token,
        database: call.daemon.hub.database.clone(),
        uri,
    };
    Ok(Created {
        invite: invite.to_string(),
        role,
        expires_at,
        receipt,
    })
}

pub(super) async fn redeem(call: &Call, params: RedeemParams) -> Result<Written, RpcError> {
    let begun = Timestamp::now();
    call.daemon
        .uplink
        .redeem(&params.invite)
        .await
        .map_err(not_answered)?;
    Ok(Written {
        receipt: Receipt {
            client_key: params.client_key.unwrap_or_else(Uuid::now_v7),
            state: ReceiptState::Sent,
            message_id: None,
            queued_at: begun,
            sent_at: Some(Timestamp::now()),
            reason: None,
        },
    })
}

pub(super) fn list(call: &Call, params: ListParams) -> Result<Invites, RpcError> {
    let server = params
        .server
        .map(|server| reference::server(&call.daemon, Some(&server)))
        .transpose()?;
    let invites = call
        .daemon
        .cache
        .invites(server.map(|server| server.id), call.daemon.hub_time());
    Ok(Invites {
        invites: invites.map_err(|error| cache_failed(&error))?,
        meta: call.daemon.meta(),
    })
}

pub(super) async fn revoke(call: &Call, params: RevokeParams) -> Result<Written, RpcError> {
    let operation = Operation::RevokeInvite {
        invite_id: params.id,
    };
    let receipt = call.administer(&params.delivery(), operation).await?;
    Ok(Written { receipt })
}

/// Randomness of the operating system: the hub's is predictable.
fn secret() -> Result<String, RpcError> {
    let mut bytes = [0; SECRET_BYTES];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| {
        RpcError::new(
            ErrorKind::Internal,
            format!("the system gave no random bytes: {error}"),
        )
    })?;
    Ok(hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::{hex, secret};

    #[test]
    fn secrets_are_long_and_differ() {
        let (one, other) = (secret().unwrap(), secret().unwrap());
        assert_eq!(one.len(), 64);
        assert_ne!(one, other);
        assert_eq!(hex(&[0, 255]), "00ff");
    }
}
