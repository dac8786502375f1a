//! Asks a workspace what it says itself that Zerobus took while a comparison ran: `system.lakeflow.zerobus_ingest` has each commit,
//! `system.lakeflow.zerobus_stream` each event of a stream (columns after Databricks' reference of its system tables, both Beta).
//!
//! They name the table and the time, not the writer: what others wrote meanwhile is in them too. Who may not read them is told
//! which grants are missing.

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};

use super::Engine;
use crate::model::{Delivered, EdgeError, Report, RunReport, ServiceCounts, WriterKind};
use crate::workspace::{Statement, WorkspaceError};

/// Requests end before a proxy ends them. The warehouse may have to start first.
const PATIENCE: Duration = Duration::from_secs(40);
/// Commits come up to some seconds after an acknowledgement, and clocks differ.
const BEFORE: TimeDelta = TimeDelta::minutes(1);
const AFTER: TimeDelta = TimeDelta::minutes(5);

impl Engine {
    /// What a comparison counted through Zerobus, and what the workspace's system tables say.
    ///
    /// # Errors
    /// As [`Self::report`]; `INVALID_PARAMETER_VALUE` when nothing of it went through Zerobus. System tables that cannot be read
    /// are no error but part of the answer.
    pub async fn delivered(&self, id: &str) -> Result<Delivered, EdgeError> {
        let report = self.report(id).await?;
        let Some((from, to)) = window(&report) else {
            let message =
                format!("No run of comparison {id} went through Zerobus, so there is nothing to hold against.");
            return Err(EdgeError::new("INVALID_PARAMETER_VALUE", message));
        };
        let statement = question(&report, from, to);
        let answer = tokio::time::timeout(PATIENCE, self.ask_service(&statement)).await;
        let (service, problem) = match answer {
            Ok(Ok(counts)) => (Some(counts), None),
            Ok(Err(error)) => (None, Some(unreadable(&error, &self.workspace.badge().principal))),
            Err(_late) => {
                let seconds = PATIENCE.as_secs();
                (
                    None,
                    Some(format!(
                        "The warehouse did not answer within {seconds} s. It may be starting: load this again in a minute."
                    )),
                )
            }
        };
        let runs: Vec<&RunReport> = zerobus_runs(&report).collect();
        Ok(Delivered {
            from: written(from),
            to: written(to),
            writers: runs.iter().map(|run| run.writer.clone()).collect(),
            durable: runs.iter().map(|run| run.records.durable).sum(),
            in_doubt: runs.iter().map(|run| run.records.in_doubt).sum(),
            service,
            problem,
            statement: with_values(&statement),
            id: report.id,
            name: report.name,
            table: report.table,
        })
    }

    async fn ask_service(&self, statement: &Statement) -> Result<ServiceCounts, WorkspaceError> {
        let rows = self.workspace.execute(statement).await?.rows;
        let row = rows.first().map(Vec::as_slice).unwrap_or_default();
        let number = |cell: &Option<String>| cell.as_deref().unwrap_or("0").parse().ok();
        let numbers: Option<Vec<u64>> = row.iter().map(number).collect();
        match numbers.as_deref() {
            Some(&[records, bytes, commits, streams, stream_errors]) => {
                Ok(ServiceCounts { records, bytes, commits, streams, stream_errors })
            }
            _ => Err(WorkspaceError::Protocol(format!("five counts came back as {row:?}"))),
        }
    }
}

/// Whether any run of a report went through Zerobus.
pub fn went_through_zerobus(report: &Report) -> bool {
    zerobus_runs(report).next().is_some()
}

fn zerobus_runs(report: &Report) -> impl Iterator<Item = &RunReport> {
    let through = |kind| matches!(kind, WriterKind::Zerobus | WriterKind::ZerobusRest);
    report.runs.iter().filter(move |run| through(run.options.kind))
}

/// From the first run's beginning to the last one's end, and some minutes more; `None` without such a run.
fn window(report: &Report) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let spans = zerobus_runs(report).filter_map(|run| {
        let begun = DateTime::parse_from_rfc3339(&run.started_at).ok()?.to_utc();
        let took = TimeDelta::milliseconds((run.connect_ms + run.elapsed_ms) as i64);
        Some((begun, begun + took))
    });
    let (from, to) = spans.reduce(|(first, last), (begun, ended)| (first.min(begun), last.max(ended)))?;
    Some((from - BEFORE, to + AFTER))
}

fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Millis, true)
}

fn question(report: &Report, from: DateTime<Utc>, to: DateTime<Utc>) -> Statement {
    let mut statement = Statement::default();
    let table = statement.bind(Some(report.table.to_string()), "STRING");
    let from = statement.bind(Some(written(from)), "TIMESTAMP");
    let to = statement.bind(Some(written(to)), "TIMESTAMP");
    let within = |time: &str| format!("table_name = {table} AND {time} BETWEEN {from} AND {to}");
    statement.text = format!(
        "SELECT sum(committed_records) AS records, sum(committed_bytes) AS bytes, count(*) AS commits, \
         count(DISTINCT stream_id) AS streams, \
         (SELECT count(*) FROM system.lakeflow.zerobus_stream WHERE {} AND cardinality(errors) > 0) AS stream_errors \
         FROM system.lakeflow.zerobus_ingest WHERE {}",
        within("event_time"),
        within("commit_time")
    );
    statement
}

/// The statement as somebody could run it by hand.
fn with_values(statement: &Statement) -> String {
    let mut text = statement.text.clone();
    // The last first: `:p1` is the beginning of `:p10`.
    for parameter in statement.parameters.iter().rev() {
        let value = parameter.value.as_deref().unwrap_or_default().replace('\'', "''");
        let literal = if parameter.type_text == "STRING" {
            format!("'{value}'")
        } else {
            format!("{} '{value}'", parameter.type_text)
        };
        text = text.replace(&format!(":{}", parameter.name), &literal);
    }
    text
}

fn unreadable(error: &WorkspaceError, principal: &str) -> String {
    match error {
        WorkspaceError::NotConfigured { setting } => {
            format!("{setting} is not set, so no statement can be run. Set it and start again.")
        }
        error => format!(
            "Not readable: {error}. An administrator of the metastore can allow it: \
             GRANT USE CATALOG ON CATALOG system TO `{principal}`; GRANT USE SCHEMA ON SCHEMA system.lakeflow TO `{principal}`; \
             GRANT SELECT ON SCHEMA system.lakeflow TO `{principal}`."
        ),
    }
}
