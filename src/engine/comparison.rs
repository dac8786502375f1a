//! A comparison: the same records through each writer of a plan, one after the other or all at once, and a report at the end.
//!
//! It goes on by itself once it was started; whoever wants may follow it, and stop it. Knows the workspace, the writers and the
//! run; nothing of pages, and of the history only that somebody keeps reports.

mod machine;
mod registry;
mod scoreboard;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{SecondsFormat, Utc};
use futures::future::BoxFuture;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;
use uuid::Uuid;

pub(in crate::engine) use registry::Comparisons;

use registry::{Known, MOST_FINISHED};
use scoreboard::Scoreboard;

use super::actor::{Acting, writes_by_sql};
use super::run::{Extent, Open, Run, RunSetup, RunTable, RunView, Signals, WorkspaceTable, source_of};
use super::{Actor, Engine, HeldUpload};
use crate::model::{
    EdgeError, LiveComparison, Order, Plan, PlanSpec, REPORT_SCHEMA, Report, RunReport, TableInfo, WriterOptions,
};
use crate::writer::Writer;

/// Comparisons that run at the same time; more would measure each other.
pub(super) const MOST_RUNNING: usize = 2;

/// Keeps the reports of finished comparisons.
#[async_trait]
pub trait ReportSink: Send + Sync {
    /// Keeps a report.
    ///
    /// # Errors
    /// Why it is not kept, a sentence for people.
    async fn keep(&self, report: &Report) -> Result<(), String>;
}

impl Engine {
    /// Hands the reports of all comparisons to `sink`.
    #[must_use]
    pub fn with_reports_kept_by(mut self, sink: Arc<dyn ReportSink>) -> Self {
        self.report_sink = Some(sink);
        self
    }

    /// Checks a plan and begins its comparison in the name of `actor`; the answer is its id.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` with every broken rule, `TABLE_DOES_NOT_EXIST`, `NOT_CONFIGURED` for a writer,
    /// `USER_TOKEN_REQUIRED` when SQL is to run with a token that did not come, `RESOURCE_EXHAUSTED` when too many run, or what
    /// the workspace says. Nothing was written then.
    pub async fn start_comparison(self: &Arc<Self>, plan: Plan, actor: impl Into<Actor>) -> Result<String, EdgeError> {
        let actor = actor.into();
        let mut spec = plan.check().map_err(EdgeError::invalid)?;
        let kinds = spec.writers.iter().map(|(_, options)| options.kind);
        let writers = kinds.clone().map(|kind| self.acting(&actor, kind)).collect::<Result<Vec<_>, _>>()?;
        let sql_as = if kinds.clone().any(writes_by_sql) { actor.sql_name().to_owned() } else { String::new() };
        let place = self.comparison_places.clone().try_acquire_owned().map_err(|_| {
            let message = format!(
                "{MOST_RUNNING} comparisons are under way, and more would measure each other. Nothing was written. Wait for \
                 one to end, or stop it."
            );
            EdgeError::new("RESOURCE_EXHAUSTED", message)
        })?;
        let upload = self.hold_upload(&mut spec).await?;
        let table = self.table_of(&spec.table).await?;

        let head = Head {
            id: Uuid::now_v7().to_string(),
            started_at: Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true),
            started_by: actor.name,
            sql_as,
            plan,
            spec,
        };
        let scoreboard = Arc::new(Scoreboard::new(self.first_snapshot(&head), self.metrics.clone()));
        let runs = self.runs(&head.spec, &table, &writers, &head.id, &scoreboard)?;
        Ok(self.begin(head, scoreboard, runs, place, upload))
    }

    /// Lets a comparison go on by itself and answers its id.
    fn begin(
        self: &Arc<Self>,
        head: Head,
        scoreboard: Arc<Scoreboard>,
        runs: Vec<Run>,
        place: OwnedSemaphorePermit,
        upload: Option<HeldUpload>,
    ) -> String {
        let id = head.id.clone();
        scoreboard.show(runs.iter().map(Run::view).collect());
        let signals = Signals::new(self.shutdown.clone());
        let snapshots = scoreboard.subscribe();
        let known = Known { id: id.clone(), snapshots, signals: signals.clone(), report: None };
        self.comparisons.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remember(known);
        // Not inside the request's span, which ends long before it.
        let span = tracing::info_span!(parent: None, "comparison", %id, table = %head.spec.table);
        span.follows_from(tracing::Span::current());
        tracing::info!(%id, table = %head.spec.table, "comparison begun");
        let comparison = Comparison { engine: self.clone(), head, scoreboard, signals, upload };
        self.tasks.spawn(comparison.go(runs, place).instrument(span));
        id
    }

    fn first_snapshot(&self, head: &Head) -> LiveComparison {
        LiveComparison {
            id: head.id.clone(),
            sequence: 0,
            name: head.spec.name.clone(),
            workspace: self.workspace.badge(),
            table: head.spec.table.clone(),
            plan: head.plan.clone(),
            started_at: head.started_at.clone(),
            started_by: head.started_by.clone(),
            sql_as: head.sql_as.clone(),
            finished: false,
            runs: Vec::new(),
            log: Vec::new(),
        }
    }

    /// The runs of a plan, none of which has begun.
    fn runs(
        &self,
        spec: &PlanSpec,
        table: &TableInfo,
        writers: &[Acting],
        comparison: &str,
        scoreboard: &Arc<Scoreboard>,
    ) -> Result<Vec<Run>, EdgeError> {
        let run = |((label, options), (writer, workspace)): (&(String, WriterOptions), &Acting)| {
            let run_id = Uuid::now_v7().to_string();
            let seed = spec.source.seed;
            let asked = WorkspaceTable::new(workspace, table, &run_id, seed);
            let setup = RunSetup {
                source: source_of(&spec.source, table, &run_id)?,
                run_id,
                label: label.clone(),
                options: *options,
                open: opening(writer.clone(), table.clone(), *options),
                seed,
                extent: Extent::new(&spec.source),
                table: asked.map(|table| Arc::new(table) as Arc<dyn RunTable>),
                check_every: Duration::from_millis(spec.check_every_ms),
                patience: Duration::from_millis(spec.patience_ms),
            };
            Ok(Run::new(setup, scoreboard.events_of(comparison, label)))
        };
        spec.writers.iter().zip(writers).map(run).collect()
    }

    /// Follows a comparison: the current snapshot, then each that replaces it.
    ///
    /// # Errors
    /// `NOT_FOUND` when it is not, or no longer, known here; its report may be in the history.
    pub fn follow_comparison(&self, id: &str) -> Result<watch::Receiver<LiveComparison>, EdgeError> {
        self.known(id).map(|known| known.snapshots)
    }

    /// Stops a comparison: nothing more is sent, and what is under way is brought home. Without effect on one that has ended.
    ///
    /// # Errors
    /// As [`Self::follow_comparison`].
    pub fn stop_comparison(&self, id: &str) -> Result<(), EdgeError> {
        self.known(id).map(|known| known.signals.stop.cancel())
    }

    /// The report of a comparison; `None` while it runs.
    ///
    /// # Errors
    /// As [`Self::follow_comparison`].
    pub fn comparison_report(&self, id: &str) -> Result<Option<Arc<Report>>, EdgeError> {
        self.known(id).map(|known| known.report)
    }

    /// The comparisons that run and the latest that have finished, the newest first.
    pub fn live_comparisons(&self) -> Vec<LiveComparison> {
        self.comparisons.lock().unwrap_or_else(std::sync::PoisonError::into_inner).list()
    }

    fn known(&self, id: &str) -> Result<Known, EdgeError> {
        let comparisons = self.comparisons.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        comparisons.find(id).cloned().ok_or_else(|| {
            let shown: String = id.chars().take(64).collect();
            let message = format!(
                "Comparison '{shown}' is not known here; those that run and the latest {MOST_FINISHED} are. Look for its report \
                 in the history."
            );
            EdgeError::new("NOT_FOUND", message)
        })
    }
}

/// Opens a writer when the run's turn has come.
fn opening(writer: Arc<dyn Writer>, table: TableInfo, options: WriterOptions) -> Open {
    Box::new(move || -> BoxFuture<'static, _> { Box::pin(async move { writer.open(&table, &options).await }) })
}

/// What was asked for.
struct Head {
    id: String,
    started_at: String,
    started_by: String,
    sql_as: String,
    plan: Plan,
    spec: PlanSpec,
}

/// A comparison under way.
struct Comparison {
    engine: Arc<Engine>,
    head: Head,
    scoreboard: Arc<Scoreboard>,
    signals: Signals,
    /// Where its records come from, if that is an upload.
    upload: Option<HeldUpload>,
}

impl Comparison {
    /// Runs it to its end; holding `place` bounds how many run.
    async fn go(mut self, runs: Vec<Run>, place: OwnedSemaphorePermit) {
        let publisher = {
            let scoreboard = self.scoreboard.clone();
            AbortOnDropHandle::new(tokio::spawn(async move { scoreboard.keep_publishing().await }))
        };
        let reports = match self.head.spec.order {
            Order::Sequential => {
                let mut reports = Vec::with_capacity(runs.len());
                for run in runs {
                    reports.push(self.run_counted(run).await);
                }
                reports
            }
            Order::Parallel => {
                self.scoreboard.log(
                    None,
                    "info",
                    "All runs go at once: they share the machine and the workspace.".to_owned(),
                );
                futures::future::join_all(runs.into_iter().map(|run| self.run_counted(run))).await
            }
        };
        drop(publisher);
        if let Some(upload) = self.upload.take() {
            upload.done();
        }
        let report = Arc::new(self.report(reports));
        if let Some(sink) = &self.engine.report_sink
            && let Err(problem) = sink.keep(&report).await
        {
            tracing::error!(problem, "a report was not kept");
            self.scoreboard.log(None, "error", format!("The report was not kept: {problem}"));
        }
        let mut comparisons = self.engine.comparisons.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        comparisons.finish(&self.head.id, report);
        drop(comparisons);
        drop(place);
        self.scoreboard.finish();
    }

    async fn run_counted(&self, run: Run) -> RunReport {
        let metrics = &self.engine.metrics;
        metrics.run_started(run.options().kind);
        let report = run_safely(run, self.signals.clone()).await;
        metrics.run_ended(report.options.kind, report.state);
        report
    }

    fn report(&self, runs: Vec<RunReport>) -> Report {
        let Head { id, started_at, started_by, sql_as, plan, spec } = &self.head;
        let judged = |run| spec.thresholds.iter().map(move |threshold| threshold.judge(run, &run.writer));
        Report {
            schema: REPORT_SCHEMA.to_owned(),
            id: id.clone(),
            name: spec.name.clone(),
            started_at: started_at.clone(),
            started_by: started_by.clone(),
            sql_as: sql_as.clone(),
            workspace: self.engine.workspace.badge(),
            table: spec.table.clone(),
            plan: plan.clone(),
            machine: machine::machine(),
            thresholds: runs.iter().flat_map(judged).collect(),
            runs,
        }
    }
}

/// Runs it on a task of its own: should it panic, the others still run and the report says so.
async fn run_safely(run: Run, signals: Signals) -> RunReport {
    let view: RunView = run.view();
    let task = AbortOnDropHandle::new(tokio::spawn(run.go(signals).in_current_span()));
    task.await.unwrap_or_else(|error| view.broken_off(&error.to_string()))
}
