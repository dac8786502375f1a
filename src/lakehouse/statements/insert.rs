//! `INSERT INTO t [(columns)] VALUES ... | SELECT ...`: DataFusion makes the rows, the table's one way in takes them.

use std::sync::Arc;

use deltalake::arrow::array::{ArrayRef, RecordBatch, new_null_array};
use deltalake::arrow::compute::{CastOptions, cast_with_options, concat_batches};
use deltalake::arrow::datatypes::SchemaRef;
use deltalake::datafusion::sql::sqlparser::ast::{Insert, ObjectName, Statement, TableObject};
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::output::Output;
use super::run::{Job, Runner, unless_canceled};
use super::session::Session;
use crate::lakehouse::grants::Privilege;
use crate::lakehouse::table::Table;

/// An INSERT is one commit, so its rows are in memory at once; this is the most they may take.
const INSERT_BYTES: usize = 256 << 20;

/// Runs the INSERT. It can be cancelled until its rows enter the table's queue and not after.
pub(super) async fn run(
    runner: &Runner,
    job: &Job,
    session: &Session,
    insert: Insert,
    cancel: &CancellationToken,
) -> Result<Output, Failure> {
    let (name, columns, source) = plain_insert(insert)?;
    let name = runner.table_name(job, &name)?;
    runner.check_table(job, Privilege::Modify, &name)?;
    let table = runner.store.table(&name).await?;
    let targets = targets(&table, &columns)?;
    let rows = unless_canceled(cancel, collect(session, source, &table, &targets)).await?;
    let count = rows.num_rows();
    table.load(vec![rows], Vec::new()).await?;
    Ok(Output::counts(&[("num_affected_rows", count), ("num_inserted_rows", count)]))
}

/// Plans an INSERT with everything that is checked before rows are read, and writes nothing.
pub(super) async fn explain(
    runner: &Runner,
    job: &Job,
    session: &Session,
    statement: Statement,
) -> Result<Output, Failure> {
    let Statement::Insert(insert) = statement else {
        return Err(Failure::unsupported("EXPLAIN of this statement"));
    };
    let (name, columns, source) = plain_insert(insert)?;
    let name = runner.table_name(job, &name)?;
    runner.check_table(job, Privilege::Modify, &name)?;
    let table = runner.store.table(&name).await?;
    let targets = targets(&table, &columns)?;
    let width = session.columns(source).await?.fields().len();
    check_width(width, &table, &targets)?;
    let plan = format!("Append {width} columns to '{name}'");
    Ok(Output::strings(&["plan"], vec![vec![Some(plan)]]))
}

/// The parts of an INSERT that has nothing but a table, columns and a query.
fn plain_insert(insert: Insert) -> Result<(ObjectName, Vec<ObjectName>, Statement), Failure> {
    if insert.overwrite {
        return Err(Failure::unsupported("INSERT OVERWRITE"));
    }
    let TableObject::TableName(name) = insert.table else {
        return Err(Failure::unsupported("INSERT into something that is not a table"));
    };
    let extras = insert.partitioned.is_some()
        || insert.on.is_some()
        || insert.returning.is_some()
        || insert.replace_into
        || insert.ignore
        || insert.or.is_some()
        || !insert.after_columns.is_empty()
        || !insert.assignments.is_empty();
    match insert.source {
        Some(source) if !extras => Ok((name, insert.columns, Statement::Query(source))),
        _ => Err(Failure::unsupported("This form of INSERT")),
    }
}

/// For each column of the query, the table's column it goes to.
pub(super) fn targets(table: &Table, columns: &[ObjectName]) -> Result<Vec<usize>, Failure> {
    let schema = table.arrow_schema();
    if columns.is_empty() {
        return Ok((0..schema.fields().len()).collect());
    }
    let mut targets = Vec::with_capacity(columns.len());
    for column in columns {
        let name = match &column.0[..] {
            [part] => part.as_ident().map(|ident| ident.value.as_str()),
            _ => None,
        };
        let name = name.ok_or_else(|| Failure::unsupported("Inserting into a field of a column"))?;
        let found = schema.fields().iter().position(|field| field.name().eq_ignore_ascii_case(name));
        let index = found.ok_or_else(|| {
            let message = format_args!("A column with name `{name}` cannot be resolved in table '{}'.", table.name());
            Failure::bad("UNRESOLVED_COLUMN.WITH_SUGGESTION", message)
        })?;
        if targets.contains(&index) {
            return Err(Failure::bad("COLUMN_ALREADY_EXISTS", format_args!("The column `{name}` is there twice.")));
        }
        targets.push(index);
    }
    Ok(targets)
}

fn check_width(width: usize, table: &Table, targets: &[usize]) -> Result<(), Failure> {
    if width == targets.len() {
        return Ok(());
    }
    let (class, word) = if width < targets.len() { ("NOT_ENOUGH", "few") } else { ("TOO_MANY", "many") };
    Err(Failure::bad(
        &format!("INSERT_COLUMN_ARITY_MISMATCH.{class}_DATA_COLUMNS"),
        format_args!(
            "Cannot write to '{}': too {word} data columns, the table takes {} and the query has {width}.",
            table.name(),
            targets.len()
        ),
    ))
}

async fn collect(
    session: &Session,
    source: Statement,
    table: &Table,
    targets: &[usize],
) -> Result<RecordBatch, Failure> {
    let mut stream = session.query(source).await?;
    check_width(stream.schema().fields().len(), table, targets)?;
    let schema = table.arrow_schema();
    let mut batches = Vec::new();
    let mut bytes = 0;
    while let Some(batch) = stream.next().await {
        let batch = fit(&batch?, &schema, targets)?;
        bytes += batch.get_array_memory_size();
        if bytes > INSERT_BYTES {
            return Err(Failure::bad(
                "RESOURCE_EXHAUSTED",
                format_args!("An INSERT takes at most {INSERT_BYTES} bytes of rows; nothing was written, split it."),
            ));
        }
        batches.push(batch);
    }
    Ok(concat_batches(&schema, &batches)?)
}

/// A batch of the query as rows of the table: cast strictly, missing columns NULL.
pub(super) fn fit(batch: &RecordBatch, schema: &SchemaRef, targets: &[usize]) -> Result<RecordBatch, Failure> {
    let strict = CastOptions { safe: false, ..Default::default() };
    let mut columns: Vec<Option<ArrayRef>> = vec![None; schema.fields().len()];
    for (source, target) in batch.columns().iter().zip(targets) {
        columns[*target] = Some(cast_with_options(source, schema.field(*target).data_type(), &strict)?);
    }
    let mut complete = Vec::with_capacity(columns.len());
    for (column, field) in columns.into_iter().zip(schema.fields()) {
        let column = column.unwrap_or_else(|| new_null_array(field.data_type(), batch.num_rows()));
        if !field.is_nullable() && column.null_count() > 0 {
            let message = format_args!("NOT NULL constraint violated for column: {}.", field.name());
            return Err(Failure::bad("DELTA_NOT_NULL_CONSTRAINT_VIOLATED", message));
        }
        complete.push(column);
    }
    Ok(RecordBatch::try_new(Arc::clone(schema), complete)?)
}
