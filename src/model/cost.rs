//! What a million rows cost by each way in: what a run used, times prices that people can see and change.
//!
//! Knows a report and [`Prices`], asks nobody. Every input is listed with where it comes from; what has no source has no
//! default, and the cost then says what is missing instead of a number.

mod prices;
mod typed;

use serde::{Deserialize, Serialize};

pub use prices::{Prices, WAREHOUSE_SOURCE, WarehouseSize, ZEROBUS_DBU_PER_GB, ZEROBUS_SOURCE};
pub use typed::read as read_prices;

use super::number::{grouped, three_digits};
use super::{Report, RunReport, WriterKind};

/// What a million rows cost by the way of one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// The run's writer label.
    pub writer: String,
    /// DBU for a million durable rows; `None` when an input is missing.
    pub dbu_per_million: Option<f64>,
    /// Money for a million durable rows; `None` without a price.
    pub money_per_million: Option<f64>,
    /// Currency of `money_per_million`.
    pub currency: String,
    /// Everything it was made from, in the order of the formula.
    pub inputs: Vec<CostInput>,
    /// How it was made, in words.
    pub formula: String,
    /// The formula with its numbers; empty when an input is missing.
    pub worked: String,
    /// What is missing, one sentence each.
    pub missing: Vec<String>,
    /// What is not in it, one sentence each.
    pub notes: Vec<String>,
}

/// One input of a cost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CostInput {
    /// The field of [`Prices`] that changes it; `None` for what was measured.
    pub key: Option<String>,
    /// What it is.
    pub name: String,
    /// Its value; `None` when nobody said.
    pub value: Option<f64>,
    /// The value's unit.
    pub unit: String,
    /// Where it comes from.
    pub source: String,
}

impl Cost {
    /// The cost in words: money where there is a price, DBU otherwise, `not known` when an input is missing.
    pub fn text(&self) -> String {
        match (self.money_per_million, self.dbu_per_million) {
            (Some(money), _) => money_text(money, &self.currency),
            (None, Some(dbu)) => dbu_text(dbu),
            (None, None) => "not known".to_owned(),
        }
    }
}

/// `0.0446 DBU`
pub fn dbu_text(dbu: f64) -> String {
    format!("{} DBU", small_digits(dbu))
}

/// `0.0312 USD`
pub fn money_text(money: f64, currency: &str) -> String {
    format!("{} {currency}", small_digits(money))
}

/// Three significant digits also far below one, where prices of a million rows are.
fn small_digits(value: f64) -> String {
    if value == 0.0 || value.abs() >= 1.0 {
        return three_digits(value);
    }
    let decimals = (2 - value.abs().log10().floor() as i32).clamp(2, 9);
    format!("{value:.*}", decimals as usize)
}

/// The cost of every run of a report, in its order.
pub fn costs(report: &Report, prices: &Prices) -> Vec<Cost> {
    report.runs.iter().map(|run| cost(run, prices, report.workspace.local)).collect()
}

/// Whether that way is paid by the byte, as Zerobus Ingest is, or by the time of a warehouse.
pub fn is_paid_by_byte(writer: WriterKind) -> bool {
    matches!(writer, WriterKind::Zerobus | WriterKind::ZerobusRest)
}

fn cost(run: &RunReport, prices: &Prices, local: bool) -> Cost {
    let mut cost = Cost {
        writer: run.writer.clone(),
        dbu_per_million: None,
        money_per_million: None,
        currency: prices.currency.clone(),
        inputs: vec![measured("Durable rows", run.records.durable as f64, "rows")],
        formula: String::new(),
        worked: String::new(),
        missing: Vec::new(),
        notes: Vec::new(),
    };
    if run.records.durable == 0 {
        cost.missing.push("No row became durable, so there is nothing to divide by.".to_owned());
    }
    let price = if is_paid_by_byte(run.options.kind) {
        by_bytes(&mut cost, run, prices);
        prices.zerobus_price_per_dbu
    } else {
        by_warehouse_time(&mut cost, run, prices, local);
        prices.warehouse_price_per_dbu
    };
    cost.money_per_million = cost.dbu_per_million.zip(price).map(|(dbu, price)| dbu * price);
    if let Some(money) = cost.money_per_million {
        cost.worked = format!(
            "{} × {} = {}",
            cost.worked,
            money_text(price.unwrap_or_default(), &prices.currency),
            money_text(money, &prices.currency)
        );
    }
    cost
}

fn measured(name: &str, value: f64, unit: &str) -> CostInput {
    let source = "measured in this run".to_owned();
    CostInput { key: None, name: name.to_owned(), value: Some(value), unit: unit.to_owned(), source }
}

fn given(key: &str, name: &str, value: Option<f64>, unit: &str, default: Option<(f64, &str)>) -> CostInput {
    let source = match (value, default) {
        (None, _) => "not given",
        (Some(value), Some((usual, source))) if value == usual => source,
        (Some(_), _) => "given by you",
    };
    CostInput {
        key: Some(key.to_owned()),
        name: name.to_owned(),
        value,
        unit: unit.to_owned(),
        source: source.to_owned(),
    }
}

fn by_bytes(cost: &mut Cost, run: &RunReport, prices: &Prices) {
    let usual = Some((ZEROBUS_DBU_PER_GB, ZEROBUS_SOURCE));
    let per_gb = prices.zerobus_dbu_per_gb;
    cost.inputs.extend([
        measured("Bytes of encoded records", run.usage.bytes as f64, "B"),
        given("zerobus_dbu_per_gb", "Zerobus Ingest for a GB", per_gb, "DBU/GB", usual),
        given(
            "zerobus_price_per_dbu",
            "Price of a DBU (Jobs Serverless)",
            prices.zerobus_price_per_dbu,
            &prices.currency,
            None,
        ),
    ]);
    cost.formula =
        "Bytes of encoded records ÷ durable rows × a million, in GB of 10⁹ bytes, × DBU for a GB × price of a DBU."
            .to_owned();
    cost.notes
        .push("The table's storage, network traffic and the machine this program runs on are not in it.".to_owned());
    let Some(per_gb) = per_gb else {
        cost.missing.push("How many DBU Zerobus Ingest takes for a GB is not given.".to_owned());
        return;
    };
    if run.records.durable > 0 {
        let gigabytes = run.usage.bytes as f64 / run.records.durable as f64 * 1e6 / 1e9;
        cost.dbu_per_million = Some(gigabytes * per_gb);
        cost.worked = format!(
            "{} GB × {} DBU/GB = {}",
            small_digits(gigabytes),
            small_digits(per_gb),
            dbu_text(gigabytes * per_gb)
        );
    }
}

fn by_warehouse_time(cost: &mut Cost, run: &RunReport, prices: &Prices, local: bool) {
    let size = prices.warehouse_size;
    let per_hour = prices.warehouse_dbu_per_hour();
    let name = format!("Serverless SQL warehouse, {}", size.name());
    cost.inputs.extend([
        measured("Time with a statement on the warehouse", run.usage.warehouse_ms / 1e3, "s"),
        given("warehouse_dbu_per_hour", &name, Some(per_hour), "DBU/h", Some((size.dbu_per_hour(), WAREHOUSE_SOURCE))),
        given(
            "warehouse_price_per_dbu",
            "Price of a DBU (SQL Serverless)",
            prices.warehouse_price_per_dbu,
            &prices.currency,
            None,
        ),
    ]);
    cost.notes.push(
        "Starting the warehouse, its idle time until it stops by itself, storage and network are not in it.".to_owned(),
    );
    if run.options.kind == WriterKind::CopyInto {
        cost.notes.push("Requests to the volume's storage are not in it.".to_owned());
    }
    if local {
        cost.notes.push(
            "The warehouse time is that of the local lakehouse on this machine; a warehouse of a workspace takes another.".to_owned(),
        );
    }
    if prices.warehouse_runs_anyway {
        cost.formula = "The warehouse runs anyway and is paid for: the run adds nothing.".to_owned();
        cost.worked = "0 DBU".to_owned();
        cost.dbu_per_million = (run.records.durable > 0).then_some(0.0);
        return;
    }
    cost.formula = "Hours with at least one statement of the run on the warehouse ÷ durable rows × a million × DBU for an hour × price of a DBU.".to_owned();
    if run.usage.warehouse_ms <= 0.0 {
        cost.missing.push("The time on the warehouse was not measured.".to_owned());
        return;
    }
    if run.records.durable > 0 {
        let hours = run.usage.warehouse_ms / 3.6e6 / run.records.durable as f64 * 1e6;
        cost.dbu_per_million = Some(hours * per_hour);
        cost.worked =
            format!("{} h × {} DBU/h = {}", small_digits(hours), small_digits(per_hour), dbu_text(hours * per_hour));
    }
}

/// An input's value with its unit, for people; `–` when nobody said.
pub fn input_text(input: &CostInput) -> String {
    match input.value {
        None => "–".to_owned(),
        Some(value) if value.fract() == 0.0 && value.abs() >= 1.0 => {
            format!("{} {}", grouped(value as u64), input.unit)
        }
        Some(value) => format!("{} {}", small_digits(value), input.unit),
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn zerobus_is_paid_by_the_byte() {
        let mut report = example::report();
        report.runs[0].usage.bytes = 312 * report.runs[0].records.durable;
        let cost = &costs(&report, &Prices::default())[0];
        assert!((cost.dbu_per_million.unwrap() - 0.312 * 0.143).abs() < 1e-12);
        assert_eq!(cost.money_per_million, None);
        assert_eq!(cost.text(), "0.0446 DBU");
        assert_eq!(cost.worked, "0.312 GB × 0.143 DBU/GB = 0.0446 DBU");
        let rate = cost.inputs.iter().find(|input| input.key.as_deref() == Some("zerobus_dbu_per_gb")).unwrap();
        assert!(rate.source.contains("lakemeter"), "{}", rate.source);
    }

    #[test]
    fn a_warehouse_is_paid_by_the_time() {
        let mut report = example::report();
        let sql = &mut report.runs[2];
        sql.records.durable = 1_000_000;
        sql.usage.warehouse_ms = 1_800_000.0;
        let mut prices = Prices { warehouse_price_per_dbu: Some(0.5), ..Prices::default() };
        let cost = &costs(&report, &prices)[2];
        assert_eq!(cost.dbu_per_million, Some(2.0), "half an hour of the smallest warehouse, 4 DBU/h");
        assert_eq!(cost.money_per_million, Some(1.0));
        assert_eq!(cost.text(), "1.00 USD");

        prices.warehouse_dbu_per_hour = Some(10.0);
        let cost = &costs(&report, &prices)[2];
        assert_eq!(cost.dbu_per_million, Some(5.0));
        assert_eq!(cost.inputs[2].source, "given by you");

        prices.warehouse_runs_anyway = true;
        assert_eq!(costs(&report, &prices)[2].dbu_per_million, Some(0.0));
    }

    #[test]
    fn what_is_missing_is_said_and_never_guessed() {
        let mut report = example::report();
        report.runs[0].records.durable = 0;
        report.runs[2].usage.warehouse_ms = 0.0;
        let prices = Prices { zerobus_dbu_per_gb: None, ..Prices::default() };
        let costs = costs(&report, &prices);
        assert_eq!(costs[0].missing.len(), 2);
        for cost in [&costs[0], &costs[1], &costs[2]] {
            assert_eq!(cost.text(), "not known", "{cost:?}");
            assert!(cost.worked.is_empty());
        }
    }
}
