//! A plan's writers: their options with the defaults filled in, and a label for each that no other has.

use serde_json::{Value, json};

use super::check::Check;
use super::{Encoding, SqlMode, WriterOptions, WriterPlan};
use crate::model::WriterKind;

/// Most runs of one plan.
const MOST_WRITERS: usize = 16;
/// Most streams of `zerobus`.
const MOST_STREAMS: u32 = 64;
/// Most records in a batch.
const MOST_BATCH: u32 = 100_000;
/// Most batches under way.
const MOST_IN_FLIGHT: u32 = 10_000;
/// Most records under way, so that memory stays bounded.
const MOST_RECORDS_IN_FLIGHT: u64 = 10_000_000;
/// Most bytes of the records of a batch, for the same reason.
const MOST_BATCH_BYTES: u64 = 256 << 20;

/// The options and the label of each writer, in the plan's order.
pub(super) fn check(
    plans: &[WriterPlan],
    record_bytes: Option<u32>,
    check: &mut Check,
) -> Vec<(String, WriterOptions)> {
    if !(1..=MOST_WRITERS).contains(&plans.len()) {
        let message = format!("Name 1 to {MOST_WRITERS} writers.");
        check.fail("writer", "count", message, Some(json!(plans.len())));
    }
    let mut labelled: Vec<(String, WriterOptions)> = Vec::with_capacity(plans.len());
    for (index, plan) in plans.iter().enumerate() {
        let options = Checked { plan, path: format!("writer[{index}]"), check }.options(record_bytes);
        let label = label(&options);
        let alike = plans[..index].iter().zip(&labelled).filter(|(_, (_, other))| self::label(other) == label).count();
        let label = if alike == 0 { label } else { format!("{label} #{}", alike + 1) };
        labelled.push((label, options));
    }
    labelled
}

/// The writer's name, and its mode or encoding where that is a choice of the user's.
fn label(options: &WriterOptions) -> String {
    let kind = options.kind;
    let usual = options.encoding == default_encoding(kind);
    match (options.mode, options.encoding) {
        (Some(mode), _) => format!("{kind} {}", mode.name()),
        (None, Some(encoding)) if !usual => format!("{kind} {}", encoding.name()),
        _ => kind.to_string(),
    }
}

fn default_encoding(kind: WriterKind) -> Option<Encoding> {
    match kind {
        WriterKind::Zerobus => Some(Encoding::Protobuf),
        WriterKind::CopyInto => Some(Encoding::Json),
        WriterKind::ZerobusRest | WriterKind::Sql => None,
    }
}

impl WriterOptions {
    /// What a writer does when a plan says nothing; `sql` has its best mode then.
    pub fn usual(kind: WriterKind, mode: Option<SqlMode>) -> Self {
        let mode = (kind == WriterKind::Sql).then(|| mode.unwrap_or(SqlMode::JsonParameter));
        let (batch, in_flight) = match kind {
            WriterKind::Zerobus => (500, 64),
            WriterKind::ZerobusRest => (500, 4),
            WriterKind::Sql if mode == Some(SqlMode::SingleRow) => (1, 1),
            WriterKind::Sql => (500, 1),
            WriterKind::CopyInto => (10_000, 1),
        };
        Self { kind, mode, encoding: default_encoding(kind), streams: 1, batch, in_flight }
    }
}

struct Checked<'a> {
    plan: &'a WriterPlan,
    path: String,
    check: &'a mut Check,
}

impl Checked<'_> {
    fn options(mut self, record_bytes: Option<u32>) -> WriterOptions {
        let kind = self.plan.kind;
        let mode = self.mode();
        let WriterOptions { batch, in_flight, .. } = WriterOptions::usual(kind, mode);
        let options = WriterOptions {
            kind,
            mode,
            encoding: self.encoding(),
            streams: self.streams(),
            batch: self.whole("batch", self.plan.batch, MOST_BATCH, batch),
            in_flight: self.whole("in_flight", self.plan.in_flight, MOST_IN_FLIGHT, in_flight),
        };
        self.limits(&options, record_bytes);
        options
    }

    fn mode(&mut self) -> Option<SqlMode> {
        match (self.plan.kind, self.plan.mode) {
            (WriterKind::Sql, mode) => Some(mode.unwrap_or(SqlMode::JsonParameter)),
            (_, None) => None,
            (_, Some(mode)) => {
                self.not_an_option("mode", "only sql has modes", json!(mode));
                None
            }
        }
    }

    fn encoding(&mut self) -> Option<Encoding> {
        let Some(encoding) = self.plan.encoding else {
            return default_encoding(self.plan.kind);
        };
        let (choices, problem) = match self.plan.kind {
            WriterKind::Zerobus => {
                (&[Encoding::Protobuf, Encoding::Json, Encoding::Arrow][..], "it sends protobuf, json or arrow")
            }
            WriterKind::CopyInto => (&[Encoding::Json, Encoding::Parquet][..], "it loads json or parquet"),
            // Says what it does anyway.
            WriterKind::ZerobusRest if encoding == Encoding::Json => return None,
            WriterKind::ZerobusRest => (&[][..], "it always sends json"),
            WriterKind::Sql => (&[][..], "sql has modes instead"),
        };
        if !choices.contains(&encoding) {
            self.not_an_option("encoding", problem, json!(encoding));
        }
        Some(encoding)
    }

    fn streams(&mut self) -> u32 {
        if self.plan.kind == WriterKind::Zerobus {
            return self.whole("streams", self.plan.streams, MOST_STREAMS, 1);
        }
        if let Some(streams) = self.plan.streams {
            self.not_an_option("streams", "only zerobus has streams", json!(streams));
        }
        1
    }

    fn limits(&mut self, options: &WriterOptions, record_bytes: Option<u32>) {
        let WriterOptions { batch, in_flight, .. } = *options;
        if options.mode == Some(SqlMode::SingleRow) && batch > 1 {
            self.fail("batch", "range", "single-row has one row in each statement: leave batch out.", json!(batch));
        }
        let in_range = batch <= MOST_BATCH && in_flight <= MOST_IN_FLIGHT;
        if in_range && u64::from(batch) * u64::from(in_flight) > MOST_RECORDS_IN_FLIGHT {
            let message = format!("batch times in_flight must be at most {MOST_RECORDS_IN_FLIGHT} records.");
            self.fail("in_flight", "range", message, json!(in_flight));
        }
        if in_range && u64::from(batch) * u64::from(record_bytes.unwrap_or(0)) > MOST_BATCH_BYTES {
            let message = format!("batch times source.record_bytes must be at most {} MiB.", MOST_BATCH_BYTES >> 20);
            self.fail("batch", "range", message, json!(batch));
        }
    }

    fn whole(&mut self, option: &str, value: Option<u32>, most: u32, default: u32) -> u32 {
        self.check.whole(&format!("{}.{option}", self.path), value, most, default)
    }

    fn not_an_option(&mut self, option: &str, problem: &str, came: Value) {
        let message = format!("{} does not have this: {problem}. Leave it out.", self.plan.kind);
        self.fail(option, "not_an_option", message, came);
    }

    fn fail(&mut self, option: &str, rule: &str, message: impl Into<String>, came: Value) {
        self.check.fail(&format!("{}.{option}", self.path), rule, message, Some(came));
    }
}
