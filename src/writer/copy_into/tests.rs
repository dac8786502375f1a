//! What a session makes of lost and odd answers.

use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray};

use super::file::Format;
use super::session::CopySession;
use crate::model::{TableInfo, TableName};
use crate::workspace::VolumePath;
use crate::writer::scripted::Said::{Busy, Done, Failed, Gone, Inserted, Status};
use crate::writer::scripted::{Heard, Said, workspace};
use crate::writer::{Acknowledged, Session, WriteFailure, arrow_schema};

/// Writes two rows and closes the session; with the first two words of all requests.
async fn written(says: &[Said], retries: bool) -> (Result<Acknowledged, WriteFailure>, Vec<String>) {
    let (script, workspace) = workspace(says).await;
    let table = TableInfo::of_types(&[("s", "string")]);
    let column = Arc::new(StringArray::from(vec!["x", "y"]));
    let records = RecordBatch::try_new(arrow_schema(&table).unwrap(), vec![column]).unwrap();
    let folder = VolumePath::of(&TableName::parse("a.b.v").unwrap()).join("run");
    let session = CopySession::new(workspace, table, folder, Format::Json, retries).unwrap();
    let heard = Arc::new(Heard::default());
    let outcome = session.write(session.encode(&records).unwrap(), heard.clone()).await;
    session.close().await;
    assert!(heard.counts().0 >= 1, "the file was sent");
    (outcome, script.heads())
}

#[tokio::test]
async fn a_file_is_put_loaded_and_removed() {
    let (outcome, came) = written(&[Done, Inserted(2)], true).await;
    let acknowledged = outcome.unwrap();
    assert_eq!((acknowledged.records, acknowledged.calls), (2, 2));
    assert_eq!(came, ["PUT file", "POST COPY", "DELETE file", "DELETE folder"]);
}

#[tokio::test]
async fn lost_answers_are_asked_for_again_and_a_file_that_was_loaded_counts() {
    let (outcome, came) = written(&[Gone, Busy, Done, Gone, Inserted(0)], true).await;
    assert_eq!(outcome.unwrap().calls, 5);
    let expected = ["PUT file", "PUT file", "PUT file", "POST COPY", "POST COPY", "DELETE file", "DELETE folder"];
    assert_eq!(came, expected);
}

#[tokio::test]
async fn a_file_that_may_still_be_loaded_stays() {
    let (outcome, came) = written(&[Done, Gone], false).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.durable, failure.in_doubt), (0, 2));
    assert_eq!(came, ["PUT file", "POST COPY", "DELETE folder"]);
}

#[tokio::test]
async fn what_was_not_loaded_is_not_in_doubt() {
    let (outcome, came) = written(&[Done, Failed("BAD_REQUEST", "[CAST_INVALID_INPUT]")], true).await;
    let failure = outcome.unwrap_err();
    assert_eq!((failure.durable, failure.in_doubt, failure.error.code()), (0, 0, "INVALID_ARGUMENT"));
    assert_eq!(came, ["PUT file", "POST COPY", "DELETE file", "DELETE folder"]);
    // Without the file there is nothing to load.
    for (status, code) in [(404, "NOT_CONFIGURED"), (403, "PERMISSION_DENIED")] {
        let (outcome, came) = written(&[Status(status)], true).await;
        let failure = outcome.unwrap_err();
        assert_eq!((failure.in_doubt, failure.error.code()), (0, code));
        assert_eq!(came, ["PUT file", "DELETE folder"]);
    }
}
