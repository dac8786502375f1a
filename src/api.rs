//! The edge: server functions for the page; `/api/v1`, `/debug` and server-sent events for everything else.
//!
//! Thin: take the engine from the context, call it, map the error. Decides nothing itself. The functions that the page
//! asks are [`page`] on the server and `ask`, which has the same names, in the browser.

#![allow(missing_docs, reason = "the server macro makes public fields of the documented arguments")]

#[cfg(feature = "hydrate")]
mod ask;
#[cfg(feature = "ssr")]
pub mod caller;
#[cfg(feature = "ssr")]
pub mod http;
#[cfg(feature = "ssr")]
pub mod page;

#[cfg(feature = "hydrate")]
pub use ask::*;
#[cfg(feature = "ssr")]
pub use page::*;

/// The address of the summary and the plan file of what is typed into the composer: its form goes there, a
/// [`PlanPreview`](crate::model::PlanPreview) as JSON comes back.
pub const PLAN_PREVIEW_PATH: &str = "/workbench/preview";

/// The address of a submission's [snapshot](crate::model::SubmissionSnapshot); below it, `/events` sends each that replaces it.
pub fn submission_path(id: &str) -> String {
    format!("/api/v1/submissions/{id}")
}

/// The address of a comparison's [snapshot](crate::model::LiveComparison); below it, `/events` sends each that replaces it.
pub fn comparison_path(id: &str) -> String {
    format!("/api/v1/comparisons/{id}")
}
