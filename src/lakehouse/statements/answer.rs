//! Answers of the Statement Execution API: status, manifest and one chunk of the result.

use serde_json::{Value, json};

use super::failure::Failure;
use super::output::Output;
use super::registry::StatementState;
use super::values::Row;

/// The answer to a submitted or polled statement; the first chunk comes with it.
pub(super) fn answer(id: &str, state: &StatementState) -> Value {
    let status = |state: &str| json!({ "statement_id": id, "status": { "state": state } });
    match state {
        StatementState::Pending => status("PENDING"),
        StatementState::Running => status("RUNNING"),
        StatementState::Closed => status("CLOSED"),
        StatementState::Failed(Failure::Canceled) => status("CANCELED"),
        StatementState::Failed(Failure::Error { code, sql_state, message }) => {
            let mut failed = json!({ "state": "FAILED", "error": { "error_code": code, "message": message } });
            if let Some(sql_state) = sql_state {
                failed["sql_state"] = (*sql_state).into();
            }
            json!({ "statement_id": id, "status": failed })
        }
        StatementState::Succeeded(output, _) => json!({
            "statement_id": id,
            "status": { "state": "SUCCEEDED" },
            "manifest": manifest(output),
            // A result without rows has no chunks, and yet there is this one in the answer.
            "result": chunk(id, output, 0).unwrap_or_else(|| chunk_json(0, 0, &[])),
        }),
    }
}

/// One chunk with its rows and the way to the next; `None` when there is no such chunk.
pub(super) fn chunk(id: &str, output: &Output, index: usize) -> Option<Value> {
    let range = output.chunk(index)?;
    let mut chunk = chunk_json(index, range.start, &output.rows[range]);
    let next = index + 1;
    if let Some(range) = output.chunk(next) {
        let link = format!("/api/2.0/sql/statements/{id}/result/chunks/{next}?row_offset={}", range.start);
        chunk["next_chunk_index"] = next.into();
        chunk["next_chunk_internal_link"] = link.into();
    }
    Some(chunk)
}

fn chunk_json(index: usize, row_offset: usize, rows: &[Row]) -> Value {
    json!({ "chunk_index": index, "row_offset": row_offset, "row_count": rows.len(), "data_array": rows })
}

fn manifest(output: &Output) -> Value {
    let columns: Vec<Value> = output
        .columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            json!({
                "name": column.name,
                "position": position,
                "type_name": column.type_name,
                "type_text": column.type_text,
            })
        })
        .collect();
    let chunks: Vec<Value> = (0..)
        .map_while(|index| Some((index, output.chunk(index)?)))
        .map(|(index, rows)| json!({ "chunk_index": index, "row_offset": rows.start, "row_count": rows.len() }))
        .collect();
    json!({
        "format": "JSON_ARRAY",
        "schema": { "column_count": columns.len(), "columns": columns },
        "total_chunk_count": chunks.len(),
        "chunks": chunks,
        "total_row_count": output.rows.len(),
        "truncated": output.truncated,
    })
}
