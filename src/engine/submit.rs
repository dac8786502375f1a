//! From a submission to an answer: check, begin, write, look, and say it truly.

use std::sync::Arc;
use std::time::Duration;

use chrono::{SecondsFormat, Utc};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tracing::Instrument;
use uuid::Uuid;

use super::enrich::{self, Origins};
use super::journey::{Journey, stages_at_the_start};
use super::rows::{NotVisible, count_visible, wait_until_visible};
use super::{Actor, Engine, MOST_RUNNING, Metrics};
use crate::model::{
    EdgeError, Records, Stage, StageState, Submission, SubmissionSnapshot, SubmissionState, TableInfo, WriterKind,
    validate_products, validate_rows,
};
use crate::workspace::Workspace;
use crate::writer::{Batch, Receipt, Rows, WriteFailure, Writer};

/// Who hands a submission in, and what it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The page: products or rows, whichever the table takes.
    Page,
    /// `/api/v1/process-structured` with `schema_type: products`.
    StructuredProducts,
}

impl Engine {
    /// Checks a submission and begins it in the name of `actor`; it goes on by itself. The answer is its first snapshot.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` with every broken rule, `TABLE_DOES_NOT_EXIST`, `NOT_CONFIGURED` for the writer,
    /// `USER_TOKEN_REQUIRED` when SQL is to run with a token that did not come, `RESOURCE_EXHAUSTED` when too many are under way, or
    /// what the workspace says. Nothing was written then.
    pub async fn submit(
        self: &Arc<Self>,
        submission: Submission,
        origin: Origin,
        actor: impl Into<Actor>,
    ) -> Result<SubmissionSnapshot, EdgeError> {
        let started = Instant::now();
        let (writer, workspace) = self.acting(&actor.into(), submission.writer)?;
        let place = self.places.clone().try_acquire_owned().map_err(|_| {
            let message =
                format!("{MOST_RUNNING} submissions are under way. Nothing was written. Send again in a second.");
            EdgeError::new("RESOURCE_EXHAUSTED", message)
        })?;
        let table = self.table_of(&submission.table).await?;

        let id = Uuid::now_v7().to_string();
        let started_at = Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true);
        let source = format!("{}_structured_payload", submission.writer);
        let origins = Origins { batch_id: &id, processed_at: &started_at, source: &source };
        let rows = check(&submission.items, &table, origin, &origins)?;

        let begun = Begun { id, started, started_at };
        let run = Run::new(workspace, self.metrics.clone(), place, writer, Batch { table, rows }, begun);
        let snapshots = run.journey.subscribe();
        let first = snapshots.borrow().clone();
        let span = tracing::info_span!("submission", run_id = %first.id, writer = %first.writer, table = %first.table);
        self.submissions
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .remember(first.id.clone(), snapshots);
        self.tasks.spawn(run.go().instrument(span));
        Ok(first)
    }
}

/// Validates by what the table takes and adds what the server knows.
fn check(items: &[Value], table: &TableInfo, origin: Origin, origins: &Origins<'_>) -> Result<Rows, EdgeError> {
    if table.takes_products() {
        let products = validate_products(items).map_err(EdgeError::invalid)?;
        return Ok(Rows::Products(products.into_iter().map(|one| enrich::product(one, origins)).collect()));
    }
    if origin == Origin::StructuredProducts {
        let message = format!(
            "{} does not have the ten columns of the product record. Nothing was written. Choose a products table.",
            table.name
        );
        return Err(EdgeError::new("INVALID_PARAMETER_VALUE", message));
    }
    let rows = validate_rows(items, table).map_err(EdgeError::invalid)?;
    Ok(Rows::Columns(rows.into_iter().map(|one| enrich::row(one, table, origins)).collect()))
}

/// A submission's id and the moment it was received.
struct Begun {
    id: String,
    started: Instant,
    started_at: String,
}

/// One submission under way.
struct Run {
    /// The one that is asked for the rows.
    workspace: Arc<Workspace>,
    metrics: Metrics,
    /// Held to the end: bounds how many run.
    _place: OwnedSemaphorePermit,
    writer: Arc<dyn Writer>,
    kind: WriterKind,
    /// When it was received.
    began: Instant,
    batch: Arc<Batch>,
    record_ids: Vec<String>,
    journey: Arc<Journey>,
}

impl Run {
    fn new(
        workspace: Arc<Workspace>,
        metrics: Metrics,
        place: OwnedSemaphorePermit,
        writer: Arc<dyn Writer>,
        batch: Batch,
        begun: Begun,
    ) -> Self {
        let Begun { id, started, started_at } = begun;
        let json_rows = batch.rows.to_json();
        let ids = json_rows.iter().filter_map(|row| Some(row.get("record_id")?.as_str()?.to_owned()));
        let record_ids: Vec<String> = ids.collect();
        let kind = writer.kind();
        let first = SubmissionSnapshot {
            id,
            sequence: 0,
            state: SubmissionState::Running,
            finished: false,
            writer: kind,
            table: batch.table.name.clone(),
            workspace: workspace.badge(),
            started_at,
            records: Records { received: batch.rows.len() as u64, ..Records::default() },
            payload_bytes: 0,
            stages: stages_at_the_start(),
            processing_us: 0,
            record_ids: record_ids.clone(),
            error: None,
            answer: None,
        };
        let journey = Arc::new(Journey::new(started, first));
        journey.reach(Stage::Validated, |_| ());
        let batch = Arc::new(batch);
        Self { workspace, metrics, _place: place, writer, kind, began: started, batch, record_ids, journey }
    }

    async fn go(self) {
        self.metrics.accepted(self.kind, self.batch.rows.len() as u64);
        match self.writer.write(self.batch.clone(), self.journey.clone()).await {
            Ok(receipt) => self.succeeded(receipt).await,
            Err(failure) => self.failed(failure).await,
        }
    }

    async fn succeeded(&self, receipt: Receipt) {
        self.journey.reach(Stage::Durable, |snapshot| {
            snapshot.state = SubmissionState::Succeeded;
            snapshot.records.durable = receipt.durable;
            snapshot.answer = Some(self.answer(snapshot, &receipt.proof));
            let records = receipt.durable;
            self.metrics.durable(self.kind, records, Duration::from_micros(snapshot.processing_us));
            tracing::info!(records, bytes = snapshot.payload_bytes, processing_us = snapshot.processing_us, "durable");
        });
        match wait_until_visible(&self.workspace, &self.batch.table, &self.record_ids).await {
            Ok(()) => self.journey.reach(Stage::Visible, |snapshot| {
                snapshot.records.visible = Some(snapshot.records.durable);
                snapshot.finished = true;
            }),
            Err(NotVisible::CannotLook(why)) => {
                let note = format!("Nobody could look: {why}.");
                self.journey.stop(StageState::Unknown, &note, |_| ());
            }
            Err(NotVisible::NotFound { found }) => {
                let note = format!("{found} of {} were found within 30 s.", self.record_ids.len());
                self.journey.stop(StageState::Unknown, &note, |snapshot| snapshot.records.visible = Some(found));
            }
        }
    }

    async fn failed(&self, failure: WriteFailure) {
        let found = if failure.in_doubt > 0 && !self.record_ids.is_empty() {
            count_visible(&self.workspace, &self.batch.table, &self.record_ids).await.ok()
        } else {
            None
        };
        let kept = kept_sentence(&failure, found);
        let WriteFailure { error, durable, .. } = failure;
        let received = self.batch.rows.len() as u64;
        let message = format!(
            "Writing to {} through {} failed: {error}. {kept} {}",
            self.batch.table.name,
            self.kind,
            error.remedy()
        );
        if durable > 0 {
            self.metrics.durable(self.kind, durable, self.began.elapsed());
        }
        self.metrics.failed(self.kind, received - durable, error.code());
        tracing::warn!(code = error.code(), %error, durable, in_doubt = failure.in_doubt, "failed");
        self.journey.stop(StageState::Failed, &error.to_string(), |snapshot| {
            snapshot.state = SubmissionState::Failed;
            snapshot.records = Records { received, durable, failed: received - durable, visible: found };
            snapshot.error = Some(EdgeError::new(error.code(), message));
            snapshot.answer = Some(self.answer(snapshot, &Value::Null));
        });
    }

    /// The answer of `/api/v1/process-structured`, in the original app's shape. `zerobus_integration` carries
    /// whichever writer was used; its name stays for compatibility.
    fn answer(&self, snapshot: &SubmissionSnapshot, proof: &Value) -> Value {
        let durable = snapshot.records.durable;
        let status = if snapshot.state == SubmissionState::Succeeded { "success" } else { "failed" };
        let message = match &snapshot.error {
            Some(error) => error.message.clone(),
            None => format!("{durable} of {} records are durable in {}.", snapshot.records.received, snapshot.table),
        };
        let mut answer = json!({
            "message": message,
            "batch_id": snapshot.id,
            "processed_count": durable,
            "processing_time_ms": snapshot.processing_us as f64 / 1000.0,
            "status": status,
            "zerobus_integration": {
                "status": status,
                "writer_name": snapshot.writer,
                "records_written": durable,
                "table": snapshot.table,
                "workspace": snapshot.workspace.name,
                "workspace_url": snapshot.workspace.url,
                "principal": snapshot.workspace.principal,
                "proof": proof,
            },
            "processed_data": self.batch.rows.to_json(),
        });
        if let Some(error) = &snapshot.error {
            answer["error_code"] = json!(error.error_code);
            answer["zerobus_integration"]["error"] = json!(error.message);
        }
        answer
    }
}

/// What was kept, when a write failed.
fn kept_sentence(failure: &WriteFailure, found: Option<u64>) -> String {
    match (failure.durable, failure.in_doubt, found) {
        (durable, 0, _) if durable > 0 => format!("{durable} records are durable, the others were not written."),
        (_, 0, _) => "Nothing was written.".to_owned(),
        (durable, in_doubt, Some(found)) => format!(
            "{durable} records were acknowledged as durable, {in_doubt} were sent and not acknowledged; \
             {found} of them all are in the table now."
        ),
        (durable, in_doubt, None) => format!(
            "{durable} records were acknowledged as durable, {in_doubt} were sent and not acknowledged, \
             so they may or may not be in the table."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::writer::WriterError;

    #[test]
    fn what_was_kept_is_said_as_far_as_it_is_known() {
        let busy = || WriterError::Busy { message: String::new(), retry_after: None };
        let failure = |durable, in_doubt| WriteFailure { error: busy(), durable, in_doubt };
        assert_eq!(kept_sentence(&failure(0, 0), None), "Nothing was written.");
        assert_eq!(kept_sentence(&failure(25, 0), None), "25 records are durable, the others were not written.");
        assert!(kept_sentence(&failure(0, 5), None).contains("may or may not"));
        assert!(kept_sentence(&failure(0, 5), Some(3)).ends_with("3 of them all are in the table now."));
    }
}
