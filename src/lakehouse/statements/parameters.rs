//! Named parameters: `:name` in the parsed statement becomes a typed value. No text is ever pasted into SQL.

use std::collections::HashMap;
use std::ops::ControlFlow;

use deltalake::arrow::array::StringArray;
use deltalake::arrow::compute::{CastOptions, cast_with_options};
use deltalake::arrow::datatypes::DataType as ArrowType;
use deltalake::datafusion::sql::sqlparser::ast::{
    CastKind, DataType as SqlType, ExactNumberInfo, Expr, Statement, TimezoneInfo, Value, visit_expressions_mut,
};
use deltalake::datafusion::sql::sqlparser::parser::Parser;
use deltalake::datafusion::sql::sqlparser::tokenizer::Token;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::{DataType, PrimitiveType};
use serde::Deserialize;

use super::dialect::Spark;
use super::failure::Failure;
use super::functions::{self, instant, text};
use super::scalars;
use crate::lakehouse::columns::{parse_type, type_text};

/// The most markers in a statement and parameters in a request, as Databricks documents it for its SQL connectors.
const MARKERS: usize = 255;
/// The most bytes of all values of a request, likewise.
const VALUE_BYTES: usize = 1 << 20;
/// The most bytes of values in a statement, where one value may stand for several markers.
const BOUND_BYTES: usize = 16 << 20;

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

impl Parameter {
    /// What it holds in memory.
    pub(super) fn bytes(&self) -> usize {
        self.name.len() + self.value.as_ref().map_or(0, String::len)
    }
}

/// Whether a request has no more parameters than a statement can take.
///
/// # Errors
/// What there is too much of.
pub(super) fn check_limits(parameters: &[Parameter]) -> Result<(), String> {
    if parameters.len() > MARKERS {
        let count = parameters.len();
        return Err(format!("{count} parameters are more than {MARKERS}; send several statements, or one JSON text"));
    }
    let bytes: usize = parameters.iter().filter_map(|parameter| parameter.value.as_ref()).map(String::len).sum();
    if bytes > VALUE_BYTES {
        return Err(format!("{bytes} bytes of parameter values are more than {VALUE_BYTES}; send several statements"));
    }
    Ok(())
}

/// Puts the parameters' values in place of their markers, and Databricks' words in place of DataFusion's.
///
/// # Errors
/// `UNBOUND_SQL_PARAMETER` for a marker without a parameter, `INVALID_PARAMETER_VALUE` for a value that is not of its
/// type, for a parameter that came twice and for too many markers.
pub(super) fn bind(statement: &mut Statement, parameters: &[Parameter], user: &str) -> Result<(), Failure> {
    let mut values = HashMap::with_capacity(parameters.len());
    for parameter in parameters {
        let bytes = parameter.value.as_ref().map_or(0, String::len);
        if values.insert(parameter.name.as_str(), (literal(parameter)?, bytes)).is_some() {
            let message = format_args!("The parameter '{}' came twice.", parameter.name);
            return Err(Failure::bad("INVALID_PARAMETER_VALUE", message));
        }
    }
    let mut binder = Binder { values, user, markers: 0, bytes: 0 };
    let bound = visit_expressions_mut(statement, |expression| match binder.expression(expression) {
        Ok(()) => ControlFlow::Continue(()),
        Err(failure) => ControlFlow::Break(failure),
    });
    match bound {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(failure) => Err(failure),
    }
}

struct Binder<'p> {
    /// The values and their bytes.
    values: HashMap<&'p str, (Expr, usize)>,
    user: &'p str,
    markers: usize,
    bytes: usize,
}

impl Binder<'_> {
    fn expression(&mut self, expression: &mut Expr) -> Result<(), Failure> {
        let Expr::Value(value) = expression else { return functions::translate(expression, self.user) };
        if let Value::Placeholder(marker) = &value.value {
            *expression = self.bound(marker)?;
        }
        Ok(())
    }

    fn bound(&mut self, marker: &str) -> Result<Expr, Failure> {
        let name = marker.strip_prefix(':').unwrap_or(marker);
        let (value, bytes) = self.values.get(name).ok_or_else(|| {
            let message = format_args!("Found the unbound parameter: {name}. Send it in `parameters`.");
            Failure::bad("UNBOUND_SQL_PARAMETER", message)
        })?;
        self.markers += 1;
        self.bytes += bytes;
        if self.markers > MARKERS || self.bytes > BOUND_BYTES {
            let message = format_args!(
                "A statement takes at most {MARKERS} parameter markers and {BOUND_BYTES} bytes of values in their places."
            );
            return Err(Failure::bad("INVALID_PARAMETER_VALUE", message));
        }
        Ok(value.clone())
    }
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
    if data_type == DataType::STRING {
        return Ok(text(value.clone()));
    }
    if data_type == DataType::BINARY {
        // As CAST has it: the bytes of the text.
        return Ok(cast(text(value.clone()), sql_type));
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
        PrimitiveType::Binary => SqlType::Bytea,
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
    if *data_type == DataType::BOOLEAN {
        // The cast would also take words that Spark does not.
        return scalars::boolean(value).map(|_| ());
    }
    let arrow: ArrowType = data_type.try_into_arrow().ok()?;
    let strict = CastOptions { safe: false, ..Default::default() };
    cast_with_options(&StringArray::from(vec![value]), &arrow, &strict).ok().map(|_| ())
}
