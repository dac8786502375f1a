//! The page's server functions for comparisons.

use leptos::prelude::*;
use leptos::server_fn::codec::Json;

use super::{engine, with_status};
use crate::api::caller::Caller;
use crate::model::{EdgeError, HistoryPage, HistoryQuery, Plan, Report};

/// Checks a plan and begins its comparison; answers its id.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` with every broken rule, or why it cannot begin. Nothing was written then.
#[server(name = AskStartComparison, prefix = "/api/page", endpoint = "comparisons/start", input = Json)]
pub async fn start_comparison(plan: Plan) -> Result<String, EdgeError> {
    let started = match page_plan(plan) {
        Ok(plan) => engine()?.start_comparison(plan, Caller::current().actor()).await,
        Err(error) => Err(error),
    };
    with_status(started)
}

/// Stops a comparison: nothing more is sent, and what is under way is brought home.
///
/// # Errors
/// `NOT_FOUND`.
#[server(name = AskStopComparison, prefix = "/api/page", endpoint = "comparisons/stop", input = Json)]
pub async fn stop_comparison(id: String) -> Result<(), EdgeError> {
    with_status(engine()?.stop_comparison(&id))
}

/// The report of an ended comparison.
///
/// # Errors
/// `NOT_FOUND`, `STILL_RUNNING`, or what the history says.
#[server(name = AskReport, prefix = "/api/page", endpoint = "comparisons/report", input = Json)]
pub async fn report(id: String) -> Result<Report, EdgeError> {
    with_status(engine()?.report(&id).await)
}

/// A page of the comparisons that have ended.
///
/// # Errors
/// What the history says.
#[server(name = AskPastComparisons, prefix = "/api/page", endpoint = "comparisons/list", input = Json)]
pub async fn past_comparisons(query: HistoryQuery) -> Result<HistoryPage, EdgeError> {
    with_status(engine()?.past_comparisons(query).await)
}

/// Gives an ended comparison another name.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`, `NOT_FOUND`, or what the history says.
#[server(name = AskRenameComparison, prefix = "/api/page", endpoint = "comparisons/rename")]
pub async fn rename_comparison(id: String, name: String) -> Result<(), EdgeError> {
    with_status(engine()?.rename_comparison(&id, &name).await)
}

/// Forgets an ended comparison. Its rows stay in their table.
///
/// # Errors
/// `NOT_FOUND`, or what the history says.
#[server(name = AskForgetComparison, prefix = "/api/page", endpoint = "comparisons/forget")]
pub async fn forget_comparison(id: String) -> Result<(), EdgeError> {
    with_status(engine()?.forget_comparison(&id).await)
}

/// The plan as a plan file.
///
/// # Errors
/// `INTERNAL` when it cannot be written as TOML.
#[server(name = AskPlanFile, prefix = "/api/page", endpoint = "comparisons/plan", input = Json)]
pub async fn plan_text(plan: Plan) -> Result<String, EdgeError> {
    with_status(crate::engine::plan_file::to_toml(&plan))
}

/// A plan that came over the network must not name a file of the server.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub(crate) fn page_plan(plan: Plan) -> Result<Plan, EdgeError> {
    if plan.source.path.is_none() {
        return Ok(plan);
    }
    let message = "Files of the server cannot be read from here. Nothing was started. Use the command line for files.";
    Err(EdgeError::new("INVALID_PARAMETER_VALUE", message))
}
