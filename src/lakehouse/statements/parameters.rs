//! Named parameters: `:name` in the parsed statement becomes a typed value. No text is ever pasted into SQL.

use std::collections::HashMap;
use std::ops::ControlFlow;

use deltalake::arrow::array::StringArray;
use deltalake::arrow::compute::{CastOptions, cast_with_options};
use deltalake::arrow::datatypes::DataType as ArrowType;
use deltalake::datafusion::sql::sqlparser::ast::{
    CastKind, DataType as SqlType, ExactNumberInfo, Expr, Function, FunctionArguments, Ident, ObjectName, Statement,
    TimezoneInfo, TypedString, Value, visit_expressions_mut,
};
use deltalake::datafusion::sql::sqlparser::parser::Parser;
use deltalake::datafusion::sql::sqlparser::tokenizer::Token;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::{DataType, PrimitiveType};
use serde::Deserialize;

use super::dialect::Spark;
use super::failure::Failure;
use crate::lakehouse::columns::{parse_type, type_text};

/// One parameter of a request.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Parameter {
    name: String,
    /// As text, whatever the type; absent or null is NULL.
    #[serde(default)]
    value: Option<String>,
    /// `STRING` when absent.
    #[serde(default, rename = "type")]
    kind: Option<String>,
}

/// Puts the parameters' values in place of their markers, and Databricks' words in place of DataFusion's.
///
/// # Errors
/// `UNBOUND_SQL_PARAMETER` for a marker without a parameter, `INVALID_PARAMETER_VALUE` for a value that is not of its
/// type.
pub(super) fn bind(statement: &mut Statement, parameters: &[Parameter], user: &str) -> Result<(), Failure> {
    let mut values = HashMap::with_capacity(parameters.len());
    for parameter in parameters {
        if values.insert(parameter.name.as_str(), literal(parameter)?).is_some() {
            let message = format_args!("The parameter '{}' came twice.", parameter.name);
            return Err(Failure::bad("INVALID_PARAMETER_VALUE", message));
        }
    }
    let bound = visit_expressions_mut(statement, |expression| match bind_expression(expression, &values, user) {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => ControlFlow::Break(failure),
    });
    match bound {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(failure) => Err(failure),
    }
}

fn bind_expression(expression: &mut Expr, values: &HashMap<&str, Expr>, user: &str) -> Result<(), Failure> {
    match expression {
        Expr::Value(value) => {
            if let Value::Placeholder(marker) = &value.value {
                let name = marker.strip_prefix(':').unwrap_or(marker);
                let bound = values.get(name).cloned();
                *expression = bound.ok_or_else(|| {
                    let message = format_args!("Found the unbound parameter: {name}. Send it in `parameters`.");
                    Failure::bad("UNBOUND_SQL_PARAMETER", message)
                })?;
            }
        }
        Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => spark_type(data_type),
        Expr::Function(function) if is_user(function) => *expression = text(user.to_owned()),
        Expr::Function(function) => spark_function(function),
        Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("current_user") => {
            *expression = text(user.to_owned());
        }
        _ => {}
    }
    Ok(())
}

fn is_user(function: &Function) -> bool {
    let no_arguments = match &function.args {
        FunctionArguments::None => true,
        FunctionArguments::List(list) => list.args.is_empty(),
        FunctionArguments::Subquery(_) => false,
    };
    let name = function.name.to_string();
    no_arguments && ["current_user", "session_user", "user"].iter().any(|word| name.eq_ignore_ascii_case(word))
}

/// Spark's functions that DataFusion has under another name.
fn spark_function(function: &mut Function) {
    let name = function.name.to_string().to_ascii_lowercase();
    let other = match name.as_str() {
        "array" => "make_array",
        "explode" => "unnest",
        _ => return,
    };
    function.name = ObjectName::from(vec![Ident::new(other)]);
}

/// Spark's types as DataFusion reads them: a TIMESTAMP is an instant in microseconds.
fn spark_type(data_type: &mut SqlType) {
    let custom = match data_type {
        SqlType::Custom(name, _) => name.to_string().to_ascii_uppercase(),
        _ => String::new(),
    };
    match (&*data_type, custom.as_str()) {
        (SqlType::Timestamp(None, TimezoneInfo::None), _) | (_, "TIMESTAMP_LTZ") => *data_type = instant(),
        (SqlType::TimestampNtz(_), _) => *data_type = SqlType::Timestamp(Some(6), TimezoneInfo::None),
        (SqlType::Binary(_), _) => *data_type = SqlType::Bytea,
        (_, "LONG") => *data_type = SqlType::BigInt(None),
        (_, "SHORT") => *data_type = SqlType::SmallInt(None),
        (_, "BYTE") => *data_type = SqlType::TinyInt(None),
        _ => {}
    }
}

fn instant() -> SqlType {
    SqlType::Timestamp(Some(6), TimezoneInfo::WithTimeZone)
}

fn text(value: String) -> Expr {
    Expr::value(Value::SingleQuotedString(value))
}

fn cast(expression: Expr, data_type: SqlType) -> Expr {
    Expr::Cast { kind: CastKind::Cast, expr: Box::new(expression), data_type, array: false, format: None }
}

fn literal(parameter: &Parameter) -> Result<Expr, Failure> {
    let kind = parameter.kind.as_deref().unwrap_or("STRING").trim();
    if kind.eq_ignore_ascii_case("VOID") {
        return match &parameter.value {
            None => Ok(Expr::value(Value::Null)),
            Some(_) => Err(wrong_value(parameter, "VOID")),
        };
    }
    let data_type = read_type(kind).ok_or_else(|| {
        let message = format_args!("The parameter '{}' has the unsupported type '{kind}'.", parameter.name);
        Failure::bad("INVALID_PARAMETER_VALUE", message)
    })?;
    let Some(sql_type) = sql_type(&data_type) else {
        let message = format_args!("The parameter '{}' has the unsupported type '{kind}'.", parameter.name);
        return Err(Failure::bad("INVALID_PARAMETER_VALUE", message));
    };
    let Some(value) = &parameter.value else { return Ok(cast(Expr::value(Value::Null), sql_type)) };
    if data_type == DataType::from(PrimitiveType::String) {
        return Ok(text(value.clone()));
    }
    let value = value.trim();
    check(value, &data_type).ok_or_else(|| wrong_value(parameter, &type_text(&data_type)))?;
    Ok(cast(text(value.to_owned()), sql_type))
}

fn wrong_value(parameter: &Parameter, kind: &str) -> Failure {
    let value: String = parameter.value.as_deref().unwrap_or_default().chars().take(100).collect();
    let message = format_args!(
        "The value '{value}' of the parameter '{}' is not of type {}.",
        parameter.name,
        kind.to_ascii_uppercase()
    );
    Failure::bad("INVALID_PARAMETER_VALUE", message)
}

fn read_type(kind: &str) -> Option<DataType> {
    let mut parser = Parser::new(&Spark).try_with_sql(kind).ok()?;
    let data_type = parse_type(&mut parser).ok()?;
    parser.expect_token(&Token::EOF).ok().map(|_| data_type)
}

/// `None` for types a parameter cannot have.
fn sql_type(data_type: &DataType) -> Option<SqlType> {
    let DataType::Primitive(primitive) = data_type else { return None };
    Some(match primitive {
        PrimitiveType::String => SqlType::String(None),
        PrimitiveType::Long => SqlType::BigInt(None),
        PrimitiveType::Integer => SqlType::Int(None),
        PrimitiveType::Short => SqlType::SmallInt(None),
        PrimitiveType::Byte => SqlType::TinyInt(None),
        PrimitiveType::Float => SqlType::Real,
        PrimitiveType::Double => SqlType::Double(ExactNumberInfo::None),
        PrimitiveType::Boolean => SqlType::Boolean,
        PrimitiveType::Date => SqlType::Date,
        PrimitiveType::Timestamp => instant(),
        PrimitiveType::TimestampNtz => SqlType::Timestamp(Some(6), TimezoneInfo::None),
        PrimitiveType::Decimal(decimal) => SqlType::Decimal(ExactNumberInfo::PrecisionAndScale(
            u64::from(decimal.precision()),
            i64::from(decimal.scale()),
        )),
        _ => return None,
    })
}

/// Whether the text reads as that type, by the cast that the query will use.
fn check(value: &str, data_type: &DataType) -> Option<()> {
    let arrow: ArrowType = data_type.try_into_arrow().ok()?;
    let strict = CastOptions { safe: false, ..Default::default() };
    cast_with_options(&StringArray::from(vec![value]), &arrow, &strict).ok().map(|_| ())
}
