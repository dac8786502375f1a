//! The right half of the composer: the ways in, their order, and what must hold.

use super::fields::{Input, Pen, id_of};
use crate::model::number::grouped;
use crate::model::{Encoding, SqlMode, WriterKind, WriterOptions, WriterState};
use crate::ui::writers::sign_of;

impl Pen<'_> {
    /// Writers, order, thresholds, name.
    pub(super) fn entrants(&mut self) {
        self.markup
            .raw("<section class=\"part\" aria-labelledby=\"writers-title\"><h2 id=\"writers-title\">Writers</h2>");
        self.markup.raw("<fieldset class=\"entrants\"");
        self.markup.raw(" id=\"f-writer\" tabindex=\"-1\"><legend class=\"sr-only\">Writers to compare</legend>");
        let mut seen = Vec::new();
        for row in self.sheet.form.rows() {
            let Some(kind) = WriterKind::parse(self.sheet.form.text(&format!("writer.{row}.kind"))) else { continue };
            self.entrant(row, kind, seen.contains(&kind));
            seen.push(kind);
        }
        self.errors("writer");
        self.markup.raw("</fieldset>");
        self.add_another();
        let orders = [("sequential", "One after the other"), ("parallel", "In parallel")];
        self.segmented("order", "Order", &orders);
        self.markup.raw("<p class=\"help only for-parallel\">They then share the machine; the report says so.</p>");
        let help = "One for each line; a run that breaks one is marked in the report. errors, failed, missing, duplicates, \
                    rows_per_s, or a stage (encode, send, durable, visible) with min, mean, p50, p90, p95, p99, p99_9, max.";
        self.area("thresholds", "Thresholds", "3", help);
        let name = Input {
            name: "name",
            label: "Name",
            help: "What the comparison is listed under.",
            usual: "made from source and table",
            is_number: false,
        };
        self.input(name);
        self.markup.raw("</section>");
    }

    fn entrant(&mut self, row: usize, kind: WriterKind, is_another: bool) {
        let name = kind.name();
        let state = self.sheet.info.writers.iter().find(|card| card.kind == kind).map(|card| card.state.clone());
        let is_ready = state == Some(WriterState::Ready);
        let is_chosen = self.sheet.form.has(&format!("writer.{row}.on"));
        let (on, id) = (format!("writer.{row}.on"), format!("f-writer-{row}-on"));
        let about = format!("{id}-about");
        let ready = if is_ready { "true" } else { "false" };
        self.markup.open("div", &[("class", "entrant"), ("data-writer", name), ("data-ready", ready)]);
        self.hidden(&format!("writer.{row}.kind"), name);
        let mut tick =
            vec![("type", "checkbox"), ("id", id.as_str()), ("name", on.as_str()), ("aria-describedby", &about)];
        tick.extend((is_chosen && is_ready).then_some(("checked", "")));
        tick.extend((!is_ready).then_some(("disabled", "")));
        tick.extend((self.sheet.focus == id).then_some(("autofocus", "")));
        self.markup.open("input", &tick).open("label", &[("for", &id)]);
        self.markup.element("span", &[("class", "hue"), ("data-hue", name), ("aria-hidden", "true")], sign_of(kind));
        self.markup.element("span", &[("class", "writer-title")], kind.title());
        self.markup.element("span", &[("class", "code quiet")], name);
        if !is_ready {
            self.markup
                .raw("<span class=\"state\" data-state=\"warn\"><span class=\"sign\" aria-hidden=\"true\">!</span>");
            self.markup.raw("Unavailable</span>");
        }
        self.markup.raw("</label>");
        self.markup.open("p", &[("class", "writer-about"), ("id", &about)]);
        let words = if is_another { "Once more, with other options." } else { kind.promise() };
        self.markup.element("span", &[("class", "quiet")], words);
        if let Some(WriterState::Unavailable { reason, remedy }) = &state {
            self.markup.raw("<span class=\"writer-trouble\">").text(reason).text(" ").text(remedy).raw("</span>");
        }
        self.markup.raw("</p>");
        if is_ready {
            self.markup.raw("<div class=\"options\">");
            self.options(row, kind);
            if is_another {
                let value = format!("remove:{row}");
                let remove =
                    [("type", "submit"), ("name", "action"), ("value", &value), ("class", "button small remove-row")];
                self.markup.element("button", &remove, "Remove");
            }
            self.markup.raw("</div>");
        }
        self.markup.raw("</div>");
    }

    fn options(&mut self, row: usize, kind: WriterKind) {
        let name = |option: &str| format!("writer.{row}.{option}");
        let typed_mode = SqlMode::ALL.into_iter().find(|mode| mode.name() == self.sheet.form.text(&name("mode")));
        let usual = WriterOptions::usual(kind, typed_mode);
        if let Some(mode) = usual.mode {
            let modes = SqlMode::ALL.map(SqlMode::name);
            self.word(&name("mode"), "Mode", &modes, mode.name());
        }
        let encodings: &[Encoding] = match kind {
            WriterKind::Zerobus => &[Encoding::Protobuf, Encoding::Json, Encoding::Arrow],
            WriterKind::CopyInto => &[Encoding::Json, Encoding::Parquet],
            WriterKind::ZerobusRest | WriterKind::Sql => &[],
        };
        if let Some(encoding) = usual.encoding {
            let names: Vec<&str> = encodings.iter().map(|encoding| encoding.name()).collect();
            self.word(&name("encoding"), "Encoding", &names, encoding.name());
        }
        let mut number = |option, label, usual: u32| {
            let (name, usual) = (name(option), grouped(usual.into()));
            self.input(Input { name: &name, label, help: "", usual: &usual, is_number: true });
        };
        if kind == WriterKind::Zerobus {
            number("streams", "Streams", usual.streams);
        }
        number("batch", "Batch", usual.batch);
        number("in_flight", "In flight", usual.in_flight);
    }

    /// One of some words; an empty one, where nothing was said, is what is usual.
    fn word(&mut self, name: &str, label: &str, words: &[&str], usual: &str) {
        let unsaid = format!("{usual} (usual)");
        let mut choices: Vec<(&str, &str)> = words.iter().map(|word| (*word, *word)).collect();
        if self.sheet.form.text(name).is_empty() {
            choices.insert(0, ("", &unsaid));
        }
        self.select(name, label, &choices, "");
    }

    fn add_another(&mut self) {
        self.markup.raw("<div class=\"another\"><span class=\"quiet\" id=\"another\">Add another:</span>");
        let ready = self.sheet.info.writers.iter().filter(|card| card.state == WriterState::Ready);
        for kind in ready.map(|card| card.kind).collect::<Vec<_>>() {
            let (value, id) = (format!("add:{}", kind.name()), id_of(&format!("add.{}", kind.name())));
            let button = [
                ("type", "submit"),
                ("name", "action"),
                ("value", &value),
                ("class", "button small"),
                ("id", &id),
                ("aria-describedby", "another"),
            ];
            self.markup.open("button", &button);
            self.markup.element(
                "span",
                &[("class", "hue"), ("data-hue", kind.name()), ("aria-hidden", "true")],
                sign_of(kind),
            );
            self.markup.text(" ").text(kind.title()).raw("</button>");
        }
        self.markup.raw("</div>");
    }
}
