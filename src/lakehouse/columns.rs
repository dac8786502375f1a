//! Column types: as SQL writes them, as Delta keeps them and as Unity Catalog shows them.

use deltalake::datafusion::sql::sqlparser::keywords::Keyword;
use deltalake::datafusion::sql::sqlparser::parser::{Parser, ParserError};
use deltalake::datafusion::sql::sqlparser::tokenizer::Token;
use deltalake::kernel::{ArrayType, DataType, DecimalType, MapType, PrimitiveType, StructField, StructType};

use crate::model::Column;

/// Nesting deeper than this is refused, so that a hostile type cannot exhaust the stack.
const MAX_DEPTH: usize = 32;

/// delta-rs has the type in schemas, but writes no values of it.
const NO_VARIANT: &str =
    "VARIANT: the local lakehouse cannot keep it; use STRING with JSON text here, or a Databricks workspace";

/// A Delta field as Unity Catalog shows it.
pub fn uc_column(field: &StructField, position: usize) -> Column {
    Column {
        name: field.name().clone(),
        type_name: type_name(field.data_type()).to_owned(),
        type_text: type_text(field.data_type()),
        type_json: serde_json::to_string(field).unwrap_or_default(),
        nullable: field.is_nullable(),
        position: i32::try_from(position).unwrap_or(i32::MAX),
    }
}

/// The type in upper case without arguments: `STRING`, `LONG`, `DECIMAL`, ...
pub fn type_name(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Primitive(primitive) => match primitive {
            PrimitiveType::String => "STRING",
            PrimitiveType::Long => "LONG",
            PrimitiveType::Integer => "INT",
            PrimitiveType::Short => "SHORT",
            PrimitiveType::Byte => "BYTE",
            PrimitiveType::Float => "FLOAT",
            PrimitiveType::Double => "DOUBLE",
            PrimitiveType::Boolean => "BOOLEAN",
            PrimitiveType::Binary => "BINARY",
            PrimitiveType::Date => "DATE",
            PrimitiveType::Timestamp => "TIMESTAMP",
            PrimitiveType::TimestampNtz => "TIMESTAMP_NTZ",
            PrimitiveType::Decimal(_) => "DECIMAL",
            PrimitiveType::Void => "NULL",
            _ => "INTERVAL",
        },
        DataType::Array(_) => "ARRAY",
        DataType::Map(_) => "MAP",
        DataType::Struct(_) => "STRUCT",
        DataType::Variant(_) => "VARIANT",
    }
}

/// The type as SQL writes it: `bigint`, `decimal(10,2)`, `array<string>`, ...
pub fn type_text(data_type: &DataType) -> String {
    match data_type {
        DataType::Primitive(PrimitiveType::Long) => "bigint".to_owned(),
        DataType::Primitive(PrimitiveType::Integer) => "int".to_owned(),
        DataType::Primitive(PrimitiveType::Short) => "smallint".to_owned(),
        DataType::Primitive(PrimitiveType::Byte) => "tinyint".to_owned(),
        DataType::Primitive(other) => other.to_string(),
        DataType::Array(array) => format!("array<{}>", type_text(array.element_type())),
        DataType::Map(map) => format!("map<{},{}>", type_text(map.key_type()), type_text(map.value_type())),
        DataType::Struct(fields) => {
            let fields: Vec<String> =
                fields.fields().map(|field| format!("{}:{}", field.name(), type_text(field.data_type()))).collect();
            format!("struct<{}>", fields.join(","))
        }
        DataType::Variant(_) => "variant".to_owned(),
    }
}

/// Reads one column type at the parser's position.
///
/// # Errors
/// `ParserError` with the word that is no type.
pub fn parse_type(parser: &mut Parser<'_>) -> Result<DataType, ParserError> {
    let mut types = TypeParser { parser, pending_close: 0, depth: 0 };
    let data_type = types.data_type()?;
    if types.pending_close > 0 {
        return Err(ParserError::ParserError("there is one '>' too many in a type".to_owned()));
    }
    Ok(data_type)
}

/// Reads columns as a schema's text has them: `a INT, b: STRING NOT NULL, ...`.
///
/// # Errors
/// `ParserError` with the word that is no type, or the name that is there twice.
pub fn parse_fields(parser: &mut Parser<'_>) -> Result<StructType, ParserError> {
    let mut types = TypeParser { parser, pending_close: 0, depth: 0 };
    types.fields()
}

/// The type's own reader: sqlparser has no Spark dialect with `MAP<..>` and `STRUCT<a: ..>` as column types.
struct TypeParser<'p, 's> {
    parser: &'p mut Parser<'s>,
    /// Closing brackets already taken from the text as one half of a `>>`.
    pending_close: usize,
    depth: usize,
}

impl TypeParser<'_, '_> {
    fn data_type(&mut self) -> Result<DataType, ParserError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ParserError::ParserError(format!("a type is nested more than {MAX_DEPTH} levels deep")));
        }
        let word = self.word()?;
        let data_type = match word.to_ascii_uppercase().as_str() {
            "STRING" => PrimitiveType::String.into(),
            "VARCHAR" | "CHAR" => {
                self.numbers()?;
                PrimitiveType::String.into()
            }
            "BIGINT" | "LONG" => PrimitiveType::Long.into(),
            "INT" | "INTEGER" => PrimitiveType::Integer.into(),
            "SMALLINT" | "SHORT" => PrimitiveType::Short.into(),
            "TINYINT" | "BYTE" => PrimitiveType::Byte.into(),
            "FLOAT" | "REAL" => PrimitiveType::Float.into(),
            "DOUBLE" => PrimitiveType::Double.into(),
            "BOOLEAN" => PrimitiveType::Boolean.into(),
            "BINARY" => PrimitiveType::Binary.into(),
            "DATE" => PrimitiveType::Date.into(),
            "TIMESTAMP" | "TIMESTAMP_LTZ" => PrimitiveType::Timestamp.into(),
            "TIMESTAMP_NTZ" => PrimitiveType::TimestampNtz.into(),
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal()?,
            "VARIANT" => return Err(ParserError::ParserError(NO_VARIANT.to_owned())),
            "ARRAY" => {
                self.open()?;
                let element = self.data_type()?;
                self.close()?;
                ArrayType::new(element, true).into()
            }
            "MAP" => {
                self.open()?;
                let key = self.data_type()?;
                self.parser.expect_token(&Token::Comma)?;
                let value = self.data_type()?;
                self.close()?;
                MapType::new(key, value, true).into()
            }
            "STRUCT" => self.structure()?,
            _ => return Err(ParserError::ParserError(format!("'{word}' is not a column type"))),
        };
        self.depth -= 1;
        Ok(data_type)
    }

    fn word(&mut self) -> Result<String, ParserError> {
        let token = self.parser.next_token();
        match token.token {
            Token::Word(word) => Ok(word.value),
            _ => self.parser.expected("a column type", token),
        }
    }

    fn decimal(&mut self) -> Result<DataType, ParserError> {
        let numbers = self.numbers()?;
        let (precision, scale) = match numbers[..] {
            [] => (10, 0),
            [precision] => (precision, 0),
            [precision, scale] => (precision, scale),
            _ => return Err(ParserError::ParserError("DECIMAL takes a precision and a scale".to_owned())),
        };
        decimal_type(precision, scale).map_err(ParserError::ParserError)
    }

    fn structure(&mut self) -> Result<DataType, ParserError> {
        self.open()?;
        let fields = self.fields()?;
        self.close()?;
        Ok(DataType::Struct(Box::new(fields)))
    }

    fn fields(&mut self) -> Result<StructType, ParserError> {
        let mut fields = Vec::new();
        loop {
            let name = self.parser.parse_identifier()?.value;
            let _ = self.parser.consume_token(&Token::Colon);
            let data_type = self.data_type()?;
            let required = self.pending_close == 0 && self.parser.parse_keywords(&[Keyword::NOT, Keyword::NULL]);
            if self.pending_close == 0 && self.parser.parse_keyword(Keyword::COMMENT) {
                self.parser.parse_literal_string()?;
            }
            fields.push(StructField::new(name, data_type, !required));
            if self.pending_close > 0 || !self.parser.consume_token(&Token::Comma) {
                break;
            }
        }
        StructType::try_new(fields).map_err(|error| ParserError::ParserError(error.to_string()))
    }

    fn numbers(&mut self) -> Result<Vec<u64>, ParserError> {
        if self.pending_close > 0 || !self.parser.consume_token(&Token::LParen) {
            return Ok(Vec::new());
        }
        let numbers = self.parser.parse_comma_separated(Parser::parse_literal_uint)?;
        self.parser.expect_token(&Token::RParen)?;
        Ok(numbers)
    }

    fn open(&mut self) -> Result<(), ParserError> {
        self.parser.expect_token(&Token::Lt).map(|_| ())
    }

    /// Takes one '>'; the tokenizer reads `>>` as a shift, which closes two levels.
    fn close(&mut self) -> Result<(), ParserError> {
        if self.pending_close > 0 {
            self.pending_close -= 1;
            return Ok(());
        }
        if self.parser.consume_token(&Token::ShiftRight) {
            self.pending_close += 1;
            return Ok(());
        }
        self.parser.expect_token(&Token::Gt).map(|_| ())
    }
}

fn decimal_type(precision: u64, scale: u64) -> Result<DataType, String> {
    let parts = (u8::try_from(precision).ok(), u8::try_from(scale).ok());
    match parts {
        (Some(precision @ 1..=38), Some(scale)) if scale <= precision => DecimalType::try_new(precision, scale)
            .map(|decimal| PrimitiveType::Decimal(decimal).into())
            .map_err(|error| error.to_string()),
        _ => Err(format!("DECIMAL({precision},{scale}): the precision is 1 to 38, the scale at most the precision")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lakehouse::statements::dialect::Spark;

    fn parse(text: &str) -> Result<DataType, ParserError> {
        let mut parser = Parser::new(&Spark).try_with_sql(text)?;
        let data_type = parse_type(&mut parser)?;
        parser.expect_token(&Token::EOF)?;
        Ok(data_type)
    }

    #[test]
    fn sql_types_and_unity_catalog_types_agree() {
        for (sql, name, text) in [
            ("STRING", "STRING", "string"),
            ("varchar(20)", "STRING", "string"),
            ("BIGINT", "LONG", "bigint"),
            ("long", "LONG", "bigint"),
            ("INT", "INT", "int"),
            ("SMALLINT", "SHORT", "smallint"),
            ("TINYINT", "BYTE", "tinyint"),
            ("REAL", "FLOAT", "float"),
            ("DOUBLE", "DOUBLE", "double"),
            ("BOOLEAN", "BOOLEAN", "boolean"),
            ("DATE", "DATE", "date"),
            ("TIMESTAMP", "TIMESTAMP", "timestamp"),
            ("TIMESTAMP_NTZ", "TIMESTAMP_NTZ", "timestamp_ntz"),
            ("BINARY", "BINARY", "binary"),
            ("DECIMAL(12, 4)", "DECIMAL", "decimal(12,4)"),
            ("NUMERIC", "DECIMAL", "decimal(10,0)"),
            ("ARRAY<ARRAY<INT>>", "ARRAY", "array<array<int>>"),
            ("MAP<STRING, ARRAY<DOUBLE>>", "MAP", "map<string,array<double>>"),
            (
                "STRUCT<a: INT, b STRING NOT NULL, c: ARRAY<STRUCT<d: DECIMAL(3,1)>>>",
                "STRUCT",
                "struct<a:int,b:string,c:array<struct<d:decimal(3,1)>>>",
            ),
        ] {
            let parsed = parse(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
            assert_eq!((type_name(&parsed), type_text(&parsed).as_str()), (name, text), "{sql}");
        }
    }

    #[test]
    fn what_is_no_type_is_refused() {
        let deep = format!("{}INT{}", "ARRAY<".repeat(40), ">".repeat(40));
        for sql in [
            "BLOB",
            "VARIANT",
            "ARRAY<INT",
            "ARRAY<INT>>",
            "DECIMAL(39,0)",
            "DECIMAL(5,6)",
            "MAP<INT>",
            "STRUCT<>",
            &deep,
        ] {
            assert!(parse(sql).is_err(), "{sql}");
        }
    }

    #[test]
    fn type_json_is_the_delta_field() {
        let field = StructField::nullable("price", PrimitiveType::Double);
        let column = uc_column(&field, 3);
        assert_eq!(column.type_json, r#"{"name":"price","type":"double","nullable":true,"metadata":{}}"#);
        assert_eq!(column.position, 3);
    }
}
