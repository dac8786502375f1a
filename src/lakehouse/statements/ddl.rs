//! `CREATE TABLE`, `ALTER TABLE .. SET TBLPROPERTIES`, `CREATE SCHEMA`, `CREATE CATALOG`, `DESCRIBE`, and `CREATE`, `DROP` and `SHOW` of volumes as Databricks
//! writes them.
//!
//! Read here and not by sqlparser, whose dialects know neither `USING DELTA` after the columns in any order with
//! `COMMENT` and `TBLPROPERTIES`, nor `MAP<..>` columns, nor catalogs.

use std::collections::BTreeMap;

use deltalake::datafusion::sql::sqlparser::ast::ObjectName;
use deltalake::datafusion::sql::sqlparser::keywords::Keyword;
use deltalake::datafusion::sql::sqlparser::parser::{Parser, ParserError};
use deltalake::datafusion::sql::sqlparser::tokenizer::Token;
use deltalake::kernel::{MetadataValue, StructField};

use super::grants::{Access, parse_access};
use crate::lakehouse::columns::parse_type;
use crate::lakehouse::store::TableOptions;

/// A statement about the catalog.
#[derive(Debug)]
pub(super) enum Ddl {
    /// Principals and grants.
    Access(Access),
    /// A table with its columns.
    Table {
        /// One to three parts.
        name: ObjectName,
        /// At least one.
        fields: Vec<StructField>,
        /// Comment, properties, IF NOT EXISTS.
        options: TableOptions,
    },
    /// A schema.
    Schema {
        /// One or two parts.
        name: ObjectName,
        /// Whether an existing one is no error.
        if_not_exists: bool,
    },
    /// A catalog.
    Catalog {
        /// One part.
        name: ObjectName,
        /// Whether an existing one is no error.
        if_not_exists: bool,
    },
    /// A volume.
    Volume {
        /// One to three parts.
        name: ObjectName,
        /// Whether an existing one is no error.
        if_not_exists: bool,
    },
    /// A volume that goes.
    DropVolume {
        /// One to three parts.
        name: ObjectName,
        /// Whether a missing one is no error.
        if_exists: bool,
    },
    /// The volumes of a schema.
    ShowVolumes {
        /// One or two parts.
        schema: Option<ObjectName>,
    },
    /// Properties that a table gets.
    SetProperties {
        /// One to three parts.
        name: ObjectName,
        /// At least one.
        properties: BTreeMap<String, String>,
    },
    /// A table's columns.
    Describe {
        /// One to three parts.
        name: ObjectName,
        /// With what else there is to say about the table.
        extended: bool,
    },
}

/// Reads the statement when it is one of these; `None` leaves the parser where it was.
pub(super) fn parse_ddl(parser: &mut Parser<'_>) -> Result<Option<Ddl>, ParserError> {
    if let Some(access) = parse_access(parser)? {
        return Ok(Some(Ddl::Access(access)));
    }
    if parser.parse_one_of_keywords(&[Keyword::DESCRIBE, Keyword::DESC]).is_some() {
        let _ = parser.parse_keyword(Keyword::TABLE);
        let extended = parser.parse_one_of_keywords(&[Keyword::EXTENDED, Keyword::FORMATTED]).is_some();
        return Ok(Some(Ddl::Describe { name: parser.parse_object_name(false)?, extended }));
    }
    if parser.parse_keywords(&[Keyword::CREATE, Keyword::TABLE]) {
        return parse_table(parser).map(Some);
    }
    if parser.parse_keywords(&[Keyword::ALTER, Keyword::TABLE]) {
        let name = parser.parse_object_name(false)?;
        parser.expect_keyword(Keyword::SET)?;
        parser.expect_keyword(Keyword::TBLPROPERTIES)?;
        return Ok(Some(Ddl::SetProperties { name, properties: parse_properties(parser)? }));
    }
    if let Some(ddl) = parse_volume(parser)? {
        return Ok(Some(ddl));
    }
    let is_schema = parser.parse_keywords(&[Keyword::CREATE, Keyword::SCHEMA])
        || parser.parse_keywords(&[Keyword::CREATE, Keyword::DATABASE]);
    if !is_schema && !parser.parse_keywords(&[Keyword::CREATE, Keyword::CATALOG]) {
        return Ok(None);
    }
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let name = parser.parse_object_name(false)?;
    if parser.parse_keyword(Keyword::COMMENT) {
        parser.parse_literal_string()?;
    }
    let ddl = if is_schema { Ddl::Schema { name, if_not_exists } } else { Ddl::Catalog { name, if_not_exists } };
    Ok(Some(ddl))
}

fn parse_volume(parser: &mut Parser<'_>) -> Result<Option<Ddl>, ParserError> {
    if parser.parse_keywords(&[Keyword::DROP, Keyword::VOLUME]) {
        let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
        return Ok(Some(Ddl::DropVolume { name: parser.parse_object_name(false)?, if_exists }));
    }
    if parser.peek_keyword(Keyword::SHOW) && is_word(&parser.peek_nth_token(1).token, "VOLUMES") {
        parser.next_token();
        parser.next_token();
        let named = parser.parse_one_of_keywords(&[Keyword::IN, Keyword::FROM]).is_some();
        let schema = if named { Some(parser.parse_object_name(false)?) } else { None };
        return Ok(Some(Ddl::ShowVolumes { schema }));
    }
    if parser.parse_keywords(&[Keyword::CREATE, Keyword::EXTERNAL, Keyword::VOLUME]) {
        let message = "CREATE EXTERNAL VOLUME: the local lakehouse keeps managed volumes only";
        return Err(ParserError::ParserError(message.to_owned()));
    }
    if !parser.parse_keywords(&[Keyword::CREATE, Keyword::VOLUME]) {
        return Ok(None);
    }
    let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
    let name = parser.parse_object_name(false)?;
    if parser.parse_keyword(Keyword::COMMENT) {
        parser.parse_literal_string()?;
    }
    Ok(Some(Ddl::Volume { name, if_not_exists }))
}

/// Whether a token is that word, which is no keyword of the parser's.
pub(super) fn is_word(token: &Token, expected: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected))
}

fn parse_table(parser: &mut Parser<'_>) -> Result<Ddl, ParserError> {
    let mut options = TableOptions {
        if_not_exists: parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]),
        ..Default::default()
    };
    let name = parser.parse_object_name(false)?;
    parser.expect_token(&Token::LParen)?;
    let mut fields: Vec<StructField> = Vec::new();
    loop {
        let field = parse_field(parser)?;
        if fields.iter().any(|other| other.name().eq_ignore_ascii_case(field.name())) {
            return Err(ParserError::ParserError(format!("the column '{}' is there twice", field.name())));
        }
        fields.push(field);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    parser.expect_token(&Token::RParen)?;
    while parse_clause(parser, &mut options)? {}
    let is_column = |name: &String| fields.iter().any(|field| field.name().eq_ignore_ascii_case(name));
    if let Some(unknown) = options.clustered_by.iter().find(|name| !is_column(name)) {
        return Err(ParserError::ParserError(format!("CLUSTER BY: there is no column '{unknown}'")));
    }
    Ok(Ddl::Table { name, fields, options })
}

fn parse_field(parser: &mut Parser<'_>) -> Result<StructField, ParserError> {
    let name = parser.parse_identifier()?.value;
    let data_type = parse_type(parser)?;
    let mut nullable = true;
    let mut comment = None;
    loop {
        if parser.parse_keywords(&[Keyword::NOT, Keyword::NULL]) {
            nullable = false;
        } else if parser.parse_keyword(Keyword::COMMENT) {
            comment = Some(parser.parse_literal_string()?);
        } else {
            break;
        }
    }
    let field = StructField::new(name, data_type, nullable);
    Ok(match comment {
        Some(comment) => field.with_metadata([("comment".to_owned(), MetadataValue::String(comment))]),
        None => field,
    })
}

/// One clause after the columns; they come in any order.
fn parse_clause(parser: &mut Parser<'_>, options: &mut TableOptions) -> Result<bool, ParserError> {
    if parser.parse_keyword(Keyword::USING) {
        let format = parser.parse_identifier()?.value;
        if !format.eq_ignore_ascii_case("delta") {
            return Err(ParserError::ParserError(format!(
                "USING {format}: the local lakehouse keeps Delta tables only"
            )));
        }
    } else if parser.parse_keyword(Keyword::COMMENT) {
        options.comment = Some(parser.parse_literal_string()?);
    } else if parser.parse_keyword(Keyword::TBLPROPERTIES) {
        options.properties = parse_properties(parser)?;
    } else if parser.parse_keywords(&[Keyword::CLUSTER, Keyword::BY]) {
        // How the files of a workspace are laid out; rows are the same without it.
        if is_word(&parser.peek_token_ref().token, "AUTO") {
            parser.next_token();
        } else {
            parser.expect_token(&Token::LParen)?;
            options.clustered_by =
                parser.parse_comma_separated(Parser::parse_identifier)?.into_iter().map(|one| one.value).collect();
            parser.expect_token(&Token::RParen)?;
        }
    } else if parser.parse_keyword(Keyword::PARTITIONED) {
        let message = "PARTITIONED BY: the local lakehouse keeps no partitions; write CLUSTER BY (column, ...)";
        return Err(ParserError::ParserError(message.to_owned()));
    } else {
        return Ok(false);
    }
    Ok(true)
}

/// `('key' = 'value', ...)`
pub(super) fn parse_properties(parser: &mut Parser<'_>) -> Result<BTreeMap<String, String>, ParserError> {
    let mut properties = BTreeMap::new();
    parser.expect_token(&Token::LParen)?;
    loop {
        let key = parse_property_key(parser)?;
        let _ = parser.consume_token(&Token::Eq);
        let token = parser.next_token();
        let value = match token.token {
            Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) | Token::Number(text, _) => text,
            Token::Word(word) => word.value,
            _ => return parser.expected("a property's value", token),
        };
        properties.insert(key, value);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    parser.expect_token(&Token::RParen)?;
    Ok(properties)
}

/// `'delta.feature'` or `delta.feature`.
fn parse_property_key(parser: &mut Parser<'_>) -> Result<String, ParserError> {
    let token = parser.next_token();
    match token.token {
        Token::SingleQuotedString(text) | Token::DoubleQuotedString(text) => Ok(text),
        Token::Word(word) => {
            let mut key = word.value;
            while parser.consume_token(&Token::Period) {
                key = format!("{key}.{}", parser.parse_identifier()?.value);
            }
            Ok(key)
        }
        _ => parser.expected("a property's name", token),
    }
}
