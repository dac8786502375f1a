//! The workbench: compose on the left, the instrument on the right, the table's rows underneath.

use leptos::prelude::*;

/// The page at `/`.
#[component]
pub fn WorkbenchPage() -> impl IntoView {
    view! { <h1>"Workbench"</h1> }
}
