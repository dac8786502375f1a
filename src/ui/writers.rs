//! The writer selector: a card for each writer with what it is, what it promises and whether it can be used.

use leptos::prelude::*;

use super::bench::Bench;
use crate::model::{WriterCard, WriterKind, WriterState};

/// Every writer there is; one that is not available is listed and cannot be chosen.
#[component]
pub fn WriterSelector(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    view! {
        <fieldset class="writers">
            <legend>"Writer"</legend>
            <For
                each=move || bench.info.with(|info| info.writers.clone())
                // A card whose state changed is another card.
                key=|card| (card.kind, card.state == WriterState::Ready)
                children=move |card| view! { <Card card bench /> }
            />
        </fieldset>
    }
    .into_any()
}

/// The sign that goes with a writer's hue.
pub fn sign_of(kind: WriterKind) -> &'static str {
    match kind {
        WriterKind::Zerobus => "●",
        WriterKind::ZerobusRest => "▲",
        WriterKind::Sql => "■",
        WriterKind::CopyInto => "◆",
    }
}

#[component]
fn Card(card: WriterCard, bench: Bench) -> impl IntoView {
    let kind = card.kind;
    let id = format!("writer-{kind}");
    let ready = card.state == WriterState::Ready;
    let trouble = match card.state {
        WriterState::Ready => None,
        WriterState::Unavailable { reason, remedy } => Some(view! {
            <span class="writer-trouble">
                <span>{reason}</span>
                " "
                <span>{remedy}</span>
            </span>
        }),
    };
    view! {
        <div class="writer" data-writer=kind.name() data-ready=ready.to_string()>
            <input
                type="radio"
                name="writer"
                id=id.clone()
                value=kind.name()
                disabled=!ready
                prop:checked=move || bench.writer.get() == Some(kind)
                checked=bench.writer.get_untracked() == Some(kind)
                aria-describedby=format!("{id}-about")
                on:change=move |_| bench.writer.set(Some(kind))
            />
            <label for=id.clone()>
                <span class="hue" data-hue=kind.name() aria-hidden="true">{sign_of(kind)}</span>
                <span class="writer-title">{kind.title()}</span>
                <span class="code quiet">{kind.name()}</span>
                <span class="state" data-state=if ready { "good" } else { "warn" }>
                    <span class="sign" aria-hidden="true">{if ready { "✓" } else { "!" }}</span>
                    {if ready { "Ready" } else { "Unavailable" }}
                </span>
            </label>
            <p class="writer-about" id=format!("{id}-about")>
                <span>{kind.about()}</span>
                " "
                <span class="quiet">{kind.promise()}</span>
                {trouble}
            </p>
        </div>
    }
    .into_any()
}
