//! SQL inserts through a warehouse: many rows in each statement, values bound as named parameters only.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::DateTime;
use serde_json::{Map, Value, json};

use super::registry::{Unavailable, WriterFactory};
use super::{Batch, Progress, Receipt, Session, WriteFailure, Writer, WriterError};
use crate::model::{Column, ColumnType, TableInfo, WriterKind, WriterOptions};
use crate::workspace::{OnSent, Statement, Workspace};

/// The platform's SQL connector documents at most 255 parameter markers for a query.
const MOST_PARAMETERS: usize = 255;
/// The same for the values of one query, in bytes.
const MOST_VALUE_BYTES: usize = 1_000_000;

/// Makes [`SqlWriter`].
pub(super) struct Factory;

impl WriterFactory for Factory {
    fn kind(&self) -> WriterKind {
        WriterKind::Sql
    }

    fn build(&self, workspace: &Arc<Workspace>) -> Result<Arc<dyn Writer>, Unavailable> {
        let config = workspace.config();
        if config.credentials.is_none() {
            let setting = "DATABRICKS_CLIENT_ID with DATABRICKS_CLIENT_SECRET";
            return Err(Unavailable::missing(setting, "runs statements as a service principal"));
        }
        if config.warehouse_id.is_none() {
            return Err(Unavailable::missing(
                "DATABRICKS_WAREHOUSE_ID",
                "says which SQL warehouse runs the statements",
            ));
        }
        Ok(Arc::new(SqlWriter { workspace: workspace.clone() }))
    }
}

/// The writer `sql`.
struct SqlWriter {
    workspace: Arc<Workspace>,
}

struct Insert {
    rows: u64,
    body: Bytes,
}

#[async_trait]
impl Writer for SqlWriter {
    fn kind(&self) -> WriterKind {
        WriterKind::Sql
    }

    async fn write(&self, batch: Arc<Batch>, progress: Arc<dyn Progress>) -> Result<Receipt, WriteFailure> {
        let warehouse = self.workspace.warehouse_id().map_err(WriteFailure::nothing_sent)?;
        let inserts = encode(&batch, warehouse).map_err(WriteFailure::nothing_sent)?;
        progress.encoded(inserts.iter().map(|insert| insert.body.len() as u64).sum());
        let mut durable = 0;
        let mut statement_ids = Vec::with_capacity(inserts.len());
        let last = inserts.len().saturating_sub(1);
        for (index, Insert { rows, body }) in inserts.into_iter().enumerate() {
            let progress = progress.clone();
            let sent: OnSent = Arc::new(move || {
                if index == last {
                    progress.sent();
                }
            });
            match self.workspace.execute_encoded(body, sent).await {
                Ok(result) => statement_ids.push(result.statement_id),
                Err(error) => {
                    let error = WriterError::from(error);
                    // A statement that the workspace itself ended wrote nothing; a lost answer leaves its rows in doubt.
                    let in_doubt = if error.is_retryable() { rows } else { 0 };
                    return Err(WriteFailure { error, durable, in_doubt });
                }
            }
            durable += rows;
        }
        Ok(Receipt { durable, proof: json!({ "statement_ids": statement_ids }) })
    }

    async fn open(&self, _: &TableInfo, _: &WriterOptions) -> Result<Arc<dyn Session>, WriterError> {
        Err(WriterError::NotConfigured("Runs through this writer are not in this build yet.".to_owned()))
    }

    async fn rehearse(&self, table: &TableInfo) -> Result<String, WriterError> {
        let statement = Statement::new(format!("SELECT * FROM {} LIMIT 0", table.name.quoted()));
        let result = self.workspace.execute(&statement).await?;
        Ok(format!("the warehouse ran statement {}", result.statement_id))
    }

    async fn close(&self) {}
}

/// Splits the rows into statements that stay below the limits of parameters.
fn encode(batch: &Batch, warehouse: &str) -> Result<Vec<Insert>, WriterError> {
    let columns: Vec<&Column> = batch.table.columns.iter().collect();
    let most_rows = (MOST_PARAMETERS / columns.len().max(1)).max(1);
    let mut inserts = Vec::new();
    let mut rows: Vec<Vec<Option<String>>> = Vec::new();
    let mut bytes = 0;
    for row in batch.rows.to_json() {
        let values = columns.iter().map(|column| parameter_value(&row, column)).collect::<Result<Vec<_>, _>>()?;
        let size: usize = values.iter().flatten().map(String::len).sum();
        if !rows.is_empty() && (rows.len() == most_rows || bytes + size > MOST_VALUE_BYTES) {
            inserts.push(insert(&batch.table, &columns, std::mem::take(&mut rows), warehouse));
            bytes = 0;
        }
        bytes += size;
        rows.push(values);
    }
    if !rows.is_empty() {
        inserts.push(insert(&batch.table, &columns, rows, warehouse));
    }
    Ok(inserts)
}

fn insert(table: &TableInfo, columns: &[&Column], rows: Vec<Vec<Option<String>>>, warehouse: &str) -> Insert {
    let count = rows.len() as u64;
    let mut statement = Statement::default();
    let tuples: Vec<String> = rows
        .into_iter()
        .map(|values| {
            let bind = |(value, column): (Option<String>, &&Column)| statement.bind(value, &parameter_type(column));
            let markers: Vec<String> = values.into_iter().zip(columns).map(bind).collect();
            format!("({})", markers.join(", "))
        })
        .collect();
    let names: Vec<String> = columns.iter().map(|column| format!("`{}`", column.name.replace('`', "``"))).collect();
    statement.text = format!("INSERT INTO {} ({}) VALUES {}", table.name.quoted(), names.join(", "), tuples.join(", "));
    Insert { rows: count, body: statement.encode(warehouse) }
}

fn parameter_type(column: &Column) -> String {
    match column.kind() {
        ColumnType::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        ColumnType::Long => "BIGINT".to_owned(),
        ColumnType::Short => "SMALLINT".to_owned(),
        ColumnType::Byte => "TINYINT".to_owned(),
        _ => column.type_name.to_ascii_uppercase(),
    }
}

/// A parameter is text of its type; microseconds become a time.
fn parameter_value(row: &Map<String, Value>, column: &Column) -> Result<Option<String>, WriterError> {
    let value = match row.get(&column.name) {
        None | Some(Value::Null) => return Ok(None),
        Some(value) => value,
    };
    let refuse =
        || WriterError::Rejected(format!("column {} ({}) does not take {value}", column.name, column.type_text));
    match (column.kind(), value) {
        (ColumnType::Binary | ColumnType::Other, _) => Err(WriterError::Rejected(format!(
            "column {} has type {}, which SQL parameters cannot carry; use zerobus",
            column.name, column.type_text
        ))),
        (ColumnType::Timestamp, Value::Number(micros)) => {
            let time = micros.as_i64().and_then(DateTime::from_timestamp_micros).ok_or_else(refuse)?;
            Ok(Some(time.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()))
        }
        (_, Value::String(text)) => Ok(Some(text.clone())),
        (_, Value::Number(_) | Value::Bool(_)) => Ok(Some(value.to_string())),
        _ => Err(refuse()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TableName;
    use crate::writer::Rows;

    fn table(types: &[(&str, &str)]) -> TableInfo {
        let columns = types.iter().zip(0..).map(|((name, type_text), position)| Column {
            name: (*name).to_owned(),
            type_name: type_text.split('(').next().unwrap_or_default().to_uppercase(),
            type_text: (*type_text).to_owned(),
            type_json: String::new(),
            nullable: true,
            position,
        });
        TableInfo { name: TableName::parse("a.b.c").unwrap(), columns: columns.collect() }
    }

    fn bodies(table: TableInfo, rows: Vec<Value>) -> Vec<Value> {
        let rows = rows.into_iter().map(|row| row.as_object().cloned().unwrap()).collect();
        let inserts = encode(&Batch { table, rows: Rows::Columns(rows) }, "w").unwrap();
        inserts.iter().map(|insert| serde_json::from_slice(&insert.body).unwrap()).collect()
    }

    #[test]
    fn values_are_bound_and_never_part_of_the_text() {
        let attack = "'); DROP TABLE a.b.c; --";
        let rows = vec![json!({"s": attack, "d": "1.50", "t": 1_500_000}), json!({"s": null})];
        let body = bodies(table(&[("s", "string"), ("d", "decimal(10,2)"), ("t", "timestamp")]), rows).remove(0);
        let text = "INSERT INTO `a`.`b`.`c` (`s`, `d`, `t`) VALUES (:p0, :p1, :p2), (:p3, :p4, :p5)";
        assert_eq!(body["statement"], text);
        assert_eq!(body["parameters"][0], json!({"name": "p0", "value": attack, "type": "STRING"}));
        assert_eq!(body["parameters"][1], json!({"name": "p1", "value": "1.50", "type": "DECIMAL(10,2)"}));
        let time = "1970-01-01T00:00:01.500000Z";
        assert_eq!(body["parameters"][2], json!({"name": "p2", "value": time, "type": "TIMESTAMP"}));
        assert_eq!(body["parameters"][3]["value"], Value::Null);
    }

    #[test]
    fn statements_stay_below_the_limit_of_parameters() {
        let rows = vec![json!({"s": "x"}); 300];
        let sizes: Vec<_> = bodies(table(&[("s", "string")]), rows)
            .iter()
            .map(|body| body["parameters"].as_array().map(Vec::len).unwrap())
            .collect();
        assert_eq!(sizes, [255, 45]);
    }

    #[test]
    fn statements_stay_below_the_limit_of_bytes() {
        let rows = vec![json!({"s": "x".repeat(400_000)}); 5];
        assert_eq!(bodies(table(&[("s", "string")]), rows).len(), 3);
    }
}
