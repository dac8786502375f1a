//! The page at `/runs`: every comparison that runs or ran. On the server only; filters, names and deletions are plain forms.

mod list;
mod query;
mod row;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;
use serde::{Deserialize, Serialize};

use super::header::{Header, Page, Rail};
use crate::engine::Engine;
use crate::model::{EdgeError, HistoryPage, HistoryQuery, LiveComparison, WorkspaceBadge};
pub use query::RunsQuery;

/// Where the form that renames is sent.
pub const RENAME: &str = "/runs/rename";
/// Where the form that deletes is sent.
pub const DELETE: &str = "/runs/delete";

/// Why the last change was not made; handed to the page that is shown again.
#[derive(Clone, Debug)]
pub struct NotChanged(pub EdgeError);

/// What the page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Listing {
    workspace: WorkspaceBadge,
    /// Those that run and fit, the newest first.
    running: Vec<LiveComparison>,
    past: HistoryPage,
    /// Why the past is not there.
    problem: Option<EdgeError>,
    /// Whether there is nothing at all, whatever the filter says.
    is_new: bool,
}

/// The page at `/runs`.
#[component]
pub fn RunsPage() -> impl IntoView {
    let asked = use_query_map().get_untracked();
    let query = RunsQuery::of(asked.into_iter().map(|(name, text)| (name.into_owned(), text)));
    let told = use_context::<NotChanged>().map(|NotChanged(error)| error);
    let engine = use_context::<Arc<Engine>>();
    let wanted = query.clone();
    let listing = Resource::new_blocking(
        || (),
        move |()| {
            let (engine, query) = (engine.clone(), wanted.clone());
            async move {
                let Some(engine) = engine else {
                    return Err(EdgeError::new("INTERNAL", "The engine is not running. Restart the server."));
                };
                Ok(listing(&engine, &query).await)
            }
        },
    );
    view! {
        <Title text="Runs" />
        <Suspense>
            {move || {
                let (query, told) = (query.clone(), told.clone());
                Suspend::new(async move {
                    match listing.await {
                        Ok(listing) => frame(listing, &query, told).into_any(),
                        Err(error) => view! { <main id="main"><h1>"Runs"</h1><p>{error.message}</p></main> }.into_any(),
                    }
                })
            }}
        </Suspense>
    }
}

async fn listing(engine: &Engine, query: &RunsQuery) -> Listing {
    let running: Vec<LiveComparison> = engine.live_comparisons().into_iter().filter(|live| !live.finished).collect();
    let anything = HistoryQuery { page_size: 1, ..HistoryQuery::default() };
    let (past, problem) = match engine.past_comparisons(query.history.clone()).await {
        Ok(past) => (past, None),
        Err(error) => (HistoryPage::default(), Some(error)),
    };
    let is_new = running.is_empty()
        && problem.is_none()
        && past.total == 0
        && engine.past_comparisons(anything).await.is_ok_and(|page| page.total == 0);
    let running = running.into_iter().filter(|live| query.takes_running(live)).collect();
    Listing { workspace: engine.workspace().badge(), running, past, problem, is_new }
}

fn frame(listing: Listing, query: &RunsQuery, told: Option<EdgeError>) -> impl IntoView {
    let parts = list::parts(&listing, query, told.as_ref());
    view! {
        <Header workspace=listing.workspace.clone() />
        <div class="frame">
            <Rail current=Page::Runs />
            <main id="main" tabindex="-1" class="runs" inner_html=parts></main>
        </div>
    }
}
