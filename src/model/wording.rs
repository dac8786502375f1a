//! Parts of plans and reports in words, the same on pages, in exports and on the command line.

use super::number::{amount, grouped, milliseconds, with_unit};
use super::{Order, Plan, RatePlan, ThresholdResult, WriterOptions};

/// The columns of the table of a report's runs.
pub const RUN_COLUMNS: [&str; 12] = [
    "Writer",
    "State",
    "Durable",
    "Throughput",
    "p50 durable",
    "p99 durable",
    "p50 visible",
    "p99 visible",
    "Failed",
    "Missing",
    "Duplicates",
    "A million rows",
];

/// Which records, how many and how fast: `telemetry, 20 000 records, as fast as taken, seed 7`.
pub fn source_text(plan: &Plan) -> String {
    let source = &plan.source;
    let amount = match (source.records, &source.duration) {
        (Some(records), _) => format!("{} records", grouped(records)),
        (None, Some(duration)) => format!("for {duration}"),
        (None, None) => "all of them".to_owned(),
    };
    format!("{}, {amount}, {}, seed {}", source.kind.name(), rate_text(&source.rate), source.seed)
}

/// Records per second over time.
pub fn rate_text(rate: &RatePlan) -> String {
    match rate {
        RatePlan::Constant(rate) if *rate <= 0.0 => "as fast as taken".to_owned(),
        RatePlan::Constant(rate) => format!("{} a second", amount(*rate)),
        RatePlan::Ramp { from, to, over } => format!("{} to {} a second over {over}", amount(*from), amount(*to)),
        RatePlan::Burst { burst, every } => format!("bursts of {} every {every}", grouped(*burst)),
    }
}

/// Whether runs share the machine.
pub fn order_text(order: Order) -> &'static str {
    match order {
        Order::Sequential => "one after the other",
        Order::Parallel => "all at once",
    }
}

/// A writer's options: `protobuf, batches of 500, 16 in flight`.
pub fn options_text(options: &WriterOptions) -> String {
    let mut parts: Vec<String> = options.encoding.iter().map(|encoding| encoding.name().to_owned()).collect();
    parts.push(format!("batches of {}", grouped(options.batch.into())));
    parts.push(format!("{} in flight", grouped(options.in_flight.into())));
    if options.streams > 1 {
        parts.push(format!("{} streams", options.streams));
    }
    parts.join(", ")
}

/// What was measured for a threshold, in the unit of its metric.
pub fn threshold_text(result: &ThresholdResult) -> String {
    let metric = result.name.split_whitespace().next().unwrap_or_default();
    match result.value {
        None => "not measured".to_owned(),
        Some(value) if metric == "elapsed" || metric.contains('.') => milliseconds(value),
        Some(value) if metric == "rows_per_s" => with_unit(value, "rows/s"),
        Some(value) if metric == "bytes_per_s" => with_unit(value, "B/s"),
        Some(value) => amount(value),
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn sources_are_told_in_a_line() {
        let mut plan = example::report().plan;
        assert_eq!(source_text(&plan), "telemetry, 20\u{2009}000 records, as fast as taken, seed 7");
        plan.source.rate = RatePlan::Ramp { from: 0.0, to: 5_000.0, over: "30s".to_owned() };
        plan.source.records = None;
        plan.source.duration = Some("1m".to_owned());
        assert_eq!(source_text(&plan), "telemetry, for 1m, 0 to 5.00 k a second over 30s, seed 7");
    }

    #[test]
    fn thresholds_have_the_unit_of_their_metric() {
        let text = |name: &str, value| {
            threshold_text(&ThresholdResult { name: name.to_owned(), writer: String::new(), held: true, value })
        };
        assert_eq!(text("durable.p99 < 5s", Some(1_240.0)), "1.24 s");
        assert_eq!(text("errors == 0", Some(0.0)), "0");
        assert_eq!(text("rows_per_s > 5k", Some(6_200.0)), "6.20 k rows/s");
        assert_eq!(text("missing == 0", None), "not measured");
    }
}
