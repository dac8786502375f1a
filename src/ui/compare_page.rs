//! The page at `/compare?id=a&id=b`: reports side by side. On the server only, and without an island.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::header::{Header, Page, Rail};
use crate::api::http::status_of;
use crate::engine::{Engine, export};
use crate::model::{EdgeError, Report, WorkspaceBadge};

/// Most reports on a page: more columns than that nobody reads.
const MOST: usize = 6;

/// The page.
#[component]
pub fn ComparePage() -> impl IntoView {
    let ids = use_query_map().get_untracked().get_all("id").unwrap_or_default();
    let engine = use_context::<Arc<Engine>>();
    let answer = use_context::<ResponseOptions>();
    view! {
        <Suspense>
            {move || {
                let (ids, engine, answer) = (ids.clone(), engine.clone(), answer.clone());
                Suspend::new(async move {
                    let engine = engine?;
                    let asked = ask(&engine, &ids).await;
                    if let (Some(answer), Some((_, error))) = (answer, asked.troubles.first())
                        && asked.reports.len() < 2
                    {
                        answer.set_status(status_of(error));
                    }
                    Some(page(engine.workspace().badge(), asked))
                })
            }}
        </Suspense>
    }
}

/// What there is to compare, and what there is not.
struct Asked {
    reports: Vec<Report>,
    /// Ids and why their report is not there.
    troubles: Vec<(String, EdgeError)>,
    /// Ids beyond [`MOST`].
    surplus: usize,
}

async fn ask(engine: &Engine, ids: &[String]) -> Asked {
    let mut wanted: Vec<&String> = Vec::new();
    for id in ids.iter().filter(|id| !id.is_empty()) {
        if !wanted.contains(&id) {
            wanted.push(id);
        }
    }
    let surplus = wanted.len().saturating_sub(MOST);
    let mut asked = Asked { reports: Vec::new(), troubles: Vec::new(), surplus };
    for id in wanted.into_iter().take(MOST) {
        match engine.report(id).await {
            Ok(report) => asked.reports.push(report),
            Err(error) => asked.troubles.push((id.clone(), error)),
        }
    }
    asked
}

fn page(workspace: WorkspaceBadge, asked: Asked) -> impl IntoView {
    let Asked { reports, troubles, surplus } = asked;
    let troubles: Vec<_> = troubles.into_iter().map(|(_, error)| view! { <li>{error.message}</li> }).collect();
    let surplus = (surplus > 0).then(|| view! { <li>{format!("{surplus} more were left out: {MOST} are as many as can be read side by side.")}</li> });
    let any_trouble = !troubles.is_empty() || surplus.is_some();
    let troubles = any_trouble
        .then(|| view! { <ul class="banner compare-troubles" data-testid="troubles">{troubles} {surplus}</ul> });
    let inside = if reports.len() < 2 { too_few(&reports).into_any() } else { side_by_side(&reports).into_any() };
    view! {
        <Title text="Compare" />
        <Header workspace />
        <div class="frame">
            <Rail current=Page::Runs />
            <main id="main" tabindex="-1">
                <div class="report run">{troubles} {inside}</div>
            </main>
        </div>
    }
}

fn too_few(reports: &[Report]) -> impl IntoView + use<> {
    let there = reports.first().map(|report| {
        view! { <p>"There is one: "<a href=format!("/runs/{}", report.id)>{report.name.clone()}</a>"."</p> }
    });
    view! {
        <header class="run-head">
            <h1>"Two reports are needed"</h1>
            <p>
                "Choose two or more comparisons that have ended in the list of runs, or a second one on the page of a report. They stand side by side here, each measure with its change."
            </p>
            {there}
            <p><a href="/runs">"All runs"</a></p>
        </header>
    }
}

fn side_by_side(reports: &[Report]) -> impl IntoView + use<> {
    let names: Vec<&str> = reports.iter().map(|report| report.name.as_str()).collect();
    let title = names.join(" and ");
    let heads = reports.iter().enumerate().map(|(index, report)| {
        let base = if index == 0 { ", what the others are compared with" } else { "" };
        view! {
            <div>
                <dt>{format!("{}{base}", export::comparison_letter(index))}</dt>
                <dd><a href=format!("/runs/{}", report.id)>{report.name.clone()}</a></dd>
                <dd class="quiet">{report.started_at.clone()}</dd>
            </div>
        }
    });
    let heads = heads.collect_view();
    view! {
        <header class="run-head">
            <p class="quiet">"Reports side by side"</p>
            <h1>{title}</h1>
            <dl class="facts">{heads}</dl>
        </header>
        <div data-testid="side-by-side" inner_html=export::comparison_sections(reports)></div>
    }
}
