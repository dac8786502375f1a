//! Said when the workspace does not answer: what failed, what is kept, that it is being asked again.

use leptos::prelude::*;

use super::bench::Bench;
use super::drawn::drawn;
use super::markup::Markup;

/// Nothing while the workspace answers.
#[component]
pub fn ProblemBanner(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let silent = move || bench.info.with(|info| info.problem.is_some());
    let words = move || {
        let mut markup = Markup::new();
        bench.info.with(|info| {
            let Some(problem) = &info.problem else { return };
            markup
                .raw("<h2 id=\"problem-title\"><span class=\"sign\" data-state=\"warn\" aria-hidden=\"true\">!</span>");
            markup.raw("The workspace does not answer</h2><p>").text(&problem.message).text(" ");
            markup.element("span", &[("class", "code quiet")], &problem.error_code).raw("</p><p class=\"quiet\">");
            markup.raw("What you typed stays. The page asks again every 5 seconds until it is back.</p>");
        });
        markup.finish()
    };
    view! {
        <section class="banner" data-testid="problem" aria-labelledby="problem-title" hidden=move || !silent()>
            <div class="banner-words" inner_html=drawn(words)></div>
            <button type="button" class="button" disabled=move || !bench.hydrated.get() on:click=move |_| bench.ask_again()>
                {move || if bench.retrying.get() { "Asking…" } else { "Retry" }}
            </button>
        </section>
    }
}
