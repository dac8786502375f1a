//! What the server hands to the island of a page: in the page itself, as JSON in an attribute of `<main>`.
//!
//! Props of an `#[island]` would go through serde's derives, which brings a second parser and its errors into the browser
//! (docs/decisions/0002-wasm-diet.md).

use leptos::prelude::*;

use crate::model::receive::Receive;

/// What was handed over; `None` when there is nothing, or nothing that can be read.
#[cfg(feature = "hydrate")]
pub fn handed<T: Receive + Clone + 'static>() -> Option<T> {
    let main = document().get_element_by_id("main")?;
    crate::model::receive::receive(&main.get_attribute("data-handed")?)
}

/// What the page around the island has provided as context.
#[cfg(not(feature = "hydrate"))]
pub fn handed<T: Receive + Clone + 'static>() -> Option<T> {
    use_context()
}
