//! How wide a chart may be, which only the browser knows.

use leptos::html::Figcaption;
use leptos::prelude::*;

/// Narrower than this nothing can be read.
const NARROWEST: f64 = 240.0;

/// The width of the caption above a chart in pixels, also after the window has changed; `until_known` on the server.
pub fn measured(caption: NodeRef<Figcaption>, until_known: f64) -> RwSignal<f64> {
    let width = RwSignal::new(until_known);
    let measure = move || {
        if let Some(caption) = caption.get_untracked() {
            width.set(f64::from(caption.client_width()).max(NARROWEST));
        }
    };
    Effect::new(move |_| {
        measure();
        let listener = window_event_listener(leptos::ev::resize, move |_| measure());
        on_cleanup(move || listener.remove());
    });
    width
}
