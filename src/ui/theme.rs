//! The choice of theme. `public/theme.js` applies what is kept before the first paint; this changes it.

use leptos::prelude::*;

use super::browser::{self, Keep};

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
    let choose = move |theme: &'static str| {
        chosen.set(theme.to_owned());
        browser::store(Keep::Always, KEY, theme);
        browser::set_theme((theme != "system").then_some(theme));
    };
    let option = move |(value, label): (&'static str, &'static str)| {
        view! {
            <label class="choice">
                <input
                    type="radio"
                    name="theme"
                    value=value
                    checked=value == "system"
                    prop:checked=move || chosen.with(|chosen| chosen == value)
                    on:change=move |_| choose(value)
                />
                <span>{label}</span>
            </label>
        }
    };
    view! {
        <fieldset class="segmented">
            <legend class="sr-only">"Theme"</legend>
            {CHOICES.map(option).to_vec()}
        </fieldset>
    }
}
