//! The list shows what it is asked for, and says what it does not have.

use super::list::parts;
use super::*;
use crate::model::{HistoryEntry, HistoryRun, HistorySort, RunState, TableName, WriterKind};

fn query(address: &str) -> RunsQuery {
    let pairs = address.split('&').filter_map(|pair| pair.split_once('='));
    RunsQuery::of(pairs.map(|(name, text)| (name.to_owned(), text.to_owned())))
}

fn entry(name: &str) -> HistoryEntry {
    let run = |kind: WriterKind, rows_per_s, durable| HistoryRun {
        kind,
        writer: kind.name().to_owned(),
        state: if durable == 0 { RunState::Failed } else { RunState::Completed },
        durable,
        missing: 0,
        rows_per_s,
        durable_p50_ms: Some(1.0),
        durable_p99_ms: Some(12.5),
    };
    HistoryEntry {
        id: "0190f3a2-0000-7000-8000-000000000001".to_owned(),
        name: name.to_owned(),
        started_at: "2026-11-24T09:30:01.000Z".to_owned(),
        started_by: String::new(),
        workspace: "Local lakehouse".to_owned(),
        table: TableName::parse("main.direct_write.telemetry").unwrap(),
        state: RunState::Failed,
        held: Some(false),
        runs: vec![run(WriterKind::Zerobus, 48_300.0, 20_000), run(WriterKind::Sql, 0.0, 0)],
    }
}

fn listing(entries: Vec<HistoryEntry>, total: u64, is_new: bool) -> Listing {
    let workspace = WorkspaceBadge { name: "Local".into(), local: true, url: String::new(), principal: String::new() };
    Listing { workspace, running: Vec::new(), past: HistoryPage { total, entries }, problem: None, is_new }
}

#[test]
fn the_address_is_read_with_care_and_written_back() {
    let asked = query("text=a&state=failed&writer=sql&sort=fastest&page=3");
    assert_eq!((asked.history.state, asked.history.writer), (Some(RunState::Failed), Some(WriterKind::Sql)));
    assert_eq!((asked.history.sort, asked.history.ascending), (HistorySort::RowsPerSecond, false));
    assert_eq!(
        (asked.history.page, asked.address(0).as_str()),
        (2, "/runs?text=a&state=failed&writer=sql&sort=fastest")
    );
    assert_eq!(asked.address(2), "/runs?text=a&state=failed&writer=sql&sort=fastest&page=3");
    let nonsense = query("text=&state=running&writer=pigeon&sort=luck&page=-1&more=x");
    assert!(nonsense.is_everything());
    assert_eq!(nonsense.address(0), "/runs");
    assert_eq!(query("text=a b&c").address(0), "/runs?text=a%20b");
}

#[test]
fn a_line_says_what_became_of_a_comparison() {
    let html = parts(&listing(vec![entry("<first>")], 1, false), &query(""), None);
    for words in
        ["&lt;first&gt;", "2026-11-24 09:30 UTC", "48.3 k rows/s", "p99 durable 12.5 ms", "not held", "20\u{2009}000"]
    {
        assert!(html.contains(words), "{words}\n{html}");
    }
    assert!(html.contains("nothing durable"));
    assert!(!html.contains("class=\"pages\""), "there is one page");
}

#[test]
fn a_long_list_has_pages_and_an_empty_one_teaches() {
    let html = parts(&listing(vec![entry("a")], 60, false), &query("page=2&text=x"), None);
    assert!(html.contains("href=\"/runs?text=x\"") && html.contains("href=\"/runs?text=x&amp;page=3\""), "{html}");
    assert!(html.contains("26–26 of 60"));
    let empty = parts(&listing(Vec::new(), 0, true), &query(""), None);
    assert!(empty.contains("No run yet") && empty.contains("/?source=generator") && !empty.contains("<table"));
    let nothing = parts(&listing(Vec::new(), 0, false), &query("text=x"), None);
    assert!(nothing.contains("No run fits"));
}

#[test]
fn what_was_not_changed_is_said() {
    let error = EdgeError::new("NOT_FOUND", "There is no comparison x.");
    let html = parts(&listing(vec![entry("a")], 1, false), &query("done=renamed"), Some(&error));
    assert!(html.contains("There is no comparison x.") && html.contains("The new name is kept."));
}
