//! Column names in any case: Databricks compares them without case, DataFusion does not.

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use deltalake::datafusion::sql::sqlparser::ast::{
    Expr, Function, FunctionArguments, Ident, ObjectName, Query, Statement, visit_expressions, visit_expressions_mut,
    visit_relations,
};
use deltalake::kernel::{DataType, StructField};

use super::failure::Failure;
use super::from_json::{FROM_JSON, parse_schema};
use super::functions::{is_named, literal};
use super::run::{Job, Runner};
use crate::lakehouse::grants::{Privilege, Securable};

/// Every way in which a name is spelled, by its lower case.
type Spellings = HashMap<String, HashSet<String>>;

/// Spells columns and the fields of structs as their tables and `from_json` schemas do, where these have names with
/// capitals; other statements stay as they are. The table that an INSERT goes to has no say in what its query reads.
///
/// # Errors
/// What keeps a table from being opened; tables that are not there are left for the planner to complain about.
pub(super) async fn spell_columns(runner: &Runner, job: &Job, statement: &mut Statement) -> Result<(), Failure> {
    match statement {
        Statement::Query(query) => spell_query(runner, job, query).await,
        Statement::Insert(insert) => match &mut insert.source {
            Some(query) => spell_query(runner, job, query).await,
            None => Ok(()),
        },
        Statement::Explain { statement, .. } => match statement.as_mut() {
            Statement::Query(query) => spell_query(runner, job, query).await,
            _ => Ok(()),
        },
        _ => Ok(()),
    }
}

async fn spell_query(runner: &Runner, job: &Job, query: &mut Query) -> Result<(), Failure> {
    let mut relations: Vec<ObjectName> = Vec::new();
    let _: ControlFlow<()> = visit_relations(query, |relation| {
        relations.push(relation.clone());
        ControlFlow::Continue(())
    });
    let mut spellings = Spellings::new();
    for relation in relations {
        // A relation may also be the name of a WITH query, or nothing at all.
        let Ok(name) = runner.table_name(job, &relation) else { continue };
        // What the user may not read the planner will refuse.
        let may_read = runner.grants.may(&job.user, Privilege::Select, &Securable::Table(name.clone()));
        if !may_read || !runner.store.has_table(&name) {
            continue;
        }
        runner.store.table(&name).await?.fields().iter().for_each(|field| collect_field(field, &mut spellings));
    }
    let _: ControlFlow<()> = visit_expressions(query, |expression| {
        // A schema that is none is left for the planner to complain about.
        if let Expr::Function(function) = expression
            && let Some(Ok(schema)) = schema_text(function).map(parse_schema)
        {
            collect_type(&schema, &mut spellings);
        }
        ControlFlow::Continue(())
    });
    // DataFusion writes every name in lower case by itself.
    spellings.retain(|lower, spelled| spelled.len() > 1 || !spelled.contains(lower));
    if !spellings.is_empty() {
        let _: ControlFlow<()> = visit_expressions_mut(query, |expression| {
            match expression {
                Expr::Identifier(name) => spell(name, &spellings),
                Expr::CompoundIdentifier(names) => names.iter_mut().for_each(|name| spell(name, &spellings)),
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }
    Ok(())
}

fn schema_text(function: &Function) -> Option<&str> {
    match &function.args {
        FunctionArguments::List(list) if is_named(function, FROM_JSON) => list.args.get(1).and_then(literal),
        _ => None,
    }
}

fn collect_field(field: &StructField, spellings: &mut Spellings) {
    spellings.entry(field.name().to_lowercase()).or_default().insert(field.name().clone());
    collect_type(field.data_type(), spellings);
}

fn collect_type(data_type: &DataType, spellings: &mut Spellings) {
    match data_type {
        DataType::Struct(fields) => fields.fields().for_each(|field| collect_field(field, spellings)),
        DataType::Array(array) => collect_type(array.element_type(), spellings),
        DataType::Map(map) => collect_type(map.value_type(), spellings),
        _ => {}
    }
}

/// Where a name is spelled in several ways, it means the one it is written as.
fn spell(name: &mut Ident, spellings: &Spellings) {
    let Some(spelled) = spellings.get(&name.value.to_lowercase()) else { return };
    let exact = spelled.get(&name.value);
    let only = if spelled.len() == 1 { spelled.iter().next() } else { None };
    if let Some(spelled) = exact.or(only) {
        *name = Ident::with_quote('`', spelled.clone());
    }
}
