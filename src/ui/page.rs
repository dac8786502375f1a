//! The page at `/`: what stands around the workbench, and which source of records it shows. On the server only.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::composer::{Composer, Sheet, UploadStart};
use super::header::{Header, Page, Rail};
use super::sources::{Source, SourceSwitch};
use super::workbench::Workbench;
use crate::api;
use crate::engine::Engine;
use crate::model::{EdgeError, TableName, WorkbenchInfo};

/// The page at `/`.
#[component]
pub fn WorkbenchPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let asked = |name: &str| query.get(name).unwrap_or_default();
    match Source::of(&asked("source")) {
        Source::Form => form_page(asked("table")).into_any(),
        source => composer_page(source, asked("from"), asked("upload"), asked("table")).into_any(),
    }
}

fn form_page(table: String) -> impl IntoView {
    let engine = use_context::<Arc<Engine>>();
    let info = Resource::new_blocking(
        || (),
        move |()| {
            let (engine, table) = (engine.clone(), table.clone());
            async move {
                let mut info = api::workbench_info().await?;
                let problem = match (engine, table.trim()) {
                    (Some(engine), table) if !table.is_empty() => add_table(&engine, &mut info, table).await.err(),
                    _ => None,
                };
                Ok::<_, EdgeError>((info, problem))
            }
        },
    );
    view! {
        <Title text="Workbench" />
        <Suspense>
            {move || Suspend::new(async move {
                match info.await {
                    Ok((info, problem)) => form_frame(info, problem).into_any(),
                    Err(error) => no_server(error).into_any(),
                }
            })}
        </Suspense>
    }
}

async fn add_table(engine: &Engine, info: &mut WorkbenchInfo, table: &str) -> Result<(), EdgeError> {
    let name = TableName::parse(table).map_err(|error| {
        EdgeError::new("INVALID_PARAMETER_VALUE", format!("{error}. Another table is chosen below."))
    })?;
    engine.add_table(info, &name).await
}

fn form_frame(info: WorkbenchInfo, problem: Option<EdgeError>) -> impl IntoView {
    let problem = problem.map(|error| {
        view! {
            <section class="banner not-there" data-testid="refusal" aria-labelledby="refusal-title">
                <div class="banner-words">
                    <h2 id="refusal-title">
                        <span class="sign" data-state="bad" aria-hidden="true">"×"</span>
                        "That table cannot be used"
                    </h2>
                    <p>{error.message}" "<span class="code quiet">{error.error_code}</span></p>
                </div>
                <a class="button" href="/tables">"Browse all tables"</a>
            </section>
        }
    });
    // Plain structs of text and numbers: there is nothing in them that JSON could refuse.
    let handed = serde_json::to_string(&info).unwrap_or_default();
    provide_context(info.clone());
    view! {
        <Header workspace=info.workspace.clone() skip="Skip to the workbench" />
        <div class="frame">
            <Rail current=Page::Workbench />
            <main id="main" tabindex="-1" data-handed=handed>
                <SourceSwitch current=Source::Form />
                {problem}
                // Where the workbench leads to another table.
                <form id="other-table" action="/" method="get" hidden></form>
                <Workbench />
            </main>
        </div>
    }
}

/// The composer: what the server was sent and gives back, or what the address asks for.
fn composer_page(source: Source, from: String, upload: String, table: String) -> impl IntoView {
    let given = use_context::<Sheet>();
    let engine = use_context::<Arc<Engine>>();
    let sheet = Resource::new_blocking(
        || (),
        move |()| {
            let (given, engine, from) = (given.clone(), engine.clone(), from.clone());
            let (upload, table) = (upload.clone(), table.clone());
            async move {
                match (given, engine) {
                    (Some(sheet), _) => Ok(sheet),
                    (None, Some(engine)) if source == Source::Upload => {
                        Ok(Sheet::upload(&engine, &upload, &table).await)
                    }
                    (None, Some(engine)) => Ok(Sheet::generator(&engine, &from, &table).await),
                    (None, None) => Err(EdgeError::new("INTERNAL", "The engine is not running. Restart the server.")),
                }
            }
        },
    );
    view! {
        <Title text=source.title() />
        <Suspense>
            {move || Suspend::new(async move {
                match sheet.await {
                    Ok(sheet) => composer_frame(source, sheet).into_any(),
                    Err(error) => no_server(error).into_any(),
                }
            })}
        </Suspense>
    }
}

fn composer_frame(source: Source, sheet: Sheet) -> impl IntoView {
    let handed = serde_json::to_string(&sheet.news).unwrap_or_default();
    let workspace = sheet.info.workspace.clone();
    let takes_file = source == Source::Upload && sheet.uploaded.is_none();
    view! {
        <Header workspace skip="Skip to the workbench" />
        <div class="frame">
            <Rail current=Page::Workbench />
            <main id="main" tabindex="-1" data-handed=handed>
                <SourceSwitch current=source />
                {if takes_file {
                    view! { <UploadStart sheet /> }.into_any()
                } else {
                    view! { <Composer sheet /> }.into_any()
                }}
            </main>
        </div>
    }
}

fn no_server(error: EdgeError) -> impl IntoView {
    view! {
        <main id="main">
            <h1>"Direct Write cannot begin"</h1>
            <p>{error.message}</p>
        </main>
    }
}
