//! `owner.invite`: whoever redeems it becomes the owner of the hub's first
//! server. The secrets are made here, since a module cannot keep any: all it
//! does is known beforehand.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Context, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use spaces_domain::invite::Invite;
use spacetimedb::host::{FunctionArgs, ModuleHost, ReducerOutcome};
use spacetimedb_client_api_messages::name::DatabaseName;
use spacetimedb_lib::Identity;
use spacetimedb_lib::ser::serde::SerializeWrapper;

use crate::data_dir::{DataDir, write_atomically};
use crate::engine::durable;
use crate::identity::{Issuer, hex};
use crate::record::Record;

const FILE: &str = "owner.invite";

/// Takes the key of the call, the SHA-256 of the secret in hexadecimal digits,
/// and the identity that is admitted for nothing but to redeem the invite.
const REDUCER: &str = "create_owner_invite";

/// Writes the invite (mode 0600) on the first start and makes it known to the
/// module; does nothing on later ones. A module that has no such invites, as
/// `--module` may bring one, gets none.
///
/// # Errors
/// When the file cannot be written or the module refuses the invite: it is
/// tried again on the next start.
pub async fn write_once(
    dir: &DataDir,
    record: &mut Record,
    issuer: &Issuer,
    module: ModuleHost,
    uri: &str,
    database: &DatabaseName,
) -> anyhow::Result<()> {
    if record.owner_invited() {
        return Ok(());
    }
    if module.info.module_def.reducer(REDUCER).is_none() {
        tracing::warn!("the module has no reducer {REDUCER}: no {FILE} is written");
        return Ok(());
    }
    let temporary = issuer.new_identity()?;
    let secret = hex(&rand::random::<[u8; 32]>());
    let path = dir.file(FILE);
    // Before the module knows the invite: a hub that dies between the two
    // makes a new one on its next start, and this one is worth nothing.
    let invite = Invite {
        secret: secret.clone(),
        token: temporary.token.clone(),
        database: database.to_string(),
        uri: uri.to_owned(),
    };
    write_atomically(&path, format!("{invite}\n").as_bytes(), 0o600)?;
    if let Err(error) = announce(
        &module,
        record.owner_identity(),
        &secret,
        temporary.identity(),
    )
    .await
    {
        fs::remove_file(&path)
            .with_context(|| format!("could not remove the void {}", path.display()))?;
        return Err(error);
    }
    record.set_owner_invited()?;
    tracing::info!(file = %path.display(), "whoever redeems this invite owns the first server");
    Ok(())
}

async fn announce(
    module: &ModuleHost,
    owner: Identity,
    secret: &str,
    temporary: Identity,
) -> anyhow::Result<()> {
    let hash = hex(&Sha256::digest(secret));
    let arguments = json!([uuid::Uuid::new_v4().to_string(), hash, sats(&temporary)?]);
    let called = module
        .call_reducer_with_offset(
            owner,
            None,
            None,
            None,
            None,
            REDUCER,
            FunctionArgs::Json(arguments.to_string().into()),
        )
        .await
        .with_context(|| format!("could not call {REDUCER}"))?;
    if let ReducerOutcome::Failed(text) = called.result.outcome {
        bail!("the module refused {REDUCER}: {text}");
    }
    called.result.outcome.into_result()?;
    durable(module, called.tx_offset).await
}

fn sats(identity: &Identity) -> anyhow::Result<Value> {
    Ok(serde_json::to_value(SerializeWrapper::from_ref(identity))?)
}

/// Where this machine reaches a hub that listens on `address`.
pub fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::reachable;

    #[test]
    fn an_address_for_all_interfaces_is_not_one_to_connect_to() {
        for (bound, reached) in [
            ("0.0.0.0:3300", "127.0.0.1:3300"),
            ("[::]:1", "[::1]:1"),
            ("192.168.0.7:80", "192.168.0.7:80"),
        ] {
            assert_eq!(reachable(bound.parse().unwrap()), reached.parse().unwrap());
        }
    }
}
