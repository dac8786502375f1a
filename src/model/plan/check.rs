//! From a plan as it was written to a [`PlanSpec`]: all errors at once, and nothing to check again afterwards.

use serde_json::{Value, json};

use super::{Amount, Plan, PlanSpec, RatePlan, RateSpec, SourceKind, SourcePlan, SourceSpec, writers};
use crate::model::{FieldError, Threshold, is_upload_id, units};

/// 24 hours, the longest of all times in a plan.
const LONGEST_MS: f64 = 86_400_000.0;
/// 1 hour, the longest time for looking into the table.
const LONGEST_CHECK_MS: f64 = 3_600_000.0;
/// Records per second; nothing produces as many.
const HIGHEST_RATE: f64 = 100_000_000.0;
/// Most records of a run.
const MOST_RECORDS: u64 = 10_000_000_000;
/// Most different keys.
const MOST_KEYS: u32 = 10_000_000;
/// Keys when the plan does not say how many.
const DEFAULT_KEYS: u32 = 1_000;
/// The largest record; Zerobus takes 10 MB.
const LARGEST_RECORD: u32 = 1_000_000;
/// Zipf's law beyond this exponent is one key.
const STEEPEST_SKEW: f64 = 10.0;
/// A name is a line in a list.
const LONGEST_NAME: usize = 200;

impl Plan {
    /// Reads everything that is written in the plan, and fills in what it leaves out.
    ///
    /// # Errors
    /// Every broken rule, with paths such as `source.rate`, `writer[1].batch` and `thresholds."durable.p99"`.
    pub fn check(&self) -> Result<PlanSpec, Vec<FieldError>> {
        let mut check = Check::default();
        let spec = PlanSpec {
            name: check.name(self),
            table: self.table.clone(),
            order: self.order,
            source: check.source(&self.source),
            writers: writers::check(&self.writers, self.source.record_bytes, &mut check),
            check_every_ms: check.time("check.every", &self.check.every, 0.0, LONGEST_CHECK_MS),
            patience_ms: check.time("check.patience", &self.check.patience, 0.0, LONGEST_CHECK_MS),
            thresholds: self.thresholds.iter().filter_map(|(key, text)| check.threshold(key, text)).collect(),
        };
        if check.errors.is_empty() { Ok(spec) } else { Err(check.errors) }
    }
}

/// Gathers errors; what is returned next to an error is never used.
#[derive(Default)]
pub(super) struct Check {
    errors: Vec<FieldError>,
}

impl Check {
    pub(super) fn fail(&mut self, path: &str, rule: &str, message: impl Into<String>, came: Option<Value>) {
        self.errors.push(FieldError::new(path, rule, message, came.as_ref()));
    }

    /// A whole number between two others; `default` when there is none.
    pub(super) fn whole(&mut self, path: &str, value: Option<u32>, most: u32, default: u32) -> u32 {
        if let Some(came) = value
            && !(1..=most).contains(&came)
        {
            self.fail(path, "range", format!("This must be between 1 and {most}."), Some(json!(came)));
        }
        value.unwrap_or(default)
    }

    fn number(&mut self, path: &str, value: f64, least: f64, most: f64) -> f64 {
        if !(least..=most).contains(&value) {
            self.fail(path, "range", format!("This must be between {least} and {most}."), Some(json!(value)));
        }
        value
    }

    /// Milliseconds of a time between two others; never 0 but when it was written so.
    fn time(&mut self, path: &str, text: &str, least: f64, most: f64) -> u64 {
        let Some(ms) = units::duration_ms(text) else {
            self.fail(path, "duration", "This must be a time such as 250ms, 30s, 5m or 1h.", Some(json!(text)));
            return 0;
        };
        let too_short = ms < least || (ms > 0.0 && ms < 1.0);
        if too_short || ms > most {
            let least = least.max(if ms > 0.0 { 1.0 } else { 0.0 });
            let message = format!("This must be between {least}ms and {}h.", most / 3_600_000.0);
            self.fail(path, "range", message, Some(json!(text)));
        }
        ms.round() as u64
    }

    fn name(&mut self, plan: &Plan) -> String {
        let given = plan.name.as_deref().map(str::trim).filter(|name| !name.is_empty());
        if given.is_some_and(|name| name.chars().count() > LONGEST_NAME) {
            self.fail(
                "name",
                "length",
                format!("At most {LONGEST_NAME} characters."),
                plan.name.clone().map(Value::from),
            );
        }
        given.map_or_else(|| format!("{} into {}", plan.source.kind.name(), plan.table), str::to_owned)
    }

    fn source(&mut self, plan: &SourcePlan) -> SourceSpec {
        match plan.kind {
            SourceKind::File => self.no_generator(plan),
            _ => self.no_file(plan),
        }
        if i64::try_from(plan.seed).is_err() {
            let message = format!("This must be at most {}, the largest number of a plan file.", i64::MAX);
            self.fail("source.seed", "range", message, Some(json!(plan.seed)));
        }
        let bad = self.number("source.bad", plan.bad, 0.0, 1.0);
        let duplicates = self.number("source.duplicates", plan.duplicates, 0.0, 1.0);
        if bad <= 1.0 && duplicates <= 1.0 && bad + duplicates > 1.0 {
            let message = "Bad records are never sent twice: bad and duplicates together must be at most 1.";
            self.fail("source.duplicates", "range", message, Some(json!(duplicates)));
        }
        let record_bytes = self.whole("source.record_bytes", plan.record_bytes, LARGEST_RECORD, 1);
        SourceSpec {
            kind: plan.kind,
            seed: plan.seed,
            amount: self.amount(plan),
            rate: self.rate(&plan.rate),
            record_bytes: plan.record_bytes.map(|_| record_bytes),
            keys: self.whole("source.keys", plan.keys, MOST_KEYS, DEFAULT_KEYS),
            key_skew: self.number("source.key_skew", plan.key_skew, 0.0, STEEPEST_SKEW),
            bad,
            duplicates,
            path: plan.path.clone(),
            upload: plan.upload.clone(),
            map: plan.map.clone(),
        }
    }

    fn amount(&mut self, plan: &SourcePlan) -> Amount {
        match (plan.records, &plan.duration) {
            (Some(records), None) => {
                if !(1..=MOST_RECORDS).contains(&records) {
                    let message = format!("This must be between 1 and {MOST_RECORDS}.");
                    self.fail("source.records", "range", message, Some(json!(records)));
                }
                Amount::Records(records)
            }
            (None, Some(duration)) => Amount::Duration(self.time("source.duration", duration, 1.0, LONGEST_MS)),
            (None, None) if plan.kind == SourceKind::File => Amount::WholeFile,
            (None, None) => {
                self.fail("source.records", "required", "Say how many records, or for what duration.", None);
                Amount::WholeFile
            }
            (Some(_), Some(duration)) => {
                let message = "Give records or a duration, not both.";
                self.fail("source.duration", "exclusive", message, Some(json!(duration)));
                Amount::WholeFile
            }
        }
    }

    fn rate(&mut self, plan: &RatePlan) -> RateSpec {
        match plan {
            RatePlan::Constant(rate) => match self.number("source.rate", *rate, 0.0, HIGHEST_RATE) {
                0.0 => RateSpec::Unlimited,
                rate => RateSpec::Constant(rate),
            },
            RatePlan::Ramp { from, to, over } => {
                if *to == 0.0 {
                    let message = "A ramp must not end at 0: from then on nothing would be sent.";
                    self.fail("source.rate.to", "range", message, Some(json!(to)));
                }
                RateSpec::Ramp {
                    from: self.number("source.rate.from", *from, 0.0, HIGHEST_RATE),
                    to: self.number("source.rate.to", *to, 0.0, HIGHEST_RATE),
                    over_ms: self.time("source.rate.over", over, 1.0, LONGEST_MS),
                }
            }
            RatePlan::Burst { burst, every } => {
                if !(1..=MOST_RECORDS).contains(burst) {
                    let message = format!("This must be between 1 and {MOST_RECORDS}.");
                    self.fail("source.rate.burst", "range", message, Some(json!(burst)));
                }
                RateSpec::Burst { burst: *burst, every_ms: self.time("source.rate.every", every, 1.0, LONGEST_MS) }
            }
        }
    }

    /// A file has a path or was uploaded, ends by itself, and its records are what they are.
    fn no_generator(&mut self, plan: &SourcePlan) {
        match (plan.path.as_deref(), plan.upload.as_deref()) {
            (Some(_), Some(upload)) => {
                let message = "Give a path or an upload, not both.";
                self.fail("source.upload", "exclusive", message, Some(json!(upload)));
            }
            (None, Some(upload)) if !is_upload_id(upload) => {
                let message = "This must be the id that an upload was answered with.";
                self.fail("source.upload", "uuid", message, Some(json!(upload)));
            }
            (None, Some(_)) => {}
            (path, None) if path.is_none_or(|path| path.trim().is_empty()) => {
                self.fail("source.path", "required", "Say which file the records come from.", path.map(Value::from));
            }
            (_, None) => {}
        }
        let share = |share: f64| (share != 0.0).then(|| json!(share));
        let given = [
            ("source.duration", plan.duration.as_deref().map(Value::from)),
            ("source.record_bytes", plan.record_bytes.map(Value::from)),
            ("source.keys", plan.keys.map(Value::from)),
            ("source.key_skew", share(plan.key_skew)),
            ("source.bad", share(plan.bad)),
            ("source.duplicates", share(plan.duplicates)),
        ];
        for (path, came) in given.into_iter().filter(|(_, came)| came.is_some()) {
            self.fail(path, "not_an_option", "Records of a file are taken as they are; leave this out.", came);
        }
    }

    fn no_file(&mut self, plan: &SourcePlan) {
        let map = (!plan.map.is_empty()).then(|| json!(plan.map));
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        let given = [("source.path", text(&plan.path)), ("source.upload", text(&plan.upload)), ("source.map", map)];
        for (path, came) in given {
            if came.is_some() {
                let message = format!("Source {} reads no file; leave this out.", plan.kind.name());
                self.fail(path, "not_an_option", message, came);
            }
        }
    }

    fn threshold(&mut self, key: &str, text: &str) -> Option<Threshold> {
        let threshold = Threshold::parse(key, text);
        threshold.map_err(|problem| self.fail(&threshold_path(key), "threshold", problem, Some(json!(text)))).ok()
    }
}

/// `thresholds.errors`, `thresholds."durable.p99"`: as TOML wants the key written.
fn threshold_path(key: &str) -> String {
    let bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if bare { format!("thresholds.{key}") } else { format!("thresholds.{key:?}") }
}

#[cfg(test)]
mod tests;
