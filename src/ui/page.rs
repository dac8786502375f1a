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
use crate::model::{EdgeError, WorkbenchInfo};

/// The page at `/`.
#[component]
pub fn WorkbenchPage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let asked = |name: &str| query.get(name).unwrap_or_default();
    match Source::of(&asked("source")) {
        Source::Form => form_page().into_any(),
        source => composer_page(source, asked("from"), asked("upload"), asked("table")).into_any(),
    }
}

fn form_page() -> impl IntoView {
    let info = Resource::new_blocking(|| (), |()| api::workbench_info());
    view! {
        <Title text="Workbench" />
        <Suspense>
            {move || Suspend::new(async move {
                match info.await {
                    Ok(info) => form_frame(info).into_any(),
                    Err(error) => no_server(error).into_any(),
                }
            })}
        </Suspense>
    }
}

fn form_frame(info: WorkbenchInfo) -> impl IntoView {
    // Plain structs of text and numbers: there is nothing in them that JSON could refuse.
    let handed = serde_json::to_string(&info).unwrap_or_default();
    provide_context(info.clone());
    view! {
        <Header workspace=info.workspace.clone() skip="Skip to the workbench" />
        <div class="frame">
            <Rail current=Page::Workbench />
            <main id="main" tabindex="-1" data-handed=handed>
                <SourceSwitch current=Source::Form />
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
                    (None, Some(engine)) => Ok(Sheet::generator(&engine, &from).await),
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
