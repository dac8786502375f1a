//! The page at `/runs/{id}/delivered`: what the workspace's own records say that Zerobus took, beside what the comparison counted.
//! On the server only, and without an island: it is asked when it is opened.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::header::{Header, Page, Rail};
use crate::api::http::status_of;
use crate::engine::{Engine, went_through_zerobus};
use crate::model::number::{bytes, grouped};
use crate::model::{Delivered, EdgeError, Report, ServiceCounts, WorkspaceBadge};

/// The way from a report to this page; nothing where no run went through Zerobus.
pub(super) fn way_there(report: &Report) -> Option<impl IntoView + use<>> {
    let address = format!("/runs/{}/delivered", report.id);
    went_through_zerobus(report).then(|| {
        view! {
            <section aria-labelledby="delivered">
                <h2 id="delivered">"What the workspace says"</h2>
                <p>
                    "Zerobus keeps records of its own, in "<span class="code">"system.lakeflow"</span>". "
                    <a href=address data-testid="delivered">"Hold them against these counts"</a>
                    "; that runs a statement on the warehouse."
                </p>
            </section>
        }
    })
}

/// The page.
#[component]
pub fn DeliveredPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let engine = use_context::<Arc<Engine>>();
    let answer = use_context::<ResponseOptions>();
    view! {
        <Suspense>
            {move || {
                let (id, engine, answer) = (id.clone(), engine.clone(), answer.clone());
                Suspend::new(async move {
                    let engine = engine?;
                    let asked = engine.delivered(&id).await;
                    if let (Err(error), Some(answer)) = (&asked, answer) {
                        answer.set_status(status_of(error));
                    }
                    Some(page(&id, engine.workspace().badge(), asked))
                })
            }}
        </Suspense>
    }
}

fn page(id: &str, workspace: WorkspaceBadge, asked: Result<Delivered, EdgeError>) -> impl IntoView + use<> {
    let back = format!("/runs/{id}");
    let inside = match asked {
        Ok(delivered) => counts(delivered).into_any(),
        Err(error) => view! { <header class="run-head"><h1>"Not shown"</h1><p>{error.message}</p></header> }.into_any(),
    };
    view! {
        <Title text="What the workspace says" />
        <Header workspace />
        <div class="frame">
            <Rail current=Page::Runs />
            <main id="main" tabindex="-1">
                <div class="report run">{inside}<p><a href=back>"Back to the report"</a></p></div>
            </main>
        </div>
    }
}

fn counts(delivered: Delivered) -> impl IntoView + use<> {
    let words = delivered.words();
    let Delivered { name, table, from, to, writers, durable, in_doubt, service, problem, statement, .. } = delivered;
    let problem = problem.map(|why| view! { <div class="banner" role="note"><p>{why}</p></div> });
    let theirs = service.map(|counts| service_rows(&counts).into_any());
    view! {
        <header class="run-head">
            <p class="quiet">{name}</p>
            <h1>"What the workspace says"</h1>
            <p data-testid="verdict">{words}</p>
        </header>
        {problem}
        <div class="scroll" tabindex="0" role="region" aria-label="Counts">
            <table>
                <caption>{format!("{table}, from {from} to {to}")}</caption>
                <tbody>
                    <tr><th scope="row">{format!("Durable, by {}", writers.join(" and "))}</th><td>{grouped(durable)}</td></tr>
                    <tr><th scope="row">"Sent and never answered"</th><td>{grouped(in_doubt)}</td></tr>
                    {theirs}
                </tbody>
            </table>
        </div>
        <p class="quiet">
            "The workspace's records name the table and the time, not the writer: what others wrote meanwhile is in them. They come minutes to hours late."
        </p>
        <h2>"The statement"</h2>
        <pre class="code">{statement}</pre>
    }
}

fn service_rows(counts: &ServiceCounts) -> impl IntoView + use<> {
    let rows = [
        ("Committed, by the workspace", grouped(counts.records)),
        ("Their size", bytes(counts.bytes)),
        ("Commits", grouped(counts.commits)),
        ("Streams", grouped(counts.streams)),
        ("Events of streams with an error", grouped(counts.stream_errors)),
    ];
    rows.map(|(name, value)| view! { <tr><th scope="row">{name}</th><td>{value}</td></tr> }).collect_view()
}
