//! The choice of theme. `public/theme.js` applies what is kept before the first paint; this changes it.

use leptos::prelude::*;

use super::browser::{self, Keep};
use super::drawn::drawn;
use super::markup::{Attributes, Markup};

const KEY: &str = "direct-write.theme";
const CHOICES: [(&str, &str); 3] = [("system", "System"), ("light", "Light"), ("dark", "Dark")];

/// System, Light, Dark.
#[island]
pub fn ThemeChoice() -> impl IntoView {
    let chosen = RwSignal::new("system".to_owned());
    Effect::new(move |_| {
        if let Some(kept) = browser::stored(Keep::Always, KEY) {
            chosen.set(kept);
        }
    });
    let choose = move |event| {
        let theme = event_target_value(&event);
        browser::store(Keep::Always, KEY, &theme);
        browser::set_theme(Some(theme.as_str()).filter(|theme| *theme != "system"));
        chosen.set(theme);
    };
    let draw = move || {
        let mut markup = Markup::new();
        markup.raw("<legend class=\"sr-only\">Theme</legend>");
        for (value, label) in CHOICES {
            let radio: Attributes<'_> = &[("type", "radio"), ("name", "theme"), ("value", value), ("checked", "")];
            let is_chosen = chosen.with(|chosen| chosen == value);
            markup.raw("<label class=\"choice\">").open("input", if is_chosen { radio } else { &radio[..3] });
            markup.element("span", &[], label).raw("</label>");
        }
        markup.finish()
    };
    view! { <fieldset class="segmented" on:change=choose inner_html=drawn(draw)></fieldset> }
}
