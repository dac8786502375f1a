//! What the runs did at one moment, in words; also the legend of the charts. Pure.

use super::lanes::{looks, mark};
use crate::model::number::{count_of, milliseconds, with_unit};
use crate::model::{LiveRun, LiveView, SeriesPoint};
use crate::ui::markup::Markup;

/// The point that stands for a moment; `None` before the first and after the last.
pub fn point_at(run: &LiveRun, at_ms: f64) -> Option<&SeriesPoint> {
    run.series.iter().find(|point| point.at_ms >= at_ms)
}

/// Draws a line for each run.
pub fn draw(view: &LiveView, at_ms: Option<f64>) -> String {
    let mut markup = Markup::new();
    let when = match at_ms {
        Some(at_ms) => format!("{} after each run began to send", milliseconds(at_ms)),
        None => "Point at a chart, or press the arrow keys in it, to read the values of a moment.".to_owned(),
    };
    markup.element("p", &[("class", "quiet num")], &when).raw("<ul>");
    for (run, look) in view.runs.iter().zip(looks(view)) {
        markup.raw("<li>");
        mark(&mut markup, look);
        markup.element("b", &[], &run.writer);
        if let Some(at_ms) = at_ms {
            markup.element("span", &[("class", "num")], &point_at(run, at_ms).map_or_else(|| absent(run), words));
        }
        markup.raw("</li>");
    }
    markup.raw("</ul>");
    markup.finish()
}

fn absent(run: &LiveRun) -> String {
    if run.state.is_final() && !run.series.is_empty() { "had ended" } else { "nothing yet" }.to_owned()
}

fn words(point: &SeriesPoint) -> String {
    let range = |p50: Option<f64>, p99: Option<f64>| {
        let p50 = milliseconds(p50?);
        Some(p99.map_or_else(|| p50.clone(), |p99| format!("{p50} to {}", milliseconds(p99))))
    };
    let durable = range(point.durable_p50_ms, point.durable_p99_ms);
    let visible = range(point.visible_p50_ms, point.visible_p99_ms);
    let mut parts = vec![with_unit(point.rows_per_s, "rows/s")];
    parts.push(durable.map_or_else(|| "nothing became durable".to_owned(), |range| format!("durable {range}")));
    parts.extend(visible.map(|range| format!("visible {range}")));
    parts.push(format!("{} in flight", point.in_flight));
    parts.push(if point.errors == 0 { "no errors".to_owned() } else { count_of(point.errors, "error") });
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RunState;
    use crate::ui::run::board::tests::view;

    fn run() -> LiveRun {
        let mut run = view().runs.remove(0);
        let point = |at_ms, durable_p50_ms: Option<f64>| SeriesPoint {
            at_ms,
            rows_per_s: 1_500.0,
            durable_p50_ms,
            durable_p99_ms: durable_p50_ms.map(|p50| p50 * 4.0),
            in_flight: 3,
            errors: u64::from(durable_p50_ms.is_none()),
            ..SeriesPoint::default()
        };
        run.series = vec![point(250.0, Some(10.0)), point(500.0, None)];
        run
    }

    #[test]
    fn a_moment_is_read_in_words() {
        let run = run();
        let read = |at_ms| point_at(&run, at_ms).map(words);
        assert_eq!(read(0.0), read(250.0), "a point stands for the time before it");
        assert_eq!(read(250.0).as_deref(), Some("1.50 k rows/s, durable 10.0 ms to 40.0 ms, 3 in flight, no errors"));
        assert_eq!(read(251.0).as_deref(), Some("1.50 k rows/s, nothing became durable, 3 in flight, 1 error"));
        assert_eq!(read(501.0), None);
    }

    #[test]
    fn a_run_that_had_ended_says_so() {
        let mut view = LiveView { runs: vec![run()], ..view() };
        view.runs[0].state = RunState::Completed;
        assert!(draw(&view, Some(900.0)).contains("had ended"));
        view.runs[0].state = RunState::Running;
        assert!(draw(&view, Some(900.0)).contains("nothing yet"));
        assert!(draw(&view, None).contains(&view.runs[0].writer), "it is the legend too");
    }
}
