//! `COPY INTO t FROM (SELECT ... FROM '<path>')`: the fields of JSON files, all of them STRING, made into columns by
//! expressions.
//!
//! Only with `'primitivesAsString' = 'true'`: what else Spark would infer of a file is not guessed here. As on the real one
//! the SELECT has one source and nothing but expressions, its columns go to the table's by name, and each must be of its
//! column's type.

use std::collections::HashMap;
use std::sync::Arc;

use deltalake::arrow::array::{ArrayBuilder, ArrayRef, RecordBatch, StringBuilder};
use deltalake::arrow::datatypes::{DataType, Field, Schema};
use deltalake::datafusion::sql::sqlparser::ast::{
    GroupByExpr, Ident, ObjectName, Query, Select, SetExpr, Statement, TableFactor,
};
use futures::StreamExt;

use super::{Loading, Problem, check_bytes, without_mark};
use crate::lakehouse::statements::failure::Failure;
use crate::lakehouse::statements::insert;
use crate::lakehouse::statements::json::{Malformed, Rows, TextFields};
use crate::lakehouse::statements::parameters::bind;
use crate::lakehouse::statements::run::{Job, Runner};
use crate::lakehouse::statements::session::SOURCE;
use crate::lakehouse::statements::values;
use crate::lakehouse::table::Table;

/// Puts the name of the loaded rows in place of the path in FROM; returns the statement and the path.
///
/// # Errors
/// When it is more than expressions over a path.
pub(super) fn over_path(mut query: Query) -> Result<(Statement, String), Failure> {
    let unsupported = || Failure::unsupported("COPY INTO from anything but SELECT <expressions> FROM '<path>'");
    let plain = query.with.is_none()
        && query.order_by.is_none()
        && query.limit_clause.is_none()
        && query.fetch.is_none()
        && query.locks.is_empty();
    let SetExpr::Select(select) = query.body.as_mut() else { return Err(unsupported()) };
    if !plain || !is_only_expressions(select) {
        return Err(unsupported());
    }
    let [from] = select.from.as_mut_slice() else { return Err(unsupported()) };
    let TableFactor::Table { name, alias: None, args: None, version: None, .. } = &mut from.relation else {
        return Err(unsupported());
    };
    let path = match &name.0[..] {
        [part] => part.as_ident().filter(|ident| ident.quote_style == Some('\'')).map(|ident| ident.value.clone()),
        _ => None,
    };
    let path = path.filter(|_| from.joins.is_empty()).ok_or_else(unsupported)?;
    *name = ObjectName::from(vec![Ident::new(SOURCE)]);
    Ok((Statement::Query(Box::new(query)), path))
}

fn is_only_expressions(select: &Select) -> bool {
    let no_groups = matches!(&select.group_by, GroupByExpr::Expressions(groups, _) if groups.is_empty());
    no_groups
        && select.distinct.is_none()
        && select.selection.is_none()
        && select.having.is_none()
        && select.qualify.is_none()
        && select.lateral_views.is_empty()
}

/// The fields of all files as columns of text.
#[derive(Default)]
pub(super) struct Texts {
    columns: Vec<(String, StringBuilder)>,
    /// The columns by name.
    places: HashMap<String, usize>,
    rows: usize,
    bytes: usize,
}

impl Texts {
    /// Adds a file's rows.
    pub(super) fn read(&mut self, text: &str, multi_line: bool) -> Result<(), Problem> {
        let text = without_mark(text);
        if multi_line {
            return self.rows(text, |at| 1 + text[..at].bytes().filter(|byte| *byte == b'\n').count());
        }
        text.split('\n').enumerate().try_for_each(|(index, line)| self.rows(line, |_| index + 1))
    }

    fn rows(&mut self, text: &str, line: impl Fn(usize) -> usize) -> Result<(), Problem> {
        let mut rows = Rows::new(text);
        let malformed = |malformed: Malformed| Problem::line(line(malformed.at), format_args!("not JSON: {malformed}"));
        while let Some((at, fields)) = rows.next_texts().map_err(malformed)? {
            self.push(&fields.map_err(|misfit| Problem::line(line(at), misfit))?);
            check_bytes(self.bytes)?;
        }
        Ok(())
    }

    fn push(&mut self, fields: &TextFields<'_>) {
        for (name, value) in fields {
            let place = match self.places.get(name.as_ref()) {
                Some(place) => *place,
                None => {
                    let mut column = StringBuilder::new();
                    column.append_nulls(self.rows);
                    self.places.insert(name.to_string(), self.columns.len());
                    self.columns.push((name.to_string(), column));
                    self.columns.len() - 1
                }
            };
            self.columns[place].1.append_option(value.as_deref());
            self.bytes += size_of::<i32>() + value.as_ref().map_or(0, |value| value.len());
        }
        self.rows += 1;
        for (_, column) in &mut self.columns {
            // Fields that this row does not have.
            let missing = self.rows.saturating_sub(column.len());
            column.append_nulls(missing);
        }
    }

    fn finish(self) -> Result<RecordBatch, Failure> {
        let (fields, columns): (Vec<Field>, Vec<ArrayRef>) = self
            .columns
            .into_iter()
            .map(|(name, mut column)| (Field::new(name, DataType::Utf8, true), Arc::new(column.finish()) as ArrayRef))
            .unzip();
        Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)?)
    }
}

/// Runs the SELECT over the texts that were read and adds what comes of it to the batches.
pub(super) async fn run(
    runner: &Runner,
    job: &Job,
    table: &Table,
    mut select: Statement,
    loading: &mut Loading,
) -> Result<(), Failure> {
    let texts = std::mem::take(&mut loading.texts);
    if texts.rows == 0 {
        return Ok(());
    }
    bind(&mut select, &[], &job.user)?;
    let mut rows = runner.engine.session_over(texts.finish()?)?.query(select).await?;
    let schema = rows.schema();
    let names: Vec<ObjectName> =
        schema.fields().iter().map(|field| ObjectName::from(vec![Ident::new(field.name())])).collect();
    let targets = insert::targets(table, &names)?;
    for (field, target) in schema.fields().iter().zip(&targets) {
        let wanted = loading.schema.field(*target);
        let (came, wants) = (values::text(field.data_type()), values::text(wanted.data_type()));
        if came != wants {
            let name = wanted.name();
            let message = format_args!(
                "Failed to merge fields '{name}' and '{name}': the SELECT gives {came} and the table has {wants}. \
                 Write CAST({name} AS {wants})."
            );
            return Err(Failure::bad("DELTA_FAILED_TO_MERGE_FIELDS", message));
        }
    }
    while let Some(batch) = rows.next().await {
        let batch = insert::fit(&batch?, &loading.schema, &targets)?;
        loading.push(batch)?;
    }
    Ok(())
}
