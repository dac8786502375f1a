//! The page at `/`: what stands around the workbench. On the server only.

use leptos::prelude::*;
use leptos_meta::Title;

use super::header::{Header, Rail};
use super::workbench::Workbench;
use crate::api;
use crate::model::{EdgeError, WorkbenchInfo};

/// The page at `/`.
#[component]
pub fn WorkbenchPage() -> impl IntoView {
    let info = Resource::new_blocking(|| (), |()| api::workbench_info());
    view! {
        <Title text="Workbench" />
        <Suspense>
            {move || Suspend::new(async move {
                match info.await {
                    Ok(info) => frame(info).into_any(),
                    Err(error) => no_server(error).into_any(),
                }
            })}
        </Suspense>
    }
}

fn frame(info: WorkbenchInfo) -> impl IntoView {
    // Plain structs of text and numbers: there is nothing in them that JSON could refuse.
    let handed = serde_json::to_string(&info).unwrap_or_default();
    provide_context(info.clone());
    view! {
        <Header workspace=info.workspace.clone() />
        <div class="frame">
            <Rail />
            <main id="main" tabindex="-1" data-handed=handed>
                <Workbench />
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
