//! What the history promises: what was saved is there, lists are right, and trouble is one sentence.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::*;
use crate::model::{HistorySort, RunState, TableName, WriterKind, example};

fn report(number: u32, name: &str) -> Report {
    let mut report = example::report();
    report.id = format!("0190f3a2-0000-7000-8000-{number:012}");
    report.name = name.to_owned();
    report.started_at = format!("2026-11-24T09:30:{number:02}.000Z");
    report
}

async fn filled(folder: &Path) -> History {
    let history = History::open(folder).await;
    assert_eq!(history.problem(), None);
    let mut slow = report(2, "beta");
    slow.runs.truncate(1);
    slow.runs[0].throughput.rows_per_s = 10.0;
    slow.runs[0].state = RunState::Failed;
    let mut other = report(3, "Gamma 100 %");
    other.table = TableName::parse("main.other.events").unwrap();
    other.thresholds.clear();
    other.started_by = "grace@example.com".to_owned();
    for report in [report(1, "alpha"), slow, other] {
        history.save(report).await.unwrap();
    }
    history
}

async fn names(history: &History, query: HistoryQuery) -> Vec<String> {
    history.list(query).await.unwrap().entries.into_iter().map(|entry| entry.name).collect()
}

#[tokio::test]
async fn what_was_saved_comes_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let history = History::open(folder.path()).await;
    let saved = example::report();
    history.save(saved.clone()).await.unwrap();
    history.save(saved.clone()).await.unwrap();
    assert_eq!(history.get(&saved.id).await.unwrap(), Some(saved));
    assert_eq!(history.get("nobody").await.unwrap(), None);
    assert_eq!(history.list(HistoryQuery::default()).await.unwrap().total, 1, "the second replaced the first");
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let folder = tempfile::tempdir().unwrap();
    let history = filled(folder.path()).await;
    let all = HistoryQuery::default();
    assert_eq!(names(&history, all.clone()).await, ["Gamma 100 %", "beta", "alpha"]);
    let by_name = HistoryQuery { sort: HistorySort::Name, ascending: true, ..all.clone() };
    assert_eq!(names(&history, by_name).await, ["alpha", "beta", "Gamma 100 %"]);
    let slowest = HistoryQuery { sort: HistorySort::RowsPerSecond, ascending: true, ..all.clone() };
    assert_eq!(names(&history, slowest).await[0], "beta");

    let text = |text: &str| HistoryQuery { text: text.to_owned(), ..HistoryQuery::default() };
    assert_eq!(names(&history, text("ALPHA")).await, ["alpha"]);
    assert_eq!(names(&history, text("grace@")).await, ["Gamma 100 %"]);
    assert_eq!(names(&history, text("0 %")).await, ["Gamma 100 %"], "the percent sign stands for itself");
    assert_eq!(names(&history, text("_")).await, ["beta", "alpha"], "as it is in main.direct_write.telemetry only");
    let table = Some(TableName::parse("main.other.events").unwrap());
    assert_eq!(names(&history, HistoryQuery { table, ..all.clone() }).await, ["Gamma 100 %"]);
    let failed = HistoryQuery { state: Some(RunState::Failed), ..all.clone() };
    assert_eq!(names(&history, failed).await, ["beta"]);
    let copied = HistoryQuery { writer: Some(WriterKind::CopyInto), ..all.clone() };
    assert_eq!(names(&history, copied).await, ["Gamma 100 %", "alpha"]);

    let second = HistoryQuery { page: 1, page_size: 2, ..all };
    let page = history.list(second).await.unwrap();
    assert_eq!((page.total, page.entries.len()), (3, 1));
    let entry = &page.entries[0];
    assert_eq!((entry.held, entry.runs.len(), entry.runs[2].writer.as_str()), (Some(false), 4, "sql json-parameter"));
    assert_eq!(entry.runs[0].durable_p50_ms, Some(12.4));
}

#[tokio::test]
async fn names_change_and_reports_go() {
    let folder = tempfile::tempdir().unwrap();
    let history = filled(folder.path()).await;
    let id = report(1, "").id;
    assert!(history.rename(&id, "before the upgrade").await.unwrap());
    assert_eq!(history.get(&id).await.unwrap().unwrap().name, "before the upgrade");
    assert!(history.delete(&id).await.unwrap());
    assert_eq!(history.get(&id).await.unwrap(), None);
    assert!(!history.delete(&id).await.unwrap());
    assert!(!history.rename(&id, "x").await.unwrap());
    let copied = HistoryQuery { writer: Some(WriterKind::CopyInto), ..HistoryQuery::default() };
    assert_eq!(names(&history, copied).await.len(), 1, "its runs went with it");
}

#[tokio::test]
async fn two_programs_share_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (History::open(folder.path()).await, History::open(folder.path()).await);
    let save = |history: History, from: u32| async move {
        for number in from..from + 20 {
            history.save(report(number, "shared")).await.unwrap();
        }
    };
    tokio::join!(save(one.clone(), 1), save(other, 21));
    assert_eq!(one.list(HistoryQuery::default()).await.unwrap().total, 40);
}

#[tokio::test]
async fn a_damaged_file_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(FILE);
    std::fs::write(&file, "this was a database once, before something else wrote into it").unwrap();
    let history = History::open(folder.path()).await;
    let problem = history.problem().unwrap().clone();
    assert!(matches!(problem, HistoryError::Damaged { .. }), "{problem:?}");
    assert_eq!(history.save(example::report()).await.unwrap_err(), problem);
    assert_eq!(history.list(HistoryQuery::default()).await.unwrap_err(), problem);
    assert!(std::fs::read(&file).unwrap().starts_with(b"this was"), "it is left as it was");
}

#[tokio::test]
async fn damage_inside_is_found_when_it_is_met() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let file = folder.path().join(FILE);
    let mut bytes = std::fs::read(&file).unwrap();
    let first_page = 4096;
    assert!(bytes.len() > first_page, "closing put everything into the file");
    bytes[first_page..].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();
    let history = History::open(folder.path()).await;
    let error = history.list(HistoryQuery::default()).await.unwrap_err();
    assert!(matches!(error, HistoryError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_newer_file_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    drop(filled(folder.path()).await);
    let connection = rusqlite::Connection::open(folder.path().join(FILE)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    drop(connection);
    let history = History::open(folder.path()).await;
    let problem = history.problem().unwrap();
    assert!(matches!(problem, HistoryError::Newer { found: 99, .. }), "{problem:?}");
    assert!(problem.to_string().contains("99"), "{problem}");
}

#[tokio::test]
async fn no_folder_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    let history = History::open(&folder.path().join("file")).await;
    assert!(matches!(history.problem(), Some(HistoryError::Inaccessible { .. })), "{:?}", history.problem());
}

/// Names the folder in which [`saves_until_it_is_killed`] works; it does nothing without.
const CHILD: &str = "DIRECT_WRITE_TEST_HISTORY";

/// Not a test of its own: the program that [`what_was_saved_survives_kill_9`] kills.
#[tokio::test]
async fn saves_until_it_is_killed() {
    let Ok(folder) = std::env::var(CHILD) else {
        return;
    };
    let history = History::open(Path::new(&folder)).await;
    for number in 1..=60 {
        let report = report(number, "killed");
        let id = report.id.clone();
        history.save(report).await.unwrap();
        let mut output = std::io::stdout().lock();
        writeln!(output, "saved {id}").unwrap();
        output.flush().unwrap();
    }
}

#[tokio::test]
async fn what_was_saved_survives_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "engine::history::tests::saves_until_it_is_killed", "--nocapture"])
        .env(CHILD, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let said = lines.filter_map(|line| Some(line.split_once("saved ")?.1.to_owned()));
    let saved: Vec<String> = said.take(5).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(saved.len(), 5);
    let history = History::open(folder.path()).await;
    assert_eq!(history.problem(), None);
    for id in saved {
        assert!(history.get(&id).await.unwrap().is_some(), "{id}");
    }
}
