//! From a plan to what would be typed for it, and what stands in a fresh form.

use super::form::Form;
use crate::model::{
    CheckPlan, Order, Plan, RatePlan, SourceKind, SourcePlan, SqlMode, TableName, WriterCard, WriterKind,
    WriterOptions, WriterPlan, WriterState,
};

/// Records of a comparison nobody has changed.
const RECORDS: u64 = 20_000;

impl Form {
    /// A comparison that is good for one click: `RECORDS` made records through every writer that is ready.
    pub fn fresh(table: Option<&TableName>, writers: &[WriterCard]) -> Self {
        let mut form = Self::new();
        form.set("table", table.map(TableName::to_string).unwrap_or_default());
        form.set("source.amount", "records");
        form.set("source.records", RECORDS.to_string());
        form.set("source.pace", "fast");
        form.set("source.seed", "1");
        form.usual_ending(writers);
        form
    }

    /// The same for an upload: all its records.
    pub fn fresh_upload(id: &str, table: &str, name: &str, writers: &[WriterCard]) -> Self {
        let mut form = Self::new();
        form.set("upload", id);
        form.set("table", table);
        form.set("name", format!("{name} into {table}"));
        form.set("source.amount", "all");
        form.set("source.pace", "fast");
        form.usual_ending(writers);
        form
    }

    fn usual_ending(&mut self, writers: &[WriterCard]) {
        for card in writers.iter().filter(|card| card.state == WriterState::Ready) {
            self.add_writer(card.kind);
        }
        self.offer(writers);
        self.set("order", "sequential");
        self.set("thresholds", "errors == 0\nmissing == 0");
    }

    /// What would have been typed for `plan`.
    pub fn of(plan: &Plan, writers: &[WriterCard]) -> Self {
        let mut form = Self::new();
        form.set("name", plan.name.clone().unwrap_or_default());
        form.set("table", plan.table.to_string());
        form.source(&plan.source);
        for writer in &plan.writers {
            form.writer(writer);
        }
        form.offer(writers);
        form.set("order", if plan.order == Order::Parallel { "parallel" } else { "sequential" });
        let lines: Vec<String> =
            plan.thresholds.iter().map(|(metric, condition)| format!("{metric} {condition}")).collect();
        form.set("thresholds", lines.join("\n"));
        let CheckPlan { every, patience } = &plan.check;
        form.set("check.every", every);
        form.set("check.patience", patience);
        form
    }

    fn source(&mut self, plan: &SourcePlan) {
        if plan.kind != SourceKind::File {
            self.set("source.kind", plan.kind.name());
        }
        if let Some(upload) = &plan.upload {
            self.set("upload", upload);
        }
        self.set("source.seed", plan.seed.to_string());
        let amount = match (plan.records, &plan.duration) {
            (Some(records), _) => {
                self.set("source.records", records.to_string());
                "records"
            }
            (None, Some(duration)) => {
                self.set("source.duration", duration);
                "duration"
            }
            (None, None) => "all",
        };
        self.set("source.amount", amount);
        let pace = match &plan.rate {
            RatePlan::Constant(rate) if *rate == 0.0 => "fast",
            RatePlan::Constant(rate) => {
                self.set("source.rate", rate.to_string());
                "constant"
            }
            RatePlan::Ramp { from, to, over } => {
                self.set("source.rate.from", from.to_string());
                self.set("source.rate.to", to.to_string());
                self.set("source.rate.over", over);
                "ramp"
            }
            RatePlan::Burst { burst, every } => {
                self.set("source.rate.burst", burst.to_string());
                self.set("source.rate.every", every);
                "bursts"
            }
        };
        self.set("source.pace", pace);
        let whole = [("source.record_bytes", plan.record_bytes), ("source.keys", plan.keys)];
        for (name, number) in whole.into_iter().filter_map(|(name, number)| Some((name, number?))) {
            self.set(name, number.to_string());
        }
        let shares =
            [("source.key_skew", plan.key_skew), ("source.bad", plan.bad), ("source.duplicates", plan.duplicates)];
        for (name, number) in shares.into_iter().filter(|(_, number)| *number != 0.0) {
            self.set(name, number.to_string());
        }
        for (field, column) in &plan.map {
            self.set(format!("map.{field}"), column);
        }
    }

    /// Adds a chosen row with what the writer usually does; answers its number.
    pub fn add_writer(&mut self, kind: WriterKind) -> usize {
        let row = self.add_row(kind.name());
        let usual = WriterOptions::usual(kind, None);
        if let Some(mode) = usual.mode {
            self.set(format!("writer.{row}.mode"), mode.name());
        }
        if let Some(encoding) = usual.encoding {
            self.set(format!("writer.{row}.encoding"), encoding.name());
        }
        row
    }

    fn writer(&mut self, plan: &WriterPlan) {
        let row = self.add_row(plan.kind.name());
        let texts =
            [("mode", plan.mode.map(SqlMode::name)), ("encoding", plan.encoding.map(|encoding| encoding.name()))];
        for (option, text) in texts.into_iter().filter_map(|(option, text)| Some((option, text?))) {
            self.set(format!("writer.{row}.{option}"), text);
        }
        let numbers = [("streams", plan.streams), ("batch", plan.batch), ("in_flight", plan.in_flight)];
        for (option, number) in numbers.into_iter().filter_map(|(option, number)| Some((option, number?))) {
            self.set(format!("writer.{row}.{option}"), number.to_string());
        }
    }

    /// Gives every writer that has no row one that is not chosen.
    fn offer(&mut self, writers: &[WriterCard]) {
        for card in writers {
            let has_row = self.rows().iter().any(|row| self.text(&format!("writer.{row}.kind")) == card.kind.name());
            if !has_row {
                let row = self.add_writer(card.kind);
                self.take(&format!("writer.{row}.on"));
            }
        }
    }
}
