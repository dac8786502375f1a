//! The shell and the routes. On the server only: the islands of [`crate::ui`] are all that reaches the browser as code.

use leptos::prelude::*;
use leptos_meta::{HashedStylesheet, MetaTags, Title, provide_meta_context};
use leptos_router::components::{Route, Router, Routes};
use leptos_router::{SsrMode, path};

mod policy;

use crate::ui::compare_page::ComparePage;
use crate::ui::delivered_page::DeliveredPage;
use crate::ui::doctor_page::DoctorPage;
use crate::ui::page::WorkbenchPage;
use crate::ui::run_page::RunPage;
use crate::ui::runs_page::RunsPage;
use crate::ui::tables_page::TablesPage;
use crate::ui::tables_page::create::NewTablePage;

/// The HTML document.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    policy::set();
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="description" content="Write records straight into Delta tables and see what each way in costs." />
                <link rel="icon" type="image/svg+xml" href="/favicon.svg" />
                // Before the style sheet, so that the chosen theme is there at the first paint.
                <script src="/theme.js"></script>
                <AutoReload options=options.clone() />
                <HydrationScripts options=options.clone() islands=true />
                <HashedStylesheet options=options.clone() id="leptos" />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The routes.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    view! {
        <Title formatter=|text: String| if text.is_empty() { "Direct Write".to_owned() } else { format!("{text} · Direct Write") } />
        <Router>
            <Routes fallback=not_found>
                // In one piece: an island in a fragment that is streamed later might not be woken.
                <Route path=path!("/") view=WorkbenchPage ssr=SsrMode::Async />
                <Route path=path!("/runs") view=RunsPage ssr=SsrMode::Async />
                <Route path=path!("/runs/:id") view=RunPage ssr=SsrMode::Async />
                <Route path=path!("/runs/:id/delivered") view=DeliveredPage ssr=SsrMode::Async />
                <Route path=path!("/tables") view=TablesPage ssr=SsrMode::Async />
                <Route path=path!("/tables/new") view=NewTablePage ssr=SsrMode::Async />
                <Route path=path!("/compare") view=ComparePage ssr=SsrMode::Async />
                <Route path=path!("/doctor") view=DoctorPage ssr=SsrMode::Async />
            </Routes>
        </Router>
    }
}

fn not_found() -> impl IntoView {
    view! {
        <Title text="Not found" />
        <main id="main" class="alone">
            <h1>"Not found"</h1>
            <p>"There is no page at this address. "<a href="/">"Go to the workbench"</a></p>
        </main>
    }
}
