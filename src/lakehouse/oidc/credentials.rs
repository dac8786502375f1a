//! `<data>/credentials.json`: the administrator's client id and secret, made at first start, mode 0600.

use std::fmt;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::grants::random_secret;
use crate::lakehouse::private_file;

/// The administrator's client.
#[derive(Clone)]
pub struct Credentials {
    /// A UUID, not secret.
    pub client_id: String,
    /// Its secret.
    pub client_secret: SecretString,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
struct CredentialsFile {
    client_id: String,
    client_secret: String,
}

const CREDENTIALS_FILE: &str = "credentials.json";

impl Credentials {
    /// Reads `<data>/credentials.json`, or makes it with a new id and secret.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the file cannot be read or written, [`LakehouseError::Damaged`].
    pub fn load_or_create(data: &Path) -> Result<Self, LakehouseError> {
        let path = data.join(CREDENTIALS_FILE);
        if !path.exists() {
            let client_secret = random_secret()?.expose_secret().to_owned();
            let file = CredentialsFile { client_id: uuid::Uuid::new_v4().to_string(), client_secret };
            let content = serde_json::to_vec_pretty(&file).map_err(std::io::Error::from);
            let written = content.and_then(|content| private_file::write(&path, &content));
            written.map_err(LakehouseError::io(&path, "Writing"))?;
        }
        Self::read(data)
    }

    /// Reads `<data>/credentials.json`.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the file is not there or cannot be read, [`LakehouseError::Damaged`].
    pub fn read(data: &Path) -> Result<Self, LakehouseError> {
        let path = data.join(CREDENTIALS_FILE);
        let bytes = std::fs::read(&path).map_err(LakehouseError::io(&path, "Reading"))?;
        // The content stays out of the message: it may be the secret.
        let what = "it is not the JSON written here".to_owned();
        let file: CredentialsFile =
            serde_json::from_slice(&bytes).map_err(|_| LakehouseError::Damaged { path, what })?;
        Ok(Self { client_id: file.client_id, client_secret: file.client_secret.into() })
    }
}
