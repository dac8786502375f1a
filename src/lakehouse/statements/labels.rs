//! Names of the columns of SELECT lists, where Spark's are not DataFusion's.
//!
//! A field of a struct is named as the field. And columns may be of one name in Spark, which DataFusion refuses: from the
//! second on, such a column gets a name of its own that nobody can write; [`name`] gives what it stands for. DataFusion
//! names a CAST as what is cast, so `a` and `CAST(a AS INT)` are of one name too.

use std::collections::HashSet;
use std::ops::ControlFlow;

use deltalake::datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Ident, Select, SelectItem, Statement, TypedString, Value, VisitMut, VisitorMut,
};

use super::explode::{ends_with, relations};

/// Between the name and the number; no tokenizer takes it into a name.
const MARK: char = '\0';

/// Names the columns of every SELECT list as Spark does and DataFusion can.
pub(super) fn label(statement: &mut Statement) {
    let _: ControlFlow<()> = statement.visit(&mut Lists);
}

/// A column's name as it was written.
pub(super) fn name(name: &str) -> &str {
    name.split(MARK).next().unwrap_or(name)
}

struct Lists;

impl VisitorMut for Lists {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        let relations = relations(&select.from);
        let one_relation = matches!(&select.from[..], [from] if from.joins.is_empty());
        let mut seen = HashSet::new();
        for (index, item) in select.projection.iter_mut().enumerate() {
            if let SelectItem::UnnamedExpr(expression) = item
                && let Some(field) = struct_field(expression, &relations)
            {
                *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias: Ident::with_quote('`', field) };
            }
            let (expression, shown) = match item {
                SelectItem::UnnamedExpr(expression) => {
                    let shown = shown(expression, one_relation);
                    (expression, shown)
                }
                SelectItem::ExprWithAlias { expr, alias } => (expr, alias.value.clone()),
                _ => continue,
            };
            if !seen.insert(shown.to_lowercase()) {
                let alias = Ident::with_quote('`', format!("{shown}{MARK}{index}"));
                *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias };
            }
        }
        ControlFlow::Continue(())
    }
}

/// The field's name when the expression is a field of a struct and not a column of a relation.
fn struct_field(expression: &Expr, relations: &[Vec<Ident>]) -> Option<String> {
    match expression {
        Expr::CompoundIdentifier(names) => {
            let (field, column) = names.split_last()?;
            let is_column = relations.iter().any(|relation| ends_with(relation, column));
            (!is_column).then(|| field.value.clone())
        }
        Expr::CompoundFieldAccess { access_chain, .. } => match access_chain.last()? {
            AccessExpr::Dot(Expr::Value(value)) => match &value.value {
                Value::SingleQuotedString(field) => Some(field.clone()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// What makes DataFusion name an expression; the same for what it names the same.
fn shown(expression: &Expr, one_relation: bool) -> String {
    match expression {
        Expr::Identifier(name) => name.value.clone(),
        Expr::CompoundIdentifier(names) if one_relation => {
            names.last().map(|name| name.value.clone()).unwrap_or_default()
        }
        Expr::Cast { expr, .. } | Expr::Nested(expr) => shown(expr, one_relation),
        Expr::TypedString(TypedString { value, .. }) => value.to_string(),
        other => other.to_string(),
    }
}
