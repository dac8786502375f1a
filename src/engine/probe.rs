//! Whether a writer works, found out by trying: configuration, token, table, and the last step before a row.

use std::future::Future;

use serde::Serialize;
use tokio::time::Instant;

use super::Engine;
use crate::model::{TableName, WriterKind};
use crate::writer::{Check, WriterError};

/// What a live probe of a writer found.
#[derive(Clone, Debug, Serialize)]
pub struct ProbeReport {
    /// Which.
    pub writer: WriterKind,
    /// Whether a record would go through now.
    pub available: bool,
    /// Which workspace.
    pub workspace: String,
    /// Into which table.
    pub table: TableName,
    /// Step by step; the first that failed is the last.
    pub checks: Vec<Check>,
    /// Why not, when it is not available.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Engine {
    /// Tries a writer on the default table without writing a row.
    pub async fn probe(&self, kind: WriterKind) -> ProbeReport {
        let table = self.workspace.config().default_table.clone();
        let mut checks = Vec::new();
        let outcome = self.try_steps(kind, &table, &mut checks).await;
        let failed = checks.iter().rfind(|check| !check.passed);
        ProbeReport {
            writer: kind,
            available: outcome.is_ok(),
            workspace: self.workspace.badge().name,
            reason: failed.map(|check| check.detail.clone()),
            remedy: failed.and_then(|check| check.remedy.clone()),
            table,
            checks,
        }
    }

    async fn try_steps(&self, kind: WriterKind, table: &TableName, checks: &mut Vec<Check>) -> Result<(), WriterError> {
        let registered = async {
            let writer = self.writers.get(kind).map_err(|unavailable| WriterError::from(&unavailable))?;
            Ok((writer, format!("{kind} is configured")))
        };
        let writer = step("configuration", checks, registered).await?;
        let token = async {
            self.workspace.probe_token().await?;
            Ok(((), "a token was issued".to_owned()))
        };
        step("token", checks, token).await?;
        let lookup = async {
            let info = self.workspace.table(table).await?;
            let columns = info.columns.len();
            Ok((info, format!("{table} has {columns} columns")))
        };
        let info = step("table", checks, lookup).await?;
        let name = match kind {
            WriterKind::Zerobus => "stream",
            WriterKind::ZerobusRest => "insert",
            WriterKind::Sql | WriterKind::CopyInto => "warehouse",
        };
        step(name, checks, async { Ok(((), writer.rehearse(&info).await?)) }).await
    }
}

async fn step<T>(
    name: &'static str,
    checks: &mut Vec<Check>,
    attempt: impl Future<Output = Result<(T, String), WriterError>>,
) -> Result<T, WriterError> {
    let began = Instant::now();
    let outcome = attempt.await;
    let took_ms = began.elapsed().as_secs_f64() * 1000.0;
    match outcome {
        Ok((value, detail)) => {
            checks.push(Check { name, passed: true, took_ms, detail, remedy: None });
            Ok(value)
        }
        Err(error) => {
            let remedy = Some(error.remedy().to_owned());
            checks.push(Check { name, passed: false, took_ms, detail: error.to_string(), remedy });
            Err(error)
        }
    }
}
