//! The page at `/doctor`: the checks, what they found and what to paste. On the server only; a plain form begins them, and the
//! page asks for itself again while they are made, so it works without wasm.

mod sheet;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;

use super::header::{Header, Page, Rail};
use crate::api::caller::{Caller, Permission};
use crate::api::page::fresh;
use crate::doctor::View;
use crate::engine::Engine;
use crate::model::EdgeError;

/// Where the form that begins an examination is sent.
pub const EXAMINE: &str = "/doctor/run";

/// Why no examination was begun; handed to the page that is shown again.
#[derive(Clone, Debug)]
pub struct NotExamined(pub EdgeError);

/// What the page shows.
struct Shown {
    view: View,
    /// Whether whoever reads it may ask for the checks that write.
    may_write: bool,
    refused: Option<EdgeError>,
}

/// The page at `/doctor`.
#[component]
pub fn DoctorPage() -> impl IntoView {
    let Some(engine) = use_context::<Arc<Engine>>() else {
        return view! { <main id="main"><h1>"Doctor"</h1><p>"The engine is not running. Restart the server."</p></main> }
            .into_any();
    };
    let shown = Shown {
        view: engine.doctor().view(),
        may_write: Caller::current().may(Permission::Administer),
        refused: use_context::<NotExamined>().map(|NotExamined(error)| error),
    };
    fresh(shown.view.running.then_some("/doctor"));
    let parts = sheet::parts(&shown);
    view! {
        <Title text="Doctor" />
        <Header workspace=engine.workspace().badge() />
        <div class="frame">
            <Rail current=Page::Doctor />
            <main id="main" tabindex="-1" class="doctor">
                <div inner_html=parts></div>
            </main>
        </div>
        <script src="/copy.js" defer></script>
    }
    .into_any()
}
