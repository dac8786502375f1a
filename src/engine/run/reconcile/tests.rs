//! The ledger held against tables that have more, less or other than they should.

use std::sync::Arc;

use async_trait::async_trait;

use super::*;
use crate::engine::run::doubles::{TableDouble, rows};

fn limits() -> Limits {
    let now = Instant::now();
    Limits { patience: now + Duration::from_secs(5), end: now + Duration::from_secs(20) }
}

fn table(ordinals: impl IntoIterator<Item = u64>) -> Arc<TableDouble> {
    let table = TableDouble::default();
    table.insert(&ordinals.into_iter().collect::<Vec<_>>());
    Arc::new(table)
}

async fn ask(table: &TableDouble, ledger: &Ledger, in_doubt: u64) -> Reconciled {
    reconcile(table, ledger, 7, in_doubt, 0, limits()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_is_durable_and_there_needs_one_question_and_no_words() {
    let mut ledger = Ledger::default();
    ledger.durable(&rows(0..10_000));
    let table = table(0..10_000);
    let found = ask(&table, &ledger, 0).await;
    let report = Reconciliation { done: true, ..Reconciliation::default() };
    assert_eq!(found, Reconciled { visible: 10_000, missing: 0, duplicates: 0, report });
    assert_eq!(table.questions(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_in_doubt_does_not_stand_in_for_one_that_is_missing() {
    let mut ledger = Ledger::default();
    ledger.durable(&rows(0..100));
    ledger.in_doubt(&rows(100..200));
    // One durable record is missing and one that was in doubt is there: the counts alone look right.
    let table = table((0..99).chain([150]));
    let found = ask(&table, &ledger, 100).await;
    assert_eq!((found.visible, found.missing), (100, 1));
    assert_eq!(found.report.missing_ids, ["00000007-000000000063"]);
    let note = found.report.note.unwrap();
    assert!(note.contains("Of 100 rows in doubt, 1 records are in the table."), "{note}");
}

#[tokio::test(start_paused = true)]
async fn records_that_were_refused_and_are_there_all_the_same_are_told() {
    let mut ledger = Ledger::default();
    ledger.durable(&rows(0..100));
    ledger.failed(&rows(100..200));
    let table = table((0..100).chain([120, 130]));
    let found = ask(&table, &ledger, 0).await;
    assert_eq!((found.visible, found.missing), (102, 0));
    assert_eq!(found.report.note.unwrap(), "2 records that were refused are in the table all the same.");
}

#[tokio::test(start_paused = true)]
async fn of_many_missing_and_repeated_ids_a_hundred_are_named_and_all_counted() {
    let mut ledger = Ledger::default();
    ledger.durable(&rows(0..100_000));
    let there = (0..100_000).filter(|ordinal| ordinal % 2 == 0);
    let table = table(there.clone().chain(there));
    let found = ask(&table, &ledger, 0).await;
    assert_eq!((found.visible, found.missing, found.duplicates), (50_000, 50_000, 50_000));
    assert_eq!((found.report.missing_ids.len(), found.report.duplicate_ids.len()), (100, 100));
    assert_eq!(found.report.missing_ids[0], "00000007-000000000001");
    assert!(table.questions() < 30, "{} questions", table.questions());
}

/// A table with all ordinals but one; it would be too large for a list.
struct Huge {
    without: u64,
}

#[async_trait]
impl RunTable for Huge {
    async fn chunk_counts(&self, ordinals: Range<u64>, chunk: u64) -> Result<Vec<ChunkCount>, WorkspaceError> {
        assert!((ordinals.end - ordinals.start) / chunk <= 4096, "an answer has at most so many rows");
        let first = ordinals.start / chunk * chunk;
        let chunks = (first..ordinals.end).step_by(chunk as usize).map(|first| {
            let end = (first + chunk).min(ordinals.end);
            let ids = end - first.max(ordinals.start) - u64::from((first..end).contains(&self.without));
            ChunkCount { first, ids, rows: ids }
        });
        Ok(chunks.filter(|counted| counted.ids > 0).collect())
    }
}

#[tokio::test(start_paused = true)]
async fn long_runs_are_asked_for_part_by_part() {
    let mut ledger = Ledger::default();
    ledger.durable(&rows(0..100_000_000));
    let found = reconcile(&Huge { without: 77_777_777 }, &ledger, 7, 0, 0, limits()).await.unwrap();
    assert_eq!((found.visible, found.missing), (99_999_999, 1));
    assert_eq!(found.report.missing_ids, ["00000007-000004a2cb71"]);
}

#[tokio::test(start_paused = true)]
async fn a_table_that_answers_nothing_is_left_after_the_limit() {
    let mut ledger = Ledger::default();
    ledger.durable(&rows(0..100));
    let silent = TableDouble::with(|table| table.silent = true);
    let began = Instant::now();
    let problem = reconcile(&*silent, &ledger, 7, 0, 0, limits()).await.unwrap_err();
    assert_eq!(problem, "The table did not answer in time.");
    assert_eq!(began.elapsed(), Duration::from_secs(20));
}
