//! SVG as text, element by element. The one place where text becomes markup, so the one place that escapes.

use std::fmt::Write;

use super::Look;
use crate::model::number::fixed;

/// Text made safe between tags and inside quotes.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            // Not allowed in XML; some servers put them into messages.
            control if control.is_control() && !control.is_whitespace() => safe.push('\u{FFFD}'),
            other => safe.push(other),
        }
    }
    safe
}

/// Which end of a text its place is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The text begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// A picture under construction. Coordinates are CSS pixels.
#[derive(Debug)]
pub struct Svg {
    width: f64,
    height: f64,
    body: String,
}

// Writing to a String cannot fail, so its results are passed over.
impl Svg {
    /// An empty picture.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// What is drawn inside has the hue and the dashes of that look.
    pub fn group(&mut self, class: &str, look: Look, draw: impl FnOnce(&mut Self)) {
        let _ = write!(self.body, r#"<g class="{class}" data-hue="{}" data-nth="{}">"#, look.writer, look.nth % 4);
        draw(self);
        self.body.push_str("</g>");
    }

    /// A straight line.
    pub fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let [x1, y1, x2, y2] = [x1, y1, x2, y2].map(|place| fixed(place, 1));
        let _ = write!(self.body, r#"<line class="{class}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>"#);
    }

    /// A rectangle by its upper left corner and its size.
    pub fn rect(&mut self, class: &str, (x, y): (f64, f64), (width, height): (f64, f64)) {
        let [x, y, width, height] = [x, y, width.max(0.0), height.max(0.0)].map(|place| fixed(place, 1));
        let _ = write!(self.body, r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"/>"#);
    }

    /// A path as [`super::path`] makes them; nothing when it is empty.
    pub fn path(&mut self, class: &str, path: &str) {
        if !path.is_empty() {
            let _ = write!(self.body, r#"<path class="{class}" d="{path}"/>"#);
        }
    }

    /// A text on its base line.
    pub fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let (x, y, text) = (fixed(x, 1), fixed(y, 1), escape(text));
        let _ = write!(self.body, r#"<text class="{class}" x="{x}" y="{y}" text-anchor="{anchor}">{text}</text>"#);
    }

    /// The whole picture, which screen readers call by `label`.
    pub fn finish(self, label: &str) -> String {
        let role = format!(r#"role="img" aria-label="{}""#, escape(label));
        self.whole("picture", &role)
    }

    /// The whole picture, which says nothing that is not said beside it: screen readers pass it over.
    pub fn finish_unsaid(self, class: &str) -> String {
        self.whole(&format!("picture {class}"), r#"aria-hidden="true""#)
    }

    fn whole(self, class: &str, role: &str) -> String {
        let Self { width, height, body } = self;
        let (width, height) = (fixed(width, 0), fixed(height, 0));
        format!(
            r#"<svg class="{class}" viewBox="0 0 {width} {height}" width="{width}" height="{height}" {role}>{body}</svg>"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::WriterKind;

    #[test]
    fn nothing_breaks_out_of_its_text() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text("label", (0.0, 0.0), Anchor::Start, "</text><script>alert('1')</script>\u{0}");
        let markup = svg.finish("a \"quoted\" name & more");
        assert!(!markup.contains("<script"), "{markup}");
        assert!(markup.contains("aria-label=\"a &quot;quoted&quot; name &amp; more\""), "{markup}");
        assert!(!markup.contains('\u{0}'));
    }

    #[test]
    fn groups_carry_their_look() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.group("series", Look { writer: WriterKind::ZerobusRest, nth: 5 }, |svg| svg.path("line", "M0 0"));
        let markup = svg.finish("");
        assert!(
            markup.contains(
                r#"<g class="series" data-hue="zerobus-rest" data-nth="1"><path class="line" d="M0 0"/></g>"#
            ),
            "{markup}"
        );
    }
}
