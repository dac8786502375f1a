//! HTML and SVG as text, element by element: how everything is drawn that only shows.
//!
//! Pure, so it is tested natively. Values go through [`escape`] here and nowhere else; tags, names of attributes and
//! [`Markup::raw`] take only what stands in the program.

use crate::chart::markup::{Svg, escape};

/// Attributes: names and values.
pub type Attributes<'a> = &'a [(&'static str, &'a str)];

/// Growing markup.
#[derive(Debug, Default)]
pub struct Markup {
    text: String,
}

impl Markup {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins an element.
    pub fn open(&mut self, tag: &'static str, attributes: Attributes<'_>) -> &mut Self {
        self.text.push('<');
        self.text.push_str(tag);
        for (name, value) in attributes {
            self.text.push(' ');
            self.text.push_str(name);
            self.text.push_str("=\"");
            self.text(value);
            self.text.push('"');
        }
        self.text.push('>');
        self
    }

    /// Ends an element.
    pub fn close(&mut self, tag: &'static str) -> &mut Self {
        self.text.push_str("</");
        self.text.push_str(tag);
        self.text.push('>');
        self
    }

    /// An element with nothing but text in it.
    pub fn element(&mut self, tag: &'static str, attributes: Attributes<'_>, text: &str) -> &mut Self {
        self.open(tag, attributes).text(text).close(tag)
    }

    /// Text, whatever it holds.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.text.push_str(&escape(text));
        self
    }

    /// Markup that never changes.
    pub fn raw(&mut self, markup: &'static str) -> &mut Self {
        self.text.push_str(markup);
        self
    }

    /// A picture that says nothing that is not said beside it.
    pub fn unsaid(&mut self, class: &'static str, picture: Svg) -> &mut Self {
        self.text.push_str(&picture.finish_unsaid(class));
        self
    }

    /// A picture that screen readers call by `label`.
    pub fn picture(&mut self, picture: Svg, label: &str) -> &mut Self {
        self.text.push_str(&picture.finish(label));
        self
    }

    /// All of it.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_cannot_leave_their_place() {
        let mut markup = Markup::new();
        markup.element("td", &[("title", "a\" onclick=\"b")], "<script>&amp;</script>").raw("<br>");
        assert_eq!(
            markup.finish(),
            "<td title=\"a&quot; onclick=&quot;b\">&lt;script&gt;&amp;amp;&lt;/script&gt;</td><br>"
        );
    }
}
