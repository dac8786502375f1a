//! From what is typed to a plan: every error at once, each at its field.

use std::collections::BTreeMap;

use serde_json::Value;

use super::form::Form;
use crate::model::{
    CheckPlan, Encoding, FieldError, Order, Plan, RatePlan, SourceKind, SourcePlan, SqlMode, TableName, WriterKind,
    WriterPlan, units,
};

impl Form {
    /// The plan that is typed; `fitting` is the kind of records for its table when none is chosen.
    ///
    /// # Errors
    /// Every broken rule, with the field's name as its path.
    pub fn plan(&self, fitting: SourceKind) -> Result<Plan, Vec<FieldError>> {
        let mut reader = Reader { form: self, errors: Vec::new() };
        let chosen = self.rows().into_iter().filter(|row| self.has(&format!("writer.{row}.on")));
        let (rows, writers): (Vec<usize>, Vec<WriterPlan>) =
            chosen.filter_map(|row| Some((row, reader.writer(row)?))).unzip();
        // A plan without a table stands in another's place, so that its other errors are found, too.
        let Some(table) = reader.table().or_else(|| TableName::parse("no.table.chosen").ok()) else {
            return Err(reader.errors);
        };
        let plan = Plan {
            name: Some(self.text("name").to_owned()).filter(|name| !name.is_empty()),
            table,
            order: if self.text("order") == "parallel" { Order::Parallel } else { Order::Sequential },
            source: reader.source(fitting),
            writers,
            check: reader.check(),
            thresholds: reader.thresholds(),
        };
        let mapped = self.text("mapped");
        if plan.source.upload.is_some() && !mapped.is_empty() && mapped != self.text("table") {
            let message = format!("The columns were mapped for {mapped}; look at them for this table, then run it.");
            reader.fail("table", "mapping", message);
        }
        let mut errors = reader.errors;
        if let Err(broken) = plan.check() {
            let placed = broken.into_iter().map(|error| at_its_field(error, &rows));
            // A field that could not be read stands in the plan with something else.
            let is_known =
                |new: &FieldError| new.path != "thresholds" && errors.iter().any(|known| known.path == new.path);
            let new: Vec<_> = placed.filter(|new| !is_known(new)).collect();
            errors.extend(new);
        }
        if errors.is_empty() { Ok(plan) } else { Err(errors) }
    }
}

/// The name of the form's field that an error of a plan, or of a start, is about; `rows` are the plan's writers.
pub(super) fn at_its_field(mut error: FieldError, rows: &[usize]) -> FieldError {
    error.path = field_of(&error.path, rows);
    error
}

fn field_of(path: &str, rows: &[usize]) -> String {
    if let Some((index, option)) = path.strip_prefix("writer[").and_then(|rest| rest.split_once("].")) {
        let row = index.parse().ok().and_then(|index: usize| rows.get(index));
        return row.map_or_else(|| "writer".to_owned(), |row| format!("writer.{row}.{option}"));
    }
    if path.starts_with("thresholds") {
        return "thresholds".to_owned();
    }
    if path.starts_with("table.") {
        return "table".to_owned();
    }
    if path == "source.upload" || path == "source.path" {
        return "upload".to_owned();
    }
    if let Some(field) = path.strip_prefix("header.") {
        return format!("map.{field}");
    }
    match path.strip_prefix("source.map.") {
        // Written as a quoted key.
        Some(quoted) => format!("map.{}", serde_json::from_str(quoted).unwrap_or_else(|_| quoted.to_owned())),
        None => path.to_owned(),
    }
}

struct Reader<'a> {
    form: &'a Form,
    errors: Vec<FieldError>,
}

impl Reader<'_> {
    fn fail(&mut self, name: &str, rule: &str, message: impl Into<String>) {
        let came = self.form.text(name);
        let came = (!came.is_empty()).then(|| Value::from(came));
        self.errors.push(FieldError::new(name, rule, message, came.as_ref()));
    }

    /// A field that may be left empty.
    fn optional<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>, what: &str) -> Option<T> {
        let text = self.form.text(name);
        if text.is_empty() {
            return None;
        }
        let read = read(text);
        if read.is_none() {
            self.fail(name, "type", format!("This must be {what}."));
        }
        read
    }

    fn required<T: Default>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>, what: &str) -> T {
        if self.form.text(name).is_empty() {
            self.fail(name, "required", format!("This field is required: {what}."));
        }
        self.optional(name, read, what).unwrap_or_default()
    }

    fn table(&mut self) -> Option<TableName> {
        let text = self.form.text("table");
        if text.is_empty() {
            self.fail("table", "required", "Choose the table to write to.");
            return None;
        }
        TableName::parse(text).map_err(|error| self.fail("table", "type", format!("{error}."))).ok()
    }

    fn source(&mut self, fitting: SourceKind) -> SourcePlan {
        let upload = Some(self.form.text("upload").to_owned()).filter(|upload| !upload.is_empty());
        let kind = if upload.is_some() { SourceKind::File } else { self.kind(fitting) };
        let mut plan = SourcePlan {
            kind,
            seed: self.optional("source.seed", whole, A_WHOLE_NUMBER).unwrap_or_default(),
            records: None,
            duration: None,
            rate: self.rate(),
            record_bytes: None,
            keys: None,
            key_skew: 0.0,
            bad: 0.0,
            duplicates: 0.0,
            path: None,
            upload,
            map: BTreeMap::new(),
        };
        match self.form.text("source.amount") {
            "all" => {}
            "duration" => plan.duration = Some(self.required("source.duration", some_text, A_TIME)),
            _ => plan.records = Some(self.required("source.records", whole, A_WHOLE_NUMBER)),
        }
        if kind == SourceKind::File {
            // Fields of the same name need no entry.
            let mapped = self.form.mapped().filter(|(field, column)| field != column);
            plan.map = mapped.map(|(field, column)| (field.to_owned(), column.to_owned())).collect();
            return plan;
        }
        plan.record_bytes = self.optional("source.record_bytes", small, A_WHOLE_NUMBER);
        plan.keys = self.optional("source.keys", small, A_WHOLE_NUMBER);
        plan.key_skew = self.optional("source.key_skew", share, A_NUMBER).unwrap_or_default();
        plan.bad = self.optional("source.bad", share, A_NUMBER).unwrap_or_default();
        plan.duplicates = self.optional("source.duplicates", share, A_NUMBER).unwrap_or_default();
        plan
    }

    fn kind(&mut self, fitting: SourceKind) -> SourceKind {
        match self.form.text("source.kind") {
            "" => fitting,
            "telemetry" => SourceKind::Telemetry,
            "products" => SourceKind::Products,
            "columns" => SourceKind::Columns,
            _ => {
                self.fail("source.kind", "type", "This must be telemetry, products or columns.");
                fitting
            }
        }
    }

    fn rate(&mut self) -> RatePlan {
        match self.form.text("source.pace") {
            "constant" => {
                let rate = self.required("source.rate", per_second, A_RATE);
                if rate == 0.0 && !self.errors.iter().any(|error| error.path == "source.rate") {
                    self.fail(
                        "source.rate",
                        "range",
                        "This must be more than 0; choose as fast as taken for no limit.",
                    );
                }
                RatePlan::Constant(rate)
            }
            "ramp" => RatePlan::Ramp {
                from: self.required("source.rate.from", per_second, A_RATE),
                to: self.required("source.rate.to", per_second, A_RATE),
                over: self.required("source.rate.over", some_text, A_TIME),
            },
            "bursts" => RatePlan::Burst {
                burst: self.required("source.rate.burst", whole, A_WHOLE_NUMBER),
                every: self.required("source.rate.every", some_text, A_TIME),
            },
            _ => RatePlan::Constant(0.0),
        }
    }

    fn writer(&mut self, row: usize) -> Option<WriterPlan> {
        let name = |option: &str| format!("writer.{row}.{option}");
        let kind = WriterKind::parse(self.form.text(&name("kind")));
        if kind.is_none() {
            self.fail("writer", "type", "There is no such writer.");
        }
        let mode = |text: &str| SqlMode::ALL.into_iter().find(|mode| mode.name() == text);
        let encoding = |text: &str| Encoding::ALL.into_iter().find(|encoding| encoding.name() == text);
        Some(WriterPlan {
            kind: kind?,
            mode: self.optional(&name("mode"), mode, "one of the four modes"),
            encoding: self.optional(&name("encoding"), encoding, "protobuf, json, arrow or parquet"),
            streams: self.optional(&name("streams"), small, A_WHOLE_NUMBER),
            batch: self.optional(&name("batch"), small, A_WHOLE_NUMBER),
            in_flight: self.optional(&name("in_flight"), small, A_WHOLE_NUMBER),
        })
    }

    fn check(&mut self) -> CheckPlan {
        let usual = CheckPlan::default();
        CheckPlan {
            every: self.optional("check.every", some_text, A_TIME).unwrap_or(usual.every),
            patience: self.optional("check.patience", some_text, A_TIME).unwrap_or(usual.patience),
        }
    }

    fn thresholds(&mut self) -> BTreeMap<String, String> {
        let mut thresholds = BTreeMap::new();
        for line in self.form.text("thresholds").lines().map(str::trim).filter(|line| !line.is_empty()) {
            let Some(at) = line.find(['<', '>', '=', '!']) else {
                self.fail(
                    "thresholds",
                    "threshold",
                    format!("'{line}' compares nothing. Write a line such as durable.p99 < 500ms."),
                );
                continue;
            };
            let (metric, condition) = (line[..at].trim(), line[at..].trim());
            if thresholds.insert(metric.to_owned(), condition.to_owned()).is_some() {
                self.fail("thresholds", "exclusive", format!("There are two lines for {metric}. Keep one."));
            }
        }
        thresholds
    }
}

const A_WHOLE_NUMBER: &str = "a whole number such as 500, 20 000 or 20k";
const A_NUMBER: &str = "a number such as 0.01";
const A_RATE: &str = "a number of records per second such as 1000 or 5k";
const A_TIME: &str = "a time such as 250ms, 30s or 5m";

fn some_text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// Digits that people have grouped are read all the same.
fn ungrouped(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_whitespace() && *letter != '_').collect()
}

fn whole(text: &str) -> Option<u64> {
    /// Beyond this doubles leave whole numbers out.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let text = ungrouped(text);
    text.parse().ok().or_else(|| {
        let count = units::count(&text)?;
        (count.fract() == 0.0 && count < EXACT).then_some(count as u64)
    })
}

fn small(text: &str) -> Option<u32> {
    whole(text)?.try_into().ok()
}

fn share(text: &str) -> Option<f64> {
    ungrouped(text).parse().ok().filter(|number: &f64| number.is_finite())
}

fn per_second(text: &str) -> Option<f64> {
    let text = ungrouped(text);
    let text = text.trim_end_matches("/s");
    text.parse().ok().filter(|number: &f64| number.is_finite()).or_else(|| units::count(text))
}
