//! What to change on the page when a drawing changes a little, found by comparing its old and its new markup as text.
//!
//! A live drawing mostly keeps its elements and changes some texts and attributes. To find these here is several times
//! cheaper than to let the browser read all of the markup and to compare two trees of nodes across the border of wasm
//! (docs/decisions/0003-charts.md). Pure; the markup is what [`super::markup`] makes, not any HTML.

/// Elements without content and without an end.
const VOID: [&str; 5] = ["br", "col", "hr", "img", "wbr"];
/// Elements that hold what a reader typed, ticked or chose, which no markup says.
const CHOICES: [&str; 4] = ["<input", "<option", "<select", "<textarea"];

/// A change of one node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit<'a> {
    /// Where it is: the place among its siblings, from the host down.
    pub path: Vec<u32>,
    /// What becomes of it.
    pub change: Change<'a>,
}

/// What becomes of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// A text node's text.
    Text {
        /// What it is until then.
        from: String,
        /// What it becomes.
        to: String,
    },
    /// An attribute's value.
    Attribute {
        /// The element's tag.
        tag: &'a str,
        /// The attribute's name.
        name: &'a str,
        /// The value it gets.
        to: String,
    },
}

/// The edits that make `old` into `new`; `None` when more than texts and values of attributes differ, or when that cannot be told.
pub fn edits<'a>(old: &str, new: &'a str) -> Option<Vec<Edit<'a>>> {
    if CHOICES.iter().any(|choice| new.contains(choice)) {
        return None;
    }
    let (mut before, mut after) = (Tokens(old), Tokens(new));
    let mut edits = Vec::new();
    // The place of the next node in each element that is open.
    let mut places = vec![0_u32];
    loop {
        match (before.next()?, after.next()?) {
            (Token::End, Token::End) => return (places.len() == 1).then_some(edits),
            (Token::Text(from), Token::Text(to)) => {
                if from != to {
                    let change = Change::Text { from: plain(from)?, to: plain(to)? };
                    edits.push(Edit { path: places.clone(), change });
                }
                *places.last_mut()? += 1;
            }
            (Token::Open(old), Token::Open(new)) => {
                if old.tag != new.tag || old.empty != new.empty {
                    return None;
                }
                if old.attributes != new.attributes {
                    changed_values(old.attributes, &new, &places, &mut edits)?;
                }
                if new.empty { *places.last_mut()? += 1 } else { places.push(0) }
            }
            (Token::Close, Token::Close) => {
                places.pop();
                *places.last_mut()? += 1;
            }
            _ => return None,
        }
    }
}

/// Adds the attributes whose values differ; `None` when their names do.
fn changed_values<'a>(old: &str, new: &Open<'a>, path: &[u32], edits: &mut Vec<Edit<'a>>) -> Option<()> {
    let (mut before, mut after) = (old, new.attributes);
    while let Some((name, to)) = next_attribute(&mut after)? {
        let (same, from) = next_attribute(&mut before)??;
        if same != name {
            return None;
        }
        if from != to {
            let change = Change::Attribute { tag: new.tag, name, to: plain(to)? };
            edits.push(Edit { path: path.to_vec(), change });
        }
    }
    next_attribute(&mut before)?.is_none().then_some(())
}

/// Takes `name="value"` or `name` from the beginning of `rest`. Outer `None`: not readable; inner: there is none left.
#[expect(clippy::option_option, reason = "the two have different answers, and `?` reads well")]
fn next_attribute<'a>(rest: &mut &'a str) -> Option<Option<(&'a str, &'a str)>> {
    let text = rest.trim_start();
    if text.is_empty() {
        return Some(None);
    }
    let end = text.find(['=', ' ', '\n']).unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    if let Some(quoted) = behind.strip_prefix("=\"") {
        let (value, behind) = quoted.split_once('"')?;
        *rest = behind;
        return Some(Some((name, value)));
    }
    *rest = behind;
    // Values without quotes and with other quotes are not made here.
    (!behind.starts_with('=') && !name.is_empty()).then_some(Some((name, "")))
}

struct Open<'a> {
    tag: &'a str,
    attributes: &'a str,
    empty: bool,
}

enum Token<'a> {
    Open(Open<'a>),
    Close,
    Text(&'a str),
    End,
}

/// The rest of a text of markup.
struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    /// The next token; `None` when the text is not markup as it is made here.
    fn next(&mut self) -> Option<Token<'a>> {
        let Some(tag) = self.0.strip_prefix('<') else {
            let end = self.0.find('<').unwrap_or(self.0.len());
            let (text, rest) = self.0.split_at(end);
            self.0 = rest;
            return Some(if text.is_empty() { Token::End } else { Token::Text(text) });
        };
        // A value holds no angle bracket: it is escaped.
        let (inside, rest) = tag.split_once('>')?;
        self.0 = rest;
        if inside.starts_with('/') {
            return Some(Token::Close);
        }
        if inside.starts_with('!') {
            return None;
        }
        let (inside, closed) = inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
        let (tag, attributes) = inside.split_once([' ', '\n']).unwrap_or((inside, ""));
        Some(Token::Open(Open { tag, attributes, empty: closed || VOID.contains(&tag) }))
    }
}

/// Text as it was before it was escaped; `None` for an escape that is not made here.
fn plain(escaped: &str) -> Option<String> {
    let mut text = String::with_capacity(escaped.len());
    let mut rest = escaped;
    while let Some((before, behind)) = rest.split_once('&') {
        let (name, behind) = behind.split_once(';')?;
        text.push_str(before);
        text.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "#39" => '\'',
            _ => return None,
        });
        rest = behind;
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::chart::markup::escape;

    fn text<'a>(path: &[u32], from: &str, to: &str) -> Edit<'a> {
        Edit { path: path.to_vec(), change: Change::Text { from: from.to_owned(), to: to.to_owned() } }
    }

    fn attribute<'a>(path: &[u32], tag: &'a str, name: &'a str, to: &str) -> Edit<'a> {
        Edit { path: path.to_vec(), change: Change::Attribute { tag, name, to: to.to_owned() } }
    }

    #[test]
    fn texts_and_values_are_found_where_they_are() {
        let old = "<p class=\"num\">1<br>2</p><svg><path d=\"M0\"/><g data-x=\"a\"><text>&lt;1</text></g></svg>end";
        let new =
            "<p class=\"num\">1<br>3</p><svg><path d=\"M1\"/><g data-x=\"b&amp;\"><text>&lt;2</text></g></svg>END";
        let expected = [
            text(&[0, 2], "2", "3"),
            attribute(&[1, 0], "path", "d", "M1"),
            attribute(&[1, 1], "g", "data-x", "b&"),
            text(&[1, 1, 0, 0], "<1", "<2"),
            text(&[2], "end", "END"),
        ];
        assert_eq!(edits(old, new).unwrap(), expected);
        assert_eq!(edits(old, old).unwrap(), []);
        assert_eq!(edits("", "").unwrap(), []);
    }

    #[test]
    fn attributes_without_a_value_are_attributes() {
        let edits =
            edits("<details open class=\"a\"><p>x</p></details>", "<details open class=\"b\"><p>x</p></details>");
        assert_eq!(edits.unwrap(), [attribute(&[0], "details", "class", "b")]);
    }

    #[test]
    fn more_than_that_is_left_to_the_browser() {
        for (old, new) in [
            ("<p>1</p>", "<p>1</p><p>2</p>"),
            ("<p>1</p><p>2</p>", "<p>1</p>"),
            ("<p>1</p>", "<b>1</b>"),
            ("<p></p>", "<p>1</p>"),
            ("<p a=\"1\"></p>", "<p b=\"1\"></p>"),
            ("<p a=\"1\" b=\"2\"></p>", "<p a=\"2\"></p>"),
            ("<p a=\"1\"></p>", "<p a=\"2\" b=\"2\"></p>"),
            ("<p open></p>", "<p></p>"),
            ("<g/>", "<g></g>"),
            ("<p>&nbsp;</p>", "<p>1</p>"),
            ("<p>1</p>", "<p>&nbsp;</p>"),
            ("<p a='1'></p>", "<p a='2'></p>"),
            ("<p>1", "<p>2"),
            ("<!-- a -->", "<!-- b -->"),
            // What a reader has ticked is not in the markup.
            ("<p>1</p><input value=\"a\">", "<p>2</p><input value=\"a\">"),
        ] {
            assert_eq!(edits(old, new), None, "{old} {new}");
        }
    }

    #[test]
    fn a_drawing_of_a_run_that_goes_on_is_edited() {
        use crate::model::{LiveComparison, LiveView, example};
        use crate::ui::run::lanes;
        let old = LiveView::from(&LiveComparison::from(&example::report()));
        let mut new = old.clone();
        for run in &mut new.runs {
            run.records.sent += 1_000;
            run.elapsed_ms += 250.0;
        }
        let (old, new) = (lanes::draw(&old), lanes::draw(&new));
        let edits = edits(&old, &new).unwrap();
        assert!(edits.len() >= 8, "{edits:?}");
    }

    proptest! {
        #[test]
        fn no_text_is_misread(from in ".*", to in ".*", value in ".*") {
            let markup = |text: &str, value: &str| format!("<p title=\"{}\">{}</p>", escape(value), escape(text));
            let (old, new) = (markup(&from, "a"), markup(&to, &value));
            if !escape(&from).is_empty() && !escape(&to).is_empty() {
                let mut expected = Vec::new();
                if escape(&value) != "a" {
                    expected.push(attribute(&[0], "p", "title", &plain(&escape(&value)).unwrap()));
                }
                if escape(&from) != escape(&to) {
                    expected.push(text(&[0, 0], &plain(&escape(&from)).unwrap(), &plain(&escape(&to)).unwrap()));
                }
                prop_assert_eq!(edits(&old, &new).unwrap(), expected);
            }
        }

        #[test]
        fn nothing_makes_it_panic(old in "[<>/a\" =&;]*", new in "[<>/a\" =&;]*") {
            let _ = edits(&old, &new);
        }
    }
}
