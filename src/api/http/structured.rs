//! `POST /api/v1/process-structured`, as the original app had it.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use tokio::time::Instant;

use super::{status_of, with_status};
use crate::api::caller::Caller;
use crate::engine::Origin;
use crate::model::{EdgeError, FieldError, Submission, SubmissionState, TableName, WriterKind, validate_products};
use crate::server::router::{AppState, LARGEST_BODY};

/// The platform's proxy may cut a request at 60 s.
const PATIENCE: Duration = Duration::from_secs(45);

/// Writes 1 to 100 products and answers when they are durable.
///
/// `{schema_type: "products", writer_type: "zerobus" | "direct_delta", items: [...], table?: "catalog.schema.table"}`
///
/// # Errors
/// 400 malformed JSON, unknown schema or writer; 404 unknown table; 413 over 1 MiB; 422 with every broken rule;
/// 429 too many under way; 502, 503, 504 when the writer fails, with what is durable all the same.
pub async fn process_structured(
    State(state): State<AppState>,
    caller: Caller,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, EdgeError> {
    let body = body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            let message =
                format!("The body is larger than {LARGEST_BODY} bytes. Nothing was written. Send fewer items.");
            return EdgeError::new("REQUEST_TOO_LARGE", message);
        }
        EdgeError::new("MALFORMED_REQUEST", format!("The body did not arrive whole: {rejection}. Nothing was written."))
    })?;
    let submission = read_submission(&body, &state.engine.workspace().config().default_table)?;
    let deadline = Instant::now() + PATIENCE;
    let begun = state.engine.submit(submission, Origin::StructuredProducts, caller.actor());
    let id = tokio::time::timeout_at(deadline, begun).await.map_err(|_| not_begun())??.id;
    let mut snapshots = state.engine.follow(&id)?;
    let decided = snapshots.wait_for(|snapshot| snapshot.state != SubmissionState::Running);
    let snapshot = match tokio::time::timeout_at(deadline, decided).await {
        Ok(Ok(snapshot)) => snapshot.clone(),
        Ok(Err(_)) => {
            return Err(EdgeError::new("INTERNAL", "The submission ended without an answer. Look for its batch id."));
        }
        Err(_) => {
            let message = format!(
                "Not durable after {} s and still under way as batch {id}. Do not send it again; ask /api/v1/submissions/{id}.",
                PATIENCE.as_secs()
            );
            return Err(EdgeError::new("DEADLINE_EXCEEDED", message));
        }
    };
    let status = snapshot.error.as_ref().map_or(StatusCode::OK, status_of);
    Ok(with_status(status, Json(snapshot.answer)).into_response())
}

/// The workspace was asked for the table and did not answer.
fn not_begun() -> EdgeError {
    let message =
        format!("The workspace did not answer within {} s. Nothing was written. Send it again.", PATIENCE.as_secs());
    EdgeError::new("DEADLINE_EXCEEDED", message)
}

/// Reads the body and checks what can be checked without the workspace.
fn read_submission(body: &[u8], default_table: &TableName) -> Result<Submission, EdgeError> {
    let request = read_object(body)?;
    let mut errors = Vec::new();
    let mut text = |name: &str, default: &str| match request.get(name) {
        None | Some(Value::Null) => default.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => {
            errors.push(FieldError::new(name, "type", "This must be text.", Some(other)));
            default.to_owned()
        }
    };
    let schema = text("schema_type", "products");
    let writer = text("writer_type", "zerobus");
    let table = text("table", &default_table.to_string());
    let no_items = Vec::new();
    let items = match request.get("items") {
        Some(Value::Array(items)) => items,
        other => {
            let rule = if other.is_none() { "required" } else { "type" };
            errors.push(FieldError::new("items", rule, "This must be a list of 1 to 100 items.", other));
            &no_items
        }
    };
    let refuse = |message: String| EdgeError::new("INVALID_PARAMETER_VALUE", format!("{message} Nothing was written."));
    if schema != "products" {
        return Err(refuse(format!("schema_type '{}' is not known; it can be 'products'.", shorten(&schema))));
    }
    let kind = WriterKind::parse(&writer).ok_or_else(|| {
        refuse(format!("writer_type '{}' is not known; it can be 'zerobus' or 'direct_delta'.", shorten(&writer)))
    })?;
    let table = TableName::parse(&table).map_err(|error| refuse(format!("table: {error}.")))?;
    if errors.is_empty()
        && let Err(more) = validate_products(items)
    {
        errors.extend(more);
    }
    if !errors.is_empty() {
        return Err(EdgeError::invalid(errors));
    }
    Ok(Submission { writer: kind, table, items: items.clone() })
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

fn read_object(body: &[u8]) -> Result<Map<String, Value>, EdgeError> {
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let value: Value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        let error = error.into_inner();
        // The grammar allows 1e999, but no double can hold it: a wrong value, not malformed JSON.
        if error.to_string().starts_with("number out of range") {
            return EdgeError::invalid(vec![FieldError {
                path,
                rule: "finite".to_owned(),
                message: "This number is not finite as a double.".to_owned(),
                came: "a number out of range".to_owned(),
            }]);
        }
        malformed(&error)
    })?;
    deserializer.end().map_err(|error| malformed(&error))?;
    match value {
        Value::Object(request) => Ok(request),
        other => {
            Err(EdgeError::invalid(vec![FieldError::new("", "type", "The body must be a JSON object.", Some(&other))]))
        }
    }
}

fn malformed(error: &serde_json::Error) -> EdgeError {
    EdgeError::new("MALFORMED_REQUEST", format!("The body is not JSON: {error}. Nothing was written. Correct it."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &str) -> Result<Submission, (u16, Vec<(String, String)>)> {
        let table = TableName::parse("main.direct_write.products").unwrap();
        read_submission(body.as_bytes(), &table).map_err(|error| {
            let details = error.details.iter().map(|one| (one.path.clone(), one.rule.clone())).collect();
            (status_of(&error).as_u16(), details)
        })
    }

    fn body(change: impl Fn(&mut Value)) -> String {
        let mut body = json!({"schema_type": "products", "writer_type": "zerobus", "items": [{
            "product_id": "PROD005", "product_name": "Smart Watch", "product_price": 499.99, "category": "electronics",
        }]});
        change(&mut body);
        body.to_string()
    }

    #[test]
    fn the_original_request_is_read_with_its_defaults() {
        let submission = read(&body(|_| ())).unwrap();
        assert_eq!(submission.writer, WriterKind::Zerobus);
        assert_eq!(submission.table.to_string(), "main.direct_write.products");
        let by_default = read(&body(|body| {
            let request = body.as_object_mut().unwrap();
            request.remove("schema_type");
            request.remove("writer_type");
        }));
        assert_eq!(by_default.unwrap(), submission);
        let direct = read(&body(|body| body["writer_type"] = json!("direct_delta"))).unwrap();
        assert_eq!(direct.writer, WriterKind::Sql);
    }

    #[test]
    fn each_mistake_has_its_status() {
        let status = |body: &str| read(body).unwrap_err().0;
        assert_eq!(status("{\"items\": ["), 400);
        assert_eq!(status("{} {}"), 400);
        assert_eq!(status(&body(|body| body["schema_type"] = json!("users"))), 400);
        assert_eq!(status(&body(|body| body["writer_type"] = json!("mock"))), 400);
        assert_eq!(status(&body(|body| body["writer_type"] = json!(1))), 422);
        assert_eq!(status("[]"), 422);
        assert_eq!(status("{}"), 422);
        assert_eq!(status(&body(|body| body["items"] = json!([]))), 422);
        assert_eq!(status(&body(|body| body["items"] = vec![body["items"][0].clone(); 101].into())), 422);
        assert_eq!(status(&body(|body| body["items"][0]["product_price"] = json!(-1))), 422);
    }

    #[test]
    fn a_number_no_double_holds_is_named() {
        let text = body(|_| ()).replace("499.99", "1e999");
        let expected = (422, vec![("items[0].product_price".to_owned(), "finite".to_owned())]);
        assert_eq!(read(&text).unwrap_err(), expected);
    }
}
