//! The left half: where the records come from, where they go, and the button.

use leptos::prelude::*;

use super::bench::Bench;
use super::number::count_of;
use super::product_form::ProductForm;
use super::rows_form::RowsForm;
use super::writers::WriterSelector;
use super::{browser, field_errors};
use crate::model::{TableInfo, TableName};

/// The form.
#[component]
pub fn Compose(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let takes_products =
        Memo::new(move |_| bench.table_info.with(|table| table.as_ref().map(TableInfo::takes_products)));
    let on_submit = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        bench.press();
    };
    view! {
        <form class="compose" aria-labelledby="compose-title" novalidate on:submit=on_submit>
            <h2 id="compose-title">"Compose"</h2>
            // Typing before the island is awake would be lost.
            <fieldset class="bare" disabled=move || !bench.hydrated.get()>
                <WriterSelector bench />
                <TableSelector bench />
                {move || match takes_products.get() {
                    Some(true) => view! { <ProductForm bench /> }.into_any(),
                    Some(false) => view! { <RowsForm bench /> }.into_any(),
                    None => no_table().into_any(),
                }}
                <JsonView bench />
            </fieldset>
            <ErrorSummary bench />
            <ActionBar bench />
        </form>
    }
    .into_any()
}

fn no_table() -> impl IntoView {
    view! {
        <p class="teach">
            "No table to write to is known. Tables appear here as soon as the workspace lists one that this app may write to."
        </p>
    }
}

#[component]
fn TableSelector(bench: Bench) -> impl IntoView {
    let names = Memo::new(move |_| {
        bench.info.with(|info| info.tables.iter().map(|table| table.name.to_string()).collect::<Vec<_>>())
    });
    let choose = move |event| {
        bench.drafts.forget_verdicts();
        bench.table.set(TableName::parse(&event_target_value(&event)).ok());
    };
    let is_chosen =
        move |name: &str| bench.table.with(|table| table.as_ref().is_some_and(|table| table.to_string() == name));
    let columns = move || {
        bench.table_info.with(|table| table.as_ref().map(|table| count_of(table.columns.len() as u64, "column")))
    };
    view! {
        <div class="field">
            <label for="table">"Table"</label>
            <select id="table" name="table" aria-describedby="table-help" on:change=choose>
                {move || {
                    let options = names.get().into_iter().map(|name| {
                        let selected = untrack(|| is_chosen(&name));
                        view! { <option value=name.clone() selected=selected>{name.clone()}</option> }
                    });
                    options.collect_view()
                }}
            </select>
            <p class="help" id="table-help">{columns}</p>
        </div>
    }
    .into_any()
}

#[component]
fn JsonView(bench: Bench) -> impl IntoView {
    let json = move || match bench.submission() {
        Some(submission) => serde_json::to_string_pretty(&submission).unwrap_or_default(),
        None => "Nothing can be sent yet: a table, a ready writer and readable JSON are needed.".to_owned(),
    };
    view! {
        <details class="json">
            <summary>"JSON"</summary>
            <p class="help">"Exactly what will be sent."</p>
            <pre class="code" tabindex="0" data-testid="json">{json}</pre>
        </details>
    }
    .into_any()
}

/// After the button was pressed: how many errors, each leading to its field.
#[component]
fn ErrorSummary(bench: Bench) -> impl IntoView {
    let due = Memo::new(move |_| if bench.drafts.pressed.get() { bench.errors.get() } else { Vec::new() });
    let link = |error: crate::model::FieldError| {
        let id = field_errors::input_id(&error.path);
        let href = format!("#{id}");
        let go = move |event: leptos::ev::MouseEvent| {
            event.prevent_default();
            browser::focus_soon(id.clone());
        };
        view! {
            <li>
                <a href=href on:click=go><span class="code">{error.path}</span></a>
                " "
                {error.message}
            </li>
        }
    };
    view! {
        <Show when=move || !due.with(Vec::is_empty)>
            <section class="errors" data-testid="error-summary" aria-labelledby="errors-title">
                <h3 id="errors-title">
                    <span class="sign" data-state="bad" aria-hidden="true">"×"</span>
                    {move || due.with(|errors| field_errors::summary(errors))}
                </h3>
                <p>"Nothing was written. Correct them and press the button again."</p>
                <ul>{move || due.get().into_iter().take(12).map(link).collect_view()}</ul>
                {move || due.with(Vec::len).checked_sub(12).filter(|more| *more > 0).map(|more| view! { <p class="quiet">{format!("and {more} more")}</p> })}
            </section>
        </Show>
    }
    .into_any()
}

#[component]
fn ActionBar(bench: Bench) -> impl IntoView {
    let blocked = Memo::new(move |_| bench.blocked());
    let takes_products = move || bench.table_info.with(|table| table.as_ref().is_none_or(TableInfo::takes_products));
    let summary = move || {
        let count =
            bench.table_info.with(|table| table.as_ref().and_then(|table| bench.drafts.items(table).ok()))?.len();
        let writer = bench.usable_writer.get()?;
        Some(format!("{} by {writer}", count_of(count as u64, if takes_products() { "item" } else { "row" })))
    };
    view! {
        <div class="action">
            <p class="action-note num" id="action-note">
                {move || blocked.get().map(str::to_owned).or_else(summary).unwrap_or_default()}
            </p>
            <button
                type="submit"
                class="button primary"
                aria-describedby="action-note"
                disabled=move || blocked.get().is_some()
            >
                {move || if takes_products() { "Process Products Data" } else { "Process Rows" }}
            </button>
        </div>
    }
    .into_any()
}
