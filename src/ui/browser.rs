//! The few things only a browser has: storage that outlives a reload, focus, the theme attribute.
//!
//! Every function is silent on the server, so callers need no feature gates. Failures (private windows
//! refuse storage) are silent too: nothing here is needed for a record to be written.

/// Where a value is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Until the tab is closed.
    Session,
    /// Until the reader clears it.
    Always,
}

#[cfg(feature = "hydrate")]
mod real {
    use leptos::prelude::{document, window};
    use wasm_bindgen::JsCast;

    use super::Keep;

    fn storage(keep: Keep) -> Option<web_sys::Storage> {
        match keep {
            Keep::Session => window().session_storage().ok().flatten(),
            Keep::Always => window().local_storage().ok().flatten(),
        }
    }

    pub(super) fn stored(keep: Keep, key: &str) -> Option<String> {
        storage(keep)?.get_item(key).ok().flatten()
    }

    pub(super) fn store(keep: Keep, key: &str, value: &str) {
        if let Some(storage) = storage(keep) {
            // A full or forbidden store costs only the memory of a reload.
            let _ = storage.set_item(key, value);
        }
    }

    pub(super) fn focus(id: &str) {
        let element = document().get_element_by_id(id).and_then(|found| found.dyn_into::<web_sys::HtmlElement>().ok());
        if let Some(element) = element {
            let _ = element.focus();
        }
    }

    pub(super) fn linked(event: &web_sys::MouseEvent) -> Option<String> {
        let link = event.target()?.unchecked_into::<web_sys::Element>().closest("a").ok().flatten()?;
        event.prevent_default();
        Some(link.get_attribute("href")?.trim_start_matches('#').to_owned())
    }

    pub(super) fn is_open(event: &web_sys::Event) -> bool {
        event.target().is_some_and(|details| details.unchecked_into::<web_sys::Element>().has_attribute("open"))
    }

    pub(super) fn is_hidden() -> bool {
        document().hidden()
    }

    pub(super) fn reload() {
        // It fails only where the page may not navigate at all.
        let _ = window().location().reload();
    }

    pub(super) fn set_theme(theme: Option<&str>) {
        if let Some(root) = document().document_element() {
            let _ = match theme {
                Some(theme) => root.set_attribute("data-theme", theme),
                None => root.remove_attribute("data-theme"),
            };
        }
    }
}

/// What was kept under `key`.
pub fn stored(keep: Keep, key: &str) -> Option<String> {
    #[cfg(feature = "hydrate")]
    return real::stored(keep, key);
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = (keep, key);
        None
    }
}

/// Keeps `value` under `key`.
pub fn store(keep: Keep, key: &str, value: &str) {
    #[cfg(feature = "hydrate")]
    real::store(keep, key, value);
    #[cfg(not(feature = "hydrate"))]
    let _ = (keep, key, value);
}

/// Moves the keyboard focus to the element with that id, once what is being rendered now is there.
pub fn focus_soon(id: String) {
    #[cfg(feature = "hydrate")]
    leptos::prelude::request_animation_frame(move || real::focus(&id));
    #[cfg(not(feature = "hydrate"))]
    drop(id);
}

/// The id that a link leads to, if it was a link inside the page that was clicked; the jump itself is prevented.
pub fn linked(event: &leptos::ev::MouseEvent) -> Option<String> {
    #[cfg(feature = "hydrate")]
    return real::linked(event);
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = event;
        None
    }
}

/// Whether nobody can see the page now.
pub fn is_hidden() -> bool {
    #[cfg(feature = "hydrate")]
    return real::is_hidden();
    #[cfg(not(feature = "hydrate"))]
    false
}

/// Loads the page anew.
pub fn reload() {
    #[cfg(feature = "hydrate")]
    real::reload();
}

/// Makes the content of an element what `markup` says.
pub fn patch(host: &leptos::tachys::renderer::types::Element, markup: &str) {
    #[cfg(feature = "hydrate")]
    // It fails only where the browser refuses well-formed changes of its own page, and then nothing can be drawn.
    let _ = super::patch::patch(host, markup);
    #[cfg(not(feature = "hydrate"))]
    let _ = (host, markup);
}

/// Whether the `<details>` that an event came from are folded out.
pub fn is_open(event: &leptos::ev::Event) -> bool {
    #[cfg(feature = "hydrate")]
    return real::is_open(event);
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = event;
        false
    }
}

/// Sets the theme of the document; `None` follows the system.
pub fn set_theme(theme: Option<&str>) {
    #[cfg(feature = "hydrate")]
    real::set_theme(theme);
    #[cfg(not(feature = "hydrate"))]
    let _ = theme;
}
