//! The workbench: compose on the left, the instrument on the right, the table's rows underneath.
//!
//! The island that wakes in the browser; [`super::page`] is what stands around it.
#![allow(missing_docs, reason = "#[island] makes a struct of its own that cannot be documented from here")]

use leptos::prelude::*;

use super::banner::ProblemBanner;
use super::bench::Bench;
use super::chart::history::Charts;
use super::compose::Compose;
use super::handed::handed;
use super::outcome::Outcome;
use super::rows::Rows;
use super::session;
use crate::model::{EdgeError, WorkbenchInfo, WorkspaceBadge};

/// Everything that is alive on the page.
#[island]
pub fn Workbench() -> impl IntoView {
    let bench = Bench::new(handed().unwrap_or_else(unread));
    Effect::new(move |_| {
        bench.samples.set(session::load());
        bench.hydrated.set(true);
        bench.retry_later();
    });
    view! {
        <div class="workbench" data-hydrated=move || bench.hydrated.get().to_string() data-testid="workbench">
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

/// What is known when the page did not arrive whole; being a problem, it is asked for again.
fn unread() -> WorkbenchInfo {
    let words =
        "What the server put into this page could not be read. The page asks for it again. Nothing was written.";
    WorkbenchInfo {
        workspace: WorkspaceBadge { name: String::new(), local: false, url: String::new(), principal: String::new() },
        writers: Vec::new(),
        tables: Vec::new(),
        asked: None,
        problem: Some(EdgeError::new("INTERNAL", words)),
    }
}
