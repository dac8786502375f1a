//! The workbench: compose on the left, the instrument on the right, the table's rows underneath.
//!
//! [`WorkbenchPage`] is rendered on the server only; [`Workbench`] is the island that wakes in the browser.
#![allow(missing_docs, reason = "#[island] makes a struct of its own that cannot be documented from here")]

use leptos::prelude::*;
use leptos_meta::Title;

use super::banner::ProblemBanner;
use super::bench::Bench;
use super::chart::history::Charts;
use super::compose::Compose;
use super::header::{Header, Rail};
use super::outcome::Outcome;
use super::rows::Rows;
use super::session;
use crate::api;
use crate::model::{EdgeError, WorkbenchInfo};

/// The page at `/`.
#[component]
pub fn WorkbenchPage() -> impl IntoView {
    let info = Resource::new_blocking(|| (), |()| api::workbench_info());
    view! {
        <Title text="Workbench" />
        <Suspense>
            {move || Suspend::new(async move {
                match info.await {
                    Ok(info) => frame(info).into_any(),
                    Err(error) => no_server(error).into_any(),
                }
            })}
        </Suspense>
    }
}

fn frame(info: WorkbenchInfo) -> impl IntoView {
    view! {
        <Header workspace=info.workspace.clone() />
        <div class="frame">
            <Rail />
            <main id="main" tabindex="-1">
                <Workbench info />
            </main>
        </div>
    }
}

fn no_server(error: EdgeError) -> impl IntoView {
    view! {
        <main id="main">
            <h1>"Direct Write cannot begin"</h1>
            <p>{error.message}</p>
        </main>
    }
}

/// Everything that is alive on the page.
#[island]
pub fn Workbench(
    /// What the server knew when the page was made.
    info: WorkbenchInfo,
) -> impl IntoView {
    let bench = Bench::new(info);
    Effect::new(move |_| {
        bench.samples.set(session::load());
        bench.hydrated.set(true);
        bench.retry_later();
    });
    view! {
        <div class="workbench" data-hydrated=move || bench.hydrated.get().to_string() data-testid="workbench">
            <h1>"Workbench"</h1>
            <p class="sr-only" role="status">{move || bench.announcement.get()}</p>
            <ProblemBanner bench />
            <div class="halves">
                <Compose bench />
                <div class="readings">
                    <Outcome bench />
                    <Charts samples=bench.samples />
                </div>
            </div>
            <Rows bench />
        </div>
    }
}
