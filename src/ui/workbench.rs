//! The workbench: compose on the left, the instrument on the right, the table's rows underneath.
//!
//! The island that wakes in the browser; [`super::page`] is what stands around it.
#![allow(missing_docs, reason = "#[island] makes a struct of its own that cannot be documented from here")]

use leptos::prelude::*;

use super::banner::ProblemBanner;
use super::bench::Bench;
use super::chart::history::Charts;
use super::compose::Compose;
use super::handed::Handed;
use super::outcome::Outcome;
use super::reactive::text;
use super::rows::Rows;
use super::session;
use crate::model::WorkbenchInfo;

/// Everything that is alive on the page.
#[island]
pub fn Workbench(
    /// What the server knew when the page was made.
    info: Handed<WorkbenchInfo>,
) -> impl IntoView {
    let bench = Bench::new(info.0);
    Effect::new(move |_| {
        bench.samples.set(session::load());
        bench.hydrated.set(true);
        bench.retry_later();
    });
    view! {
        <div class="workbench" data-hydrated=text(move || bench.hydrated.get().to_string()) data-testid="workbench">
            <h1>"Workbench"</h1>
            <p class="sr-only" role="status">{text(move || bench.announcement.get())}</p>
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
