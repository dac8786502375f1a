//! Said when the workspace does not answer: what failed, what is kept, that it is being asked again.

use leptos::prelude::*;

use super::bench::Bench;

/// Nothing while the workspace answers.
#[component]
pub fn ProblemBanner(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let problem = Memo::new(move |_| bench.info.with(|info| info.problem.clone()));
    let asking = move || bench.retrying.get();
    view! {
        <Show when=move || problem.with(Option::is_some)>
            <section class="banner" data-testid="problem" aria-labelledby="problem-title">
                <div class="banner-words">
                    <h2 id="problem-title">
                        <span class="sign" data-state="warn" aria-hidden="true">"!"</span>
                        "The workspace does not answer"
                    </h2>
                    <p>
                        {move || problem.with(|problem| problem.as_ref().map(|problem| problem.message.clone()))}
                        " "
                        <span class="code quiet">
                            {move || problem.with(|problem| problem.as_ref().map(|problem| problem.error_code.clone()))}
                        </span>
                    </p>
                    <p class="quiet">"What you typed stays. The page asks again every 5 seconds until it is back."</p>
                </div>
                <button type="button" class="button" disabled=move || !bench.hydrated.get() on:click=move |_| bench.ask_again()>
                    {move || if asking() { "Asking…" } else { "Retry" }}
                </button>
            </section>
        </Show>
    }
    .into_any()
}
