//! What the list of runs is asked for, as it stands in the address: every part may be missing, empty or nonsense.

use crate::model::{HistoryQuery, HistorySort, LiveComparison, RunState, WriterKind};

/// Entries of a page.
const PAGE: u32 = 25;

/// A question to the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunsQuery {
    /// What the history is asked.
    pub history: HistoryQuery,
    /// What was done before the page was shown: `renamed`, `deleted`.
    pub done: String,
}

/// The orders there are: what the address says, what the list says, by what, whether from the smallest on.
pub(super) const ORDERS: [(&str, &str, HistorySort, bool); 4] = [
    ("newest", "Newest first", HistorySort::Started, false),
    ("oldest", "Oldest first", HistorySort::Started, true),
    ("name", "By name", HistorySort::Name, true),
    ("fastest", "Fastest first", HistorySort::RowsPerSecond, false),
];

impl RunsQuery {
    /// Reads the address; what makes no sense is as if it were not there.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let mut history = HistoryQuery { page_size: PAGE, ..HistoryQuery::default() };
        let mut done = String::new();
        for (name, text) in pairs {
            match name.as_str() {
                "text" => history.text = text.trim().to_owned(),
                "state" => history.state = RunState::parse(&text).filter(|state| state.is_final()),
                "writer" => history.writer = WriterKind::parse(&text),
                "sort" => {
                    if let Some((_, _, sort, ascending)) = ORDERS.iter().find(|(word, ..)| *word == text) {
                        (history.sort, history.ascending) = (*sort, *ascending);
                    }
                }
                // Pages count from 1 where people see them.
                "page" => history.page = text.parse().map_or(0, |page: u32| page.saturating_sub(1)),
                "done" => done = text,
                _ => {}
            }
        }
        Self { history, done }
    }

    /// Whether everything is shown.
    pub fn is_everything(&self) -> bool {
        let HistoryQuery { text, state, writer, table, .. } = &self.history;
        text.is_empty() && state.is_none() && writer.is_none() && table.is_none()
    }

    /// The word of its order.
    pub(super) fn order(&self) -> &'static str {
        let known = ORDERS
            .iter()
            .find(|(_, _, sort, ascending)| *sort == self.history.sort && *ascending == self.history.ascending);
        known.map_or("newest", |(word, ..)| word)
    }

    /// The same question for another page, as an address; names and texts are safe in it.
    pub fn address(&self, page: u32) -> String {
        let mut address = "/runs".to_owned();
        let mut add = |name: &str, text: &str| {
            address.push(if address.contains('?') { '&' } else { '?' });
            address.push_str(name);
            address.push('=');
            for byte in text.bytes() {
                match byte {
                    b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => address.push(char::from(byte)),
                    _ => address.push_str(&format!("%{byte:02X}")),
                }
            }
        };
        let HistoryQuery { text, state, writer, .. } = &self.history;
        if !text.is_empty() {
            add("text", text);
        }
        if let Some(state) = state {
            add("state", state.name());
        }
        if let Some(writer) = writer {
            add("writer", writer.name());
        }
        if self.order() != "newest" {
            add("sort", self.order());
        }
        if page > 0 {
            add("page", &(page + 1).to_string());
        }
        address
    }

    /// Whether a comparison that still runs fits.
    pub(super) fn takes_running(&self, live: &LiveComparison) -> bool {
        let HistoryQuery { text, state, writer, page, .. } = &self.history;
        let text = text.to_lowercase();
        let has_text = [&live.name, &live.id].into_iter().any(|one| one.to_lowercase().contains(&text))
            || live.table.to_string().contains(&text);
        let has_writer = writer.is_none_or(|kind| live.runs.iter().any(|run| run.options.kind == kind));
        *page == 0 && state.is_none() && has_text && has_writer
    }
}
