//! One table: what it is, whether Zerobus takes it, its columns, its latest rows, its grants.

use super::rows;
use super::statements;
use crate::engine::tables::{ColumnView, TableView};
use crate::model::WorkspaceBadge;
use crate::ui::markup::Markup;

/// The table.
pub(super) fn draw(markup: &mut Markup, view: &TableView, workspace: &WorkspaceBadge) {
    let name = view.detail.info.name.to_string();
    markup.open("header", &[("class", "table-head"), ("data-testid", "table"), ("data-table", &name)]);
    markup.element("h2", &[("class", "code")], &name);
    if !view.detail.comment.is_empty() {
        markup.element("p", &[], &view.detail.comment);
    }
    markup.raw("<p class=\"uses\">");
    for (source, text) in
        [("", "Use in workbench"), ("source=generator&", "Use in generator"), ("source=upload&", "Use in upload")]
    {
        // A table's name has nothing in it that means something in an address.
        markup.element("a", &[("class", "button"), ("href", &format!("/?{source}table={name}"))], text);
    }
    markup.raw("</p></header>");
    facts(markup, view);
    verdict(markup, view, workspace);
    columns(markup, view);
    rows::draw(markup, view);
    grants(markup, view, workspace);
    properties(markup, view);
}

fn facts(markup: &mut Markup, view: &TableView) {
    let detail = &view.detail;
    let kind = [detail.table_type.as_str(), detail.format.as_str()].join(" ").trim().to_lowercase();
    let partitions = detail.partitioned_by.join(", ");
    let filtered = if detail.filtered { "some rows or columns are hidden from some readers" } else { "" };
    markup.raw("<dl class=\"table-facts\">");
    for (term, text, is_code) in [
        ("Kind", kind.as_str(), false),
        ("Owner", detail.owner.as_str(), true),
        ("Location", detail.storage_location.as_str(), true),
        ("Partitioned by", partitions.as_str(), true),
        ("Filters", filtered, false),
    ] {
        if !text.is_empty() {
            markup.raw("<div>").element("dt", &[], term);
            markup.element("dd", if is_code { &[("class", "code")] } else { &[] }, text).raw("</div>");
        }
    }
    markup.raw("</dl>");
}

fn verdict(markup: &mut Markup, view: &TableView, workspace: &WorkspaceBadge) {
    let columns_left: Vec<&ColumnView> = view.columns.iter().filter(|one| one.carried.protobuf.is_err()).collect();
    let (state, sign, words) = match (view.obstacles.is_empty(), view.missing.is_empty(), columns_left.is_empty()) {
        (false, ..) => ("bad", "×", "Zerobus does not take this table"),
        (true, false, _) => ("warn", "!", "Zerobus takes this table as soon as the principal is granted it"),
        (true, true, false) => ("warn", "!", "Zerobus takes this table, but not every column in every form"),
        (true, true, true) => ("good", "✓", "Zerobus takes this table"),
    };
    markup.open("section", &[("class", "zerobus-verdict"), ("data-testid", "verdict"), ("data-state", state)]);
    markup.raw("<h3>").element("span", &[("class", "sign"), ("data-state", state), ("aria-hidden", "true")], sign);
    markup.text(words).raw("</h3>");
    if !view.obstacles.is_empty() {
        markup.raw("<ul>");
        for obstacle in &view.obstacles {
            markup.element("li", &[], obstacle);
        }
        markup.raw("</ul><p>SQL and COPY INTO may write to it all the same.</p>");
    }
    if !view.missing.is_empty() {
        markup.raw("<p>Zerobus wants SELECT and MODIFY granted on the table by name; grants on the schema or catalog do not count. \
            The owner runs this");
        if !workspace.principal.is_empty() {
            markup.raw(" for ").element("span", &[("class", "code")], &workspace.principal);
        }
        markup.raw(":</p>");
        let texts: Vec<String> = view.missing.iter().map(|one| one.text.clone()).collect();
        statements(markup, "missing-grants", &texts);
    }
    markup.raw("</section>");
}

fn columns(markup: &mut Markup, view: &TableView) {
    markup.raw("<section aria-labelledby=\"columns-title\"><h3 id=\"columns-title\">Columns</h3>");
    markup.raw("<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"The columns, scrollable\">");
    markup.raw(
        "<table data-testid=\"columns\"><thead><tr><th scope=\"col\">Column</th><th scope=\"col\">Type</th>\
        <th scope=\"col\">Zerobus protobuf</th><th scope=\"col\">Zerobus JSON</th></tr></thead><tbody>",
    );
    for ColumnView { column, comment, carried } in &view.columns {
        let kind = if column.type_text.is_empty() { &column.type_name } else { &column.type_text };
        markup.raw("<tr><th scope=\"row\">").element("span", &[("class", "code")], &column.name);
        if !comment.is_empty() {
            markup.element("span", &[("class", "about quiet")], comment);
        }
        // Long types may break behind their commas and brackets.
        markup.raw("</th><td class=\"code\">").text(&kind.replace(',', ", "));
        markup.raw(if column.nullable { "" } else { " <b class=\"need\">NOT NULL</b>" }).raw("</td>");
        for form in [&carried.protobuf, &carried.json] {
            match form {
                Ok(text) => markup.element("td", &[("class", "code")], text),
                Err(why) => markup
                    .raw("<td class=\"why-not\"><span class=\"sign\" data-state=\"warn\" aria-hidden=\"true\">!</span>")
                    .text(why)
                    .raw("</td>"),
            };
        }
        markup.raw("</tr>");
    }
    markup.raw("</tbody></table></div></section>");
}

fn grants(markup: &mut Markup, view: &TableView, workspace: &WorkspaceBadge) {
    markup.raw("<section aria-labelledby=\"grants-title\"><h3 id=\"grants-title\">Grants of this app</h3>");
    match &view.grants {
        Err(error) => {
            markup.element("p", &[("class", "help")], &error.message);
        }
        Ok(grants) if grants.is_empty() => {
            markup.raw("<p class=\"help\">None was granted to ").element(
                "span",
                &[("class", "code")],
                &workspace.principal,
            );
            markup.raw(" by name; what it may do all the same it has by a group, or as the owner.</p>");
        }
        Ok(grants) => {
            markup.raw("<ul class=\"grants\" data-testid=\"grants\">");
            for grant in grants {
                markup.raw("<li>").element("span", &[("class", "code")], &grant.privilege);
                if let Some(from) = &grant.inherited_from {
                    markup.raw(" <span class=\"quiet\">from ").text(from).raw("</span>");
                }
                markup.raw("</li>");
            }
            markup.raw("</ul>");
        }
    }
    markup.raw("</section>");
}

fn properties(markup: &mut Markup, view: &TableView) {
    if view.detail.properties.is_empty() {
        return;
    }
    markup.raw("<details class=\"properties\"><summary>Properties</summary><dl class=\"table-facts\">");
    for (key, value) in &view.detail.properties {
        markup
            .raw("<div>")
            .element("dt", &[("class", "code")], key)
            .element("dd", &[("class", "code")], value)
            .raw("</div>");
    }
    markup.raw("</dl></details>");
}
