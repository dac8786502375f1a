//! `explode` and `column.*` of a struct, put into the words DataFusion has for them.
//!
//! DataFusion's `unnest` in the SELECT list is Spark's `explode`, but it is more: it may stand anywhere and several times.
//! What Spark refuses is refused here. A star after the name of a struct column is nothing DataFusion knows; it becomes
//! the struct's fields, which the planner is asked for.

use std::ops::ControlFlow;

use deltalake::arrow::datatypes::{DataType, Fields};
use deltalake::datafusion::common::DFSchema;
use deltalake::datafusion::sql::sqlparser::ast::helpers::attached_token::AttachedToken;
use deltalake::datafusion::sql::sqlparser::ast::{
    Cte, Expr, FunctionArg, FunctionArgExpr, GroupByExpr, Ident, ObjectName, Query, Select, SelectItem,
    SelectItemQualifiedWildcardKind, SetExpr, Statement, TableFactor, TableWithJoins, VisitMut, VisitorMut,
    WildcardAdditionalOptions, With,
};
use futures::future::BoxFuture;

use super::array_only::ARRAY_ONLY;
use super::failure::Failure;
use super::functions::{arguments, is_named};
use super::session::Session;

/// Spark's generators and what DataFusion calls them.
const GENERATORS: [(&str, &str); 2] = [("explode", "unnest"), ("explode_outer", "unnest_outer")];

/// Makes `unnest` of every `explode` in a SELECT list, named `col` as Spark names it.
///
/// # Errors
/// `UNSUPPORTED_GENERATOR` where Spark allows none.
pub(super) fn translate(statement: &mut Statement) -> Result<(), Failure> {
    match statement.visit(&mut Generators) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(failure) => Err(*failure),
    }
}

struct Generators;

impl VisitorMut for Generators {
    type Break = Box<Failure>;

    /// Comes before the list's expressions are visited, so that what [`Self::pre_visit_expr`] still finds is elsewhere.
    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Self::Break> {
        match select_list(select) {
            Ok(()) => ControlFlow::Continue(()),
            Err(failure) => ControlFlow::Break(Box::new(failure)),
        }
    }

    fn pre_visit_expr(&mut self, expression: &mut Expr) -> ControlFlow<Self::Break> {
        if generator(expression).is_none() {
            return ControlFlow::Continue(());
        }
        let message = format_args!("A generator is a column of a SELECT list by itself, not a part of: {expression}");
        ControlFlow::Break(Box::new(Failure::bad("UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS", message)))
    }
}

fn select_list(select: &mut Select) -> Result<(), Failure> {
    let mut count = 0;
    for item in &mut select.projection {
        let (expression, unnamed) = match item {
            SelectItem::UnnamedExpr(expression) => (expression, true),
            SelectItem::ExprWithAlias { expr, .. } => (expr, false),
            _ => continue,
        };
        let Some(unnest) = generator(expression) else { continue };
        let Expr::Function(function) = expression else { continue };
        let inner = function.clone();
        let Some([array]) = arguments(function).map(Vec::as_mut_slice) else {
            return Err(Failure::bad("WRONG_NUM_ARGS", format_args!("A generator takes one array: {function}")));
        };
        // `unnest` would also take a struct apart; what is in between takes arrays only.
        let mut checked = inner;
        checked.name = ObjectName::from(vec![Ident::new(ARRAY_ONLY)]);
        *array = FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(checked)));
        function.name = ObjectName::from(vec![Ident::new(unnest)]);
        count += 1;
        if unnamed {
            *item = SelectItem::ExprWithAlias { expr: expression.clone(), alias: Ident::new("col") };
        }
    }
    if count > 1 {
        let message = "Only one generator is allowed in a SELECT list: explode the other array in a subquery.";
        return Err(Failure::bad("UNSUPPORTED_GENERATOR.MULTI_GENERATOR", message));
    }
    Ok(())
}

/// DataFusion's name of the generator that this is.
fn generator(expression: &Expr) -> Option<&'static str> {
    let Expr::Function(function) = expression else { return None };
    GENERATORS.iter().find(|(spark, _)| is_named(function, spark)).map(|(_, unnest)| *unnest)
}

/// Puts the fields of a struct in place of every `column.*`.
///
/// # Errors
/// `CANNOT_RESOLVE_STAR_EXPAND` when there is no such column or it is no struct; what keeps a FROM from being planned.
pub(super) async fn expand_stars(session: &Session, statement: &mut Statement) -> Result<(), Failure> {
    let mut statement = statement;
    loop {
        let query = match statement {
            Statement::Explain { statement: inner, .. } => {
                statement = inner;
                continue;
            }
            Statement::Query(query) => query,
            Statement::Insert(insert) => match &mut insert.source {
                Some(query) => query,
                None => return Ok(()),
            },
            _ => return Ok(()),
        };
        return Stars { session }.query(query, &[]).await;
    }
}

/// Walks from the inside out: a FROM can only be planned when the stars in it are gone.
struct Stars<'s> {
    session: &'s Session,
}

impl Stars<'_> {
    /// `scope` are the WITH queries that are in sight. The parser bounds the depth.
    fn query<'a>(&'a self, query: &'a mut Query, scope: &'a [Cte]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let Some(with) = &mut query.with else { return self.set_expression(&mut query.body, scope).await };
            let mut scope = scope.to_vec();
            for cte in &mut with.cte_tables {
                self.query(&mut cte.query, &scope).await?;
                scope.retain(|outer| outer.alias.name.value != cte.alias.name.value);
                scope.push(cte.clone());
            }
            self.set_expression(&mut query.body, &scope).await
        })
    }

    fn set_expression<'a>(&'a self, body: &'a mut SetExpr, scope: &'a [Cte]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            match body {
                SetExpr::Select(select) => self.select(select, scope).await,
                SetExpr::Query(query) => self.query(query, scope).await,
                SetExpr::SetOperation { left, right, .. } => {
                    self.set_expression(left, scope).await?;
                    self.set_expression(right, scope).await
                }
                _ => Ok(()),
            }
        })
    }

    async fn select(&self, select: &mut Select, scope: &[Cte]) -> Result<(), Failure> {
        for from in &mut select.from {
            self.from(from, scope).await?;
        }
        if !select.projection.iter().any(|item| struct_star(item, &select.from).is_some()) {
            return Ok(());
        }
        if select.from.is_empty() {
            return Err(Failure::bad("CANNOT_RESOLVE_STAR_EXPAND", "There are no columns here to expand with a star."));
        }
        let columns = self.session.columns(Statement::Query(Box::new(everything_from(select, scope)))).await?;
        let mut projection = Vec::with_capacity(select.projection.len());
        for item in std::mem::take(&mut select.projection) {
            match struct_star(&item, &select.from) {
                Some(name) => projection.extend(fields_of(&name, &columns)?),
                None => projection.push(item),
            }
        }
        select.projection = projection;
        Ok(())
    }

    fn from<'a>(&'a self, from: &'a mut TableWithJoins, scope: &'a [Cte]) -> BoxFuture<'a, Result<(), Failure>> {
        Box::pin(async move {
            let joined = from.joins.iter_mut().map(|join| &mut join.relation);
            for factor in std::iter::once(&mut from.relation).chain(joined) {
                match factor {
                    TableFactor::Derived { subquery, .. } => self.query(subquery, scope).await?,
                    TableFactor::NestedJoin { table_with_joins, .. } => self.from(table_with_joins, scope).await?,
                    _ => {}
                }
            }
            Ok(())
        })
    }
}

/// The names before a star that are those of a column and not of a relation in FROM.
fn struct_star(item: &SelectItem, from: &[TableWithJoins]) -> Option<Vec<Ident>> {
    let SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), options) = item else {
        return None;
    };
    let names: Option<Vec<Ident>> = name.0.iter().map(|part| part.as_ident().cloned()).collect();
    let names = names.filter(|names| !names.is_empty() && is_plain(options))?;
    let is_relation = relations(from).iter().any(|relation| ends_with(relation, &names));
    (!is_relation).then_some(names)
}

fn is_plain(options: &WildcardAdditionalOptions) -> bool {
    options.opt_ilike.is_none()
        && options.opt_exclude.is_none()
        && options.opt_except.is_none()
        && options.opt_replace.is_none()
        && options.opt_rename.is_none()
        && options.opt_alias.is_none()
}

pub(super) fn ends_with(relation: &[Ident], names: &[Ident]) -> bool {
    relation.len() >= names.len()
        && relation
            .iter()
            .rev()
            .zip(names.iter().rev())
            .all(|(one, other)| one.value.eq_ignore_ascii_case(&other.value))
}

/// The names by which FROM's relations can be called.
pub(super) fn relations(from: &[TableWithJoins]) -> Vec<Vec<Ident>> {
    let joined = from.iter().flat_map(|from| from.joins.iter().map(|join| &join.relation));
    let factors = from.iter().map(|from| &from.relation).chain(joined);
    factors.flat_map(relation_names).collect()
}

fn relation_names(factor: &TableFactor) -> Vec<Vec<Ident>> {
    match factor {
        TableFactor::Table { name, alias: None, .. } => {
            vec![name.0.iter().filter_map(|part| part.as_ident().cloned()).collect()]
        }
        TableFactor::NestedJoin { table_with_joins, alias: None } => {
            relations(std::slice::from_ref(table_with_joins.as_ref()))
        }
        TableFactor::Table { alias: Some(alias), .. }
        | TableFactor::Derived { alias: Some(alias), .. }
        | TableFactor::TableFunction { alias: Some(alias), .. }
        | TableFactor::Function { alias: Some(alias), .. }
        | TableFactor::UNNEST { alias: Some(alias), .. }
        | TableFactor::NestedJoin { alias: Some(alias), .. } => vec![vec![alias.name.clone()]],
        _ => Vec::new(),
    }
}

/// `WITH <scope> SELECT * FROM <the same>`
fn everything_from(select: &Select, scope: &[Cte]) -> Query {
    let mut everything = select.clone();
    everything.distinct = None;
    everything.projection = vec![SelectItem::Wildcard(WildcardAdditionalOptions::default())];
    everything.selection = None;
    everything.group_by = GroupByExpr::Expressions(Vec::new(), Vec::new());
    everything.having = None;
    everything.qualify = None;
    everything.named_window = Vec::new();
    everything.cluster_by = Vec::new();
    everything.distribute_by = Vec::new();
    everything.sort_by = Vec::new();
    let with = With { with_token: AttachedToken::empty(), recursive: false, cte_tables: scope.to_vec() };
    Query {
        with: (!scope.is_empty()).then_some(with),
        body: Box::new(SetExpr::Select(Box::new(everything))),
        order_by: None,
        limit_clause: None,
        fetch: None,
        locks: Vec::new(),
        for_clause: None,
        settings: None,
        format_clause: None,
        pipe_operators: Vec::new(),
    }
}

/// The fields of that struct column as items of a SELECT list, each under its own name.
fn fields_of(names: &[Ident], columns: &DFSchema) -> Result<Vec<SelectItem>, Failure> {
    let written = names.iter().map(|name| format!("`{}`", name.value)).collect::<Vec<_>>().join(".");
    let Some((last, qualifier)) = names.split_last() else { return Ok(Vec::new()) };
    let mut found = columns.iter().filter(|(relation, field)| {
        let relation = relation.map(|relation| relation.table());
        field.name().eq_ignore_ascii_case(&last.value)
            && qualifier.last().is_none_or(|name| relation.is_some_and(|table| table.eq_ignore_ascii_case(&name.value)))
    });
    let (Some((_, field)), None) = (found.next(), found.next()) else {
        let class = if columns.iter().any(|(_, field)| field.name().eq_ignore_ascii_case(&last.value)) {
            "AMBIGUOUS_REFERENCE"
        } else {
            "CANNOT_RESOLVE_STAR_EXPAND"
        };
        let known: Vec<String> = columns.fields().iter().take(10).map(|field| format!("`{}`", field.name())).collect();
        let known = known.join(", ");
        return Err(Failure::bad(class, format_args!("Cannot resolve {written}.* given the columns [{known}].")));
    };
    let DataType::Struct(fields) = field.data_type() else {
        let message = format_args!("Can only star expand struct data types, {written} is none.");
        return Err(Failure::bad("CANNOT_RESOLVE_STAR_EXPAND", message));
    };
    Ok(select_fields(qualifier, field.name(), fields))
}

fn select_fields(qualifier: &[Ident], column: &str, fields: &Fields) -> Vec<SelectItem> {
    let exactly = |name: &str| Ident::with_quote('`', name);
    let items = fields.iter().map(|field| {
        let mut names = qualifier.to_vec();
        names.extend([exactly(column), exactly(field.name())]);
        SelectItem::ExprWithAlias { expr: Expr::CompoundIdentifier(names), alias: exactly(field.name()) }
    });
    items.collect()
}
