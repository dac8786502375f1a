//! How a run ended, in words: what failed, what was kept, what to do next.

use super::producer::Problem;
use super::sender::Ended;
use crate::model::{RecordCounts, RunState};
use crate::writer::WriterError;

/// The state and the reason of a run whose sending is over.
pub(super) fn ending(
    label: &str,
    ended: Ended,
    produced: Result<(), Problem>,
    counts: &RecordCounts,
) -> (RunState, Option<String>) {
    let kept = kept(counts);
    let (what, next) = match (ended, produced) {
        (Ended::Failed(error), _) => {
            (format!("Writing through {label} failed: {}", sentence(&error)), error.remedy().to_owned())
        }
        (_, Err(Problem::Encode(error))) => {
            (format!("The records cannot be written through {label}: {}", sentence(&error)), error.remedy().to_owned())
        }
        (_, Err(Problem::Source(problem))) => (
            format!("The source failed: {}", sentence(&problem)),
            "Correct the source and run the plan again.".to_owned(),
        ),
        (Ended::Stopped, Ok(())) => {
            let what = "Stopped before all records were sent and answered.".to_owned();
            return (RunState::Stopped, Some(format!("{what} {kept} Run the plan again for all of it.")));
        }
        (Ended::AllAnswered, Ok(())) => return (RunState::Completed, None),
    };
    (RunState::Failed, Some(format!("{what} {kept} {next}")))
}

/// Why a run failed that never had a session.
pub(super) fn not_opened(label: &str, error: &WriterError) -> String {
    format!("{label} could not be opened: {} Nothing was written. {}", sentence(error), error.remedy())
}

/// Others' words with one full stop at their end.
fn sentence(words: &impl ToString) -> String {
    let words = words.to_string();
    format!("{}.", words.trim_end().trim_end_matches('.'))
}

/// What was kept.
fn kept(counts: &RecordCounts) -> String {
    let RecordCounts { sent, durable, in_doubt, .. } = counts;
    match (durable, in_doubt) {
        (0, 0) => "Nothing was written.".to_owned(),
        (_, 0) => format!("{durable} of {sent} records that were sent are durable."),
        _ => format!(
            "{durable} of {sent} records that were sent are durable; {in_doubt} were not answered, so they may or may not be in \
             the table."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(sent: u64, durable: u64, in_doubt: u64) -> RecordCounts {
        RecordCounts { sent, durable, failed: sent - durable, in_doubt, ..RecordCounts::default() }
    }

    #[test]
    fn a_failure_says_what_failed_what_was_kept_and_what_to_do_next() {
        let error = WriterError::PermissionDenied("no MODIFY on a.b.c".to_owned());
        let remedy = error.remedy();
        let (state, reason) = ending("zerobus", Ended::Failed(error), Ok(()), &counts(900, 500, 0));
        assert_eq!(state, RunState::Failed);
        let expected =
            "Writing through zerobus failed: no MODIFY on a.b.c. 500 of 900 records that were sent are durable. ";
        assert_eq!(reason.unwrap(), format!("{expected}{remedy}"));
    }

    #[test]
    fn doubt_is_told() {
        let error = WriterError::Timeout("no answer within 50 s".to_owned());
        let (_, reason) = ending("sql", Ended::Failed(error), Ok(()), &counts(900, 500, 400));
        assert!(reason.unwrap().contains("400 were not answered, so they may or may not be in the table."));
    }

    #[test]
    fn a_stop_is_no_failure_and_an_end_needs_no_words() {
        let (state, reason) = ending("sql", Ended::Stopped, Ok(()), &counts(10, 0, 0));
        assert_eq!(state, RunState::Stopped);
        assert!(reason.unwrap().contains("Nothing was written."));
        assert_eq!(ending("sql", Ended::AllAnswered, Ok(()), &counts(9, 9, 0)), (RunState::Completed, None));
    }
}
