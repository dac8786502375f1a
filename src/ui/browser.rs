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
    use wasm_bindgen::closure::Closure;

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

    pub(super) fn is_narrow() -> bool {
        window().inner_width().ok().and_then(|width| width.as_f64()).is_some_and(|width| width < super::NARROW)
    }

    pub(super) fn reload() {
        // It fails only where the page may not navigate at all.
        let _ = window().location().reload();
    }

    fn form(id: &str) -> Option<web_sys::HtmlFormElement> {
        document().get_element_by_id(id)?.dyn_into().ok()
    }

    pub(super) fn listen(id: &str, event: &str, react: impl FnMut(web_sys::Event) + 'static) {
        let Some(form) = form(id) else { return };
        let react = Closure::<dyn FnMut(web_sys::Event)>::new(react);
        // It is there as long as the page.
        let _ = form.add_event_listener_with_callback(event, react.into_js_value().unchecked_ref());
    }

    pub(super) fn typed(id: &str) -> Option<String> {
        let data = web_sys::FormData::new_with_form(&form(id)?).ok()?;
        let text = web_sys::UrlSearchParams::new_with_str_sequence_sequence(&data).ok()?.to_string();
        text.as_string()
    }

    pub(super) fn copy(text: &str) -> bool {
        let navigator = window().navigator();
        // Pages that did not come over a secure connection have none.
        let has_clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|found| found.is_truthy());
        if has_clipboard {
            let _ = navigator.clipboard().write_text(text);
        }
        has_clipboard
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

/// Below this width, in pixels, pictures are drawn for narrow screens; style/report.css has the same.
#[cfg(feature = "hydrate")]
const NARROW: f64 = 620.0;

/// Whether the window is narrow now; a server takes it for wide.
pub fn is_narrow() -> bool {
    #[cfg(feature = "hydrate")]
    return real::is_narrow();
    #[cfg(not(feature = "hydrate"))]
    false
}

/// Loads the page anew.
pub fn reload() {
    #[cfg(feature = "hydrate")]
    real::reload();
}

/// Makes the content of an element what `markup` says; `before` is what it was made of, if that is known.
pub fn patch(host: &leptos::tachys::renderer::types::Element, before: Option<&str>, markup: &str) {
    #[cfg(feature = "hydrate")]
    // It fails only where the browser refuses well-formed changes of its own page, and then nothing can be drawn.
    let _ = super::patch::patch(host, before, markup);
    #[cfg(not(feature = "hydrate"))]
    let _ = (host, before, markup);
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

/// Calls `react` whenever something is typed or chosen in the form with that id.
pub fn on_input(form: &str, mut react: impl FnMut() + 'static) {
    #[cfg(feature = "hydrate")]
    real::listen(form, "input", move |_| react());
    #[cfg(not(feature = "hydrate"))]
    let _ = (form, &mut react);
}

/// Lets the form with that id be sent once in two seconds: a double click is one wish.
pub fn submit_once(form: &'static str) {
    #[cfg(feature = "hydrate")]
    {
        let sent = std::rc::Rc::new(std::cell::Cell::new(false));
        real::listen(form, "submit", move |event| {
            if sent.replace(true) {
                event.prevent_default();
                return;
            }
            // The page may be shown again, by the Back button or because it was a download.
            let sent = sent.clone();
            leptos::prelude::set_timeout(move || sent.set(false), std::time::Duration::from_secs(2));
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = form;
}

/// What is typed into the form with that id, as it would be sent.
pub fn typed(form: &str) -> String {
    #[cfg(feature = "hydrate")]
    return real::typed(form).unwrap_or_default();
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = form;
        String::new()
    }
}

/// Puts a text into the clipboard; `false` when the browser does not let pages do that.
pub fn copy(text: &str) -> bool {
    #[cfg(feature = "hydrate")]
    return real::copy(text);
    #[cfg(not(feature = "hydrate"))]
    {
        let _ = text;
        false
    }
}
