//! The editor for any other table: a JSON array of objects, checked against the table's columns while typing.

use leptos::prelude::*;

use super::bench::Bench;
use super::drawn::drawn;
use super::markup::Markup;

/// The editor with the columns beside it.
#[component]
pub fn RowsForm(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let drafts = bench.drafts;
    let due = move || drafts.pressed.get() || drafts.rows_text.with(|text| !text.trim().is_empty());
    // The editor stays in the page while another table is chosen, and has no errors then.
    let shown = move || bench.takes_products() == Some(false);
    let wrong = move || shown() && due() && bench.errors.with(|errors| !errors.is_empty());
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
    let errors = move || {
        let mut markup = Markup::new();
        bench.errors.with(|errors| {
            for error in errors.iter().take(if due() { 20 } else { 0 }) {
                markup.raw("<li>").element("span", &[("class", "code")], &error.path).text(" ").text(&error.message);
                if !error.came.is_empty() {
                    markup.raw("<span class=\"quiet\"> Came: ");
                    markup.element("span", &[("class", "code")], &error.came).raw("</span>");
                }
                markup.raw("</li>");
            }
        });
        markup.finish()
    };
    let columns = move || {
        let mut markup = Markup::new();
        bench.table_info.with(|table| {
            for column in table.iter().flat_map(|table| &table.columns) {
                let kind = if column.type_text.is_empty() { &column.type_name } else { &column.type_text };
                let need = if column.is_filled_in() {
                    ", filled in where it is left out"
                } else if column.nullable {
                    ""
                } else {
                    ", must have a value"
                };
                markup.raw("<li>").element("span", &[("class", "code")], &column.name).text(" ");
                markup.element("span", &[("class", "quiet")], &format!("{kind}{need}")).raw("</li>");
            }
        });
        markup.finish()
    };
    view! {
        <section class="items" aria-labelledby="rows-form-title" hidden=move || !shown()>
            <div class="items-head">
                <h3 id="rows-form-title">"Rows"</h3>
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
                    aria-invalid=move || wrong().then(|| "true".to_owned())
                    aria-describedby=move || if wrong() { "rows-json-error" } else { "rows-json-help" }
                    prop:value=move || drafts.rows_text.get()
                    on:input=edit
                ></textarea>
                <p class="help" id="rows-json-help">"One object for each row; its names are the table's columns."</p>
                <ul class="error" id="rows-json-error" hidden=move || !wrong() inner_html=drawn(errors)></ul>
            </div>
            <details class="columns">
                <summary>"Columns of this table"</summary>
                <ul inner_html=drawn(columns)></ul>
            </details>
        </section>
    }
}
