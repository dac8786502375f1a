//! Logs: readable on a terminal, JSON lines everywhere else. `RUST_LOG` filters them. Traces and metrics go to a collector where
//! the environment names one.
//!
//! A line names the spans around it, outermost first: a submission's lines carry the `request_id` of the request that began it.

mod export;

use std::io::IsTerminal;

use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use export::Exporting;

/// What a server logs. Two commits that meet are no news: delta-rs warns of each, and repeats it; what it gives up we report.
const SERVER: &str = "info,datafusion=warn,deltalake=warn,deltalake_core::kernel::transaction=error,delta_kernel=warn,buoyant_kernel=warn";
/// What a command logs that tells its caller itself how its runs go.
const COMMAND: &str = "error,direct_write::engine=off";

/// What was started, until [`finish`](Self::finish).
#[must_use = "what was not exported yet is sent when it is finished"]
pub struct Telemetry {
    exporting: Option<Exporting>,
}

impl Telemetry {
    /// Sends what was not sent yet.
    pub async fn finish(self) {
        if let Some(exporting) = self.exporting {
            exporting.finish().await;
        }
    }
}

/// Starts logging to standard error as a server does. Within a runtime, and before anything that counts is made.
pub fn start() -> Telemetry {
    start_with(SERVER)
}

/// Starts logging to standard error only what goes wrong beside the runs.
pub fn start_for_command() -> Telemetry {
    start_with(COMMAND)
}

/// Makes a request's span part of the caller's trace, where a `traceparent` header names one (W3C Trace Context).
pub(super) fn join_trace(span: &tracing::Span, headers: &HeaderMap) {
    let named = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if named.has_active_span() {
        // It fails only where nothing is exported, so that there is no trace to be part of.
        let _ = span.set_parent(named);
    }
}

fn start_with(usual: &str) -> Telemetry {
    let (exporting, problem) = match Exporting::start(&super::config::Environment) {
        Ok(exporting) => (exporting, None),
        Err(error) => (None, Some(error)),
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if std::io::stderr().is_terminal() {
        lines.compact().boxed()
    } else {
        lines.json().flatten_event(true).with_current_span(false).with_span_list(true).boxed()
    };
    let spans = exporting.as_ref().map(|exporting| tracing_opentelemetry::layer().with_tracer(exporting.tracer()));
    tracing_subscriber::registry().with(filter).with(lines).with(spans).init();
    if let Some(problem) = problem {
        tracing::warn!("traces and metrics are not exported: {problem}. Correct the OTEL_ variables and start again");
    }
    Telemetry { exporting }
}
