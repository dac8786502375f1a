//! Why a statement failed, in the words and codes of the real API.

use deltalake::arrow::error::ArrowError;
use deltalake::datafusion::common::{DataFusionError, SchemaError};
use deltalake::datafusion::sql::sqlparser::parser::ParserError;
use deltalake::datafusion::sql::sqlparser::tokenizer::TokenizerError;

use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::files::FileError;

/// `status.error` of a failed statement, or its cancellation.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// State FAILED.
    Error {
        /// `BAD_REQUEST`, `INTERNAL_ERROR`, ...
        code: &'static str,
        /// SQLSTATE, where Spark's error class has one.
        sql_state: Option<&'static str>,
        /// Begins with the error class in brackets where there is one.
        message: String,
    },
    /// State CANCELED: nothing of the statement was done.
    Canceled,
}

impl Failure {
    /// A mistake in the statement; `class` is Spark's error class.
    pub(crate) fn bad(class: &str, message: impl std::fmt::Display) -> Self {
        Self::Error { code: "BAD_REQUEST", sql_state: sql_state(class), message: format!("[{class}] {message}") }
    }

    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::bad("UNSUPPORTED", format_args!("{what} is not supported by the local lakehouse; nothing was changed."))
    }

    /// A result that does not fit into answers. Begins as on the real API, where clients look for it.
    pub(crate) fn inline_limit(bytes: usize) -> Self {
        let message = format!(
            "Inline byte limit exceeded. Statements executed with disposition=INLINE can have a result size of at most \
             {bytes} bytes. Use LIMIT, row_limit or byte_limit, or select less."
        );
        Self::Error { code: "BAD_REQUEST", sql_state: None, message }
    }

    /// A statement that asks for more than there may be.
    pub(crate) fn too_much(message: impl std::fmt::Display) -> Self {
        Self::Error { code: "RESOURCE_EXHAUSTED", sql_state: None, message: message.to_string() }
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        Self::Error { code: "INTERNAL_ERROR", sql_state: Some("XX000"), message: message.to_string() }
    }
}

/// So that a failure inside a function comes back out of DataFusion as it is.
impl std::error::Error for Failure {}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error { message, .. } => f.write_str(message),
            Self::Canceled => f.write_str("canceled"),
        }
    }
}

/// SQLSTATE of an error class, as Spark's list of error conditions has it.
fn sql_state(class: &str) -> Option<&'static str> {
    let condition = class.split('.').next().unwrap_or(class);
    Some(match condition {
        "PARSE_SYNTAX_ERROR" | "PARSE_EMPTY_STATEMENT" => "42601",
        "TABLE_OR_VIEW_NOT_FOUND" => "42P01",
        "TABLE_OR_VIEW_ALREADY_EXISTS" => "42P07",
        "SCHEMA_NOT_FOUND" | "NO_SUCH_CATALOG_EXCEPTION" | "UC_VOLUME_NOT_FOUND" | "AMBIGUOUS_REFERENCE" => "42704",
        "SCHEMA_ALREADY_EXISTS" => "42P06",
        "CATALOG_ALREADY_EXISTS" | "VOLUME_ALREADY_EXISTS" => "42710",
        "UNRESOLVED_COLUMN" => "42703",
        "UNRESOLVED_ROUTINE" => "42883",
        "UNBOUND_SQL_PARAMETER" => "42P02",
        "INVALID_PARAMETER_VALUE" => "22023",
        "INVALID_IDENTIFIER" => "42602",
        "INVALID_SCHEMA" => "42K07",
        "PATH_NOT_FOUND" => "42K03",
        "CANNOT_RESOLVE_STAR_EXPAND" => "42704",
        "DATATYPE_MISMATCH" => "42K09",
        "UNSUPPORTED_GENERATOR" | "UNSUPPORTED" => "0A000",
        "WRONG_NUM_ARGS" => "42605",
        "COLUMN_ALREADY_EXISTS" => "42711",
        "INSERT_COLUMN_ARITY_MISMATCH" => "21S01",
        "CAST_INVALID_INPUT" => "22018",
        "DIVIDE_BY_ZERO" => "22012",
        "ARITHMETIC_OVERFLOW" => "22003",
        "DELTA_NOT_NULL_CONSTRAINT_VIOLATED" => "23502",
        "MALFORMED_RECORD_IN_PARSING" => "22023",
        "INSUFFICIENT_PERMISSIONS" => "42501",
        "STATEMENT_TOO_COMPLEX" => "54001",
        _ => return None,
    })
}

impl From<ParserError> for Failure {
    fn from(error: ParserError) -> Self {
        let message = match error {
            ParserError::TokenizerError(text) | ParserError::ParserError(text) => text,
            ParserError::RecursionLimitExceeded => "the statement is nested too deeply".to_owned(),
        };
        Self::bad("PARSE_SYNTAX_ERROR", format_args!("Syntax error: {message}. SQLSTATE: 42601"))
    }
}

impl From<TokenizerError> for Failure {
    fn from(error: TokenizerError) -> Self {
        Self::from(ParserError::TokenizerError(error.to_string()))
    }
}

impl From<LakehouseError> for Failure {
    fn from(error: LakehouseError) -> Self {
        match &error {
            LakehouseError::NotFound(name) => Self::table_not_found(name),
            LakehouseError::CatalogNotFound(_) => Self::bad("NO_SUCH_CATALOG_EXCEPTION", error),
            LakehouseError::SchemaNotFound(_) => Self::bad("SCHEMA_NOT_FOUND", error),
            LakehouseError::AlreadyExists(_) => Self::bad("TABLE_OR_VIEW_ALREADY_EXISTS", error),
            LakehouseError::VolumeNotFound(_) => Self::bad("UC_VOLUME_NOT_FOUND", error),
            LakehouseError::PrincipalNotFound(_) => Self::bad("PRINCIPAL_DOES_NOT_EXIST", error),
            LakehouseError::PrincipalExists(_) => Self::bad("RESOURCE_ALREADY_EXISTS", error),
            LakehouseError::Denied(_) => {
                Self::bad("INSUFFICIENT_PERMISSIONS", format_args!("Insufficient privileges: {error} SQLSTATE: 42501"))
            }
            LakehouseError::InvalidArgument(_) => Self::bad("INVALID_PARAMETER_VALUE", error),
            _ => Self::internal(error),
        }
    }
}

impl From<FileError> for Failure {
    fn from(error: FileError) -> Self {
        match &error {
            FileError::BadPath { .. } => Self::bad("INVALID_PARAMETER_VALUE", error),
            FileError::VolumeNotFound(_) => Self::bad("UC_VOLUME_NOT_FOUND", error),
            FileError::FileNotFound(_) | FileError::FolderNotFound(_) => Self::bad("PATH_NOT_FOUND", error),
            _ => Self::internal(error),
        }
    }
}

impl Failure {
    pub(crate) fn table_not_found(name: impl std::fmt::Display) -> Self {
        Self::bad(
            "TABLE_OR_VIEW_NOT_FOUND",
            format_args!("The table or view `{name}` cannot be found. Verify the spelling and that it exists."),
        )
    }
}

impl From<ArrowError> for Failure {
    fn from(error: ArrowError) -> Self {
        match error {
            ArrowError::CastError(text) | ArrowError::ParseError(text) => {
                Self::bad("CAST_INVALID_INPUT", format_args!("A value does not fit its type: {text}"))
            }
            ArrowError::ComputeError(text) | ArrowError::InvalidArgumentError(text) => {
                Self::bad("INVALID_PARAMETER_VALUE", text)
            }
            ArrowError::DivideByZero => Self::bad("DIVIDE_BY_ZERO", "Division by zero."),
            ArrowError::ArithmeticOverflow(text) => Self::bad("ARITHMETIC_OVERFLOW", text),
            ArrowError::ExternalError(inner) => {
                inner.downcast::<DataFusionError>().map_or_else(Self::internal, |error| Self::from(*error))
            }
            other => Self::internal(other),
        }
    }
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        match error {
            DataFusionError::Diagnostic(_, inner) | DataFusionError::Context(_, inner) => Self::from(*inner),
            DataFusionError::Collection(mut errors) if !errors.is_empty() => Self::from(errors.swap_remove(0)),
            DataFusionError::ArrowError(inner, _) => Self::from(*inner),
            DataFusionError::SQL(inner, _) => Self::from(*inner),
            DataFusionError::External(inner) => match inner.downcast::<LakehouseError>() {
                Ok(error) => Self::from(*error),
                Err(other) => other.downcast::<Self>().map_or_else(Self::internal, |failure| *failure),
            },
            DataFusionError::SchemaError(error, _) => schema_failure(&error),
            DataFusionError::Plan(text) => plan_failure(&text),
            DataFusionError::NotImplemented(text) => Self::unsupported(text),
            DataFusionError::ResourcesExhausted(text) => {
                Self::too_much(format_args!("The query needs too much memory: {text}"))
            }
            DataFusionError::Execution(text) => Self::bad("EXECUTION_ERROR", text),
            other => Self::internal(other.strip_backtrace()),
        }
    }
}

fn schema_failure(error: &SchemaError) -> Failure {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => {
            let known: Vec<String> = valid_fields.iter().take(10).map(|field| format!("`{}`", field.name)).collect();
            Failure::bad(
                "UNRESOLVED_COLUMN.WITH_SUGGESTION",
                format_args!(
                    "A column, variable, or function parameter with name `{}` cannot be resolved. \
                     Did you mean one of the following? [{}]. SQLSTATE: 42703",
                    field.name,
                    known.join(", ")
                ),
            )
        }
        SchemaError::AmbiguousReference { field } => {
            Failure::bad("AMBIGUOUS_REFERENCE", format_args!("Reference `{}` is ambiguous.", field.name))
        }
        other => Failure::bad("INVALID_STATEMENT", other),
    }
}

/// DataFusion has no error types for these; its texts are what there is to go by.
fn plan_failure(text: &str) -> Failure {
    if let Some(name) = text.strip_prefix("table '").and_then(|rest| rest.strip_suffix("' not found")) {
        return Failure::table_not_found(name);
    }
    if text.starts_with("Invalid function") {
        return Failure::bad("UNRESOLVED_ROUTINE", text);
    }
    Failure::bad("INVALID_STATEMENT", text)
}
