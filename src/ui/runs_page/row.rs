//! A line of the list of runs: one comparison, running or ended.

use super::query::RunsQuery;
use super::{DELETE, RENAME};
use crate::model::number::{count_of, grouped, milliseconds, with_unit};
use crate::model::{HistoryEntry, HistoryRun, LiveComparison, RunState, WriterKind};
use crate::ui::markup::Markup;
use crate::ui::writers::sign_of;

/// One that runs: where it stands, and the way to it.
pub(super) fn running(markup: &mut Markup, live: &LiveComparison) {
    markup.open("tr", &[("data-state", "running"), ("data-testid", "run")]).raw("<td class=\"pick\"></td>");
    name(markup, &live.id, &live.name, &live.table.to_string(), (&live.started_at, &live.started_by));
    markup.raw("<td class=\"by\" data-label=\"Writers\"><ul>");
    for run in &live.runs {
        let figures = format!("{} durable", grouped(run.records.durable));
        writer(markup, run.options.kind, &run.writer, &figures, run.state.name());
    }
    markup.raw("</ul></td>");
    let durable: u64 = live.runs.iter().map(|run| run.records.durable).sum();
    cell(markup, "Durable", &grouped(durable));
    cell(markup, "Best", "—");
    let now = live.runs.iter().find(|run| !run.state.is_final() && run.state != RunState::Pending);
    let word = now.map_or_else(|| "running".to_owned(), |run| format!("{}: {}", run.state.name(), run.writer));
    markup.raw("<td data-label=\"State\"><span class=\"state\" data-state=\"live\"><span class=\"sign\" aria-hidden=\"true\">●</span>");
    markup.text(&word).raw("</span></td>");
    cell(markup, "Thresholds", "not yet");
    markup.raw("<td class=\"change\"><a href=\"/runs/").text(&live.id).raw("\">Follow</a></td></tr>");
}

/// One that has ended, with its changes; `query` is the list to come back to.
pub(super) fn ended(markup: &mut Markup, entry: &HistoryEntry, query: &RunsQuery) {
    let HistoryEntry { id, state, .. } = entry;
    let pick = format!("pick-{id}");
    markup.open("tr", &[("data-state", state.name()), ("data-testid", "run")]);
    let label = format!("Compare {}", entry.name);
    let tick = [
        ("type", "checkbox"),
        ("id", pick.as_str()),
        ("form", "compare"),
        ("name", "id"),
        ("value", id),
        ("aria-label", &label),
    ];
    markup.raw("<td class=\"pick\">").open("input", &tick).raw("</td>");
    name(markup, id, &entry.name, &entry.table.to_string(), (&entry.started_at, &entry.started_by));
    markup.raw("<td class=\"by\" data-label=\"Writers\"><ul>");
    for run in &entry.runs {
        writer(markup, run.kind, &run.writer, &figures(run), run.state.name());
    }
    markup.raw("</ul></td>");
    let durable: u64 = entry.runs.iter().map(|run| run.durable).sum();
    cell(markup, "Durable", &grouped(durable));
    let best = entry.runs.iter().map(|run| run.rows_per_s).fold(0.0, f64::max);
    cell(markup, "Best", &if best > 0.0 { with_unit(best, "rows/s") } else { "—".to_owned() });
    ending(markup, entry);
    held(markup, entry.held);
    changes(markup, entry, query);
    markup.raw("</tr>");
}

/// `started` is when and by whom.
fn name(markup: &mut Markup, id: &str, name: &str, table: &str, started: (&str, &str)) {
    let (started_at, started_by) = started;
    markup.raw("<th scope=\"row\" class=\"what\">");
    markup.open("a", &[("href", &format!("/runs/{id}"))]).text(name).raw("</a>");
    markup.raw("<span class=\"code quiet\">").text(table).raw("</span>");
    markup.open("time", &[("class", "quiet num"), ("datetime", started_at)]).text(&moment(started_at)).raw("</time>");
    if !started_by.is_empty() {
        markup.element("span", &[("class", "quiet")], &format!("by {started_by}"));
    }
    markup.raw("</th>");
}

fn writer(markup: &mut Markup, kind: WriterKind, label: &str, figures: &str, state: &str) {
    markup.raw("<li>");
    markup.element("span", &[("class", "hue"), ("data-hue", kind.name()), ("aria-hidden", "true")], sign_of(kind));
    markup.text(" ").element("span", &[("class", "code")], label).text(" ");
    markup.element("span", &[("class", "quiet num")], figures);
    if state != RunState::Completed.name() {
        markup.text(" ").element("span", &[("class", "state"), ("data-state", tone(state))], state);
    }
    markup.raw("</li>");
}

fn figures(run: &HistoryRun) -> String {
    if run.durable == 0 {
        return "nothing durable".to_owned();
    }
    let mut text = with_unit(run.rows_per_s, "rows/s");
    if let Some(p99) = run.durable_p99_ms {
        text.push_str(&format!(", p99 durable {}", milliseconds(p99)));
    }
    if run.missing > 0 {
        text.push_str(&format!(", {} missing", grouped(run.missing)));
    }
    text
}

fn cell(markup: &mut Markup, label: &str, text: &str) {
    markup.element("td", &[("class", "num amount"), ("data-label", label)], text);
}

fn ending(markup: &mut Markup, entry: &HistoryEntry) {
    let name = entry.state.name();
    let sign = match entry.state {
        RunState::Completed => "✓",
        RunState::Stopped => "■",
        _ => "×",
    };
    markup.raw("<td data-label=\"State\">").open("span", &[("class", "state"), ("data-state", tone(name))]);
    markup.element("span", &[("class", "sign"), ("aria-hidden", "true")], sign).text(name).raw("</span></td>");
}

fn held(markup: &mut Markup, held: Option<bool>) {
    let (tone, sign, word) = match held {
        None => ("", "", "none set"),
        Some(true) => ("good", "✓", "held"),
        Some(false) => ("bad", "×", "not held"),
    };
    markup.raw("<td data-label=\"Thresholds\">").open("span", &[("class", "state"), ("data-state", tone)]);
    markup.element("span", &[("class", "sign"), ("aria-hidden", "true")], sign).text(word).raw("</span></td>");
}

fn tone(state: &str) -> &'static str {
    match state {
        "completed" => "good",
        "failed" => "bad",
        "stopped" => "warn",
        _ => "live",
    }
}

fn changes(markup: &mut Markup, entry: &HistoryEntry, query: &RunsQuery) {
    let back = query.address(query.history.page);
    let id = entry.id.as_str();
    let input = format!("name-{id}");
    let hidden = |markup: &mut Markup| {
        for (name, value) in [("id", id), ("back", back.as_str())] {
            markup.open("input", &[("type", "hidden"), ("name", name), ("value", value)]);
        }
    };
    markup.raw("<td class=\"change\"><details name=\"change\"><summary>Rename");
    markup.element("span", &[("class", "sr-only")], &format!(" {}", entry.name)).raw("</summary>");
    markup.open("form", &[("method", "post"), ("action", RENAME), ("class", "pop")]);
    hidden(markup);
    markup.raw("<div class=\"field\">").element("label", &[("for", &input)], "Name");
    let text = [
        ("type", "text"),
        ("id", input.as_str()),
        ("name", "name"),
        ("value", &entry.name),
        ("maxlength", "120"),
        ("required", ""),
        ("autocomplete", "off"),
    ];
    markup
        .open("input", &text)
        .raw("</div><button type=\"submit\" class=\"button small\">Save name</button></form></details>");
    markup.raw("<details name=\"change\"><summary>Delete");
    markup.element("span", &[("class", "sr-only")], &format!(" {}", entry.name)).raw("</summary>");
    markup.open("form", &[("method", "post"), ("action", DELETE), ("class", "pop")]);
    hidden(markup);
    let rows: u64 = entry.runs.iter().map(|run| run.durable).sum();
    let words = format!("The report is deleted for good; {} in {} stay.", count_of(rows, "row"), entry.table);
    markup.element("p", &[("class", "help")], &words);
    markup.raw("<button type=\"submit\" class=\"button small\">Delete report</button></form></details></td>");
}

/// `2026-11-24 09:30 UTC` of a time as reports have it.
fn moment(started_at: &str) -> String {
    match (started_at.get(..10), started_at.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => started_at.to_owned(),
    }
}
