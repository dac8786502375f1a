//! The latest lines of what happened. Draws only.

use crate::model::LogLine;
use crate::ui::markup::Markup;

/// Draws them, oldest first; the style sheet keeps the end in view.
pub fn draw(log: &[LogLine]) -> String {
    let mut markup = Markup::new();
    if log.is_empty() {
        markup.raw("<p class=\"quiet\">Nothing has happened yet.</p>");
        return markup.finish();
    }
    markup.raw("<ol>");
    for line in log {
        markup.open("li", &[("data-level", &line.level)]);
        markup.element("time", &[("datetime", &line.at)], line.at.get(11..23).unwrap_or(&line.at));
        if line.level != "info" {
            markup.element("b", &[], &line.level);
        }
        if let Some(writer) = &line.writer {
            markup.element("b", &[], writer);
        }
        markup.element("span", &[], &line.text).raw("</li>");
    }
    markup.raw("</ol>");
    markup.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_say_when_who_and_how_bad() {
        let line = LogLine {
            at: "2026-11-24T09:30:01.250Z".to_owned(),
            writer: Some("sql <1>".to_owned()),
            level: "warn".to_owned(),
            text: "Attempt repeated.".to_owned(),
        };
        let markup = draw(std::slice::from_ref(&line));
        assert!(markup.contains(">09:30:01.250</time><b>warn</b><b>sql &lt;1&gt;</b><span>Attempt"), "{markup}");
        assert!(draw(&[]).contains("Nothing has happened yet."));
        let odd = LogLine { at: "soon".to_owned(), ..line };
        assert!(draw(&[odd]).contains(">soon</time>"));
    }
}
