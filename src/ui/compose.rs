//! The left half: where the records come from, where they go, and the button.

use leptos::prelude::*;

use super::bench::Bench;
use super::drawn::drawn;
use super::markup::{Attributes, Markup};
use super::number::count_of;
use super::product_form::ProductForm;
use super::rows_form::RowsForm;
use super::writers::WriterSelector;
use super::{browser, field_errors};
use crate::model::{FieldError, TableInfo, TableName};

/// Most errors the summary lists.
const MOST_ERRORS: usize = 12;

/// The form.
#[component]
pub fn Compose(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
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
                // Both forms are there and one is shown: forms that come and go would be compiled thrice.
                <ProductForm bench />
                <RowsForm bench />
                <p class="teach" hidden=move || bench.takes_products().is_some()>
                    "No table to write to is known. Tables appear here as soon as the workspace lists one that this app may write to."
                </p>
                <JsonView bench />
            </fieldset>
            <ErrorSummary bench />
            <ActionBar bench />
        </form>
    }
}

#[component]
fn TableSelector(bench: Bench) -> impl IntoView {
    let choose = move |event| {
        bench.drafts.forget_verdicts();
        bench.table.set(TableName::parse(&event_target_value(&event)).ok());
    };
    let options = move || {
        let mut markup = Markup::new();
        let chosen = bench.table.get();
        bench.info.with(|info| {
            for TableInfo { name, .. } in &info.tables {
                let (text, is_chosen) = (name.to_string(), chosen.as_ref() == Some(name));
                let option: Attributes<'_> = &[("value", &text), ("selected", "")];
                markup.element("option", if is_chosen { option } else { &option[..1] }, &text);
            }
        });
        markup.finish()
    };
    // The form that this belongs to is outside of this one: it leads to the page of another table.
    let columns = move || bench.table_info.with(|table| table.as_ref().map(|table| table.columns.len() as u64));
    view! {
        <div class="field">
            <label for="table">"Table"</label>
            <select id="table" name="table" aria-describedby="table-help" on:change=choose inner_html=drawn(options)></select>
            <p class="help" id="table-help">
                {move || columns().map(|count| count_of(count, "column")).unwrap_or_default()}
            </p>
            <details class="other-table">
                <summary>"Another table"</summary>
                <div class="go">
                    <input
                        form="other-table"
                        name="table"
                        class="code"
                        aria-label="Full name of another table"
                        placeholder="catalog.schema.table"
                        autocomplete="off"
                        spellcheck="false"
                    />
                    <button form="other-table" class="button small">"Use it"</button>
                    <a class="button small" href="/tables">"Browse all tables"</a>
                </div>
            </details>
        </div>
    }
}

#[component]
fn JsonView(bench: Bench) -> impl IntoView {
    let json = move || match bench.submission() {
        Some(submission) => format!("{:#}", submission.to_json()),
        None => "Nothing can be sent yet: a table, a ready writer and readable JSON are needed.".to_owned(),
    };
    view! {
        <details class="json">
            <summary>"JSON"</summary>
            <p class="help">"Exactly what will be sent."</p>
            <pre class="code" tabindex="0" data-testid="json">{json}</pre>
        </details>
    }
}

/// After the button was pressed: how many errors, each leading to its field.
#[component]
fn ErrorSummary(bench: Bench) -> impl IntoView {
    let due = move || bench.drafts.pressed.get() && bench.errors.with(|errors| !errors.is_empty());
    let go = move |event| {
        if let Some(id) = browser::linked(&event) {
            browser::focus_soon(id);
        }
    };
    let draw = move || if due() { bench.errors.with(|errors| draw_errors(errors)) } else { String::new() };
    view! {
        <section
            class="errors"
            data-testid="error-summary"
            aria-labelledby="errors-title"
            hidden=move || !due()
            on:click=go
            inner_html=drawn(draw)
        ></section>
    }
}

fn draw_errors(errors: &[FieldError]) -> String {
    let mut markup = Markup::new();
    markup.raw("<h3 id=\"errors-title\"><span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>");
    markup.text(&field_errors::summary(errors)).raw("</h3>");
    markup.raw("<p>Nothing was written. Correct them and press the button again.</p><ul>");
    for error in errors.iter().take(MOST_ERRORS) {
        markup.raw("<li>").open("a", &[("href", &format!("#{}", field_errors::input_id(&error.path)))]);
        markup.element("span", &[("class", "code")], &error.path).raw("</a> ").text(&error.message).raw("</li>");
    }
    markup.raw("</ul>");
    if let Some(more) = errors.len().checked_sub(MOST_ERRORS).filter(|more| *more > 0) {
        markup.element("p", &[("class", "quiet")], &format!("and {more} more"));
    }
    markup.finish()
}

#[component]
fn ActionBar(bench: Bench) -> impl IntoView {
    let products = move || bench.takes_products().unwrap_or(true);
    let summary = move || {
        let count =
            bench.table_info.with(|table| table.as_ref().and_then(|table| bench.drafts.items(table).ok()))?.len();
        let writer = bench.usable_writer()?;
        Some(format!("{} by {writer}", count_of(count as u64, if products() { "item" } else { "row" })))
    };
    let note = move || bench.blocked().map(str::to_owned).or_else(summary).unwrap_or_default();
    view! {
        <div class="action">
            <p class="action-note num" id="action-note">{note}</p>
            <button
                type="submit"
                class="button primary"
                aria-describedby="action-note"
                disabled=move || bench.blocked().is_some()
            >
                {move || if products() { "Process Products Data" } else { "Process Rows" }}
            </button>
        </div>
    }
}
