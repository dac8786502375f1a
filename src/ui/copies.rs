//! Buttons that copy a text of the page. What is around them comes from the server and never changes.
#![allow(missing_docs, reason = "#[island] makes a struct of its own that cannot be documented from here")]

use leptos::prelude::*;

use super::browser;

/// Wakes the buttons with `data-copies` in it, which are hidden until then: the text can be selected all the same.
#[island]
pub fn Copies(children: Children) -> impl IntoView {
    let awake = RwSignal::new(false);
    Effect::new(move |_| awake.set(true));
    view! {
        <div class="copies" data-hydrated=move || awake.get().to_string() on:click=move |event| browser::copied(&event)>
            {children()}
        </div>
    }
}
