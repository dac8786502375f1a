//! The query history: which statements a principal has submitted of late, with the tags it gave them.
//!
//! As far back as statements are remembered, newest first. Texts are kept shortened: one may have 16 MiB.

use axum::Json;
use axum::extract::{Extension, Query, State};
use chrono::Utc;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Statements;
use super::failure::Failure;
use super::registry::{StatementState, Submitted};
use super::run::Job;
use crate::lakehouse::oidc::TokenInfo;

/// Characters of a statement that are kept.
const TEXT: usize = 1000;
/// Statements on a page of the list when nothing else is asked for, and at most.
const PAGE: usize = 100;
const LARGEST_PAGE: usize = 1000;
/// Bounds of this lakehouse, so that a history stays small.
const MOST_TAGS: usize = 20;
const LONGEST_TAG: usize = 128;

/// A tag of a statement.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct QueryTag {
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
}

/// What is kept of a statement for the history.
pub(super) struct About {
    text: String,
    warehouse: String,
    tags: Vec<QueryTag>,
    submitted_ms: i64,
}

impl About {
    pub(super) fn of(job: &Job) -> Self {
        Self {
            text: job.statement.chars().take(TEXT).collect(),
            warehouse: job.warehouse.clone(),
            tags: job.tags.clone(),
            submitted_ms: Utc::now().timestamp_millis(),
        }
    }
}

/// Why tags are not taken.
pub(super) fn check_tags(tags: &[QueryTag]) -> Result<(), String> {
    let too_long = |text: &str| text.chars().count() > LONGEST_TAG;
    if tags.len() > MOST_TAGS {
        return Err(format!("{} query_tags: at most {MOST_TAGS} are taken", tags.len()));
    }
    match tags
        .iter()
        .find(|tag| tag.key.trim().is_empty() || too_long(&tag.key) || tag.value.as_deref().is_some_and(too_long))
    {
        Some(tag) => Err(format!("query_tags: '{}' has an empty key, or more than {LONGEST_TAG} characters", tag.key)),
        None => Ok(()),
    }
}

#[derive(Deserialize)]
pub(super) struct Asked {
    max_results: Option<usize>,
    #[serde(rename = "filter_by.statement_ids")]
    statement_id: Option<String>,
}

/// `GET /api/2.0/sql/history/queries`: one page.
pub(super) async fn list(
    State(statements): State<Statements>,
    Extension(client): Extension<TokenInfo>,
    Query(asked): Query<Asked>,
) -> Json<Value> {
    let most = asked.max_results.unwrap_or(PAGE).min(LARGEST_PAGE);
    let submitted = statements.registry.of_user(&client.client_id).into_iter();
    let wanted = submitted.filter(|one| asked.statement_id.as_ref().is_none_or(|id| *id == one.id));
    let queries: Vec<Value> = wanted.take(most).map(|one| shown(&one, &client.client_id)).collect();
    Json(json!({ "res": queries, "has_next_page": false }))
}

fn shown(submitted: &Submitted, user: &str) -> Value {
    let state = submitted.state();
    let status = match &state {
        StatementState::Pending => "QUEUED",
        StatementState::Running => "RUNNING",
        StatementState::Succeeded(..) | StatementState::Closed => "FINISHED",
        StatementState::Failed(Failure::Canceled) => "CANCELED",
        StatementState::Failed(_) => "FAILED",
    };
    let About { text, warehouse, tags, submitted_ms } = &*submitted.about;
    json!({
        "query_id": submitted.id,
        "status": status,
        "is_final": state.is_final(),
        "query_text": text,
        "query_start_time_ms": submitted_ms,
        "warehouse_id": warehouse,
        "user_name": user,
        "query_tags": tags,
    })
}
