//! What the browser reads of a comparison: its runs and its log. The plan, the table and the workspace are in the page already,
//! as HTML.

use serde_json::Value;

use super::{Receive, field};
use crate::model::{
    Encoding, ErrorCount, Latencies, LiveRun, LiveView, LogLine, Order, Percentiles, Pressure, PressureLevel,
    RecordCounts, RunState, SqlMode, Throughput, WriterOptions,
};

receive_structs! {
    LiveRun {
        run_id, writer, options, state, reason, records, progress, left_ms, elapsed_ms, throughput, latency_ms, in_flight,
        retries, errors, pressure, series,
    }
    WriterOptions { kind, mode, encoding, streams, batch, in_flight }
    RecordCounts { sent, durable, failed, in_doubt, visible, missing, duplicates, duplicates_sent }
    Throughput { rows_per_s, bytes_per_s }
    Latencies { encode, send, durable, visible }
    Percentiles { count, min, mean, p50, p90, p95, p99, p99_9, max }
    Pressure { level, reason }
    LogLine { at, writer, level, text }
}

receive_words! {
    SqlMode {
        "single-row" => SingleRow, "values-parameters" => ValuesParameters, "values-literals" => ValuesLiterals,
        "json-parameter" => JsonParameter,
    }
    Encoding { "protobuf" => Protobuf, "json" => Json, "arrow" => Arrow, "parquet" => Parquet }
    PressureLevel { "low" => Low, "medium" => Medium, "high" => High }
    Order { "sequential" => Sequential, "parallel" => Parallel }
}

impl Receive for RunState {
    fn receive(value: &Value) -> Option<Self> {
        Self::parse(value.as_str()?)
    }
}

impl Receive for ErrorCount {
    fn receive(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        Some(Self {
            class: field(object, "class")?,
            message: field(object, "message")?,
            count: field(object, "count")?,
            retryable: field(object, "retryable")?,
            // Broken rules are for the report; without any the server leaves them out.
            details: Vec::new(),
        })
    }
}

impl Receive for LiveView {
    fn receive(value: &Value) -> Option<Self> {
        let object = value.as_object()?;
        Some(Self {
            id: field(object, "id")?,
            sequence: field(object, "sequence")?,
            finished: field(object, "finished")?,
            order: field(object.get("plan")?.as_object()?, "order")?,
            runs: field(object, "runs")?,
            log: field(object, "log")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{LiveComparison, example, receive};

    #[test]
    fn a_comparison_arrives_as_it_was_sent() {
        let mut live = LiveComparison::from(&example::report());
        let run = &mut live.runs[0];
        (run.state, run.progress, run.left_ms) = (RunState::Draining, Some(0.5), None);
        run.pressure = Pressure { level: PressureLevel::High, reason: "Records wait.".to_owned() };
        let error = ErrorCount {
            class: "timeout".to_owned(),
            message: "No answer.".to_owned(),
            count: 3,
            retryable: true,
            details: Vec::new(),
        };
        run.errors.push(error);
        run.series[0].durable_p50_ms = None;
        live.plan.order = Order::Parallel;
        live.log.push(LogLine {
            at: "2026-11-24T09:30:00.000Z".to_owned(),
            writer: None,
            level: "info".to_owned(),
            text: "It begins.".to_owned(),
        });
        let text = serde_json::to_string(&live).unwrap();
        assert_eq!(receive::receive::<LiveView>(&text), Some(LiveView::from(&live)));
    }

    #[test]
    fn every_word_is_known() {
        for state in RunState::ALL {
            assert_eq!(RunState::receive(&serde_json::json!(state)), Some(state));
        }
        for mode in [SqlMode::SingleRow, SqlMode::ValuesParameters, SqlMode::ValuesLiterals, SqlMode::JsonParameter] {
            assert_eq!(SqlMode::receive(&serde_json::json!(mode)), Some(mode));
        }
        for encoding in [Encoding::Protobuf, Encoding::Json, Encoding::Arrow, Encoding::Parquet] {
            assert_eq!(Encoding::receive(&serde_json::json!(encoding)), Some(encoding));
        }
    }
}
