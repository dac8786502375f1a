//! The page at `/tables`: catalogs, schemas and tables that the principal can see, and all about the one that is chosen. On the
//! server only; everything is links and plain forms.

mod address;
pub mod create;
mod create_draw;
mod lists;
mod rows;
mod table;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_axum::ResponseOptions;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::header::{Header, Page, Rail};
use super::markup::Markup;
use crate::api::caller::Caller;
use crate::api::http::status_of;
use crate::engine::Engine;
use crate::engine::tables::{Place, Surroundings};
use crate::model::{EdgeError, TableName, WorkspaceBadge};

/// The page's address.
pub const TABLES: &str = "/tables";

/// The page.
#[component]
pub fn TablesPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let asked = |name: &str| query.get(name).unwrap_or_default().trim().to_owned();
    let typed = asked("name");
    let place = Place { catalog: asked("catalog"), schema: asked("schema"), table: asked("table") };
    let engine = use_context::<Arc<Engine>>();
    let answer = use_context::<ResponseOptions>();
    let actor = Caller::current().actor();
    view! {
        <Suspense>
            {move || {
                let (engine, answer, actor) = (engine.clone(), answer.clone(), actor.clone());
                let (typed, place) = (typed.clone(), place.clone());
                Suspend::new(async move {
                    let engine = engine?;
                    let (place, problem) = place_of(typed.as_str(), place);
                    let seen = engine.look_around(&place, actor).await;
                    if let (Some(answer), Some(error)) = (answer, trouble(&seen, problem.as_ref())) {
                        answer.set_status(status_of(error));
                    }
                    Some(frame(engine.workspace().badge(), &place, &typed, problem.as_ref(), &seen))
                })
            }}
        </Suspense>
    }
}

/// The place that is asked for: a full name that was typed counts more than what was followed.
fn place_of(typed: &str, place: Place) -> (Place, Option<EdgeError>) {
    if typed.is_empty() {
        return (place, None);
    }
    match TableName::parse(typed) {
        Ok(name) => {
            let (catalog, schema, table) = (name.catalog(), name.schema(), name.table());
            let [catalog, schema, table] = [catalog, schema, table].map(str::to_owned);
            (Place { catalog, schema, table }, None)
        }
        Err(error) => (place, Some(EdgeError::new("INVALID_PARAMETER_VALUE", format!("{error}.")))),
    }
}

/// What the answer's status is about: the deepest thing that was asked for.
fn trouble<'a>(seen: &'a Surroundings, problem: Option<&'a EdgeError>) -> Option<&'a EdgeError> {
    let table = seen.table.as_ref().map(|table| table.as_ref().err());
    let tables = seen.tables.as_ref().map(|tables| tables.as_ref().err());
    let schemas = seen.schemas.as_ref().map(|schemas| schemas.as_ref().err());
    problem.or_else(|| table.or(tables).or(schemas).unwrap_or(seen.catalogs.as_ref().err()))
}

fn frame(
    workspace: WorkspaceBadge,
    place: &Place,
    typed: &str,
    problem: Option<&EdgeError>,
    seen: &Surroundings,
) -> impl IntoView + use<> {
    let title = match (&place.catalog, &place.schema, &place.table) {
        (catalog, schema, table) if !table.is_empty() => format!("{catalog}.{schema}.{table}"),
        _ => "Tables".to_owned(),
    };
    let level = match place {
        Place { table, .. } if !table.is_empty() => "table",
        Place { schema, .. } if !schema.is_empty() => "schema",
        Place { catalog, .. } if !catalog.is_empty() => "catalog",
        _ => "workspace",
    };
    let parts = parts(place, typed, problem, seen, &workspace);
    view! {
        <Title text=title />
        <Header workspace />
        <div class="frame">
            <Rail current=Page::Tables />
            <main id="main" tabindex="-1" class="tables" data-level=level inner_html=parts></main>
        </div>
        <script src="/copy.js" defer></script>
    }
}

fn parts(
    place: &Place,
    typed: &str,
    problem: Option<&EdgeError>,
    seen: &Surroundings,
    workspace: &WorkspaceBadge,
) -> String {
    let mut markup = Markup::new();
    markup.raw("<div class=\"page-head\"><h1>Tables</h1>");
    markup.raw("<form class=\"go\" method=\"get\" action=\"/tables\" role=\"search\">");
    markup.open(
        "input",
        &[
            ("type", "text"),
            ("name", "name"),
            ("class", "code"),
            ("value", typed),
            ("aria-label", "Full name of a table"),
            ("placeholder", "catalog.schema.table"),
            ("autocomplete", "off"),
            ("spellcheck", "false"),
        ],
    );
    markup.raw("<button class=\"button\">Open</button></form>");
    markup.element("a", &[("class", "button"), ("href", &address::of_new(place))], "Create a table");
    markup.raw("</div>");
    if let Some(problem) = problem {
        banner(&mut markup, "That is no table", problem);
    }
    lists::crumbs(&mut markup, place);
    markup.raw("<div class=\"places-and-table\">");
    lists::lists(&mut markup, place, seen);
    markup.raw("<div class=\"of-table\">");
    match &seen.table {
        Some(Ok(view)) => table::draw(&mut markup, view, workspace),
        Some(Err(error)) => banner(&mut markup, "The table cannot be shown", error),
        None => lists::teach(&mut markup, place, seen),
    }
    markup.raw("</div></div>");
    markup.finish()
}

/// What failed, what was kept, what to do next.
fn banner(markup: &mut Markup, title: &'static str, problem: &EdgeError) {
    markup.raw("<section class=\"banner\" data-testid=\"refusal\"><div class=\"banner-words\">");
    markup.raw("<h2><span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>").raw(title).raw("</h2><p>");
    markup.text(&problem.message).text(" ").element("span", &[("class", "code quiet")], &problem.error_code);
    markup.raw("</p></div></section>");
}

/// SQL to be taken along: the text and a button that copies it, which `copy.js` wakes.
fn statements(markup: &mut Markup, id: &str, statements: &[String]) {
    let text: String = statements.iter().map(|one| format!("{one};\n")).collect();
    markup.raw("<div class=\"statements\">");
    markup.open("pre", &[("class", "code"), ("id", id), ("tabindex", "0")]).text(text.trim_end()).raw("</pre>");
    markup.element(
        "button",
        &[("type", "button"), ("class", "button small"), ("data-copy", id), ("hidden", "")],
        "Copy",
    );
    markup.raw("</div>");
}

#[cfg(test)]
mod tests;
