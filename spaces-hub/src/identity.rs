//! Who calls: the hub's signing keys, the tokens it issues, and the identities
//! it accepts. Tokens are ES256 JSON web tokens with the claims that every
//! SpacetimeDB server uses.

use std::fs;
use std::time::{Duration, SystemTime};

use anyhow::{Context, bail};
use spacetimedb::auth::identity::SpacetimeIdentityClaims;
use spacetimedb::auth::token_validation::{TokenSigner, TokenValidator};
use spacetimedb::auth::{EcKeyPair, JwtKeys};
use spacetimedb_lib::Identity;

use crate::data_dir::{DataDir, write_atomically};

const PRIVATE_KEY: &str = "id_ecdsa";
const PUBLIC_KEY: &str = "id_ecdsa.pub";
/// The issuer that a SpacetimeDB server puts into the tokens it makes itself.
const ISSUER: &str = "localhost";
const AUDIENCE: &str = "spacetimedb";

/// An identity together with the token that proves it.
#[derive(Clone)]
pub struct Caller {
    pub claims: SpacetimeIdentityClaims,
    pub token: String,
}

impl Caller {
    pub fn identity(&self) -> Identity {
        self.claims.identity
    }
}

/// Issues tokens and checks them, with this hub's own key only: a token that
/// another issuer signed is refused, and no key is fetched from anywhere.
pub struct Issuer {
    keys: JwtKeys,
}

impl Issuer {
    /// Reads the key pair (EC P-256, PEM, mode 0600) from the data directory,
    /// or makes one on the first start.
    ///
    /// # Errors
    /// When a key file cannot be read or written, or only one of the two is
    /// there: a new pair would invalidate every token, so none is made then.
    pub fn open(dir: &DataDir) -> anyhow::Result<Self> {
        let (private, public) = (dir.file(PRIVATE_KEY), dir.file(PUBLIC_KEY));
        match (private.exists(), public.exists()) {
            (true, true) => {}
            // The public key is written first: alone it is a start that was cut off.
            (false, _) if !dir.file("hub.json").exists() => {
                let pair = EcKeyPair::generate().context("could not generate the signing keys")?;
                write_atomically(&public, &pair.public_key_bytes, 0o600)?;
                write_atomically(&private, &pair.private_key_bytes, 0o600)?;
            }
            (private_exists, _) => {
                let missing = if private_exists { &public } else { &private };
                bail!(
                    "the signing key {} is missing: restore it from a backup (without it no token that this hub issued can be checked)",
                    missing.display()
                );
            }
        }
        let read = |path: &std::path::Path| {
            fs::read(path)
                .with_context(|| format!("could not read the signing key {}", path.display()))
        };
        let keys = JwtKeys::new(read(&public)?, read(&private)?).with_context(|| {
            format!(
                "{} and {} are not a pair of EC P-256 keys",
                private.display(),
                public.display()
            )
        })?;
        Ok(Self { keys })
    }

    /// Makes an identity that nobody has had before.
    ///
    /// # Errors
    /// When signing fails.
    pub fn new_identity(&self) -> anyhow::Result<Caller> {
        let subject = hex(&rand::random::<[u8; 16]>());
        let identity = Identity::from_claims(ISSUER, &subject);
        let claims = SpacetimeIdentityClaims {
            identity,
            subject: subject.into(),
            issuer: ISSUER.into(),
            audience: [AUDIENCE.into()].into(),
            iat: SystemTime::now(),
            exp: None,
            extra: None,
        };
        let token = self.keys.sign(&claims).context("could not sign a token")?;
        Ok(Caller { claims, token })
    }

    /// A token for the same identity that ends after `lifetime`: for places
    /// where it may be seen, such as the address of a WebSocket.
    ///
    /// # Errors
    /// When signing fails.
    pub fn short_lived(&self, caller: &Caller, lifetime: Duration) -> anyhow::Result<String> {
        let iat = SystemTime::now();
        let claims = SpacetimeIdentityClaims {
            iat,
            exp: Some(iat + lifetime),
            ..caller.claims.clone()
        };
        self.keys.sign(&claims).context("could not sign a token")
    }

    /// # Errors
    /// A text for the caller, when the token is malformed, expired, or not
    /// signed by this hub.
    pub async fn check(&self, token: &str) -> Result<Caller, String> {
        match self.keys.public.validate_token(token).await {
            Ok(claims) => Ok(Caller {
                claims,
                token: token.to_owned(),
            }),
            Err(error) => Err(format!("this hub does not accept the token: {error}")),
        }
    }

    pub fn public_key_pem(&self) -> &[u8] {
        &self.keys.public_pem
    }

    /// The signer of calls between databases, which the engine asks for.
    pub fn between_databases(&self) -> std::sync::Arc<dyn spacetimedb::auth::idc::IdcTokenSigner> {
        std::sync::Arc::new(self.keys.private.clone())
    }
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
