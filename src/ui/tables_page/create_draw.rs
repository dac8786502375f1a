//! The form for a new table, its statements, and what became of them.

use super::create::{CREATE, NewTableSheet, printed};
use super::statements;
use crate::engine::tables::{StatementOutcome, StatementState};
use crate::model::number::count_of;
use crate::model::{DdlKind, WorkspaceBadge};
use crate::ui::markup::Markup;

const EXAMPLE: &str = "id BIGINT NOT NULL\nevent_time TIMESTAMP\nreadings ARRAY<DOUBLE>\nplace STRUCT<city: STRING, floor: INT>\nlabels MAP<STRING, STRING>";

/// Everything inside `<main>`.
pub(super) fn parts(sheet: &NewTableSheet, workspace: &WorkspaceBadge) -> String {
    let mut markup = Markup::new();
    markup.raw("<div class=\"page-head\"><h1>Create a table</h1>");
    markup.raw("<p class=\"quiet\">The statements are printed first; nothing is made before you run them.</p>");
    markup.raw("<a class=\"button\" href=\"/tables\">All tables</a></div>");
    if let Some(problem) = &sheet.problem {
        super::banner(&mut markup, "Nothing was run", problem);
    }
    markup.element("p", &[("class", "told"), ("role", "status")], &sheet.told);
    errors(&mut markup, sheet);
    markup.open("form", &[("method", "post"), ("action", CREATE), ("class", "halves"), ("id", "new-table")]);
    markup.raw("<section class=\"part\" aria-labelledby=\"shape-title\"><h2 id=\"shape-title\">Table</h2>");
    line(&mut markup, sheet, "name", "Name", &sheet.draft.name, "catalog.schema.table", "");
    let help = "One in each line: name, type, then NOT NULL and COMMENT 'text' where wanted. Types are those of Databricks SQL, in \
        each other as deep as needed.";
    area(&mut markup, sheet, "columns", "Columns", &sheet.draft.columns, "10", EXAMPLE, help);
    sample(&mut markup, sheet);
    more(&mut markup, sheet);
    markup.raw("<div class=\"plan-actions\"><button type=\"submit\" name=\"action\" value=\"print\" class=\"button\">Print the statements</button></div>");
    markup.raw("</section><section class=\"part\" aria-labelledby=\"sql-title\"><h2 id=\"sql-title\">Statements</h2>");
    if !sheet.outcomes.is_empty() {
        outcomes(&mut markup, sheet);
    } else if sheet.statements.is_empty() {
        markup.raw("<p class=\"teach\" data-testid=\"no-statements\">The CREATE TABLE and the grants that this app's principal needs appear here. \
            Copy them for whoever may run them, or run them from here.</p>");
    } else {
        printed_statements(&mut markup, sheet, workspace);
    }
    markup.raw("</section></form>");
    markup.finish()
}

fn errors(markup: &mut Markup, sheet: &NewTableSheet) {
    if sheet.errors.is_empty() {
        return;
    }
    markup.raw("<section class=\"errors\" data-testid=\"error-summary\" aria-labelledby=\"errors-title\" tabindex=\"-1\" autofocus>");
    markup.raw("<h2 id=\"errors-title\"><span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>");
    markup.text(&count_of(sheet.errors.len() as u64, "error"));
    markup.raw("</h2><p>Nothing was made. Correct them and press the button again.</p><ul>");
    for error in &sheet.errors {
        let field = error.path.split('[').next().unwrap_or_default();
        markup
            .raw("<li>")
            .open("a", &[("href", &format!("#f-{field}")), ("class", "code")])
            .text(&error.path)
            .raw("</a> ");
        markup.text(&error.message).raw("</li>");
    }
    markup.raw("</ul></section>");
}

fn is_wrong(sheet: &NewTableSheet, name: &str) -> bool {
    sheet.errors.iter().any(|error| error.path.split('[').next() == Some(name))
}

/// What is wrong with a field and how it is filled in, after it.
fn about(markup: &mut Markup, sheet: &NewTableSheet, name: &str, help: &str) {
    markup.open("div", &[("class", "field-about"), ("id", &format!("f-{name}-about"))]);
    for error in sheet.errors.iter().filter(|error| error.path.split('[').next() == Some(name)) {
        markup.element("span", &[("class", "error")], &error.message);
    }
    if !help.is_empty() {
        markup.element("span", &[("class", "help")], help);
    }
    markup.raw("</div></div>");
}

fn line(markup: &mut Markup, sheet: &NewTableSheet, name: &str, label: &str, text: &str, usual: &str, help: &str) {
    let (id, described) = (format!("f-{name}"), format!("f-{name}-about"));
    markup.raw("<div class=\"field\">").element("label", &[("for", &id)], label);
    let mut attributes = vec![
        ("type", "text"),
        ("id", id.as_str()),
        ("name", name),
        ("class", "code"),
        ("value", text),
        ("placeholder", usual),
        ("autocomplete", "off"),
        ("spellcheck", "false"),
        ("aria-describedby", described.as_str()),
    ];
    attributes.extend(is_wrong(sheet, name).then_some(("aria-invalid", "true")));
    markup.open("input", &attributes);
    about(markup, sheet, name, help);
}

#[expect(clippy::too_many_arguments, reason = "each is another attribute of the one element")]
fn area(
    markup: &mut Markup,
    sheet: &NewTableSheet,
    name: &str,
    label: &str,
    text: &str,
    rows: &str,
    usual: &str,
    help: &str,
) {
    let (id, described) = (format!("f-{name}"), format!("f-{name}-about"));
    markup.raw("<div class=\"field\">").element("label", &[("for", &id)], label);
    let mut attributes = vec![
        ("id", id.as_str()),
        ("name", name),
        ("rows", rows),
        ("placeholder", usual),
        ("autocomplete", "off"),
        ("spellcheck", "false"),
        ("aria-describedby", described.as_str()),
    ];
    attributes.extend(is_wrong(sheet, name).then_some(("aria-invalid", "true")));
    // A line break right behind the tag is not part of the text.
    markup.open("textarea", &attributes).raw("\n").text(text).raw("</textarea>");
    about(markup, sheet, name, help);
}

fn sample(markup: &mut Markup, sheet: &NewTableSheet) {
    let is_open = !sheet.sample.is_empty() || is_wrong(sheet, "sample");
    markup.open("details", if is_open { &[("open", "")] } else { &[] });
    markup.raw("<summary>From a sample record</summary>");
    let help = "One JSON object, an array of them, or one in each line. The columns are written into the field above, to be looked over.";
    area(markup, sheet, "sample", "Sample", &sheet.sample, "6", "{\"id\": 7, \"tags\": [\"a\"]}", help);
    markup.raw("<button type=\"submit\" name=\"action\" value=\"infer\" class=\"button small\">Read the columns from it</button></details>");
}

fn more(markup: &mut Markup, sheet: &NewTableSheet) {
    let names = ["comment", "cluster_by", "properties"];
    let draft = &sheet.draft;
    let is_open = names.iter().any(|name| is_wrong(sheet, name))
        || [&draft.comment, &draft.cluster_by, &draft.properties].iter().any(|text| !text.trim().is_empty());
    markup.open("details", if is_open { &[("class", "more"), ("open", "")] } else { &[("class", "more")] });
    markup.raw("<summary>More</summary><div class=\"stacked\">");
    line(markup, sheet, "comment", "Comment", &draft.comment, "", "");
    line(
        markup,
        sheet,
        "cluster_by",
        "Cluster by",
        &draft.cluster_by,
        "id, event_time",
        "Columns that queries filter by.",
    );
    area(
        markup,
        sheet,
        "properties",
        "Properties",
        &draft.properties,
        "3",
        "delta.appendOnly = true",
        "One in each line.",
    );
    markup.raw("</div></details>");
}

fn printed_statements(markup: &mut Markup, sheet: &NewTableSheet, workspace: &WorkspaceBadge) {
    let texts: Vec<String> = sheet.statements.iter().map(|one| one.text.clone()).collect();
    statements(markup, "statements", &texts);
    markup.raw("<p class=\"help\">The grants are for this app's principal");
    if !workspace.principal.is_empty() {
        markup.raw(", ").element("span", &[("class", "code")], &workspace.principal);
    }
    markup.raw(". Those on the schema and the catalog only their owners can give.</p>");
    match &sheet.refusal {
        None => {
            let text = printed(&sheet.statements);
            markup.open("input", &[("type", "hidden"), ("name", "printed"), ("value", &text)]);
            markup.raw("<div class=\"plan-actions\"><button type=\"submit\" name=\"action\" value=\"run\" class=\"button primary\">");
            markup.raw("Run the statements</button></div>");
            markup
                .raw("<p class=\"help\">They run one after the other through the SQL warehouse, as the principal.</p>");
        }
        Some(refusal) => {
            markup.raw("<p class=\"teach\" data-testid=\"may-not-run\">").text(&refusal.message).raw("</p>");
        }
    }
}

fn outcomes(markup: &mut Markup, sheet: &NewTableSheet) {
    markup.open(
        "section",
        &[("data-testid", "outcomes"), ("data-created", if sheet.is_created() { "true" } else { "false" })],
    );
    summary(markup, sheet);
    markup.raw("<ol class=\"outcomes\">");
    for StatementOutcome { statement, state } in &sheet.outcomes {
        let (tone, sign, words) = match state {
            StatementState::Done => ("good", "✓", "Done"),
            StatementState::Failed(_) => ("bad", "×", "Refused"),
            StatementState::Unknown(_) => ("warn", "?", "Not known"),
            StatementState::NotRun => ("warn", "–", "Not run"),
        };
        markup.open("li", &[("data-state", tone)]).open("span", &[("class", "state"), ("data-state", tone)]);
        markup.element("span", &[("class", "sign"), ("aria-hidden", "true")], sign).text(words).raw("</span>");
        let first_line = statement.text.lines().next().unwrap_or_default();
        markup.element("span", &[("class", "code")], first_line.trim_end_matches(" ("));
        if let StatementState::Failed(why) | StatementState::Unknown(why) = state {
            markup.element("p", &[("class", "error")], why);
        }
        markup.raw("</li>");
    }
    markup.raw("</ol>");
    let left: Vec<String> = sheet
        .outcomes
        .iter()
        .filter(|outcome| outcome.state != StatementState::Done)
        .map(|outcome| outcome.statement.text.clone())
        .collect();
    if !left.is_empty() {
        markup.raw("<h3>Still to be run</h3>");
        statements(markup, "left", &left);
    }
    markup.raw("</section>");
}

/// What failed, what was kept, what to do next.
fn summary(markup: &mut Markup, sheet: &NewTableSheet) {
    let name = &sheet.draft.name;
    let grants_left = sheet
        .outcomes
        .iter()
        .filter(|outcome| outcome.statement.kind == DdlKind::Grant && outcome.state != StatementState::Done)
        .count();
    if !sheet.is_created() {
        let kept = sheet.outcomes.iter().filter(|outcome| outcome.state == StatementState::Done).count() as u64;
        markup.raw("<p><span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>The table was not made. ");
        match kept {
            0 => markup.raw("Nothing was changed. "),
            kept => markup.text(&format!("{} before it was done and stays. ", count_of(kept, "statement"))),
        };
        markup.raw("Correct what the workspace says below, or let somebody who may run the rest.</p>");
        return;
    }
    markup.raw("<p><span class=\"sign\" data-state=\"good\" aria-hidden=\"true\">✓</span>").element(
        "span",
        &[("class", "code")],
        name,
    );
    markup.raw(" is there. ");
    if grants_left > 0 {
        let count = count_of(grants_left as u64, "grant");
        markup.text(&format!("{count} could not be given: the table is kept, and an owner runs what is left below."));
    }
    markup.raw("</p><p class=\"uses\">");
    let name = name.to_ascii_lowercase();
    markup.element("a", &[("class", "button primary"), ("href", &format!("/?table={name}"))], "Use in workbench");
    markup.element("a", &[("class", "button"), ("href", &format!("/tables?name={name}"))], "See the table");
    markup.raw("</p>");
}
