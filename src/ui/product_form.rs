//! The product form: several items of six fields, each with its label, help and errors.

use leptos::prelude::*;

use super::bench::Bench;
use super::drafts::Draft;
use super::field_errors::{input_id, path_of};
use super::number::count_of;
use crate::model::{FieldError, MAX_ITEMS};

/// A field of the form: column, label, placeholder, kind of keyboard, whether it may stay empty.
type Field = (&'static str, &'static str, &'static str, &'static str, bool);

const FIELDS: [Field; 6] = [
    ("product_id", "Product ID", "", "text", false),
    ("product_name", "Product name", "", "text", false),
    ("product_price", "Price", "0.00", "decimal", false),
    ("category", "Category", "", "text", false),
    ("sale_start_date", "Sale start", "YYYY-MM-DD", "numeric", true),
    ("sale_stop_date", "Sale stop", "YYYY-MM-DD", "numeric", true),
];

/// The items.
#[component]
pub fn ProductForm(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let drafts = bench.drafts;
    let count = move || drafts.products.with(Vec::len);
    let full = move || count() >= MAX_ITEMS;
    let load = move |_| {
        if let Some(table) = bench.table_info.get_untracked() {
            drafts.load_sample(&table);
        }
    };
    view! {
        <section class="items" aria-labelledby="items-title" hidden=move || bench.takes_products() != Some(true)>
            <div class="items-head">
                <h3 id="items-title">"Products"</h3>
                <span class="quiet num">{move || count_of(count() as u64, "item")}</span>
                <button type="button" class="button small" on:click=load>"Load sample data"</button>
                <button type="button" class="button small" on:click=move |_| drafts.clear()>"Clear"</button>
            </div>
            <ol class="item-list">
                <For each=move || drafts.products.get() key=|draft| draft.key children=move |draft| view! { <Item draft bench /> } />
            </ol>
            <button type="button" class="button small add" disabled=full on:click=move |_| drafts.add()>
                "Add item"
            </button>
            <p class="help" hidden=move || !full()>{format!("At most {MAX_ITEMS} items go at a time.")}</p>
        </section>
    }
}

#[component]
fn Item(draft: Draft, bench: Bench) -> impl IntoView {
    let drafts = bench.drafts;
    let number = move || drafts.index_of(draft) + 1;
    view! {
        <li>
            <fieldset class="item">
                <legend>{move || format!("Item {}", number())}</legend>
                <button
                    type="button"
                    class="button small quiet-button remove"
                    aria-label=move || format!("Remove item {}", number())
                    disabled=move || drafts.products.with(Vec::len) == 1
                    on:click=move |_| drafts.remove(draft.key)
                >
                    "Remove"
                </button>
                <div class="item-fields">
                    {FIELDS.into_iter().map(|field| view! { <TextField field draft bench /> }).collect_view()}
                </div>
            </fieldset>
        </li>
    }
}

#[component]
fn TextField(field: Field, draft: Draft, bench: Bench) -> impl IntoView {
    let (column, label, placeholder, keyboard, optional) = field;
    let path = move || path_of(bench.drafts.index_of(draft), column);
    let id = move || input_id(&path());
    let error = Memo::new(move |_| {
        let due = bench.drafts.pressed.get() || draft.shows_errors(column);
        let mine = |errors: &Vec<FieldError>| {
            let path = path();
            let of_field = errors.iter().filter(|error| error.path == path);
            of_field.map(|error| error.message.as_str()).collect::<Vec<_>>().join(" ")
        };
        if due { bench.errors.with(mine) } else { String::new() }
    });
    let wrong = move || error.with(|error| !error.is_empty());
    let edit = move |event| draft.edit(column, event_target_value(&event), &untrack(path), bench.drafts);
    view! {
        <div class="field" data-column=column>
            <label for=id>
                {label}
                <span class="quiet">{if optional { " optional" } else { "" }}</span>
            </label>
            <input
                type="text"
                id=id
                name=path
                inputmode=keyboard
                placeholder=placeholder
                autocomplete="off"
                spellcheck="false"
                required=!optional
                aria-invalid=move || wrong().then(|| "true".to_owned())
                aria-describedby=move || wrong().then(|| format!("{}-error", id()))
                prop:value=move || draft.text.with(|draft| draft.field(column).to_owned())
                on:input=edit
            />
            <p class="error" id=move || format!("{}-error", id()) hidden=move || !wrong()>
                {move || error.get()}
            </p>
        </div>
    }
}
