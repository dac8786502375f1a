//! The left half of the composer: which records, how many, how fast.

use super::fields::{Input, Pen};
use super::form::OTHER_TABLE;
use super::summary::fitting;
use crate::model::number::count_of;
use crate::model::{SourceKind, TableInfo};

impl Pen<'_> {
    /// Made records.
    pub(super) fn made_records(&mut self) {
        self.markup
            .raw("<section class=\"part\" aria-labelledby=\"records-title\"><h2 id=\"records-title\">Records</h2>");
        self.table("The records are made to fit its columns.");
        self.other_table(true);
        let fitting = match fitting(&self.sheet.form, &self.sheet.info.tables) {
            SourceKind::Telemetry => "As the table wants them: readings of devices",
            SourceKind::Products => "As the table wants them: products",
            _ => "As the table wants them: values by column type",
        };
        let kinds = [
            ("", fitting),
            ("telemetry", "Readings of devices"),
            ("products", "Products"),
            ("columns", "Values by column type"),
        ];
        self.select("source.kind", "Kind", &kinds, "");
        self.segmented("source.amount", "Amount", &[("records", "Records"), ("duration", "Duration")]);
        self.markup.raw("<div class=\"fields\"><div class=\"only for-records\">");
        self.number("source.records", "Records", "", "");
        self.markup.raw("</div><div class=\"only for-duration\">");
        self.time("source.duration", "Duration", "Such as 30s or 5m.", "");
        self.markup.raw("</div>");
        self.number("source.record_bytes", "Record size, bytes", "About, as JSON.", "as they come");
        self.number("source.seed", "Seed", "The same seed, the same records.", "0");
        self.markup.raw("</div>");
        self.pace();
        self.more();
        self.markup.raw("</section>");
    }

    /// How many records of a file, and how fast.
    pub(super) fn file_records(&mut self) {
        self.segmented("source.amount", "Amount", &[("all", "All of the file"), ("records", "The first")]);
        self.markup.raw("<div class=\"fields only for-records\">");
        self.number("source.records", "Records", "", "");
        self.markup.raw("</div>");
        self.pace();
        self.markup.raw("<details class=\"more\"><summary>More</summary><div class=\"fields\">");
        self.number("source.seed", "Seed", "Record ids are made from it.", "0");
        self.looking();
        self.markup.raw("</div></details>");
    }

    /// The tables there are.
    pub(super) fn table(&mut self, help: &str) {
        let names: Vec<(String, String)> = self.sheet.info.tables.iter().map(named).collect();
        let mut choices: Vec<(&str, &str)> =
            names.iter().map(|(value, text)| (value.as_str(), text.as_str())).collect();
        if choices.is_empty() {
            choices.push(("", "No table is known"));
        } else if self.sheet.form.text("table").is_empty() {
            choices.insert(0, ("", "Choose a table"));
        }
        self.select("table", "Table", &choices, help);
    }

    /// For a table of another schema: typed, or looked for.
    pub(super) fn other_table(&mut self, has_button: bool) {
        self.markup.raw("<details class=\"other-table\"><summary>Another table</summary><div class=\"go\">");
        self.markup.open(
            "input",
            &[
                ("type", "text"),
                ("name", OTHER_TABLE),
                ("value", ""),
                ("class", "code"),
                ("aria-label", "Full name of another table"),
                ("placeholder", "catalog.schema.table"),
                ("autocomplete", "off"),
                ("spellcheck", "false"),
            ],
        );
        if has_button {
            let button = [("type", "submit"), ("name", "action"), ("value", "check"), ("class", "button small")];
            self.markup.element("button", &button, "Use it");
        }
        self.markup.raw("<a class=\"button small\" href=\"/tables\">Browse all tables</a></div></details>");
    }

    fn pace(&mut self) {
        let paces = [("fast", "As fast as taken"), ("constant", "Constant"), ("ramp", "Ramp"), ("bursts", "Bursts")];
        self.segmented("source.pace", "Rate", &paces);
        self.markup.raw("<div class=\"fields only for-constant\">");
        self.number("source.rate", "Records a second", "Latency counts from when a record was due.", "");
        self.markup.raw("</div><div class=\"fields only for-ramp\">");
        self.number("source.rate.from", "From, records a second", "", "");
        self.number("source.rate.to", "To, records a second", "", "");
        self.time("source.rate.over", "Over", "", "");
        self.markup.raw("</div><div class=\"fields only for-bursts\">");
        self.number("source.rate.burst", "Records in a burst", "", "");
        self.time("source.rate.every", "Every", "", "");
        self.markup.raw("</div>");
    }

    fn more(&mut self) {
        const MORE: [&str; 6] =
            ["source.keys", "source.key_skew", "source.bad", "source.duplicates", "check.every", "check.patience"];
        // What is wrong must not hide.
        let is_open = MORE.iter().any(|name| self.is_wrong(name));
        self.markup.open("details", if is_open { &[("class", "more"), ("open", "")] } else { &[("class", "more")] });
        self.markup.raw("<summary>More</summary><div class=\"fields\">");
        self.number("source.keys", "Different keys", "Devices, products.", "1000");
        self.number("source.key_skew", "Skew of keys", "0 = all alike; Zipf's exponent.", "0");
        self.number("source.bad", "Share of bad records", "0.01 = one in a hundred.", "0");
        self.number("source.duplicates", "Share sent twice", "With the same record id.", "0");
        self.looking();
        self.markup.raw("</div></details>");
    }

    fn looking(&mut self) {
        self.time("check.every", "Look into the table every", "0s = only at the end.", "250ms");
        self.time("check.patience", "Wait for rows at most", "After the last acknowledgement.", "60s");
    }

    fn number(&mut self, name: &str, label: &str, help: &str, usual: &str) {
        self.input(Input { name, label, help, usual, is_number: true });
    }

    fn time(&mut self, name: &str, label: &str, help: &str, usual: &str) {
        self.input(Input { name, label, help, usual, is_number: false });
    }
}

fn named(table: &TableInfo) -> (String, String) {
    let name = table.name.to_string();
    let text = format!("{name} · {}", count_of(table.columns.len() as u64, "column"));
    (name, text)
}
