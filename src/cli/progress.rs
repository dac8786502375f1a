//! A comparison on its way: one bar for each run on a terminal, plain lines elsewhere. All of it on standard error.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::model::number::{count_of, milliseconds, with_unit};
use crate::model::{LiveComparison, LiveRun, LogLine};

/// Between two lines about the same run where there is no terminal.
const QUIET: Duration = Duration::from_secs(10);
/// Steps of a bar.
const STEPS: u64 = 1_000;

/// Shows a comparison until it has finished. At the first `stop`, `ask_to_stop` is called, once.
pub(super) async fn show_until_finished(
    mut snapshots: watch::Receiver<LiveComparison>,
    stop: CancellationToken,
    ask_to_stop: impl FnOnce(),
) {
    let mut display = Display::new();
    let mut ask_to_stop = Some(ask_to_stop);
    loop {
        let snapshot = snapshots.borrow_and_update().clone();
        display.show(&snapshot);
        if snapshot.finished {
            break;
        }
        tokio::select! {
            changed = snapshots.changed() => if changed.is_err() { break },
            () = stop.cancelled(), if ask_to_stop.is_some() => {
                display.say("Stopping: nothing more is sent; what is under way is brought home and the report is written.");
                if let Some(ask_to_stop) = ask_to_stop.take() {
                    ask_to_stop();
                }
            }
        }
    }
    display.end();
}

/// Bars where somebody sees them; lines, and when the last one about each run was written, elsewhere.
enum Surface {
    Bars { all: MultiProgress, bars: Vec<ProgressBar> },
    Lines { next: Instant },
}

struct Display {
    surface: Surface,
    last_line: Option<LogLine>,
}

impl Display {
    fn new() -> Self {
        let surface = if std::io::stderr().is_terminal() {
            Surface::Bars { all: MultiProgress::new(), bars: Vec::new() }
        } else {
            Surface::Lines { next: Instant::now() + QUIET }
        };
        Self { surface, last_line: None }
    }

    fn show(&mut self, snapshot: &LiveComparison) {
        let fresh = fresh_lines(&snapshot.log, self.last_line.as_ref());
        for line in fresh {
            // Bars say what is usual.
            if line.level != "info" || matches!(self.surface, Surface::Lines { .. }) {
                self.say(&log_text(line));
            }
        }
        self.last_line = snapshot.log.last().cloned();
        match &mut self.surface {
            Surface::Bars { all, bars } => show_bars(all, bars, &snapshot.runs),
            Surface::Lines { next } => {
                if Instant::now() >= *next {
                    *next = Instant::now() + QUIET;
                    let under_way = snapshot.runs.iter().filter(|run| run.elapsed_ms > 0.0 && !run.state.is_final());
                    for run in under_way {
                        self.say(&format!("{}: {}", run.writer, run_text(run)));
                    }
                }
            }
        }
    }

    fn say(&self, text: &str) {
        // Nobody is left to be told when standard error is closed.
        let _ = match &self.surface {
            Surface::Bars { all, .. } => all.println(text),
            Surface::Lines { .. } => writeln!(std::io::stderr().lock(), "{text}"),
        };
    }

    /// Leaves the bars as they are, or in the summary's way they would be.
    fn end(self) {
        if let Surface::Bars { bars, .. } = self.surface {
            for bar in bars {
                bar.abandon();
            }
        }
    }
}

fn show_bars(all: &MultiProgress, bars: &mut Vec<ProgressBar>, runs: &[LiveRun]) {
    let longest = runs.iter().map(|run| run.writer.chars().count()).max().unwrap_or(0);
    for run in &runs[bars.len().min(runs.len())..] {
        let bar = all.add(ProgressBar::new(STEPS));
        // The template is right: a test reads it.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        bar.set_prefix(format!("{:<longest$}", run.writer));
        bars.push(bar);
    }
    for (bar, run) in bars.iter().zip(runs) {
        bar.set_position(run.progress.map_or(0, |share| (share.clamp(0.0, 1.0) * STEPS as f64) as u64));
        bar.set_message(run_text(run));
    }
}

const TEMPLATE: &str = "{prefix}  {bar:24}  {percent:>3} %  {msg}";

/// The lines after `last`; all of them when it is no longer among them.
fn fresh_lines<'a>(log: &'a [LogLine], last: Option<&LogLine>) -> &'a [LogLine] {
    let known = last.and_then(|last| log.iter().rposition(|line| line == last));
    &log[known.map_or(0, |index| index + 1)..]
}

fn log_text(line: &LogLine) -> String {
    let clock = line.at.split_once('T').map_or(line.at.as_str(), |(_, clock)| clock);
    let level = if line.level == "info" { String::new() } else { format!("{}: ", line.level) };
    match &line.writer {
        Some(writer) => format!("{clock} {level}{writer}: {}", line.text),
        None => format!("{clock} {level}{}", line.text),
    }
}

/// `running, 16.4 k rows/s, p99 durable 39.7 ms, 12.0 s left`
fn run_text(run: &LiveRun) -> String {
    let mut parts = vec![run.state.name().to_owned()];
    if run.records.durable > 0 {
        parts.push(with_unit(run.throughput.rows_per_s, "rows/s"));
    }
    if run.latency_ms.durable.count > 0 {
        parts.push(format!("p99 durable {}", milliseconds(run.latency_ms.durable.p99)));
    }
    let errors: u64 = run.errors.iter().map(|error| error.count).sum();
    if errors > 0 {
        parts.push(count_of(errors, "error"));
    }
    if !run.state.is_final() {
        parts.extend(run.left_ms.map(|left| format!("{} left", milliseconds(left))));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Latencies, RecordCounts, RunState, Throughput, example};

    fn line(text: &str) -> LogLine {
        LogLine {
            at: "2026-11-24T09:30:01.250Z".to_owned(),
            writer: Some("zerobus".to_owned()),
            level: "warn".to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn each_line_is_shown_once() {
        let log = [line("a"), line("b"), line("c")];
        assert_eq!(fresh_lines(&log, None).len(), 3);
        assert_eq!(fresh_lines(&log, Some(&line("b"))), [line("c")]);
        assert_eq!(fresh_lines(&log, Some(&line("c"))), []);
        assert_eq!(fresh_lines(&log, Some(&line("long gone"))).len(), 3);
        assert_eq!(log_text(&log[0]), "09:30:01.250Z warn: zerobus: a");
    }

    #[test]
    fn a_run_is_told_in_a_line() {
        let report = example::report().runs.remove(0);
        let mut run = LiveRun {
            run_id: report.run_id,
            writer: report.writer,
            options: report.options,
            state: RunState::Connecting,
            reason: None,
            records: RecordCounts::default(),
            progress: None,
            left_ms: None,
            elapsed_ms: 0.0,
            throughput: Throughput::default(),
            latency_ms: Latencies::default(),
            in_flight: 0,
            retries: 0,
            errors: Vec::new(),
            pressure: Default::default(),
            series: Vec::new(),
        };
        assert_eq!(run_text(&run), "connecting");
        run.state = RunState::Running;
        run.records = report.records;
        run.throughput = report.throughput;
        run.latency_ms = report.latency_ms;
        run.left_ms = Some(12_000.0);
        assert_eq!(run_text(&run), "running, 16.4 k rows/s, p99 durable 39.7 ms, 12.0 s left");
        run.state = RunState::Completed;
        assert_eq!(run_text(&run), "completed, 16.4 k rows/s, p99 durable 39.7 ms");
    }

    #[test]
    fn the_template_is_right() {
        assert!(ProgressStyle::with_template(TEMPLATE).is_ok());
    }
}
