//! Zerobus Ingest over gRPC, by the official SDK. Recovery, tokens and flow control are the SDK's job.
//!
//! The form's streams are long-lived and kept in a pool, one for each table: opening one costs a token and a round trip.
//! A run has streams of its own. Durable means that the acknowledgement for the batch's offset came, never that a flush
//! or close returned.

mod acks;
mod encode;
mod lane;
mod session;

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use databricks_zerobus_ingest_sdk::{ZerobusError, ZerobusSdk, ZerobusStream};
use prost_types::DescriptorProto;
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::sync::Mutex;

use self::session::ZerobusSession;
use super::registry::{Unavailable, WriterFactory};
use super::{Batch, Progress, Receipt, Session, WriteFailure, Writer, WriterError};
use crate::model::{TableInfo, TableName, WriterKind, WriterOptions};
use crate::workspace::{Credentials, Workspace, WorkspaceConfig};

/// The platform ends a program 15 s after it asked; the SDK's own 300 s would be cut off.
const FLUSH_TIMEOUT_MS: u64 = 10_000;

/// Makes [`ZerobusWriter`].
pub(super) struct Factory;

impl WriterFactory for Factory {
    fn kind(&self) -> WriterKind {
        WriterKind::Zerobus
    }

    fn build(&self, workspace: &Arc<Workspace>) -> Result<Arc<dyn Writer>, Unavailable> {
        let config = workspace.config();
        let (credentials, endpoint) = settings(config)?;
        let mut builder = ZerobusSdk::builder()
            .endpoint(endpoint)
            .unity_catalog_url(config.url.clone())
            .application_name(concat!("direct-write/", env!("CARGO_PKG_VERSION")));
        if config.local {
            // The SDK honours proxy variables even for loopback.
            builder = builder.connector_factory(Arc::new(|_| None));
        }
        let sdk = builder.build().map_err(|error| Unavailable {
            reason: format!("The Zerobus endpoint {endpoint} cannot be used: {error}"),
            remedy: "Correct DIRECT_WRITE_ZEROBUS_ENDPOINT and start again.".to_owned(),
        })?;
        Ok(Arc::new(ZerobusWriter { sdk, credentials, streams: Mutex::default() }))
    }
}

/// What both doors of Zerobus need.
pub(super) fn settings(config: &WorkspaceConfig) -> Result<(Credentials, &str), Unavailable> {
    let credentials = config.credentials.clone().ok_or_else(|| {
        let setting = "DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET";
        Unavailable::missing(setting, "writes as a service principal")
    })?;
    let endpoint = config.zerobus_endpoint.as_deref().ok_or_else(|| {
        let setting = "DIRECT_WRITE_ZEROBUS_ENDPOINT or DIRECT_WRITE_ZEROBUS_REGION";
        Unavailable::missing(setting, "says where Zerobus Ingest listens")
    })?;
    Ok((credentials, endpoint))
}

/// The writer `zerobus`.
struct ZerobusWriter {
    sdk: ZerobusSdk,
    credentials: Credentials,
    /// One slot for each table ever written; its lock is held while the stream is opened, so it is opened once.
    streams: Mutex<HashMap<TableName, Arc<Mutex<Option<OpenStream>>>>>,
}

#[derive(Clone)]
struct OpenStream {
    descriptor: DescriptorProto,
    stream: Arc<ZerobusStream>,
}

impl ZerobusWriter {
    async fn slot(&self, table: &TableName) -> Arc<Mutex<Option<OpenStream>>> {
        self.streams.lock().await.entry(table.clone()).or_default().clone()
    }

    /// The table's stream, opened if there is none, if it has ended, or if the table has other columns now.
    async fn stream(&self, table: &TableName, descriptor: DescriptorProto) -> Result<OpenStream, ZerobusError> {
        let slot = self.slot(table).await;
        let mut open = slot.lock().await;
        if let Some(current) = open.as_ref()
            && !current.stream.is_closed()
            && current.descriptor == descriptor
        {
            return Ok(current.clone());
        }
        *open = None;
        let Credentials { client_id, client_secret } = &self.credentials;
        let stream = self
            .sdk
            .stream_builder()
            .table(table.to_string())
            .oauth(client_id.clone(), client_secret.expose_secret().to_owned())
            .compiled_proto(descriptor.clone())
            .flush_timeout_ms(FLUSH_TIMEOUT_MS)
            .build()
            .await?;
        let fresh = OpenStream { descriptor, stream: Arc::new(stream) };
        *open = Some(fresh.clone());
        Ok(fresh)
    }

    /// Empties the slot, but only if it still holds the stream that failed.
    async fn discard(&self, table: &TableName, failed: &OpenStream) {
        let slot = self.slot(table).await;
        slot.lock().await.take_if(|current| Arc::ptr_eq(&current.stream, &failed.stream));
    }
}

#[async_trait]
impl Writer for ZerobusWriter {
    fn kind(&self) -> WriterKind {
        WriterKind::Zerobus
    }

    async fn write(&self, batch: Arc<Batch>, progress: Arc<dyn Progress>) -> Result<Receipt, WriteFailure> {
        let rows = batch.rows.len() as u64;
        let encoded = encode::encode(&batch).map_err(WriteFailure::nothing_sent)?;
        progress.encoded(encoded.records.iter().map(|record| record.len() as u64).sum());
        let name = &batch.table.name;
        let open = self.stream(name, encoded.descriptor).await.map_err(WriteFailure::nothing_sent)?;
        let offset = match open.stream.ingest_records_offset(encoded.records).await {
            Ok(Some(offset)) => offset,
            Ok(None) => return Err(WriteFailure::nothing_sent(WriterError::Rejected("There are no rows.".to_owned()))),
            Err(error) => {
                self.discard(name, &open).await;
                return Err(WriteFailure::nothing_sent(error));
            }
        };
        progress.sent();
        if let Err(error) = open.stream.wait_for_offset(offset).await {
            self.discard(name, &open).await;
            return Err(WriteFailure { error: error.into(), durable: 0, in_doubt: rows });
        }
        Ok(Receipt { durable: rows, proof: json!({ "acknowledged_offset": offset }) })
    }

    async fn open(&self, table: &TableInfo, options: &WriterOptions) -> Result<Arc<dyn Session>, WriterError> {
        Ok(Arc::new(ZerobusSession::open(&self.sdk, &self.credentials, table, options).await?))
    }

    async fn rehearse(&self, table: &TableInfo) -> Result<String, WriterError> {
        let descriptor = encode::descriptor(table)?;
        self.stream(&table.name, descriptor).await?;
        Ok(format!("a stream into {} is open", table.name))
    }

    async fn close(&self) {
        for (table, slot) in self.streams.lock().await.drain() {
            let Some(open) = slot.lock().await.take() else { continue };
            if let Err(error) = open.stream.flush().await {
                tracing::warn!(%table, %error, "stream ended with records that were not acknowledged");
            }
        }
    }
}
