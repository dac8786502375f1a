//! The latest rows of the table, or why they are not there.

use super::address;
use crate::engine::tables::{LatestRows, Place, TableView};
use crate::model::RowsPage;
use crate::ui::markup::Markup;
use crate::ui::number::{count_of, grouped};
use crate::ui::rows::draw_cell;

/// The rows.
pub(super) fn draw(markup: &mut Markup, view: &TableView) {
    markup.raw("<section class=\"latest\" aria-labelledby=\"latest-title\"><h3 id=\"latest-title\">Latest rows");
    if let LatestRows::Read(page) = &view.rows {
        let total = format!("{} in all", count_of(page.total, "row"));
        markup.raw(" ").element("span", &[("class", "quiet num"), ("data-testid", "rows-total")], &total);
    }
    markup.raw("</h3>");
    match &view.rows {
        LatestRows::Read(page) if page.rows.is_empty() => {
            markup.raw("<p class=\"teach\" data-testid=\"rows-empty\">The table has no rows yet.</p>");
        }
        LatestRows::Read(page) => table(markup, page),
        LatestRows::Problem(error) => {
            let message = error.message.replace(" Nothing was written.", "");
            markup.raw(
                "<p class=\"error\" data-testid=\"rows-problem\"><span class=\"sign\" aria-hidden=\"true\">×</span>",
            );
            markup.text(&message).raw("</p>");
            again(markup, view);
        }
        LatestRows::Late => {
            markup.raw("<p class=\"teach\" data-testid=\"rows-late\">The warehouse has not answered yet; it may be starting. The rest of \
                the page does not need it.</p>");
            again(markup, view);
        }
    }
    markup.raw("</section>");
}

fn again(markup: &mut Markup, view: &TableView) {
    let name = &view.detail.info.name;
    let [catalog, schema, table] = [name.catalog(), name.schema(), name.table()].map(str::to_owned);
    let here = address::of(&Place { catalog, schema, table });
    markup.raw("<p>").element("a", &[("class", "button small"), ("href", &here)], "Ask again").raw("</p>");
}

fn table(markup: &mut Markup, page: &RowsPage) {
    let caption = format!("The latest {} of {} rows", page.rows.len(), grouped(page.total));
    markup
        .raw("<div class=\"scroll rows-of-table\" tabindex=\"0\" role=\"region\" aria-label=\"The rows, scrollable\">");
    markup.raw("<table data-testid=\"rows\">").element("caption", &[("class", "sr-only")], &caption);
    markup.raw("<thead><tr>");
    for column in &page.columns {
        markup.element("th", &[("scope", "col")], column);
    }
    markup.raw("</tr></thead><tbody>");
    for row in &page.rows {
        markup.raw("<tr>");
        for (value, column) in row.iter().zip(&page.columns) {
            draw_cell(markup, value.as_deref(), column);
        }
        markup.raw("</tr>");
    }
    markup.raw("</tbody></table></div>");
}
