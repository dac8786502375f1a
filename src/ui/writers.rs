//! The writer selector: a card for each writer with what it is, what it promises and whether it can be used.

use leptos::prelude::*;

use super::bench::Bench;
use super::drawn::drawn;
use super::markup::Markup;
use crate::model::{WriterCard, WriterKind, WriterState};

/// Every writer there is; one that is not available is listed and cannot be chosen.
#[component]
pub fn WriterSelector(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let choose = move |event| {
        if let Some(kind) = WriterKind::parse(&event_target_value(&event)) {
            bench.writer.set(Some(kind));
        }
    };
    let draw = move || {
        let mut markup = Markup::new();
        markup.raw("<legend>Writer</legend>");
        let chosen = bench.writer.get();
        bench.info.with(|info| {
            for card in &info.writers {
                draw_card(&mut markup, card, chosen == Some(card.kind));
            }
        });
        markup.finish()
    };
    view! { <fieldset class="writers" on:change=choose inner_html=drawn(draw)></fieldset> }
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

fn draw_card(markup: &mut Markup, card: &WriterCard, is_chosen: bool) {
    let WriterCard { kind, state } = card;
    let (name, ready) = (kind.name(), *state == WriterState::Ready);
    let (id, about) = (format!("writer-{name}"), format!("writer-{name}-about"));
    let is_ready = if ready { "true" } else { "false" };
    markup.open("div", &[("class", "writer"), ("data-writer", name), ("data-ready", is_ready)]);
    let mut radio =
        vec![("type", "radio"), ("name", "writer"), ("id", &id), ("value", name), ("aria-describedby", &about)];
    radio.extend(is_chosen.then_some(("checked", "")));
    radio.extend((!ready).then_some(("disabled", "")));
    markup.open("input", &radio).open("label", &[("for", &id)]);
    markup.element("span", &[("class", "hue"), ("data-hue", name), ("aria-hidden", "true")], sign_of(*kind));
    markup.element("span", &[("class", "writer-title")], kind.title());
    markup.element("span", &[("class", "code quiet")], name);
    let (tone, sign, word) = if ready { ("good", "✓", "Ready") } else { ("warn", "!", "Unavailable") };
    markup.open("span", &[("class", "state"), ("data-state", tone)]);
    markup.element("span", &[("class", "sign"), ("aria-hidden", "true")], sign).text(word).raw("</span></label>");
    markup.open("p", &[("class", "writer-about"), ("id", &about)]);
    markup.element("span", &[], kind.about()).text(" ").element("span", &[("class", "quiet")], kind.promise());
    if let WriterState::Unavailable { reason, remedy } = state {
        markup.raw("<span class=\"writer-trouble\">").element("span", &[], reason).text(" ");
        markup.element("span", &[], remedy).raw("</span>");
    }
    markup.raw("</p></div>");
}
