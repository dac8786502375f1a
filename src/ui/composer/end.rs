//! The end of the composer's form: the plan file, the summary and the button. The one part that is alive: the first two follow
//! what is typed, told by the server, which alone reads the form.
#![allow(missing_docs, reason = "#[island] makes a struct of its own that cannot be documented from here")]

use leptos::prelude::*;

use super::super::browser;
use super::super::handed::handed;
use super::FORM;
use crate::model::PlanPreview;

/// Milliseconds without typing after which the server is asked.
#[cfg(feature = "hydrate")]
const PAUSE_MS: u64 = 300;

/// Plan file, summary, button.
#[island]
pub fn ComposerEnd() -> impl IntoView {
    let news = RwSignal::new(handed::<PlanPreview>().unwrap_or_default());
    let awake = RwSignal::new(false);
    let copied = RwSignal::new("Copy");
    Effect::new(move |_| {
        follow(news);
        browser::submit_once(FORM);
        awake.set(true);
    });
    let copy = move |_| {
        let done = browser::copy(&news.with_untracked(|news| news.plan.clone()));
        copied.set(if done { "Copied" } else { "The browser refuses: select the text" });
    };
    let has_plan = move || news.with(|news| !news.plan.is_empty());
    view! {
        <div class="composer-end" data-hydrated=move || awake.get().to_string() data-testid="composer-end">
            <details class="plan-file">
                <summary>"Plan file"</summary>
                <p class="help">
                    "The same comparison from the command line: "<span class="code">"direct-write run plan.toml"</span>
                </p>
                <pre class="code" tabindex="0" data-testid="plan" hidden=move || !has_plan()>
                    {move || news.with(|news| news.plan.clone())}
                </pre>
                <p class="teach" hidden=has_plan>"The plan file is here when nothing has to be corrected."</p>
                <div class="plan-actions" hidden=move || !has_plan()>
                    <button type="button" class="button small" hidden=move || !awake.get() on:click=copy>
                        {move || copied.get()}
                    </button>
                    <button type="submit" name="action" value="plan" class="button small">"Download"</button>
                </div>
            </details>
            <div class="action">
                <p class="action-note num" id="action-note" data-testid="summary">
                    {move || news.with(|news| news.summary.clone())}
                </p>
                <button type="submit" name="action" value="run" class="button primary" aria-describedby="action-note">
                    "Run comparison"
                </button>
            </div>
        </div>
    }
}

/// Asks for news when nothing has been typed for a moment.
fn follow(news: RwSignal<PlanPreview>) {
    #[cfg(feature = "hydrate")]
    {
        let typed = StoredValue::new(0_u32);
        browser::on_input(FORM, move || {
            typed.update_value(|count| *count += 1);
            let count = typed.get_value();
            let ask = move || {
                if typed.get_value() == count {
                    leptos::task::spawn_local(async move {
                        let answer = crate::api::plan_preview(browser::typed(FORM)).await;
                        // Typing has gone on: this is old.
                        if typed.get_value() == count {
                            match answer {
                                Ok(new) => news.set(new),
                                Err(error) => news.update(|news| news.summary = error.message),
                            }
                        }
                    });
                }
            };
            set_timeout(ask, std::time::Duration::from_millis(PAUSE_MS));
        });
    }
    #[cfg(not(feature = "hydrate"))]
    let _ = news;
}
