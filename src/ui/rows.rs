//! The latest rows of the chosen table, as a SELECT returned them, those just written marked.

use leptos::prelude::*;
use leptos::task::spawn_local;

use super::bench::Bench;
use super::drawn::drawn;
use super::markup::Markup;
use super::number::{count_of, grouped};
use crate::api;
use crate::model::{EdgeError, RowsPage, StageState, TableName, is_number};

const LATEST: u32 = 20;

/// What is known of the rows.
#[derive(Clone, Copy)]
struct View {
    /// The last answer and the table it is about.
    page: RwSignal<Option<(TableName, RowsPage)>>,
    /// Why the last question was not answered.
    problem: RwSignal<Option<EdgeError>>,
    /// Whether a question is on its way.
    asking: RwSignal<bool>,
    /// Counts questions; only the answer to the latest counts.
    question: RwSignal<u32>,
}

impl View {
    fn ask(self, table: TableName) {
        let question = self.question.get_untracked().wrapping_add(1);
        self.question.set(question);
        self.asking.set(true);
        spawn_local(async move {
            let answer = api::latest_rows(table.clone(), LATEST).await;
            if self.question.get_untracked() != question {
                return;
            }
            self.asking.set(false);
            match answer {
                Ok(page) => {
                    self.problem.set(None);
                    self.page.set(Some((table, page)));
                }
                Err(problem) => self.problem.set(Some(problem)),
            }
        });
    }
}

/// The panel.
#[component]
pub fn Rows(
    /// The page's state.
    bench: Bench,
) -> impl IntoView {
    let rows = View {
        page: RwSignal::new(None),
        problem: RwSignal::new(None),
        asking: RwSignal::new(false),
        question: RwSignal::new(0),
    };
    // Anything that may have changed the table, so that the effect asks once for each.
    let occasion = Memo::new(move |_| {
        let moment = bench.snapshot.with(|snapshot| {
            snapshot.as_ref().map(|snapshot| {
                let visible = snapshot.stages.last().is_some_and(|last| last.state == StageState::Done);
                (snapshot.id.clone(), visible, snapshot.finished)
            })
        });
        let silent = bench.info.with(|info| info.problem.is_some());
        (bench.table.get(), moment, silent)
    });
    Effect::new(move |before: Option<bool>| {
        let (table, moment, silent) = occasion.get();
        // A submission that is merely under way has changed nothing yet.
        let worth_it = before.is_none() || moment.is_none_or(|(_, visible, finished)| visible || finished);
        if let Some(table) = table.filter(|_| worth_it && !silent) {
            rows.ask(table);
        }
        true
    });
    let refresh = move |_| {
        if let Some(table) = bench.table.get_untracked() {
            rows.ask(table);
        }
    };
    // The last answer, if it is about the chosen table.
    let with_current = move |show: &dyn Fn(&RowsPage) -> String| {
        let table = bench.table.get();
        let of_table = |(name, page): &(TableName, RowsPage)| (Some(name) == table.as_ref()).then(|| show(page));
        rows.page.with(|page| page.as_ref().and_then(of_table))
    };
    let table_name = move || bench.table.with(|table| table.as_ref().map(TableName::to_string)).unwrap_or_default();
    let total = move || with_current(&|page| format!("{} in all", count_of(page.total, "row"))).unwrap_or_default();
    let troubled = move || rows.problem.with(Option::is_some);
    let trouble = move || {
        let stale = with_current(&|_| " Below is what was read last.".to_owned()).unwrap_or_default();
        rows.problem.with(|problem| problem.as_ref().map(|problem| draw_trouble(problem, &stale))).unwrap_or_default()
    };
    let body = move || {
        let drawn = bench.snapshot.with(|snapshot| {
            let fresh = snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.record_ids);
            with_current(&|page| if page.rows.is_empty() { EMPTY.to_owned() } else { draw_table(page, fresh) })
        });
        let instead = match (troubled(), bench.table.with(Option::is_none)) {
            (true, _) => "",
            (_, true) => "<p class=\"teach\">Choose a table to see its rows.</p>",
            _ => SKELETON,
        };
        drawn.unwrap_or_else(|| instead.to_owned())
    };
    view! {
        <section class="rows" aria-labelledby="rows-title" aria-busy=move || rows.asking.get().to_string()>
            <div class="rows-head">
                <h2 id="rows-title">"Rows in the table"</h2>
                <span class="code quiet">{table_name}</span>
                <span class="quiet num" data-testid="rows-total">{total}</span>
                <button type="button" class="button small" disabled=move || !bench.hydrated.get() on:click=refresh>
                    {move || if rows.asking.get() { "Refreshing…" } else { "Refresh" }}
                </button>
            </div>
            <div class="trouble" hidden=move || !troubled()>
                <p inner_html=drawn(trouble)></p>
                <button type="button" class="button small" on:click=refresh>"Try again"</button>
            </div>
            <div
                class="scroll"
                tabindex="0"
                role="region"
                aria-label="The rows, scrollable"
                data-stale=move || troubled().to_string()
                inner_html=drawn(body)
            ></div>
        </section>
    }
}

const EMPTY: &str = "<p class=\"teach\" data-testid=\"rows-empty\">The table has no rows yet. Load the sample data and press \
    the button: the latest 20 rows appear here as soon as a SELECT sees them.</p>";

/// The shape of what is coming.
const SKELETON: &str = "<div class=\"skeleton\" data-testid=\"rows-loading\"><p class=\"sr-only\">Reading the rows.</p>\
    <div class=\"bone head\"></div><div class=\"bone\"></div><div class=\"bone\"></div><div class=\"bone\"></div>\
    <div class=\"bone\"></div><div class=\"bone\"></div></div>";

fn draw_trouble(problem: &EdgeError, stale: &str) -> String {
    let mut markup = Markup::new();
    markup.raw("<span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>The rows could not be read. ");
    markup
        .text(&problem.message)
        .text(" ")
        .element("span", &[("class", "code quiet")], &problem.error_code)
        .text(stale);
    markup.finish()
}

fn draw_table(page: &RowsPage, fresh: &[String]) -> String {
    let mut markup = Markup::new();
    let id_column = page.columns.iter().position(|column| column == "record_id");
    let caption = format!(
        "The latest {} of {} rows; those of the last submission are marked new",
        page.rows.len(),
        grouped(page.total)
    );
    markup.raw("<table data-testid=\"rows\">").element("caption", &[("class", "sr-only")], &caption);
    markup.raw("<thead><tr><th scope=\"col\"><span class=\"sr-only\">Just written</span></th>");
    for column in &page.columns {
        markup.element("th", &[("scope", "col")], column);
    }
    markup.raw("</tr></thead><tbody>");
    for row in &page.rows {
        let id = id_column.and_then(|index| row.get(index)?.as_ref());
        let is_fresh = id.is_some_and(|id| fresh.contains(id));
        markup.open("tr", &[("data-fresh", if is_fresh { "true" } else { "false" })]).raw("<td class=\"fresh\">");
        markup.raw(if is_fresh { "<span aria-hidden=\"true\">▸ </span>new" } else { "" }).raw("</td>");
        for (value, column) in row.iter().zip(&page.columns) {
            draw_cell(&mut markup, value.as_deref(), column);
        }
        markup.raw("</tr>");
    }
    markup.raw("</tbody></table>");
    markup.finish()
}

/// A value in its cell.
pub(super) fn draw_cell(markup: &mut Markup, value: Option<&str>, column: &str) {
    let Some(text) = value else {
        markup.element("td", &[("class", "quiet")], "null");
        return;
    };
    let is_id = column.ends_with("_id") || column.ends_with("_at") || column.ends_with("_date");
    let class = match (is_id, is_number(text)) {
        (true, _) => "code",
        (_, true) => "num right",
        _ => "words",
    };
    markup.element("td", &[("class", class), ("title", text)], text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_just_written_are_marked_and_nothing_in_them_is_markup() {
        let row =
            |id: &str, name: &str| vec![Some(id.to_owned()), Some(name.to_owned()), None, Some("-1.5".to_owned())];
        let page = RowsPage {
            columns: ["record_id", "name", "note", "price"].map(str::to_owned).to_vec(),
            rows: vec![row("a", "<b>bold</b>"), row("b", "plain")],
            total: 2,
        };
        let markup = draw_table(&page, &["b".to_owned()]);
        assert_eq!(markup.matches("data-fresh=\"true\"").count(), 1);
        assert!(markup.contains("&lt;b&gt;bold&lt;/b&gt;") && !markup.contains("<b>"), "{markup}");
        assert!(markup.contains("<td class=\"num right\" title=\"-1.5\">-1.5</td>"), "{markup}");
        assert!(markup.contains("<td class=\"quiet\">null</td>"), "{markup}");
    }
}
