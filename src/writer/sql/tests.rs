//! What a session makes of lost and odd answers.

use std::sync::Arc;

use serde_json::json;

use super::session::SqlSession;
use super::testing::batch;
use crate::model::{SqlMode, TableInfo};
use crate::writer::scripted::Said::{Busy, Closed, Failed, Gone, Inserted, Running, Status};
use crate::writer::scripted::{Heard, Said, Script, workspace};
use crate::writer::{Acknowledged, Session, WriteFailure};

/// Writes two rows, one in each statement.
async fn written(says: &[Said]) -> (Result<Acknowledged, WriteFailure>, Arc<Script>, Arc<Heard>) {
    let (script, workspace) = workspace(says).await;
    let table = TableInfo::of_types(&[("s", "string")]);
    let records = batch(&table, &[json!({"s": "x"}), json!({"s": "y"})]);
    let session = SqlSession::for_run(workspace, table, SqlMode::SingleRow).unwrap();
    let heard = Arc::new(Heard::default());
    let outcome = session.write(session.encode(&records).unwrap(), heard.clone()).await;
    (outcome, script, heard)
}

/// How a write failed: rows that are durable, rows in doubt, statements that were submitted, retries.
async fn failure(says: &[Said]) -> (u64, u64, usize, u64) {
    let (outcome, script, heard) = written(says).await;
    let failure = outcome.expect_err("a failure");
    let submitted = script.heads().iter().filter(|head| *head == "POST INSERT").count();
    (failure.durable, failure.in_doubt, submitted, heard.counts().1)
}

#[tokio::test]
async fn a_statement_whose_answer_was_lost_is_in_doubt_and_not_repeated() {
    assert_eq!(failure(&[Gone]).await, (0, 1, 1, 0));
    assert_eq!(failure(&[Inserted(1), Gone]).await, (1, 1, 2, 0));
    // A proxy that says so may have lost a workspace that had begun.
    assert_eq!(failure(&[Status(503)]).await, (0, 1, 1, 0));
    assert_eq!(failure(&[Status(504)]).await, (0, 1, 1, 0));
    assert_eq!(failure(&[Failed("INTERNAL_ERROR", "died")]).await, (0, 1, 1, 0));
    assert_eq!(failure(&[Running, Status(404)]).await, (0, 1, 1, 0));
    assert_eq!(failure(&[Inserted(2)]).await, (0, 1, 1, 0), "it says two rows, and there was one");
}

#[tokio::test]
async fn what_is_known_not_to_have_run_is_not_in_doubt() {
    assert_eq!(failure(&[Failed("BAD_REQUEST", "[PARSE_SYNTAX_ERROR]")]).await, (0, 0, 1, 0));
    assert_eq!(failure(&[Inserted(1), Status(403)]).await, (1, 0, 2, 0));
    let (outcome, script, heard) = written(&[Busy, Status(429), Inserted(1), Inserted(1)]).await;
    let acknowledged = outcome.unwrap();
    assert_eq!((acknowledged.records, acknowledged.calls), (2, 4));
    assert_eq!((script.heads().len(), heard.counts()), (4, (1, 2)));
    let conflict = Failed("BAD_REQUEST", "[DELTA_CONCURRENT_APPEND] somebody else was first");
    let (outcome, _, heard) = written(&[conflict, Inserted(1), Inserted(1)]).await;
    assert_eq!((outcome.unwrap().calls, heard.counts()), (3, (1, 1)));
}

#[tokio::test]
async fn a_question_without_an_answer_is_asked_again() {
    let (outcome, script, heard) = written(&[Running, Gone, Running, Closed, Inserted(1)]).await;
    assert_eq!((outcome.unwrap().calls, heard.counts()), (2, (1, 0)));
    assert_eq!(script.heads(), ["POST INSERT", "GET s1", "GET s1", "GET s1", "POST INSERT"]);
}
