//! What a comparison says, in words that rest on its numbers: who is fastest to durable and to visible, who moves most,
//! who is cheapest, what each promises, and what makes the comparison less than fair.
//!
//! Knows a report and prices. Names no winner among runs that lost rows, nor where the difference is within noise.

mod caveats;
mod statements;

use serde::{Deserialize, Serialize};

pub use caveats::{Caveat, CaveatKind};
pub use statements::{Aspect, Figure, Statement};

use super::cost::{Prices, costs};
use super::number::{count_of, with_unit};
use super::{Report, RunReport, RunState};

/// Differences below this share are taken for noise.
pub const NOISE: f64 = 0.10;

/// The class of errors that count records which break a rule of the table: they are made to, and say nothing of a writer.
pub const INVALID_RECORD: &str = "invalid_record";

/// What a comparison says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    /// All of it in a sentence or two.
    pub headline: String,
    /// Whether nothing speaks against comparing the runs.
    pub fair: bool,
    /// One for each question.
    pub statements: Vec<Statement>,
    /// What speaks against comparing, and what to know before believing it; the serious ones first.
    pub caveats: Vec<Caveat>,
    /// What each writer promises about delivery, in the order of the runs.
    pub promises: Vec<Promise>,
}

/// What a writer promises.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promise {
    /// The run's writer label.
    pub writer: String,
    /// In words.
    pub text: String,
}

/// Judges a comparison.
pub fn verdict(report: &Report, prices: &Prices) -> Verdict {
    let costs = costs(report, prices);
    let statements = statements::statements(report, &costs);
    let caveats = caveats::caveats(report, &statements);
    let promise = |run: &RunReport| Promise { writer: run.writer.clone(), text: run.options.kind.promise().to_owned() };
    Verdict {
        headline: headline(report, &statements),
        fair: !caveats.iter().any(|caveat| caveat.serious),
        statements,
        caveats,
        promises: report.runs.iter().map(promise).collect(),
    }
}

/// Records that were neither durable nor meant to be refused.
pub fn undelivered(run: &RunReport) -> u64 {
    let invalid: u64 = run.errors.iter().filter(|error| error.class == INVALID_RECORD).map(|error| error.count).sum();
    run.records.failed.saturating_sub(invalid)
}

/// Why a run cannot win anything; `None` when it can.
fn disqualified(run: &RunReport) -> Option<String> {
    if run.state != RunState::Completed {
        return Some(run.state.name().to_owned());
    }
    if run.records.missing > 0 {
        return Some(format!("lost {}", count_of(run.records.missing, "row")));
    }
    if undelivered(run) > 0 {
        return Some(format!("did not deliver {}", count_of(undelivered(run), "record")));
    }
    (run.records.durable == 0).then(|| "wrote nothing".to_owned())
}

fn headline(report: &Report, statements: &[Statement]) -> String {
    let able: Vec<&RunReport> = report.runs.iter().filter(|run| disqualified(run).is_none()).collect();
    match (&able[..], report.runs.len()) {
        ([], _) => "Nothing can be recommended: no run delivered everything it was given.".to_owned(),
        ([run], 1) => alone(run),
        ([run], _) => {
            format!(
                "Only {} delivered everything it was given, so there is nothing to compare it with. {}",
                run.writer,
                alone(run)
            )
        }
        _ => winners(statements),
    }
}

fn alone(run: &RunReport) -> String {
    format!(
        "{} made {} durable at {}.",
        run.writer,
        count_of(run.records.durable, "record"),
        with_unit(run.throughput.rows_per_s, "rows/s")
    )
}

fn winners(statements: &[Statement]) -> String {
    let mut order: Vec<&str> = Vec::new();
    for winner in statements.iter().filter_map(|statement| statement.winner.as_deref()) {
        if !order.contains(&winner) {
            order.push(winner);
        }
    }
    if order.is_empty() {
        return "Too close to call: no writer is ahead of the others by more than 10 % in anything.".to_owned();
    }
    let sentence = |writer: &str| {
        let won: Vec<&Statement> =
            statements.iter().filter(|statement| statement.winner.as_deref() == Some(writer)).collect();
        // Who wins the median usually wins the tail; the headline says it once.
        let median = won.iter().any(|statement| statement.aspect == Aspect::DurableMedian);
        let said = won.iter().filter(|statement| !(median && statement.aspect == Aspect::DurableTail));
        let praise: Vec<String> = said.filter_map(|statement| statement.praise()).collect();
        format!("{writer}: {}.", praise.join(", "))
    };
    order.into_iter().map(sentence).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::{ErrorCount, Order, RatePlan, WriterKind, example};
    use super::*;

    fn judge(report: &Report) -> Verdict {
        verdict(report, &Prices::default())
    }

    fn winner(verdict: &Verdict, aspect: Aspect) -> Option<&str> {
        verdict.statements.iter().find(|statement| statement.aspect == aspect)?.winner.as_deref()
    }

    fn has(verdict: &Verdict, kind: CaveatKind) -> bool {
        verdict.caveats.iter().any(|caveat| caveat.kind == kind)
    }

    #[test]
    fn each_question_has_its_own_winner() {
        let verdict = judge(&example::report());
        assert_eq!(winner(&verdict, Aspect::DurableMedian), Some("zerobus"));
        assert_eq!(winner(&verdict, Aspect::DurableTail), Some("zerobus"));
        assert_eq!(winner(&verdict, Aspect::Visible), Some("sql json-parameter"));
        assert_eq!(winner(&verdict, Aspect::Throughput), Some("zerobus"));
        assert!(verdict.fair, "{:?}", verdict.caveats);
        assert!(verdict.headline.starts_with("zerobus: fastest to durable (p50 12.4 ms"), "{}", verdict.headline);
        assert_eq!(verdict.promises.len(), 4);
        assert_eq!(verdict.promises[0].text, WriterKind::Zerobus.promise());
    }

    #[test]
    fn a_run_that_lost_rows_wins_nothing() {
        let mut report = example::report();
        report.runs[0].records.missing = 1;
        let verdict = judge(&report);
        assert!(verdict.statements.iter().all(|statement| statement.winner.as_deref() != Some("zerobus")));
        assert_eq!(winner(&verdict, Aspect::DurableMedian), Some("zerobus-rest"));
        let figure = &verdict.statements[0].figures[0];
        assert_eq!((figure.writer.as_str(), figure.excluded.as_deref()), ("zerobus", Some("lost 1 row")));
        assert!(!verdict.fair);
        assert!(has(&verdict, CaveatKind::RowsMissing));
    }

    #[test]
    fn small_differences_are_noise() {
        let mut report = example::report();
        report.runs.truncate(2);
        report.runs[1].latency_ms = report.runs[0].latency_ms;
        report.runs[1].latency_ms.durable.p50 *= 1.09;
        report.runs[1].throughput.rows_per_s = report.runs[0].throughput.rows_per_s;
        report.runs[1].usage = report.runs[0].usage;
        let verdict = judge(&report);
        assert_eq!(winner(&verdict, Aspect::DurableMedian), None);
        assert_eq!(verdict.statements[0].tied, ["zerobus", "zerobus-rest"]);
        assert!(verdict.headline.starts_with("Too close to call"), "{}", verdict.headline);
        assert!(has(&verdict, CaveatKind::Noise));
        report.runs[1].latency_ms.durable.p50 *= 1.05;
        assert_eq!(winner(&judge(&report), Aspect::DurableMedian), Some("zerobus"));
    }

    #[test]
    fn visible_is_not_finer_than_the_asking() {
        let mut report = example::report();
        report.runs.truncate(2);
        report.runs[0].latency_ms.visible = example::percentiles(20_000, 300.0, 400.0);
        report.runs[1].latency_ms.visible = example::percentiles(20_000, 500.0, 600.0);
        assert_eq!(winner(&judge(&report), Aspect::Visible), None, "200 ms apart, asked every 250 ms");
        report.plan.check.every = "100ms".to_owned();
        assert_eq!(winner(&judge(&report), Aspect::Visible), Some("zerobus"));
    }

    #[test]
    fn what_makes_it_unfair_is_said() {
        let mut report = example::report();
        report.plan.order = Order::Parallel;
        report.machine.optimized = false;
        report.runs[1].state = RunState::Failed;
        report.runs[2].records.durable = 900;
        report.runs[2].records.sent = 900;
        report.runs[3].reconciliation.done = false;
        let verdict = judge(&report);
        for kind in [
            CaveatKind::Parallel,
            CaveatKind::DebugBuild,
            CaveatKind::RunsFailed,
            CaveatKind::FewRecords,
            CaveatKind::DifferentCounts,
            CaveatKind::NotReconciled,
        ] {
            assert!(has(&verdict, kind), "{kind:?}");
        }
        assert!(!verdict.fair);
        assert!(verdict.caveats[0].serious);
    }

    #[test]
    fn records_that_were_made_bad_are_no_fault_of_a_writer() {
        let mut report = example::report();
        let error = |class: &str| ErrorCount {
            class: class.to_owned(),
            message: String::new(),
            count: 7,
            retryable: false,
            details: Vec::new(),
        };
        report.runs[0].records.failed = 7;
        report.runs[0].errors = vec![error(INVALID_RECORD)];
        assert!(judge(&report).fair);
        report.runs[0].errors = vec![error("unavailable")];
        let verdict = judge(&report);
        assert!(has(&verdict, CaveatKind::Undelivered));
        assert_ne!(winner(&verdict, Aspect::DurableMedian), Some("zerobus"));
    }

    #[test]
    fn costs_are_compared_in_one_measure_only() {
        let report = example::report();
        let dear = verdict(&report, &Prices { zerobus_price_per_dbu: Some(0.35), ..Prices::default() });
        let statement = dear.statements.iter().find(|statement| statement.aspect == Aspect::Cost).unwrap();
        assert!(statement.text.contains("DBU"), "one price is missing, so all are in DBU: {}", statement.text);
        let prices =
            Prices { zerobus_price_per_dbu: Some(0.35), warehouse_price_per_dbu: Some(0.7), ..Prices::default() };
        let statement =
            verdict(&report, &prices).statements.into_iter().find(|one| one.aspect == Aspect::Cost).unwrap();
        assert!(statement.text.contains("USD"), "{}", statement.text);
        let none = Prices { zerobus_dbu_per_gb: None, ..Prices::default() };
        let statement = verdict(&report, &none).statements.into_iter().find(|one| one.aspect == Aspect::Cost).unwrap();
        assert_eq!(statement.winner.as_deref(), None, "zerobus costs nobody knows what: {}", statement.text);
    }

    #[test]
    fn one_run_is_not_a_comparison() {
        let mut report = example::report();
        report.plan.source.rate = RatePlan::Constant(100.0);
        report.runs.truncate(1);
        let verdict = judge(&report);
        assert!(verdict.statements.iter().all(|statement| statement.winner.is_none()));
        assert_eq!(verdict.headline, "zerobus made 20\u{2009}000 records durable at 16.4 k rows/s.");
        assert!(has(&verdict, CaveatKind::Paced));
        report.runs[0].state = RunState::Stopped;
        assert!(judge(&report).headline.starts_with("Nothing can be recommended"));
    }
}
