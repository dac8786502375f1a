//! Spark's `from_json(text, schema [, options])` for DataFusion: the schema is a constant, so the type is known when the
//! statement is planned.
//!
//! PERMISSIVE, the default: a field that does not fit is NULL and the others stay; text that is no JSON, or JSON of
//! another kind than the schema, is a struct of NULLs, or NULL for an array or a map; what follows the first JSON value is
//! not looked at. FAILFAST: any of these fails the statement. Each of these rules is Spark's own.

use std::sync::Arc;

use deltalake::arrow::array::{ArrayRef, AsArray};
use deltalake::arrow::compute::cast;
use deltalake::arrow::datatypes::{DataType, Field, FieldRef};
use deltalake::datafusion::common::{DataFusionError, Result, ScalarValue, plan_err};
use deltalake::datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use deltalake::datafusion::sql::sqlparser::parser::{Parser, ParserError};
use deltalake::datafusion::sql::sqlparser::tokenizer::Token;
use deltalake::kernel::engine::arrow_conversion::TryIntoArrow;
use deltalake::kernel::{ArrayType, DataType as DeltaType, MapType, StructField, StructType};

use super::cells::{Cell, column};
use super::dialect::Spark;
use super::failure::Failure;
use super::json::{Converted, Misfit, Reader, Rules, convert, convert_array};
use crate::lakehouse::columns::{parse_fields, parse_type};

/// The function's name.
pub(super) const FROM_JSON: &str = "from_json";

/// The function, to be registered with a session.
pub(super) fn from_json() -> ScalarUDF {
    ScalarUDF::from(FromJson { signature: Signature::variadic_any(Volatility::Immutable) })
}

/// What the text of a schema means: a type, or fields as in `CREATE TABLE`. Everything in it can be NULL.
///
/// # Errors
/// [`Failure`] with what is no schema.
pub(super) fn parse_schema(text: &str) -> std::result::Result<DeltaType, Failure> {
    let whole = |parse: fn(&mut Parser<'_>) -> std::result::Result<DeltaType, ParserError>| {
        let mut parser = Parser::new(&Spark).try_with_sql(text)?;
        let parsed = parse(&mut parser)?;
        parser.expect_token(&Token::EOF).map(|_| parsed)
    };
    let schema = whole(parse_type).or_else(|no_type| {
        whole(|parser| parse_fields(parser).map(|fields| DeltaType::Struct(Box::new(fields)))).map_err(|_| no_type)
    });
    let schema = schema.map_err(|error| {
        let text: String = text.chars().take(200).collect();
        Failure::bad("INVALID_SCHEMA.PARSE_ERROR", format_args!("The input schema '{text}' is not valid: {error}."))
    })?;
    match schema {
        DeltaType::Struct(_) | DeltaType::Array(_) | DeltaType::Map(_) => nullable(schema),
        _ => Err(Failure::bad(
            "DATATYPE_MISMATCH.INVALID_JSON_SCHEMA",
            "The schema of from_json must be a struct, an array or a map.",
        )),
    }
}

fn nullable(kind: DeltaType) -> std::result::Result<DeltaType, Failure> {
    Ok(match kind {
        DeltaType::Array(array) => ArrayType::new(nullable(array.element_type().clone())?, true).into(),
        DeltaType::Map(map) => {
            if *map.key_type() != DeltaType::STRING {
                let message = "The keys of a map in the schema of from_json must be STRING.";
                return Err(Failure::bad("DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE", message));
            }
            MapType::new(DeltaType::STRING, nullable(map.value_type().clone())?, true).into()
        }
        DeltaType::Struct(fields) => {
            let fields = fields
                .fields()
                .map(|field| Ok(StructField::nullable(field.name().clone(), nullable(field.data_type().clone())?)));
            let fields = fields.collect::<std::result::Result<Vec<_>, Failure>>()?;
            let fields = StructType::try_new(fields).map_err(|error| Failure::bad("INVALID_SCHEMA", error))?;
            DeltaType::Struct(Box::new(fields))
        }
        scalar => scalar,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Permissive,
    FailFast,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct FromJson {
    signature: Signature,
}

impl ScalarUDFImpl for FromJson {
    fn name(&self) -> &str {
        FROM_JSON
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("from_json needs its schema")
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let (2 | 3, Some(text)) = (arguments.arg_fields.len(), arguments.arg_fields.first()) else {
            let message = "from_json takes a text, a schema and options.";
            return Err(external(Failure::bad("WRONG_NUM_ARGS", message)));
        };
        if !text.data_type().is_string() && *text.data_type() != DataType::Null {
            let kind = super::values::text(text.data_type());
            let message = format_args!("from_json reads a STRING, not a value of type {kind}.");
            return Err(external(Failure::bad("DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE", message)));
        }
        let constant = arguments.scalar_arguments.get(1).copied().flatten().and_then(|schema| schema.try_as_str());
        let Some(Some(schema)) = constant else {
            return Err(external(Failure::bad(
                "INVALID_SCHEMA.NON_STRING_LITERAL",
                "The schema of from_json must be a constant text.",
            )));
        };
        let schema = parse_schema(schema).map_err(external)?;
        let kind: DataType = (&schema).try_into_arrow()?;
        Ok(Arc::new(Field::new(FROM_JSON, kind, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let kind = arguments.return_field.data_type();
        let mode = mode(arguments.args.get(2))?;
        match arguments.args.first() {
            Some(ColumnarValue::Scalar(text)) => {
                let one = read(&text.to_array()?, kind, mode)?;
                Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&one, 0)?))
            }
            Some(ColumnarValue::Array(texts)) => Ok(ColumnarValue::Array(read(texts, kind, mode)?)),
            None => plan_err!("from_json needs a text"),
        }
    }
}

/// The mode in the third argument: what the statement's translation has made of the options.
fn mode(option: Option<&ColumnarValue>) -> Result<Mode> {
    let text = match option {
        None => return Ok(Mode::Permissive),
        Some(ColumnarValue::Scalar(text)) => text.try_as_str().flatten(),
        Some(ColumnarValue::Array(_)) => None,
    };
    match text.map(str::to_ascii_uppercase).as_deref() {
        Some("PERMISSIVE") => Ok(Mode::Permissive),
        Some("FAILFAST") => Ok(Mode::FailFast),
        _ => Err(external(Failure::bad("PARSE_MODE_UNSUPPORTED", "from_json has the modes PERMISSIVE and FAILFAST."))),
    }
}

fn read(texts: &ArrayRef, kind: &DataType, mode: Mode) -> Result<ArrayRef> {
    let texts = cast(texts, &DataType::Utf8)?;
    let texts = texts.as_string::<i32>();
    let cells = texts.iter().map(|text| text.map_or(Ok(Cell::Null), |text| read_one(text, kind, mode)));
    let cells = cells.collect::<Result<Vec<_>>>()?;
    Ok(column(kind, &cells.iter().collect::<Vec<_>>())?)
}

fn read_one<'a>(text: &'a str, kind: &DataType, mode: Mode) -> Result<Cell<'a>> {
    let mut reader = Reader::new(text);
    if reader.is_at_end() {
        return Ok(Cell::Null);
    }
    let converted = match kind {
        DataType::List(item) => convert_array(&mut reader, item, Rules::Lenient),
        _ => convert(&mut reader, kind, Rules::Lenient),
    };
    let problem = match converted {
        Ok(Converted::Whole(Cell::Null)) => "null is no value for it".to_owned(),
        Ok(Converted::Whole(cell)) => return Ok(cell),
        Ok(Converted::Partial(cell, _)) if mode == Mode::Permissive => return Ok(cell),
        Ok(Converted::Partial(_, misfit) | Converted::Bad(misfit)) => Misfit::to_string(&misfit),
        Err(malformed) => format!("it is not JSON, at byte {}: {malformed}", malformed.at),
    };
    match (mode, kind) {
        (Mode::FailFast, _) => {
            let start: String = text.chars().take(100).collect();
            let message =
                format_args!("A record is malformed: {problem}. It begins with: {start}. Parse mode: FAILFAST.");
            Err(external(Failure::bad("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", message)))
        }
        (Mode::Permissive, DataType::Struct(fields)) => Ok(Cell::Struct(vec![Cell::Null; fields.len()])),
        (Mode::Permissive, _) => Ok(Cell::Null),
    }
}

fn external(failure: Failure) -> DataFusionError {
    DataFusionError::External(Box::new(failure))
}
