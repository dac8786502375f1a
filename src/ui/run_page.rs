//! The page at `/runs/{id}`: a comparison while it runs, and its report from then on. On the server only.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};
use leptos_router::params::ParamsMap;

use super::delivered_page;
use super::header::{Header, Page, Rail};
use super::run::head::{self, Refused};
use super::run::island::RunBoard;
use super::run::prices::{self, Typed};
use crate::api::http::status_of;
use crate::engine::{Engine, export};
use crate::model::cost::read_prices;
use crate::model::{EdgeError, HistoryEntry, HistoryQuery, LiveComparison, LiveView, Report, WorkspaceBadge};

/// Reports that are offered for comparing.
const MOST_OFFERED: u32 = 30;

/// The page.
#[component]
pub fn RunPage() -> impl IntoView {
    let id = use_params_map().get_untracked().get("id").unwrap_or_default();
    let query = use_query_map().get_untracked();
    let engine = use_context::<Arc<Engine>>();
    let answer = use_context::<ResponseOptions>();
    view! {
        <Suspense>
            {move || {
                let (id, query, engine, answer) = (id.clone(), query.clone(), engine.clone(), answer.clone());
                Suspend::new(async move {
                    let Some(engine) = engine else { return no_engine().into_any() };
                    let found = find(&engine, &id).await;
                    if let (Found::Nothing(error), Some(answer)) = (&found, answer) {
                        answer.set_status(status_of(error));
                    }
                    page(&id, &query, engine.workspace().badge(), found).into_any()
                })
            }}
        </Suspense>
    }
}

/// What is known of an id.
enum Found {
    /// It runs.
    Running(Box<LiveComparison>),
    /// It has ended; with others of the same table, and why it is not kept if it is not.
    Ended { report: Box<Report>, others: Vec<HistoryEntry>, unkept: Option<String> },
    /// There is nothing to show.
    Nothing(EdgeError),
}

async fn find(engine: &Engine, id: &str) -> Found {
    let report = match engine.report(id).await {
        Err(error) if error.error_code == "STILL_RUNNING" => match engine.follow_comparison(id) {
            Ok(live) => {
                let live = live.borrow().clone();
                if !live.finished {
                    return Found::Running(Box::new(live));
                }
                // It ended between the two questions.
                engine.report(id).await
            }
            Err(error) => Err(error),
        },
        asked => asked,
    };
    match report {
        Ok(report) => {
            let query =
                HistoryQuery { table: Some(report.table.clone()), page_size: MOST_OFFERED, ..HistoryQuery::default() };
            // Without a history there is nothing to compare with; the page says so by itself.
            let others = engine.past_comparisons(query).await.map(|page| page.entries).unwrap_or_default();
            let unkept = engine.history().and_then(|history| history.problem()).map(ToString::to_string);
            Found::Ended { report: Box::new(report), others, unkept }
        }
        Err(error) => Found::Nothing(error),
    }
}

fn page(id: &str, query: &ParamsMap, workspace: WorkspaceBadge, found: Found) -> impl IntoView + use<> {
    let (title, handed, inside) = match found {
        Found::Running(live) => {
            provide_context(LiveView::from(&*live));
            (live.name.clone(), as_json(&live), running(&live, query).into_any())
        }
        Found::Ended { report, others, unkept } => {
            let live = LiveComparison::from(&*report);
            provide_context(LiveView::from(&live));
            (report.name.clone(), as_json(&live), ended(&report, query, others, unkept).into_any())
        }
        Found::Nothing(error) => ("Not shown".to_owned(), String::new(), nothing(id, &error).into_any()),
    };
    view! {
        <Title text=title />
        <Header workspace />
        <div class="frame">
            <Rail current=Page::Runs />
            <main id="main" tabindex="-1" data-handed=handed>
                <div class="report run">{inside}</div>
            </main>
        </div>
    }
}

/// For the island of the page.
fn as_json(live: &LiveComparison) -> String {
    // Plain structs of text and numbers: there is nothing in them that JSON could refuse.
    serde_json::to_string(live).unwrap_or_default()
}

fn running(live: &LiveComparison, query: &ParamsMap) -> impl IntoView + use<> {
    view! {
        {head::refused(refused(query))}
        {head::live_head(live)}
        <RunBoard />
    }
}

fn ended(
    report: &Report,
    query: &ParamsMap,
    others: Vec<HistoryEntry>,
    unkept: Option<String>,
) -> impl IntoView + use<> {
    let pairs: Vec<(String, String)> =
        query.latest_values().map(|(name, text)| (name.to_string(), text.to_owned())).collect();
    let (prices, errors) = read_prices(&pairs);
    let sections = export::report_sections(report, &prices);
    let export_query = if errors.is_empty() { price_query(&pairs) } else { String::new() };
    let unkept =
        unkept.map(|why| view! { <div class="banner" role="note"><p>"This report is not kept. " {why}</p></div> });
    let head = head::report_head(report, &sections, &export_query, others);
    let above = [sections.verdict, sections.thresholds, sections.runs, sections.journey].concat();
    let cost = [sections.cost, prices::form(&report.id, &Typed { pairs, prices, errors })].concat();
    let below = [sections.each, sections.plan].concat();
    view! {
        {head::refused(refused(query))}
        {unkept}
        {head}
        <div data-testid="report" inner_html=above></div>
        <RunBoard />
        <div inner_html=[sections.percentiles, cost, below].concat()></div>
        {delivered_page::way_there(report)}
        <footer class="quiet">
            <p>
                "Comparison " <span class="code">{report.id.clone()}</span>
                ". Times are UTC; bytes are decimal; p99 is the time that 99 % of the records did not exceed."
            </p>
        </footer>
    }
}

fn nothing(id: &str, error: &EdgeError) -> impl IntoView + use<> {
    let title = match error.error_code.as_str() {
        "NOT_FOUND" => "There is no such comparison",
        "HISTORY_UNAVAILABLE" => "The history cannot be read",
        _ => "This comparison cannot be shown",
    };
    let again = (error.error_code != "NOT_FOUND").then(|| {
        view! { <p><a href=format!("/runs/{id}")>"Try again"</a></p> }
    });
    view! {
        <header class="run-head">
            <h1>{title}</h1>
            <p>{error.message.clone()}</p>
            {again}
            <p><a href="/runs">"All runs"</a>" · "<a href="/">"Workbench"</a></p>
        </header>
    }
}

fn no_engine() -> impl IntoView {
    view! {
        <main id="main" class="alone">
            <h1>"The engine is not running"</h1>
            <p>"Restart the server."</p>
        </main>
    }
}

fn refused(query: &ParamsMap) -> Option<Refused> {
    Some(Refused { action: query.get("refused")?, why: query.get("why").unwrap_or_default() })
}

/// The prices of an address, for the address of the exported file.
fn price_query(pairs: &[(String, String)]) -> String {
    let mut query = String::new();
    for (name, text) in pairs.iter().filter(|(name, _)| is_price(name)) {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(name);
        query.push('=');
        query.push_str(&leptos_router::location::Url::escape(text));
    }
    query
}

fn is_price(name: &str) -> bool {
    name.starts_with("zerobus_") || name.starts_with("warehouse_") || name == "currency"
}
