//! Spark's words that DataFusion says otherwise, put right in the parsed statement: types, functions, who is asking.

use deltalake::datafusion::sql::sqlparser::ast::{
    AccessExpr, DataType as SqlType, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident,
    ObjectName, TimezoneInfo, TypedString, Value,
};

use super::failure::Failure;
use super::from_json::FROM_JSON;

/// Puts one expression, whose inside is done, into DataFusion's words.
///
/// # Errors
/// What the local lakehouse cannot do of Spark's functions.
pub(super) fn translate(expression: &mut Expr, user: &str) -> Result<(), Failure> {
    match expression {
        Expr::Cast { data_type, .. } | Expr::TypedString(TypedString { data_type, .. }) => spark_type(data_type),
        Expr::Function(function) if is_user(function) => *expression = text(user.to_owned()),
        Expr::Function(function) => return spark_function(function),
        Expr::Identifier(name) if name.quote_style.is_none() && name.value.eq_ignore_ascii_case("current_user") => {
            *expression = text(user.to_owned());
        }
        Expr::CompoundFieldAccess { access_chain, .. } => access_chain.iter_mut().for_each(field_access),
        _ => {}
    }
    Ok(())
}

/// `f(x).field`: DataFusion wants the field's name as a text.
fn field_access(access: &mut AccessExpr) {
    if let AccessExpr::Dot(field) = access
        && let Expr::Identifier(name) = field
    {
        *field = text(name.value.clone());
    }
}

/// A literal.
pub(super) fn text(value: String) -> Expr {
    Expr::value(Value::SingleQuotedString(value))
}

/// A TIMESTAMP: an instant in microseconds.
pub(super) fn instant() -> SqlType {
    SqlType::Timestamp(Some(6), TimezoneInfo::WithTimeZone)
}

/// Whether the function has that name, in any case.
pub(super) fn is_named(function: &Function, name: &str) -> bool {
    match &function.name.0[..] {
        [part] => part.as_ident().is_some_and(|ident| ident.value.eq_ignore_ascii_case(name)),
        _ => false,
    }
}

/// The arguments of a function that has nothing but plain ones.
pub(super) fn arguments(function: &mut Function) -> Option<&mut Vec<FunctionArg>> {
    match &mut function.args {
        FunctionArguments::List(list) if list.clauses.is_empty() && list.duplicate_treatment.is_none() => {
            Some(&mut list.args)
        }
        _ => None,
    }
}

/// The text of an argument that is one.
pub(super) fn literal(argument: &FunctionArg) -> Option<&str> {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Value(value))) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn is_user(function: &Function) -> bool {
    let no_arguments = match &function.args {
        FunctionArguments::None => true,
        FunctionArguments::List(list) => list.args.is_empty(),
        FunctionArguments::Subquery(_) => false,
    };
    no_arguments && ["current_user", "session_user", "user"].iter().any(|name| is_named(function, name))
}

fn spark_function(function: &mut Function) -> Result<(), Failure> {
    if is_named(function, "array") {
        function.name = ObjectName::from(vec![Ident::new("make_array")]);
    }
    if is_named(function, "unbase64")
        && let Some(arguments) = arguments(function)
    {
        arguments.push(FunctionArg::Unnamed(FunctionArgExpr::Expr(text("base64".to_owned()))));
        function.name = ObjectName::from(vec![Ident::new("decode")]);
    }
    if is_named(function, FROM_JSON)
        && let Some([_, _, options]) = arguments(function).map(Vec::as_mut_slice)
    {
        let mode = from_json_mode(options)?;
        *options = FunctionArg::Unnamed(FunctionArgExpr::Expr(text(mode)));
    }
    Ok(())
}

/// `map('mode', '...')`, the options of `from_json`, as the mode alone.
fn from_json_mode(options: &mut FunctionArg) -> Result<String, Failure> {
    let not_constant = || Failure::bad("INVALID_OPTIONS.NON_MAP_FUNCTION", "Must use the map() function for options.");
    let FunctionArg::Unnamed(FunctionArgExpr::Expr(Expr::Function(map))) = options else {
        return Err(not_constant());
    };
    let pairs = if is_named(map, "map") { arguments(map) } else { None };
    let pairs: Option<Vec<&str>> = pairs.and_then(|pairs| pairs.iter().map(literal).collect());
    let mut mode = "PERMISSIVE".to_owned();
    for pair in pairs.ok_or_else(not_constant)?.chunks(2) {
        match pair {
            [key, value] if key.eq_ignore_ascii_case("mode") => mode = (*value).to_owned(),
            [key, _] => return Err(Failure::unsupported(format_args!("The option '{key}' of from_json"))),
            _ => return Err(not_constant()),
        }
    }
    Ok(mode)
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
