//! Column names in any case: Databricks compares them without case, DataFusion does not.

use std::collections::HashMap;
use std::ops::ControlFlow;

use deltalake::datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Statement, visit_expressions_mut, visit_relations,
};

use super::failure::Failure;
use super::run::{Job, Runner};

/// Spells columns as their tables do, where a table has names with capitals; statements over other tables stay as they
/// are.
///
/// # Errors
/// What keeps a table from being opened; tables that are not there are left for the planner to complain about.
pub(super) async fn spell_columns(runner: &Runner, job: &Job, statement: &mut Statement) -> Result<(), Failure> {
    let mut relations: Vec<ObjectName> = Vec::new();
    let _: ControlFlow<()> = visit_relations(statement, |relation| {
        relations.push(relation.clone());
        ControlFlow::Continue(())
    });
    let mut spelling: HashMap<String, String> = HashMap::new();
    for relation in relations {
        // A relation may also be the name of a WITH query, or nothing at all.
        let Ok(name) = runner.table_name(job, &relation) else { continue };
        if !runner.store.has_table(&name) {
            continue;
        }
        for field in runner.store.table(&name).await?.fields() {
            let lower = field.name().to_lowercase();
            if lower != *field.name() {
                spelling.insert(lower, field.name().clone());
            }
        }
    }
    if !spelling.is_empty() {
        let _: ControlFlow<()> = visit_expressions_mut(statement, |expression| {
            match expression {
                Expr::Identifier(name) => spell(name, &spelling),
                Expr::CompoundIdentifier(names) => names.iter_mut().for_each(|name| spell(name, &spelling)),
                _ => {}
            }
            ControlFlow::Continue(())
        });
    }
    Ok(())
}

fn spell(name: &mut Ident, spelling: &HashMap<String, String>) {
    if let Some(spelled) = spelling.get(&name.value.to_lowercase()) {
        *name = Ident::with_quote('`', spelled.clone());
    }
}
