//! Inputs of the composer: each with its label, its help, what is typed and what is wrong with that.

use super::sheet::Sheet;
use crate::model::FieldError;
use crate::ui::markup::Markup;

/// Growing markup of a sheet.
pub(super) struct Pen<'a> {
    pub(super) markup: Markup,
    pub(super) sheet: &'a Sheet,
}

/// A field to type into.
#[derive(Clone, Copy, Default)]
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) label: &'a str,
    pub(super) help: &'a str,
    /// What counts when nothing is typed.
    pub(super) usual: &'a str,
    /// Whether digits are what is typed.
    pub(super) is_number: bool,
}

/// A value and how it is called.
pub(super) type Choice<'a> = (&'a str, &'a str);

impl<'a> Pen<'a> {
    pub(super) fn new(sheet: &'a Sheet) -> Self {
        Self { markup: Markup::new(), sheet }
    }

    /// A line to type into.
    pub(super) fn input(&mut self, input: Input<'_>) {
        let Input { name, label, help, usual, is_number } = input;
        let (id, about) = (id_of(name), about(name));
        self.open_field(name, label);
        let mode = if is_number { "numeric" } else { "text" };
        let mut attributes = vec![
            ("type", "text"),
            ("id", &id),
            ("name", name),
            ("value", self.sheet.form.text(name)),
            ("inputmode", mode),
            ("autocomplete", "off"),
            ("spellcheck", "false"),
        ];
        attributes.extend((!usual.is_empty()).then_some(("placeholder", usual)));
        attributes.extend(self.is_wrong(name).then_some(("aria-invalid", "true")));
        attributes.extend((!help.is_empty() || self.is_wrong(name)).then_some(("aria-describedby", about.as_str())));
        self.markup.open("input", &attributes);
        self.close_field(name, help);
    }

    /// One of some values.
    pub(super) fn select(&mut self, name: &str, label: &str, choices: &[Choice<'_>], help: &str) {
        self.open_field(name, label);
        self.bare_select(name, choices, help);
        self.close_field(name, help);
    }

    /// A select without its label, which stands elsewhere and is named by `for`.
    pub(super) fn bare_select(&mut self, name: &str, choices: &[Choice<'_>], help: &str) {
        let (id, about) = (id_of(name), about(name));
        let mut attributes = vec![("id", id.as_str()), ("name", name)];
        attributes.extend(self.is_wrong(name).then_some(("aria-invalid", "true")));
        attributes.extend((!help.is_empty() || self.is_wrong(name)).then_some(("aria-describedby", about.as_str())));
        self.markup.open("select", &attributes);
        let chosen = self.sheet.form.text(name);
        for (value, text) in choices {
            let mut option = vec![("value", *value)];
            option.extend((*value == chosen).then_some(("selected", "")));
            self.markup.element("option", &option, text);
        }
        // What was sent stays, so that what is said to be wrong is there to be seen.
        if !chosen.is_empty() && !choices.iter().any(|(value, _)| *value == chosen) {
            self.markup.element("option", &[("value", chosen), ("selected", "")], chosen);
        }
        self.markup.close("select");
    }

    /// One of a few values, all of them in sight; the first when none is chosen.
    pub(super) fn segmented(&mut self, name: &str, legend: &str, choices: &[Choice<'_>]) {
        let typed = self.sheet.form.text(name);
        let is_known = choices.iter().any(|(value, _)| *value == typed);
        let chosen = if is_known { typed } else { choices.first().map_or("", |(value, _)| *value) };
        self.markup.raw("<fieldset class=\"switch\">").element("legend", &[], legend);
        self.markup.raw("<div class=\"segmented\">");
        for (value, text) in choices {
            let id = format!("{}-{value}", id_of(name));
            let mut radio = vec![("type", "radio"), ("id", id.as_str()), ("name", name), ("value", *value)];
            radio.extend((*value == chosen).then_some(("checked", "")));
            self.markup.raw("<label class=\"choice\">").open("input", &radio);
            self.markup.element("span", &[], text).raw("</label>");
        }
        self.markup.raw("</div></fieldset>");
    }

    /// Some lines to type into.
    pub(super) fn area(&mut self, name: &str, label: &str, rows: &str, help: &str) {
        let (id, about) = (id_of(name), about(name));
        self.open_field(name, label);
        let mut attributes = vec![
            ("id", id.as_str()),
            ("name", name),
            ("rows", rows),
            ("spellcheck", "false"),
            ("autocomplete", "off"),
            ("aria-describedby", about.as_str()),
        ];
        attributes.extend(self.is_wrong(name).then_some(("aria-invalid", "true")));
        // A line break right behind the tag is not part of the text.
        self.markup.open("textarea", &attributes).raw("\n").text(self.sheet.form.text(name)).raw("</textarea>");
        self.close_field(name, help);
    }

    /// Something that is sent and not shown.
    pub(super) fn hidden(&mut self, name: &str, value: &str) {
        self.markup.open("input", &[("type", "hidden"), ("name", name), ("value", value)]);
    }

    /// What is wrong with a field, after it.
    pub(super) fn errors(&mut self, name: &str) {
        for FieldError { message, came, .. } in self.sheet.errors.iter().filter(|error| error.path == name) {
            self.markup.raw("<span class=\"error\">").text(message);
            if came != "nothing" {
                self.markup.raw(" <span class=\"quiet\">Came: <span class=\"code\">").text(came).raw("</span></span>");
            }
            self.markup.raw("</span>");
        }
    }

    pub(super) fn is_wrong(&self, name: &str) -> bool {
        self.sheet.errors.iter().any(|error| error.path == name)
    }

    fn open_field(&mut self, name: &str, label: &str) {
        self.markup.raw("<div class=\"field\">").element("label", &[("for", &id_of(name))], label);
    }

    fn close_field(&mut self, name: &str, help: &str) {
        if !help.is_empty() || self.is_wrong(name) {
            self.markup.open("div", &[("class", "field-about"), ("id", &about(name))]);
            self.errors(name);
            if !help.is_empty() {
                self.markup.element("span", &[("class", "help")], help);
            }
            self.markup.raw("</div>");
        }
        self.markup.raw("</div>");
    }
}

/// The id of a field's input; errors lead to it. Letters, digits and `-` stay, all else is written out as bytes.
pub(super) fn id_of(name: &str) -> String {
    let mut id = "f-".to_owned();
    for byte in name.bytes() {
        match byte {
            b'.' => id.push('-'),
            _ if byte.is_ascii_alphanumeric() || byte == b'_' => id.push(char::from(byte)),
            _ => id.push_str(&format!("-x{byte:02x}")),
        }
    }
    id
}

/// The id of what is said about a field.
fn about(name: &str) -> String {
    format!("{}-about", id_of(name))
}
