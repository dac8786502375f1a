//! How far a comparison is, in words and as a share. Pure.

use crate::model::number::{fixed, milliseconds};
use crate::model::{LiveRun, LiveView, Order, RunState};

/// Share of the whole that is done, 0 to 1; `None` when a run cannot say.
pub fn share(view: &LiveView) -> Option<f64> {
    let mut sum = 0.0;
    for run in &view.runs {
        sum += if run.state.is_final() { 1.0 } else { run.progress? };
    }
    (!view.runs.is_empty()).then(|| sum / view.runs.len() as f64)
}

/// Where the whole is: `Run 1 of 2: zerobus is running. 45 % done, 3.20 s left.`
pub fn words(view: &LiveView) -> String {
    let under_way: Vec<&LiveRun> = view.runs.iter().filter(|run| is_under_way(run.state)).collect();
    let total = view.runs.len();
    let what = match (&under_way[..], view.order) {
        ([], _) if view.runs.iter().all(|run| run.state.is_final()) => "The report is being written.".to_owned(),
        ([], _) => "The first run begins.".to_owned(),
        ([run], Order::Sequential) => {
            let number = view.runs.iter().take_while(|other| other.run_id != run.run_id).count() + 1;
            format!("Run {number} of {total}: {} is {}.", run.writer, doing(run.state))
        }
        (runs, _) => format!("{} of {total} runs are under way at once.", runs.len()),
    };
    let done = share(view).map(|share| format!("{} done", percent(share)));
    let left = under_way.iter().filter_map(|run| run.left_ms).reduce(f64::max);
    let left = left.map(|left| {
        let of = if view.order == Order::Sequential && total > 1 { " left of this run" } else { " left" };
        format!("about {}{of}", milliseconds(left))
    });
    let how_far: Vec<String> = done.into_iter().chain(left).collect();
    if how_far.is_empty() { what } else { format!("{what} {}.", how_far.join(", ")) }
}

/// `45 %`; never 100 before it is.
pub fn percent(share: f64) -> String {
    format!("{} %", fixed((share * 100.0).floor(), 0))
}

/// What a run does, for a sentence.
pub fn doing(state: RunState) -> &'static str {
    match state {
        RunState::Pending => "waiting for its turn",
        RunState::Connecting => "connecting",
        RunState::Running => "sending",
        RunState::Draining => "waiting for the last acknowledgements and for the table",
        RunState::Completed => "completed",
        RunState::Stopped => "stopped",
        RunState::Failed => "failed",
    }
}

fn is_under_way(state: RunState) -> bool {
    matches!(state, RunState::Connecting | RunState::Running | RunState::Draining)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::run::board::tests::view;

    fn at(states: &[(RunState, Option<f64>, Option<f64>)]) -> LiveView {
        let mut view = view();
        view.runs.truncate(states.len());
        for (run, (state, progress, left_ms)) in view.runs.iter_mut().zip(states) {
            (run.state, run.progress, run.left_ms) = (*state, *progress, *left_ms);
        }
        view
    }

    #[test]
    fn one_after_the_other() {
        let mut view = at(&[
            (RunState::Completed, Some(1.0), None),
            (RunState::Running, Some(0.5), Some(3_200.0)),
            (RunState::Pending, Some(0.0), None),
        ]);
        assert_eq!(words(&view), "Run 2 of 3: zerobus-rest is sending. 50 % done, about 3.20 s left of this run.");
        view.order = Order::Parallel;
        view.runs[2].state = RunState::Running;
        assert_eq!(words(&view), "2 of 3 runs are under way at once. 50 % done, about 3.20 s left.");
    }

    #[test]
    fn what_nobody_knows_is_not_said() {
        let view = at(&[(RunState::Running, None, None)]);
        assert_eq!((share(&view), words(&view).as_str()), (None, "Run 1 of 1: zerobus is sending."));
        assert_eq!(words(&at(&[(RunState::Pending, Some(0.0), None)])), "The first run begins. 0 % done.");
        assert_eq!(words(&at(&[(RunState::Stopped, Some(0.2), None)])), "The report is being written. 100 % done.");
        assert_eq!(words(&LiveView::default()), "The report is being written.");
    }

    #[test]
    fn nothing_is_done_before_it_is() {
        assert_eq!((percent(0.999), percent(1.0)), ("99 %".to_owned(), "100 %".to_owned()));
    }
}
