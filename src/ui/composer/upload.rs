//! An upload in the composer: taking a file, what is in it, and which column each of its fields goes to.

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use super::fields::{Pen, id_of};
use super::sheet::Uploaded;
use crate::model::number::{self, count_of};
use crate::model::{ColumnType, FieldMapping, FilePreview};

/// The most that a file may have, in words.
const MOST: &str = "At most 100 MB; it is kept until its run is over, a day at the longest.";

impl Pen<'_> {
    /// The form that takes a file or pasted text.
    pub(super) fn upload_start(&mut self) {
        self.markup.raw("<section class=\"part\" aria-labelledby=\"file-title\"><h2 id=\"file-title\">File</h2>");
        self.table("Where the records shall go; its columns decide how they are read.");
        self.other_table(false);
        self.markup.raw(
            "<div class=\"field drop\"><label for=\"f-file\">Drop a file here, or choose one</label>\
             <input type=\"file\" id=\"f-file\" name=\"file\" aria-describedby=\"f-file-about\" \
             accept=\".csv,.json,.ndjson,.jsonl,.txt,text/csv,application/json,application/x-ndjson,text/plain\">",
        );
        self.markup.raw("<span class=\"help\" id=\"f-file-about\">CSV with a header line, NDJSON, or a JSON array. ");
        self.markup.text(MOST).raw("</span></div>");
        self.markup.raw(
            "<div class=\"field\"><label for=\"f-pasted\">Or paste records</label>\
             <textarea id=\"f-pasted\" name=\"pasted\" rows=\"8\" class=\"code\" spellcheck=\"false\" autocomplete=\"off\" \
             aria-describedby=\"f-pasted-about\" placeholder=\"device_id,site,metric,value&#10;…\"></textarea>\
             <span class=\"help\" id=\"f-pasted-about\">Used when no file is chosen.</span></div></section>",
        );
    }

    /// What is in the upload, and where its fields go.
    pub(super) fn uploaded(&mut self, uploaded: &Uploaded) {
        let Uploaded { upload, preview } = uploaded;
        self.hidden("upload", &upload.id);
        self.hidden("mapped", self.sheet.form.text("mapped"));
        self.markup.raw("<section class=\"part\" aria-labelledby=\"file-title\"><h2 id=\"file-title\">File</h2>");
        self.markup
            .raw("<p class=\"file-facts num\" data-testid=\"file\"><span class=\"code\">")
            .text(&upload.name)
            .raw("</span> ");
        self.markup.text(&format!("{}, {}, ", preview.format.title(), number::bytes(upload.bytes)));
        self.markup.text(&count_of(preview.records, "record"));
        self.markup.raw(" · <a href=\"/?source=upload\">Take another file</a></p>");
        self.errors("upload");
        self.table("Choose another and press Preview again.");
        self.other_table(true);
        self.mapping(preview);
        self.markup.raw("<div class=\"preview-again\">");
        self.markup.raw(
            "<button type=\"submit\" name=\"action\" value=\"check\" class=\"button small\">Preview again</button>",
        );
        self.markup.raw("</div>");
        self.verdict(preview);
        self.first_rows(preview);
        self.broken_rules(preview);
        self.file_records();
        self.markup.raw("</section>");
    }

    fn mapping(&mut self, preview: &FilePreview) {
        self.markup.raw(
            "<h3 class=\"subhead\">Columns <span class=\"quiet\">proposed by name</span></h3>\
             <div class=\"scroll\"><table class=\"mapping\"><thead><tr><th scope=\"col\">Field</th>\
             <th scope=\"col\">First value</th><th scope=\"col\">Goes to column</th></tr></thead><tbody>",
        );
        let choices = self.columns();
        for FieldMapping { field, sample, .. } in &preview.fields {
            let name = format!("map.{field}");
            let typed = self.sheet.form.text(&name);
            let why = match typed {
                "" => "left out",
                _ if typed == field => "same name",
                _ => "another name",
            };
            let choices: Vec<(&str, &str)> =
                choices.iter().map(|(value, text)| (value.as_str(), text.as_str())).collect();
            self.markup.raw("<tr><th scope=\"row\">").element(
                "label",
                &[("for", &id_of(&name)), ("class", "code")],
                field,
            );
            self.markup.element("span", &[("class", "quiet why")], why);
            self.markup.raw("</th><td class=\"sample code\">").text(sample).raw("</td><td class=\"field\">");
            self.bare_select(&name, &choices, "");
            if self.is_wrong(&name) {
                self.markup.open("div", &[("id", &format!("{}-about", id_of(&name)))]);
                self.errors(&name);
                self.markup.raw("</div>");
            }
            self.markup.raw("</td></tr>");
        }
        self.markup.raw("</tbody></table></div>");
    }

    /// Leave out, then every column.
    fn columns(&self) -> Vec<(String, String)> {
        let table = self.sheet.info.tables.iter().find(|table| table.name.to_string() == self.sheet.form.text("table"));
        let column = |column: &crate::model::Column| {
            let kind = if column.type_text.is_empty() { &column.type_name } else { &column.type_text };
            (column.name.clone(), format!("{} ({})", column.name, kind.to_lowercase()))
        };
        let columns = table.into_iter().flat_map(|table| &table.columns).map(column);
        std::iter::once((String::new(), "Leave out".to_owned())).chain(columns).collect()
    }

    fn verdict(&mut self, preview: &FilePreview) {
        let FilePreview { records, bad, missing_columns, .. } = preview;
        let (state, sign) = if *bad > 0 || !missing_columns.is_empty() { ("warn", "!") } else { ("good", "✓") };
        self.markup.raw("<p class=\"preview-verdict num\" data-testid=\"preview\" id=\"preview\" tabindex=\"-1\"");
        self.markup.raw(if self.sheet.focus == "preview" { " autofocus>" } else { ">" });
        self.markup.element("span", &[("class", "sign"), ("data-state", state), ("aria-hidden", "true")], sign);
        let good = records.saturating_sub(*bad);
        let words = match bad {
            0 => format!("{} can be written.", count_of(good, "record")),
            _ => format!(
                "{} of {} break a rule and will not be written; {} can be.",
                number::grouped(*bad),
                count_of(*records, "record"),
                number::grouped(good)
            ),
        };
        self.markup.text(&words);
        if !missing_columns.is_empty() {
            let words = format!(" No field goes to {}, which must have a value.", missing_columns.join(", "));
            self.markup.text(&words);
        }
        self.markup.raw("</p>");
    }

    fn first_rows(&mut self, preview: &FilePreview) {
        let Some(first) = preview.rows.first() else { return };
        let columns: Vec<&String> = first.keys().collect();
        self.markup
            .raw("<div class=\"scroll first-rows\" tabindex=\"0\" role=\"region\" aria-label=\"First rows\"><table>");
        self.markup.raw("<caption class=\"quiet\">First rows, as they would be written</caption><thead><tr>");
        for column in &columns {
            self.markup.element("th", &[("scope", "col"), ("class", "code")], column);
        }
        self.markup.raw("</tr></thead><tbody>");
        for row in &preview.rows {
            self.markup.raw("<tr>");
            for column in &columns {
                match row.get(*column) {
                    None | Some(Value::Null) => self.markup.raw("<td class=\"quiet\">null</td>"),
                    Some(Value::Number(micros)) if self.is_time(column) => {
                        let text = micros.as_i64().map_or_else(|| micros.to_string(), moment);
                        self.markup.element("td", &[("class", "num")], &text)
                    }
                    Some(Value::String(text)) => self.markup.element("td", &[("class", "num")], text),
                    Some(other) => self.markup.element("td", &[("class", "num")], &other.to_string()),
                };
            }
            self.markup.raw("</tr>");
        }
        self.markup.raw("</tbody></table></div>");
    }

    fn is_time(&self, column: &str) -> bool {
        let table = self.sheet.info.tables.iter().find(|table| table.name.to_string() == self.sheet.form.text("table"));
        table
            .and_then(|table| table.column(column))
            .is_some_and(|column| matches!(column.kind(), ColumnType::Timestamp | ColumnType::TimestampNtz))
    }

    fn broken_rules(&mut self, preview: &FilePreview) {
        if preview.errors.is_empty() {
            return;
        }
        self.markup.raw("<details class=\"broken\" open><summary>Broken rules by line</summary>");
        self.markup.raw("<ul class=\"rules\" data-testid=\"broken-rules\" tabindex=\"0\">");
        for error in &preview.errors {
            self.markup.raw("<li>").element("span", &[("class", "code")], &error.path).text(" ").text(&error.message);
            self.markup
                .raw(" <span class=\"quiet\">Came: <span class=\"code\">")
                .text(&error.came)
                .raw("</span></span></li>");
        }
        self.markup.raw("</ul>");
        if preview.errors.len() >= MOST_SHOWN {
            self.markup.raw("<p class=\"quiet\">The first 100 are shown; all are counted above.</p>");
        }
        self.markup.raw("</details>");
    }
}

/// A time in words, of microseconds since 1970.
fn moment(micros: i64) -> String {
    let time = DateTime::from_timestamp_micros(micros);
    time.map_or_else(|| micros.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

/// Broken rules that a preview tells.
const MOST_SHOWN: usize = 100;
