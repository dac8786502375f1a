//! Databricks SQL for the parser: sqlparser's dialect, and what it does not know of Spark's text.

use std::any::TypeId;

use deltalake::datafusion::sql::sqlparser::dialect::{DatabricksDialect, Dialect};

/// sqlparser's Databricks dialect with Spark's string literals, in which a backslash escapes.
#[derive(Debug)]
pub(crate) struct Spark;

const BASE: DatabricksDialect = DatabricksDialect;

impl Dialect for Spark {
    /// Wherever the parser asks for the dialect by its type, this is the Databricks one.
    fn dialect(&self) -> TypeId {
        BASE.dialect()
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }

    fn is_delimited_identifier_start(&self, ch: char) -> bool {
        BASE.is_delimited_identifier_start(ch)
    }

    fn is_identifier_start(&self, ch: char) -> bool {
        BASE.is_identifier_start(ch)
    }

    fn is_identifier_part(&self, ch: char) -> bool {
        BASE.is_identifier_part(ch)
    }

    fn supports_numeric_prefix(&self) -> bool {
        BASE.supports_numeric_prefix()
    }

    fn supports_filter_during_aggregation(&self) -> bool {
        BASE.supports_filter_during_aggregation()
    }

    fn supports_group_by_expr(&self) -> bool {
        BASE.supports_group_by_expr()
    }

    fn supports_table_versioning(&self) -> bool {
        BASE.supports_table_versioning()
    }

    fn supports_lambda_functions(&self) -> bool {
        BASE.supports_lambda_functions()
    }

    fn supports_select_wildcard_except(&self) -> bool {
        BASE.supports_select_wildcard_except()
    }

    fn require_interval_qualifier(&self) -> bool {
        BASE.require_interval_qualifier()
    }

    fn supports_struct_literal(&self) -> bool {
        BASE.supports_struct_literal()
    }

    fn supports_nested_comments(&self) -> bool {
        BASE.supports_nested_comments()
    }

    fn supports_group_by_with_modifier(&self) -> bool {
        BASE.supports_group_by_with_modifier()
    }

    fn supports_values_as_table_factor(&self) -> bool {
        BASE.supports_values_as_table_factor()
    }

    fn supports_bang_not_operator(&self) -> bool {
        BASE.supports_bang_not_operator()
    }

    fn supports_cte_without_as(&self) -> bool {
        BASE.supports_cte_without_as()
    }

    fn supports_select_item_multi_column_alias(&self) -> bool {
        BASE.supports_select_item_multi_column_alias()
    }
}
