//! The latest rows of the chosen table, as a SELECT returned them, those just written marked.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench::Bench;
use super::number::{count_of, grouped};
use crate::api;
use crate::model::{EdgeError, RowsPage, StageState, TableName};

const LATEST: u32 = 20;

/// What is known of the rows.
#[derive(Clone, Copy)]
struct View {
    /// The last answer and the table it is about.
    page: RwSignal<Option<(TableName, RowsPage)>>,
    /// Why the last question was not answered.
    problem: RwSignal<Option<EdgeError>>,
    /// Whether a question is on its way.
    asking: RwSignal<bool>,
    /// Counts questions; only the answer to the latest counts.
    question: StoredValue<u32>,
}

impl View {
    fn ask(self, table: TableName) {
        let question = self.question.get_value().wrapping_add(1);
        self.question.set_value(question);
        self.asking.set(true);
        spawn_local(async move {
            let answer = api::latest_rows(table.clone(), LATEST).await;
            if self.question.get_value() != question {
                return;
            }
            self.asking.set(false);
            match answer {
                Ok(page) => {
                    self.problem.set(None);
                    self.page.set(Some((table, page)));
                }
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
    }
}

/// The panel.
#[component]
pub fn Rows(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let rows = View {
        page: RwSignal::new(None),
        problem: RwSignal::new(None),
        asking: RwSignal::new(false),
        question: StoredValue::new(0),
    };
    // Anything that may have changed the table, so that the effect asks once for each.
    let occasion = Memo::new(move |_| {
        let moment = bench.snapshot.with(|snapshot| {
            snapshot.as_ref().map(|snapshot| {
                let visible = snapshot.stages.last().is_some_and(|last| last.state == StageState::Done);
                (snapshot.id.clone(), visible, snapshot.finished)
            })
        });
        let silent = bench.info.with(|info| info.problem.is_some());
        (bench.table.get(), moment, silent)
    });
    Effect::new(move |before: Option<bool>| {
        let (table, moment, silent) = occasion.get();
        // A submission that is merely under way has changed nothing yet.
        let worth_it = before.is_none() || moment.is_none_or(|(_, visible, finished)| visible || finished);
        if let Some(table) = table.filter(|_| worth_it && !silent) {
            rows.ask(table);
        }
        true
    });
    let fresh = Memo::new(move |_| {
        bench
            .snapshot
            .with(|snapshot| snapshot.as_ref().map(|snapshot| snapshot.record_ids.clone()).unwrap_or_default())
    });
    let current = Memo::new(move |_| {
        let table = bench.table.get();
        rows.page
            .with(|page| page.as_ref().filter(|(name, _)| Some(name) == table.as_ref()).map(|(_, page)| page.clone()))
    });
    let refresh = move |_| {
        if let Some(table) = bench.table.get_untracked() {
            rows.ask(table);
        }
    };
    let total =
        move || current.with(|page| page.as_ref().map(|page| format!("{} in all", count_of(page.total, "row"))));
    let body = move || {
        current.with(|page| match page {
            Some(page) if page.rows.is_empty() => empty().into_any(),
            Some(page) => fresh.with(|fresh| table_of(page, fresh)).into_any(),
            None if rows.problem.with(Option::is_some) => ().into_any(),
            None if bench.table.with(Option::is_none) => {
                view! { <p class="teach">"Choose a table to see its rows."</p> }.into_any()
            }
            None => skeleton().into_any(),
        })
    };
    view! {
        <section class="rows" aria-labelledby="rows-title" aria-busy=move || rows.asking.get().to_string()>
            <div class="rows-head">
                <h2 id="rows-title">"Rows in the table"</h2>
                <span class="code quiet">{move || bench.table.with(|table| table.as_ref().map(TableName::to_string))}</span>
                <span class="quiet num" data-testid="rows-total">{total}</span>
                <button type="button" class="button small" disabled=move || !bench.hydrated.get() on:click=refresh>
                    {move || if rows.asking.get() { "Refreshing…" } else { "Refresh" }}
                </button>
            </div>
            {move || rows.problem.get().map(|problem| view! { <Trouble problem retry=refresh stale=current.with(Option::is_some) /> })}
            <div class="scroll" tabindex="0" role="region" aria-label="The rows, scrollable" data-stale=move || rows.problem.with(Option::is_some).to_string()>
                {body}
            </div>
        </section>
    }
    .into_any()
}

#[component]
fn Trouble(problem: EdgeError, retry: impl Fn(leptos::ev::MouseEvent) + 'static, stale: bool) -> impl IntoView {
    view! {
        <div class="trouble">
            <p>
                <span class="sign" data-state="bad" aria-hidden="true">"×"</span>
                "The rows could not be read. "
                {problem.message}
                " "
                <span class="code quiet">{problem.error_code}</span>
                {stale.then_some(" Below is what was read last.")}
            </p>
            <button type="button" class="button small" on:click=retry>"Try again"</button>
        </div>
    }
    .into_any()
}

fn empty() -> impl IntoView {
    view! {
        <p class="teach" data-testid="rows-empty">
            "The table has no rows yet. Load the sample data and press the button: the latest 20 rows appear here as soon as a SELECT sees them."
        </p>
    }
}

/// The shape of what is coming.
fn skeleton() -> impl IntoView {
    let row = || view! { <div class="bone"></div> };
    view! {
        <div class="skeleton" data-testid="rows-loading">
            <p class="sr-only">"Reading the rows."</p>
            <div class="bone head"></div>
            {(0..5).map(|_| row()).collect_view()}
        </div>
    }
}

fn table_of(page: &RowsPage, fresh: &[String]) -> impl IntoView + use<> {
    let id_column = page.columns.iter().position(|column| column == "record_id");
    let heads = page.columns.iter().map(|column| view! { <th scope="col">{column.clone()}</th> }).collect_view();
    let rows = page.rows.iter().map(|row| {
        let id = id_column.and_then(|index| row.get(index)?.as_ref());
        let is_fresh = id.is_some_and(|id| fresh.contains(id));
        let cells = row.iter().zip(&page.columns).map(|(value, column)| cell(value.as_deref(), column)).collect_view();
        view! {
            <tr data-fresh=is_fresh.to_string()>
                <td class="fresh">{is_fresh.then(|| view! { <span aria-hidden="true">"▸ "</span>"new" })}</td>
                {cells}
            </tr>
        }
    });
    let caption = format!(
        "The latest {} of {} rows; those of the last submission are marked new",
        page.rows.len(),
        grouped(page.total)
    );
    view! {
        <table data-testid="rows">
            <caption class="sr-only">{caption}</caption>
            <thead><tr><th scope="col"><span class="sr-only">"Just written"</span></th>{heads}</tr></thead>
            <tbody>{rows.collect_view()}</tbody>
        </table>
    }
}

fn cell(value: Option<&str>, column: &str) -> impl IntoView + use<> {
    let is_id = column.ends_with("_id") || column.ends_with("_at") || column.ends_with("_date");
    let is_number = value.is_some_and(|text| text.parse::<f64>().is_ok()) && !is_id;
    let class = match (is_number, is_id) {
        (true, _) => "num right",
        (_, true) => "code",
        _ => "words",
    };
    match value {
        Some(text) => view! { <td class=class title=text.to_owned()>{text.to_owned()}</td> }.into_any(),
        None => view! { <td class="quiet">"null"</td> }.into_any(),
    }
}
