//! What a plan would do, in one sentence, and its file: what the page shows while it is composed.

use super::form::Form;
use crate::engine::plan_file;
use crate::engine::run::fitting_kind;
use crate::model::number::{count_of, grouped};
use crate::model::{FieldError, Order, Plan, PlanPreview, RatePlan, SourceKind, TableInfo, wording};

/// The kind of records for the table that is typed.
pub(super) fn fitting(form: &Form, tables: &[TableInfo]) -> SourceKind {
    let table = tables.iter().find(|table| table.name.to_string() == form.text("table"));
    table.map_or(SourceKind::Columns, fitting_kind)
}

/// What follows from what is typed.
pub(super) fn news(form: &Form, tables: &[TableInfo]) -> PlanPreview {
    match form.plan(fitting(form, tables)) {
        Ok(plan) => match plan_file::to_toml(&plan) {
            Ok(text) => PlanPreview { summary: sentence(&plan), plan: text },
            Err(error) => PlanPreview { summary: error.message, plan: String::new() },
        },
        Err(errors) => PlanPreview { summary: to_correct(&errors), plan: String::new() },
    }
}

/// `20 000 records through 4 writers, one after the other`.
pub(super) fn sentence(plan: &Plan) -> String {
    let amount = match (plan.source.records, &plan.source.duration) {
        (Some(records), _) if plan.source.kind == SourceKind::File => format!("The first {} records", grouped(records)),
        (Some(records), _) => count_of(records, "record"),
        (None, Some(duration)) => format!("Records for {duration}"),
        (None, None) => "All records of the file".to_owned(),
    };
    let rate = match &plan.source.rate {
        RatePlan::Constant(rate) if *rate == 0.0 => String::new(),
        rate => format!(", {},", wording::rate_text(rate)),
    };
    let count = plan.writers.len() as u64;
    let order = match plan.order {
        _ if count == 1 => String::new(),
        Order::Sequential => ", one after the other".to_owned(),
        Order::Parallel => ", all at once: they share the machine".to_owned(),
    };
    format!("{amount}{rate} through {}{order}", count_of(count, "writer"))
}

fn to_correct(errors: &[FieldError]) -> String {
    match errors {
        [one] => one.message.clone(),
        more => format!("{} have to be corrected.", count_of(more.len() as u64, "field")),
    }
}
