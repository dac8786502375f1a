//! What the charts remember: one sample for each finished submission of this browser tab.
//!
//! Pure, apart from [`load`] and [`save`], which use the tab's storage. Knows no components.

use serde_json::Value;

use super::browser::{self, Keep};
use super::journey;
use crate::model::receive::{object, receive, receive_structs};
use crate::model::{Stage, SubmissionSnapshot, SubmissionState, WriterKind};

/// Most samples kept; older ones are dropped.
pub const MOST: usize = 30;

const KEY: &str = "direct-write.samples";

/// One submission as the charts see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The submission's id.
    pub id: String,
    /// Its place in this session, 1 for the first.
    pub number: u32,
    /// The way in.
    pub writer: WriterKind,
    /// Durable records per second; `None` when it failed.
    pub records_per_second: Option<f64>,
    /// Milliseconds from the beginning until durable; `None` when it did not become so.
    pub durable_ms: Option<f64>,
    /// Milliseconds from the beginning until visible; `None` when nobody saw it.
    pub visible_ms: Option<f64>,
}

receive_structs! {
    Sample { id, number, writer, records_per_second, durable_ms, visible_ms }
}

/// Adds what `snapshot` tells, or replaces what was known of the same submission; running ones are left out.
pub fn record(samples: &mut Vec<Sample>, snapshot: &SubmissionSnapshot) {
    if snapshot.state == SubmissionState::Running {
        return;
    }
    let known = samples.iter().position(|sample| sample.id == snapshot.id);
    let number = match known {
        Some(index) => samples[index].number,
        None => samples.last().map_or(1, |last| last.number + 1),
    };
    let reached_ms = |stage| journey::reached_us(&snapshot.stages, stage).map(|micros| micros as f64 / 1e3);
    let sample = Sample {
        id: snapshot.id.clone(),
        number,
        writer: snapshot.writer,
        records_per_second: snapshot.records_per_second(),
        durable_ms: reached_ms(Stage::Durable),
        visible_ms: reached_ms(Stage::Visible),
    };
    match known {
        Some(index) => samples[index] = sample,
        None => samples.push(sample),
    }
    let surplus = samples.len().saturating_sub(MOST);
    samples.drain(..surplus);
}

/// The samples this tab kept before a reload.
pub fn load() -> Vec<Sample> {
    browser::stored(Keep::Session, KEY).and_then(|text| receive(&text)).unwrap_or_default()
}

/// Keeps the samples for a reload.
pub fn save(samples: &[Sample]) {
    browser::store(Keep::Session, KEY, &to_json(samples).to_string());
}

fn to_json(samples: &[Sample]) -> Value {
    let one = |sample: &Sample| {
        object(vec![
            ("id", sample.id.as_str().into()),
            ("number", sample.number.into()),
            ("writer", sample.writer.name().into()),
            ("records_per_second", sample.records_per_second.into()),
            ("durable_ms", sample.durable_ms.into()),
            ("visible_ms", sample.visible_ms.into()),
        ])
    };
    Value::Array(samples.iter().map(one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::journey::tests::snapshot;

    #[test]
    fn a_submission_is_kept_once_and_updated() {
        let mut samples = Vec::new();
        let mut one = snapshot(&[(Stage::Validated, Some(100)), (Stage::Durable, Some(900))]);
        record(&mut samples, &one);
        assert!(samples.is_empty(), "running submissions have no sample");
        one.state = SubmissionState::Succeeded;
        record(&mut samples, &one);
        one.stages.extend(snapshot(&[(Stage::Visible, Some(1_000))]).stages);
        record(&mut samples, &one);
        assert_eq!(samples.len(), 1);
        assert_eq!((samples[0].durable_ms, samples[0].visible_ms), (Some(1.0), Some(2.0)));
        assert_eq!(receive(&to_json(&samples).to_string()), Some(samples), "what a reload finds is what was kept");
    }

    #[test]
    fn only_the_latest_are_kept_and_numbers_go_on() {
        let mut samples = Vec::new();
        for index in 0..MOST + 5 {
            let mut one = snapshot(&[]);
            one.id = index.to_string();
            one.state = SubmissionState::Failed;
            record(&mut samples, &one);
        }
        assert_eq!(samples.len(), MOST);
        assert_eq!((samples[0].number, samples[MOST - 1].number), (6, 35));
        assert_eq!(samples[0].durable_ms, None);
    }
}
