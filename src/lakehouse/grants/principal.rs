//! Service principals: a name, a client id, and of the secret only what it takes to recognise it.

use std::num::NonZeroU32;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use rand::TryRngCore;
use rand::rngs::OsRng;
use ring::pbkdf2;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::lakehouse::error::LakehouseError;

/// Secrets have 256 random bits, so nobody finds one by trying and more rounds would only make each token request slower.
const ROUNDS: u32 = 10_000;
/// A file that asks for more is not ours, and checking one secret with it would take seconds.
const MOST_ROUNDS: u32 = 1_000_000;
const ALGORITHM: pbkdf2::Algorithm = pbkdf2::PBKDF2_HMAC_SHA256;
const NAME_CHARS: usize = 255;

/// A service principal.
#[derive(Clone)]
pub(super) struct Principal {
    /// Given by whoever made it; unique.
    pub(super) name: String,
    /// A UUID, not secret.
    pub(super) client_id: String,
    pub(super) secret: SecretHash,
}

/// What is kept of a secret. Has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretHash {
    #[serde(deserialize_with = "few_rounds")]
    rounds: NonZeroU32,
    #[serde(with = "bytes_as_text")]
    salt: [u8; 16],
    #[serde(with = "bytes_as_text")]
    hash: [u8; 32],
}

impl SecretHash {
    fn of(secret: &SecretString) -> Result<Self, LakehouseError> {
        let mut kept = Self { salt: random_bytes()?, ..Self::of_nobody() };
        pbkdf2::derive(ALGORITHM, kept.rounds, &kept.salt, secret.expose_secret().as_bytes(), &mut kept.hash);
        Ok(kept)
    }

    /// Compares without a shortcut at the first difference.
    pub(super) fn is_of(&self, secret: &str) -> bool {
        pbkdf2::verify(ALGORITHM, self.rounds, &self.salt, secret.as_bytes(), &self.hash).is_ok()
    }

    /// Belongs to no secret; checked where there is no principal, so that the answer takes as long.
    pub(super) fn of_nobody() -> Self {
        Self { rounds: NonZeroU32::new(ROUNDS).unwrap_or(NonZeroU32::MIN), salt: [0; 16], hash: [0; 32] }
    }
}

impl Principal {
    /// A new principal and its secret, which is not kept anywhere.
    pub(super) fn new(name: &str) -> Result<(Self, SecretString), LakehouseError> {
        let secret = random_secret()?;
        let hash = SecretHash::of(&secret)?;
        let client_id = uuid::Uuid::new_v4().to_string();
        Ok((Self { name: name.to_owned(), client_id, secret: hash }, secret))
    }
}

/// Why a text cannot name a principal.
pub(super) fn check_name(name: &str) -> Result<(), LakehouseError> {
    let refuse = |why: &str| {
        Err(LakehouseError::InvalidArgument(format!(
            "A service principal was not made: its name {why}. Choose another."
        )))
    };
    if name.trim().is_empty() || name.trim() != name {
        return refuse("is empty, or begins or ends with a space");
    }
    if name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
        return refuse("is longer than 255 characters or has control characters");
    }
    if uuid::Uuid::try_parse(name).is_ok() {
        return refuse("looks like a client id");
    }
    Ok(())
}

/// 256 random bits as text that needs no quoting.
pub(in crate::lakehouse) fn random_secret() -> Result<SecretString, LakehouseError> {
    Ok(URL_SAFE_NO_PAD.encode(random_bytes::<32>()?).into())
}

fn random_bytes<const LENGTH: usize>() -> Result<[u8; LENGTH], LakehouseError> {
    let mut bytes = [0; LENGTH];
    OsRng.try_fill_bytes(&mut bytes).map_err(|error| {
        LakehouseError::InvalidArgument(format!("The operating system gave no random bytes: {error}"))
    })?;
    Ok(bytes)
}

fn few_rounds<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<NonZeroU32, D::Error> {
    let rounds = NonZeroU32::deserialize(deserializer)?;
    let allowed = (1..=MOST_ROUNDS).contains(&rounds.get());
    allowed.then_some(rounds).ok_or_else(|| serde::de::Error::custom("too many rounds"))
}

mod bytes_as_text {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::*;

    pub(super) fn serialize<S: Serializer, const LENGTH: usize>(
        bytes: &[u8; LENGTH],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>, const LENGTH: usize>(
        deserializer: D,
    ) -> Result<[u8; LENGTH], D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD_NO_PAD.decode(text).ok().and_then(|bytes| bytes.try_into().ok());
        // The text stays out of the message.
        bytes.ok_or_else(|| D::Error::custom(format!("{LENGTH} bytes in base64 were expected")))
    }
}
