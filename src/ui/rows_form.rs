//! The editor for any other table: a JSON array of objects, checked against the table's columns while typing.

use leptos::prelude::*;

use super::bench::Bench;
use crate::model::FieldError;

/// The editor with the columns beside it.
#[component]
pub fn RowsForm(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let drafts = bench.drafts;
    let due = Memo::new(move |_| {
        let holds_something = drafts.rows_text.with(|text| !text.trim().is_empty());
        if holds_something || drafts.pressed.get() { bench.errors.get() } else { Vec::new() }
    });
    let wrong = move || due.with(|errors| !errors.is_empty());
    let edit = move |event| {
        drafts.rows_text.set(event_target_value(&event));
        // Positions in the text may have moved, so nothing the server said is certain any more.
        drafts.from_server.set(Vec::new());
    };
    let load = move |_| {
        if let Some(table) = bench.table_info.get_untracked() {
            drafts.load_sample(&table);
        }
    };
    let error_line = |error: FieldError| {
        let came = (!error.came.is_empty())
            .then(|| view! { <span class="quiet">" Came: "<span class="code">{error.came}</span></span> });
        view! { <li><span class="code">{error.path}</span>" "{error.message}{came}</li> }
    };
    view! {
        <section class="items" aria-labelledby="items-title">
            <div class="items-head">
                <h3 id="items-title">"Rows"</h3>
                <button type="button" class="button small" on:click=load>"Load sample data"</button>
                <button type="button" class="button small" on:click=move |_| drafts.clear()>"Clear"</button>
            </div>
            <div class="field">
                <label for="rows-json">"Rows as a JSON array of objects"</label>
                <textarea
                    id="rows-json"
                    name="rows"
                    class="code"
                    rows="12"
                    spellcheck="false"
                    autocomplete="off"
                    placeholder="[ { … }, { … } ]"
                    aria-invalid=move || wrong().then_some("true")
                    aria-describedby=move || if wrong() { "rows-json-error" } else { "rows-json-help" }
                    prop:value=move || drafts.rows_text.get()
                    on:input=edit
                ></textarea>
                <p class="help" id="rows-json-help">"One object for each row; its names are the table's columns."</p>
                <Show when=wrong>
                    <ul class="error" id="rows-json-error">{move || due.get().into_iter().take(20).map(error_line).collect_view()}</ul>
                </Show>
            </div>
            <details class="columns">
                <summary>"Columns of this table"</summary>
                <ul>
                    {move || bench.table_info.with(|table| {
                        let columns = table.iter().flat_map(|table| &table.columns);
                        columns.map(|column| {
                            let kind = if column.type_text.is_empty() { &column.type_name } else { &column.type_text };
                            let need = if column.nullable { "" } else { ", must have a value" };
                            view! { <li><span class="code">{column.name.clone()}</span>" "<span class="quiet">{format!("{kind}{need}")}</span></li> }
                        }).collect_view()
                    })}
                </ul>
            </details>
        </section>
    }
    .into_any()
}
