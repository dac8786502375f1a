//! The list of runs: filter, table, pages, and what stands there instead when it is empty.

use super::Listing;
use super::query::{ORDERS, RunsQuery};
use super::row;
use crate::model::number::grouped;
use crate::model::{EdgeError, RunState, WriterKind};
use crate::ui::markup::Markup;

/// Everything inside `<main>`.
pub(super) fn parts(listing: &Listing, query: &RunsQuery, told: Option<&EdgeError>) -> String {
    let mut markup = Markup::new();
    markup.raw("<div class=\"page-head\"><h1>Runs</h1>");
    markup.raw("<p class=\"quiet\">Comparisons that run or ran, each with its report at a permanent address.</p>");
    markup.raw("<a class=\"button\" href=\"/?source=generator\">New comparison</a></div>");
    news(&mut markup, query, told);
    if let Some(problem) = &listing.problem {
        banner(&mut markup, "The list could not be read", problem);
    }
    if listing.is_new {
        empty(&mut markup);
        return markup.finish();
    }
    filter(&mut markup, query);
    if listing.running.is_empty() && listing.past.entries.is_empty() {
        markup.raw("<p class=\"teach nothing\">No run fits. <a href=\"/runs\">Show all</a></p>");
        return markup.finish();
    }
    table(&mut markup, listing, query);
    pages(&mut markup, listing, query);
    markup.finish()
}

fn news(markup: &mut Markup, query: &RunsQuery, told: Option<&EdgeError>) {
    if let Some(error) = told {
        banner(markup, "Nothing was changed", error);
    }
    let words = match query.done.as_str() {
        "renamed" => "The new name is kept.",
        "deleted" => "The report is deleted. Its rows stay in their table.",
        _ => "",
    };
    markup.element("p", &[("class", "told"), ("role", "status")], words);
}

fn banner(markup: &mut Markup, title: &'static str, problem: &EdgeError) {
    markup.raw("<section class=\"banner\" data-testid=\"refusal\" aria-labelledby=\"refusal-title\"><div class=\"banner-words\">");
    markup
        .raw("<h2 id=\"refusal-title\"><span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>")
        .raw(title);
    markup.raw("</h2><p>").text(&problem.message).text(" ");
    markup.element("span", &[("class", "code quiet")], &problem.error_code).raw("</p></div></section>");
}

fn empty(markup: &mut Markup) {
    markup.raw(
        "<section class=\"first-run\" data-testid=\"no-runs\"><h2>No run yet</h2>\
         <p>A comparison sends the same records through several writers into one table, one after the other, and measures each: \
         rows a second, how long until records are durable and until a query sees them, what went wrong, and whether every \
         record is in the table. What ran is listed here, with its report.</p>\
         <p><a class=\"button primary\" href=\"/?source=generator\">Compose a comparison</a></p></section>",
    );
}

fn filter(markup: &mut Markup, query: &RunsQuery) {
    let history = &query.history;
    markup.raw("<form class=\"filter\" method=\"get\" action=\"/runs\" role=\"search\" aria-label=\"Runs\">");
    markup.raw("<div class=\"field grow\"><label for=\"text\">Name, table or id</label>");
    markup
        .open("input", &[("type", "search"), ("id", "text"), ("name", "text"), ("value", &history.text)])
        .raw("</div>");
    let states = [RunState::Completed, RunState::Stopped, RunState::Failed].map(RunState::name);
    let states = states.into_iter().map(|state| (state, state));
    select(markup, "state", "State", Some("Any"), states, history.state.map_or("", RunState::name));
    let writers = WriterKind::ALL.into_iter().map(|kind| (kind.name(), kind.name()));
    select(markup, "writer", "Writer", Some("Any"), writers, history.writer.map_or("", WriterKind::name));
    let orders = ORDERS.into_iter().map(|(word, text, ..)| (word, text));
    select(markup, "sort", "Order", None, orders, query.order());
    markup.raw("<button type=\"submit\" class=\"button\">Show</button>");
    if !query.is_everything() {
        markup.raw("<a class=\"clear\" href=\"/runs\">Show all</a>");
    }
    markup.raw("</form>");
}

fn select<'a>(
    markup: &mut Markup,
    name: &'static str,
    label: &str,
    any: Option<&'a str>,
    choices: impl Iterator<Item = (&'a str, &'a str)>,
    chosen: &str,
) {
    markup.raw("<div class=\"field\">").element("label", &[("for", name)], label);
    markup.open("select", &[("id", name), ("name", name)]);
    for (value, text) in any.map(|any| ("", any)).into_iter().chain(choices) {
        let mut option = vec![("value", value)];
        option.extend((value == chosen).then_some(("selected", "")));
        markup.element("option", &option, text);
    }
    markup.raw("</select></div>");
}

fn table(markup: &mut Markup, listing: &Listing, query: &RunsQuery) {
    markup.raw("<form id=\"compare\" class=\"compare\" method=\"get\" action=\"/compare\">");
    markup.raw("<button type=\"submit\" class=\"button\">Compare chosen</button>");
    markup.raw("<span class=\"quiet\">Choose two or more.</span></form>");
    markup.raw("<table class=\"run-list\"><caption class=\"sr-only\">Runs</caption><thead><tr>");
    markup.raw("<th scope=\"col\"><span class=\"sr-only\">Choose</span></th>");
    for title in ["Comparison", "Writers", "Durable", "Best", "State", "Thresholds"] {
        markup.element("th", &[("scope", "col")], title);
    }
    markup.raw("<th scope=\"col\"><span class=\"sr-only\">Change</span></th></tr></thead><tbody>");
    for live in &listing.running {
        row::running(markup, live);
    }
    for entry in &listing.past.entries {
        row::ended(markup, entry, query);
    }
    markup.raw("</tbody></table>");
}

fn pages(markup: &mut Markup, listing: &Listing, query: &RunsQuery) {
    let (page, size) = (query.history.page, query.history.page_size);
    let first = u64::from(page) * u64::from(size);
    let shown = listing.past.entries.len() as u64;
    let total = listing.past.total;
    if shown == total {
        return;
    }
    markup.raw("<nav class=\"pages\" aria-label=\"Pages of the list\">");
    if page > 0 {
        markup.open("a", &[("class", "button small"), ("rel", "prev"), ("href", &query.address(page - 1))]);
        markup.raw("Previous</a>");
    }
    let words = format!("{}–{} of {}", grouped(first + 1), grouped(first + shown), grouped(total));
    markup.element("span", &[("class", "num quiet")], &words);
    if first + shown < total {
        markup.open("a", &[("class", "button small"), ("rel", "next"), ("href", &query.address(page + 1))]);
        markup.raw("Next</a>");
    }
    markup.raw("</nav>");
}
