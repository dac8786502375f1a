//! The text of `COPY INTO` as Databricks writes it. An option that would not be kept is refused, never skipped.

use std::collections::BTreeMap;

use deltalake::datafusion::sql::sqlparser::ast::{ObjectName, Statement};
use deltalake::datafusion::sql::sqlparser::keywords::Keyword;
use deltalake::datafusion::sql::sqlparser::parser::{Parser, ParserError};
use deltalake::datafusion::sql::sqlparser::tokenizer::Token;

use super::pattern::Pattern;
use super::select;
use crate::lakehouse::statements::ddl::{is_word, parse_properties};
use crate::lakehouse::statements::failure::Failure;

/// The most names after FILES, as on the real one.
const FILES: usize = 1000;

/// A `COPY INTO` that was read.
#[derive(Debug)]
pub(in super::super) struct Copy {
    pub(super) target: ObjectName,
    pub(super) columns: Columns,
    /// What is made of the files' fields before they go to columns, by the name of [`SOURCE`](super::super::session::SOURCE).
    pub(super) select: Option<Box<Statement>>,
    /// `/Volumes/...`, a file or a folder.
    pub(super) path: String,
    pub(super) selection: Selection,
    pub(super) format: Format,
    /// Whether files are loaded that were loaded before.
    pub(super) force: bool,
    /// Whether folders in the folder are looked into.
    pub(super) recursive: bool,
}

/// How the values of a file find their columns.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Columns {
    ByName,
    /// In the order of these columns, or of the table's.
    ByPosition(Option<Vec<String>>),
}

/// Which files of a folder.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Selection {
    All,
    /// Paths below the folder.
    Files(Vec<String>),
    Pattern(Pattern),
}

/// How the files are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Json {
        /// The file is one object or one array of objects; otherwise there is one in each line.
        multi_line: bool,
    },
    Csv(CsvOptions),
    Parquet,
}

/// How a CSV file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CsvOptions {
    pub(super) header: bool,
    pub(super) delimiter: u8,
    pub(super) quote: u8,
    pub(super) escape: u8,
    /// What stands for NULL when it is not in quotes.
    pub(super) null_value: String,
    /// Whether a value in quotes may go over several lines.
    pub(super) multi_line: bool,
}

/// What was read of the clauses after the path, which come in any order.
#[derive(Default)]
struct Clauses {
    format: Option<String>,
    files: Option<Vec<String>>,
    pattern: Option<String>,
    format_options: Options,
    copy_options: Options,
}

/// Reads the statement when it is a `COPY INTO`; `None` leaves the parser where it was.
pub(in super::super) fn parse_copy(parser: &mut Parser<'_>) -> Result<Option<Copy>, Failure> {
    if !parser.parse_keywords(&[Keyword::COPY, Keyword::INTO]) {
        return Ok(None);
    }
    let target = parser.parse_object_name(false)?;
    let columns = if parser.parse_keywords(&[Keyword::BY, Keyword::POSITION]) {
        Columns::ByPosition(None)
    } else if parser.consume_token(&Token::LParen) {
        let names = parser.parse_comma_separated(Parser::parse_identifier)?;
        parser.expect_token(&Token::RParen)?;
        Columns::ByPosition(Some(names.into_iter().map(|name| name.value).collect()))
    } else {
        Columns::ByName
    };
    parser.expect_keyword(Keyword::FROM)?;
    let (select, path) = if parser.consume_token(&Token::LParen) {
        let query = parser.parse_query()?;
        parser.expect_token(&Token::RParen)?;
        let (select, path) = select::over_path(*query)?;
        (Some(Box::new(select)), path)
    } else {
        (None, parser.parse_literal_string()?)
    };
    if parser.parse_keyword(Keyword::WITH) {
        return Err(Failure::unsupported("COPY INTO with credentials or encryption"));
    }
    let clauses = parse_clauses(parser)?;
    build(target, columns, select, path, clauses).map(Some)
}

fn parse_clauses(parser: &mut Parser<'_>) -> Result<Clauses, Failure> {
    let mut clauses = Clauses::default();
    loop {
        if matches!(parser.peek_token_ref().token, Token::EOF | Token::SemiColon) {
            return Ok(clauses);
        }
        let token = parser.next_token();
        let is = |name| is_word(&token.token, name);
        if is("FILEFORMAT") {
            parser.expect_token(&Token::Eq)?;
            clauses.format = Some(parser.parse_identifier()?.value.to_ascii_uppercase());
        } else if is("FILES") {
            parser.expect_token(&Token::Eq)?;
            parser.expect_token(&Token::LParen)?;
            clauses.files = Some(parser.parse_comma_separated(Parser::parse_literal_string)?);
            parser.expect_token(&Token::RParen)?;
        } else if is("PATTERN") {
            parser.expect_token(&Token::Eq)?;
            clauses.pattern = Some(parser.parse_literal_string()?);
        } else if is("FORMAT_OPTIONS") {
            clauses.format_options = Options::parse(parser)?;
        } else if is("COPY_OPTIONS") {
            clauses.copy_options = Options::parse(parser)?;
        } else if is("VALIDATE") {
            return Err(Failure::unsupported("COPY INTO with VALIDATE"));
        } else {
            let expected = "FILEFORMAT, FILES, PATTERN, FORMAT_OPTIONS or COPY_OPTIONS";
            return parser.expected(expected, token).map_err(Failure::from);
        }
    }
}

fn build(
    target: ObjectName,
    columns: Columns,
    select: Option<Box<Statement>>,
    path: String,
    clauses: Clauses,
) -> Result<Copy, Failure> {
    let syntax = |message: &str| Failure::from(ParserError::ParserError(message.to_owned()));
    let mut options = clauses.format_options;
    let format = match clauses.format.as_deref() {
        Some("JSON") => Format::Json { multi_line: options.flag("multiline")?.unwrap_or(false) },
        Some("CSV") => Format::Csv(CsvOptions::take(&mut options)?),
        Some("PARQUET") => Format::Parquet,
        Some(other) => return Err(Failure::unsupported(format_args!("FILEFORMAT = {other}"))),
        None => return Err(syntax("COPY INTO needs FILEFORMAT = JSON, CSV or PARQUET")),
    };
    let as_texts = matches!(format, Format::Json { .. }) && options.flag("primitivesasstring")? == Some(true);
    if as_texts != select.is_some() {
        let message = "COPY INTO with a SELECT that has no FILEFORMAT = JSON and 'primitivesAsString' = 'true', or those \
                       without a SELECT,";
        return Err(Failure::unsupported(message));
    }
    let recursive = options.flag("recursivefilelookup")?.unwrap_or(false);
    let filter = options.take("pathglobfilter");
    options.refuse_what_is_not_kept()?;
    options.finish("FORMAT_OPTIONS")?;
    let selection = match (clauses.files, clauses.pattern.or(filter)) {
        (Some(_), Some(_)) => return Err(syntax("FILES and PATTERN cannot be used together")),
        (Some(files), None) if files.len() > FILES => return Err(syntax("FILES takes at most 1000 names")),
        (Some(files), None) => Selection::Files(files),
        (None, Some(pattern)) => Selection::Pattern(Pattern::parse(&pattern).map_err(|problem| {
            Failure::bad("INVALID_PARAMETER_VALUE", format_args!("The pattern '{pattern}' is none: {problem}."))
        })?),
        (None, None) => Selection::All,
    };
    let mut copy_options = clauses.copy_options;
    let force = copy_options.flag("force")?.unwrap_or(false);
    if copy_options.flag("mergeschema")? == Some(true) {
        return Err(Failure::unsupported("COPY INTO with 'mergeSchema', which would change the table's columns,"));
    }
    copy_options.finish("COPY_OPTIONS")?;
    match (&columns, &format) {
        (Columns::ByPosition(_), Format::Csv(csv)) if !csv.header && select.is_none() => {}
        (Columns::ByPosition(_), _) => {
            return Err(syntax("columns by position are for CSV files with 'header' = 'false' only"));
        }
        (Columns::ByName, Format::Csv(csv)) if !csv.header => {
            return Err(syntax(
                "a CSV file has the names of its columns only with FORMAT_OPTIONS ('header' = 'true'); \
                 without them write BY POSITION or a list of columns after the table's name",
            ));
        }
        (Columns::ByName, _) => {}
    }
    Ok(Copy { target, columns, select, path, selection, format, force, recursive })
}

impl CsvOptions {
    fn take(options: &mut Options) -> Result<Self, Failure> {
        let separator = options.take("sep").or(options.take("delimiter"));
        Ok(Self {
            header: options.flag("header")?.unwrap_or(false),
            delimiter: one_letter("delimiter", separator, b',')?,
            quote: one_letter("quote", options.take("quote"), b'"')?,
            escape: one_letter("escape", options.take("escape"), b'\\')?,
            null_value: options.take("nullvalue").unwrap_or_default(),
            multi_line: options.flag("multiline")?.unwrap_or(false),
        })
    }
}

fn one_letter(name: &str, value: Option<String>, default: u8) -> Result<u8, Failure> {
    match value.as_deref().map(str::as_bytes) {
        None => Ok(default),
        Some(&[letter]) if letter.is_ascii() && !matches!(letter, b'\n' | b'\r') => Ok(letter),
        Some(_) => Err(Failure::unsupported(format_args!("The option '{name}' with anything but one ASCII letter"))),
    }
}

/// `('key' = 'value', ...)`, of which each key is taken once.
#[derive(Default)]
struct Options {
    /// In lower case.
    values: BTreeMap<String, String>,
}

impl Options {
    fn parse(parser: &mut Parser<'_>) -> Result<Self, ParserError> {
        let mut values = BTreeMap::new();
        for (key, value) in parse_properties(parser)? {
            if values.insert(key.to_ascii_lowercase(), value).is_some() {
                return Err(ParserError::ParserError(format!("the option '{key}' is there twice")));
            }
        }
        Ok(Self { values })
    }

    fn take(&mut self, key: &str) -> Option<String> {
        self.values.remove(key)
    }

    fn flag(&mut self, key: &str) -> Result<Option<bool>, Failure> {
        self.take(key).map(|value| flag(key, &value)).transpose()
    }

    /// Options that make sense of the real one's ways and are kept here by themselves, or not at all.
    fn refuse_what_is_not_kept(&mut self) -> Result<(), Failure> {
        // The table's types are what counts, whatever would be inferred.
        for key in ["inferschema", "mergeschema", "infercolumntypes"] {
            self.flag(key)?;
        }
        for key in ["ignorecorruptfiles", "ignoremissingfiles"] {
            if self.flag(key)? == Some(true) {
                return Err(Failure::unsupported(format_args!("The option '{key}', which would leave out files,")));
            }
        }
        match self.take("mode") {
            Some(mode) if !mode.eq_ignore_ascii_case("FAILFAST") => {
                return Err(Failure::unsupported(format_args!(
                    "The mode {mode}, which would leave out values or rows,"
                )));
            }
            _ => {}
        }
        match self.take("encoding").or(self.take("charset")) {
            Some(encoding) if !encoding.eq_ignore_ascii_case("UTF-8") => {
                Err(Failure::unsupported(format_args!("The encoding {encoding}")))
            }
            _ => Ok(()),
        }
    }

    fn finish(self, clause: &str) -> Result<(), Failure> {
        match self.values.into_keys().next() {
            Some(key) => Err(Failure::unsupported(format_args!("The option '{key}' in {clause} of COPY INTO"))),
            None => Ok(()),
        }
    }
}

fn flag(key: &str, value: &str) -> Result<bool, Failure> {
    match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => {
            let message = format_args!("The option '{key}' is 'true' or 'false', not '{value}'.");
            Err(Failure::bad("INVALID_PARAMETER_VALUE", message))
        }
    }
}
