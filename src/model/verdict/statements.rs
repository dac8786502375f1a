//! The questions a verdict answers, each with the figures its answer rests on.

use serde::{Deserialize, Serialize};

use super::super::cost::{Cost, dbu_text, is_paid_by_byte, money_text};
use super::super::number::{milliseconds, three_digits, with_unit};
use super::super::{Percentiles, Report, RunReport, units};
use super::{NOISE, disqualified};

/// A question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// Time to durable of the median record.
    DurableMedian,
    /// Time to durable that 99 % of the records do not exceed.
    DurableTail,
    /// Time to visible of the median record.
    Visible,
    /// Durable rows per second.
    Throughput,
    /// Cost of a million rows.
    Cost,
}

impl Aspect {
    /// Every question, in the order of a verdict.
    pub const ALL: [Self; 5] = [Self::DurableMedian, Self::DurableTail, Self::Visible, Self::Throughput, Self::Cost];

    /// The question in words.
    pub fn title(self) -> &'static str {
        match self {
            Self::DurableMedian => "Fastest to durable",
            Self::DurableTail => "Fastest to durable, slowest 1 %",
            Self::Visible => "Fastest to visible",
            Self::Throughput => "Highest throughput",
            Self::Cost => "Cheapest",
        }
    }

    /// What the figures are.
    pub fn measure(self) -> &'static str {
        match self {
            Self::DurableMedian => "p50 durable",
            Self::DurableTail => "p99 durable",
            Self::Visible => "p50 visible",
            Self::Throughput => "throughput",
            Self::Cost => "cost of a million rows",
        }
    }

    fn more_is_better(self) -> bool {
        self == Self::Throughput
    }
}

/// The answer to a question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    /// The question.
    pub aspect: Aspect,
    /// The writer label that is ahead by more than noise; `None` when there is none.
    pub winner: Option<String>,
    /// Writer labels within noise of the best, when they are several.
    pub tied: Vec<String>,
    /// The answer in a sentence.
    pub text: String,
    /// What it rests on, in the order of the runs.
    pub figures: Vec<Figure>,
}

/// A figure that a statement rests on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The run's writer label.
    pub writer: String,
    /// Milliseconds, rows per second, DBU or money; `None` when it is not known.
    pub value: Option<f64>,
    /// The value with its unit.
    pub text: String,
    /// Why it was left out of the answer; `None` when it was not.
    pub excluded: Option<String>,
}

impl Statement {
    /// What the winner won, for a headline: `fastest to durable (p50 12.4 ms)`.
    pub(super) fn praise(&self) -> Option<String> {
        let winner = self.winner.as_deref()?;
        let figure = self.figures.iter().find(|figure| figure.writer == winner)?;
        Some(match self.aspect {
            Aspect::DurableMedian => format!("fastest to durable (p50 {})", figure.text),
            Aspect::DurableTail => format!("fastest to durable for the slowest 1 % (p99 {})", figure.text),
            Aspect::Visible => format!("fastest to visible (p50 {})", figure.text),
            Aspect::Throughput => format!("highest throughput ({})", figure.text),
            Aspect::Cost => format!("cheapest ({} for a million rows)", figure.text),
        })
    }
}

pub(super) fn statements(report: &Report, costs: &[Cost]) -> Vec<Statement> {
    // Plans that ran have been checked; one that cannot be read has no resolution.
    let asked_ms = units::duration_ms(&report.plan.check.every).unwrap_or(0.0);
    Aspect::ALL.into_iter().map(|aspect| statement(aspect, report, costs, asked_ms)).collect()
}

fn statement(aspect: Aspect, report: &Report, costs: &[Cost], asked_ms: f64) -> Statement {
    let figures = figures(aspect, report, costs);
    let able: Vec<&Figure> = figures.iter().filter(|figure| figure.excluded.is_none()).collect();
    let mut known: Vec<(&Figure, f64)> = able.iter().filter_map(|figure| Some((*figure, figure.value?))).collect();
    known.sort_by(
        |(_, one), (_, other)| if aspect.more_is_better() { other.total_cmp(one) } else { one.total_cmp(other) },
    );
    let resolution = if aspect == Aspect::Visible { asked_ms } else { 0.0 };
    let (winner, tied, text) = match known[..] {
        [] => (None, Vec::new(), "No run has a figure for this.".to_owned()),
        [(figure, _)] => {
            let text = format!("Only {} has a figure for this: {} {}.", figure.writer, aspect.measure(), figure.text);
            (None, Vec::new(), text)
        }
        // A run whose cost nobody knows may be cheaper than the cheapest that is known.
        _ if aspect == Aspect::Cost && known.len() < able.len() => {
            let (known, unknown): (Vec<&Figure>, Vec<&Figure>) = able.iter().partition(|figure| figure.value.is_some());
            let text = format!("{} Not known: {}.", list_of(&known), names(&unknown));
            (None, Vec::new(), text)
        }
        [(best, first), ..] => {
            let near = known.iter().filter(|(_, value)| within_noise(first, *value, resolution));
            let near: Vec<&Figure> = near.map(|(figure, _)| *figure).collect();
            if near.len() > 1 {
                let names: Vec<String> = near.iter().map(|figure| figure.writer.clone()).collect();
                let behind: Vec<&Figure> = known[near.len()..].iter().map(|(figure, _)| *figure).collect();
                let text = tie_text(aspect, &near, first, known[near.len() - 1].1, resolution);
                let behind = if behind.is_empty() { String::new() } else { format!(" Behind: {}.", texts(&behind)) };
                (None, names, format!("{text}{behind}"))
            } else {
                (Some(best.writer.clone()), Vec::new(), winner_text(aspect, best, &known))
            }
        }
    };
    let text = format!("{text}{}", dbu_note(aspect, report, costs));
    Statement { aspect, winner, tied, text, figures }
}

fn within_noise(best: f64, other: f64, resolution: f64) -> bool {
    let (low, high) = if best < other { (best, other) } else { (other, best) };
    high - low < resolution || high <= low * (1.0 + NOISE)
}

fn tie_text(aspect: Aspect, near: &[&Figure], best: f64, last: f64, resolution: f64) -> String {
    let why = if within_noise(best, last, 0.0) {
        "within 10 % of each other".to_owned()
    } else {
        format!("closer than the {} between two looks at the table", milliseconds(resolution))
    };
    format!("Too close to call: {} are {why} ({}: {}).", names(near), aspect.measure(), texts(near))
}

fn winner_text(aspect: Aspect, best: &Figure, known: &[(&Figure, f64)]) -> String {
    let [(_, first), (next, second), ..] = known else {
        return String::new();
    };
    let lead = match (aspect, *first == 0.0) {
        (Aspect::Cost, true) => ", as its warehouse runs anyway".to_owned(),
        (_, true) => String::new(),
        (_, false) => format!(", {} than {}", lead(aspect, *first, *second), next.writer),
    };
    let others: Vec<&Figure> = known[1..].iter().map(|(figure, _)| *figure).collect();
    format!("{}: {} {}{lead} ({}).", best.writer, aspect.measure(), best.text, texts(&others))
}

/// How far ahead: `38 % less`, `6.2 times less`.
fn lead(aspect: Aspect, best: f64, next: f64) -> String {
    let (factor, word) = if aspect.more_is_better() { (best / next, "more") } else { (next / best, "less") };
    if factor >= 2.0 {
        return format!("{} times {word}", three_digits(factor));
    }
    let percent = if aspect.more_is_better() { (best / next - 1.0) * 100.0 } else { (1.0 - best / next) * 100.0 };
    format!("{percent:.0} % {word}")
}

fn figures(aspect: Aspect, report: &Report, costs: &[Cost]) -> Vec<Figure> {
    let in_money = costs.iter().all(|cost| cost.dbu_per_million.is_none() || cost.money_per_million.is_some());
    let figure = |(run, cost): (&RunReport, &Cost)| {
        let (value, text) = match aspect {
            Aspect::DurableMedian => latency(&run.latency_ms.durable, |values| values.p50),
            Aspect::DurableTail => latency(&run.latency_ms.durable, |values| values.p99),
            Aspect::Visible => latency(&run.latency_ms.visible, |values| values.p50),
            Aspect::Throughput => {
                let rate = run.throughput.rows_per_s;
                ((rate > 0.0).then_some(rate), with_unit(rate, "rows/s"))
            }
            Aspect::Cost if in_money => {
                let money = cost.money_per_million;
                (money, money.map_or_else(|| "not known".to_owned(), |money| money_text(money, &cost.currency)))
            }
            Aspect::Cost => {
                let dbu = cost.dbu_per_million;
                (dbu, dbu.map_or_else(|| "not known".to_owned(), dbu_text))
            }
        };
        Figure { writer: run.writer.clone(), value, text, excluded: disqualified(run) }
    };
    report.runs.iter().zip(costs).map(figure).collect()
}

fn latency(values: &Percentiles, pick: impl Fn(&Percentiles) -> f64) -> (Option<f64>, String) {
    if values.count == 0 {
        return (None, "not measured".to_owned());
    }
    (Some(pick(values)), milliseconds(pick(values)))
}

/// A DBU of Zerobus and one of a warehouse have different prices, so the cheaper in DBU need not be the cheaper in money.
fn dbu_note(aspect: Aspect, report: &Report, costs: &[Cost]) -> &'static str {
    let in_money = costs.iter().all(|cost| cost.dbu_per_million.is_none() || cost.money_per_million.is_some());
    let by_byte = report.runs.iter().filter(|run| is_paid_by_byte(run.options.kind)).count();
    let mixed = by_byte > 0 && by_byte < report.runs.len();
    if aspect == Aspect::Cost && !in_money && mixed {
        " A DBU of Zerobus Ingest and one of a SQL warehouse have different prices: give yours for a comparison in money."
    } else {
        ""
    }
}

fn names(figures: &[&Figure]) -> String {
    let names: Vec<&str> = figures.iter().map(|figure| figure.writer.as_str()).collect();
    joined(&names)
}

fn texts(figures: &[&Figure]) -> String {
    figures.iter().map(|figure| format!("{} {}", figure.writer, figure.text)).collect::<Vec<_>>().join(", ")
}

fn list_of(figures: &[&Figure]) -> String {
    format!("Known: {}.", texts(figures))
}

/// `a`, `a and b`, `a, b and c`
pub(super) fn joined(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_are_shares_or_times() {
        assert_eq!(lead(Aspect::DurableMedian, 12.0, 18.0), "33 % less");
        assert_eq!(lead(Aspect::DurableMedian, 12.0, 120.0), "10.0 times less");
        assert_eq!(lead(Aspect::Throughput, 15.0, 10.0), "50 % more");
    }

    #[test]
    fn names_are_joined_as_people_do() {
        assert_eq!(joined(&["a"]), "a");
        assert_eq!(joined(&["a", "b", "c"]), "a, b and c");
    }
}
