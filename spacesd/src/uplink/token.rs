//! Who we are on the hub: the token's file, new identities, invites.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use serde::Deserialize;
use spaces_domain::ErrorKind;
use spaces_domain::invite::Invite;

use super::{CallError, http, refusal};
use crate::operation::Refusal;
use crate::row::Identity;

/// The token in `file`; where there is none, the hub is asked for a new
/// identity, and its token is on disk before this returns it.
///
/// # Errors
/// When the file cannot be read or written, or the hub makes no identity.
pub(super) async fn load_or_create(
    file: &Path,
    uri: &str,
    within: Duration,
) -> Result<String, CallError> {
    /// The supervisor and a redeemed invite may both be the first to need an
    /// identity; there must be one.
    static MAKING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _making = MAKING.lock().await;
    if let Some(token) = load(file).map_err(|error| unusable(file, &error))? {
        return Ok(token);
    }
    let (identity, token) = create(uri, within).await?;
    save(file, &token).map_err(|error| unusable(file, &error))?;
    tracing::info!(%identity, "made an identity on the hub");
    Ok(token)
}

fn unusable(file: &Path, error: &io::Error) -> CallError {
    CallError::Failed(format!(
        "cannot use the token file {}: {error}",
        file.display()
    ))
}

fn load(file: &Path) -> io::Result<Option<String>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let token = text.trim();
    if token.is_empty() || token.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "it does not hold one token; restore it, or remove it to begin with a new identity",
        ));
    }
    let mode = fs::metadata(file)?.permissions().mode();
    if mode & 0o077 != 0 {
        tracing::warn!(file = %file.display(), mode = format!("{:o}", mode & 0o777), "others could read the token file; closing it");
        fs::set_permissions(file, Permissions::from_mode(0o600))?;
    }
    Ok(Some(token.to_owned()))
}

/// Replaces the file in one step that survives a crash.
fn save(file: &Path, token: &str) -> io::Result<()> {
    let directory = file.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let new = file.with_extension("new");
    // Left by a crash, perhaps with another mode.
    if let Err(error) = fs::remove_file(&new)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?;
    writeln!(written, "{token}")?;
    written.sync_all()?;
    fs::rename(&new, file)?;
    File::open(directory)?.sync_all()
}

/// Asks the hub for a fresh identity.
///
/// # Errors
/// When the hub is not there or makes no identities.
pub(super) async fn create(uri: &str, within: Duration) -> Result<(Identity, String), CallError> {
    #[derive(Deserialize)]
    struct Made {
        identity: String,
        token: String,
    }
    let answer = http::post(uri, "/v1/identity", None, String::new(), within)
        .await
        .map_err(CallError::Failed)?;
    let refused = || {
        CallError::Failed(format!(
            "the hub made no identity (HTTP {}): {}",
            answer.status,
            answer.text.trim()
        ))
    };
    if answer.status != 200 {
        return Err(refused());
    }
    let made: Made = serde_json::from_str(&answer.text).map_err(|_| refused())?;
    let digits = made.identity.trim_start_matches("0x");
    let identity = digits.parse().map_err(CallError::Failed)?;
    Ok((identity, made.token))
}

/// Redeems `invite` for the identity of the token `ours`. What is redeemed is
/// durable on the hub when this returns.
///
/// # Errors
/// When the invite is for another database, the hub is not there, or it refuses.
pub(super) async fn redeem(
    invite: &Invite,
    uri: &str,
    database: &str,
    ours: &str,
    within: Duration,
) -> Result<(), CallError> {
    if invite.database != database {
        return Err(CallError::Failed(format!(
            "the invite is to the database `{}`, but this daemon uses `{database}`: set hub.database, or run `spacesctl join`",
            invite.database
        )));
    }
    let joiner = identity_in(ours)?;
    let path = format!("/v1/database/{database}/call/redeem_invite?confirmed=true");
    let body = super::call::redeem_arguments(&invite.secret, &joiner);
    let redeem_as = async |token: &str| {
        let answer = http::post(uri, &path, Some(token), body.clone(), within)
            .await
            .map_err(CallError::Failed)?;
        match answer.status {
            200 => Ok(()),
            _ => Err(refusal::of_answer(&answer)),
        }
    };
    // A hub that knows us lets nobody redeem for us.
    let redeemed = redeem_as(ours).await;
    if !not_admitted(&redeemed) || invite.token.is_empty() {
        return redeemed;
    }
    let redeemed = redeem_as(&invite.token).await;
    if not_admitted(&redeemed) {
        // What was admitted to redeem it goes with the invite.
        return Err(CallError::Refused(Refusal {
            kind: ErrorKind::NotFound.as_str().to_owned(),
            message: "the hub has no such invite: it is used up, revoked or expired".to_owned(),
            retry_after_ms: None,
        }));
    }
    redeemed
}

fn not_admitted(redeemed: &Result<(), CallError>) -> bool {
    let kind = ErrorKind::NotAdmitted.as_str();
    matches!(redeemed, Err(CallError::Refused(refusal)) if refusal.kind == kind)
}

/// The identity that a token proves. Not checked here: the hub does that.
pub(super) fn identity_in(token: &str) -> Result<Identity, CallError> {
    #[derive(Deserialize)]
    struct Claims {
        hex_identity: Option<String>,
        iss: String,
        sub: String,
    }
    let strange = || CallError::Failed("the token file does not hold a token of a hub".to_owned());
    let claims = token.split('.').nth(1).ok_or_else(strange)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).map_err(|_| strange())?;
    let claims: Claims = serde_json::from_slice(&claims).map_err(|_| strange())?;
    match claims.hex_identity {
        Some(digits) => digits.parse().map_err(CallError::Failed),
        None => Ok(super::rows::identity(
            spacetimedb_sdk::Identity::from_claims(&claims.iss, &claims.sub),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_for_its_owner_alone() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("state/hub.token");
        assert_eq!(load(&file).unwrap(), None);
        save(&file, "a.b.c").unwrap();
        save(&file, "d.e.f").unwrap();
        assert_eq!(load(&file).unwrap().as_deref(), Some("d.e.f"));
        let mode = || fs::metadata(&file).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
        load(&file).unwrap();
        assert_eq!(mode(), 0o600);
        fs::write(&file, "\n").unwrap();
        assert!(load(&file).is_err());
    }

    #[test]
    fn a_token_names_its_identity() {
        let digits = "c2".repeat(32);
        let token = |claims: String| format!("h.{}.s", URL_SAFE_NO_PAD.encode(claims));
        let named = token(format!(
            r#"{{"hex_identity":"{digits}","iss":"localhost","sub":"x"}}"#
        ));
        assert_eq!(identity_in(&named).unwrap().to_string(), digits);
        let made = token(r#"{"iss":"localhost","sub":"x"}"#.to_owned());
        assert!(identity_in(&made).unwrap().to_string().starts_with("c200"));
        assert!(identity_in("nonsense").is_err());
    }
}
