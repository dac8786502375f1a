//! Why a statement failed, in the words and codes of the real API.

use deltalake::arrow::error::ArrowError;
use deltalake::datafusion::common::{DataFusionError, SchemaError};
use deltalake::datafusion::sql::sqlparser::parser::ParserError;
use deltalake::datafusion::sql::sqlparser::tokenizer::TokenizerError;

use crate::lakehouse::error::LakehouseError;

/// `status.error` of a failed statement, or its cancellation.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    /// State FAILED.
    Error {
        /// `BAD_REQUEST`, `INTERNAL_ERROR`, ...
        code: &'static str,
        /// Begins with the error class in brackets where there is one.
        message: String,
    },
    /// State CANCELED: nothing of the statement was done.
    Canceled,
}

impl Failure {
    /// A mistake in the statement; `class` is Spark's error class.
    pub(crate) fn bad(class: &str, message: impl std::fmt::Display) -> Self {
        Self::Error { code: "BAD_REQUEST", message: format!("[{class}] {message}") }
    }

    pub(crate) fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::bad("UNSUPPORTED", format_args!("{what} is not supported by the local lakehouse; nothing was changed."))
    }

    pub(crate) fn internal(message: impl std::fmt::Display) -> Self {
        Self::Error { code: "INTERNAL_ERROR", message: message.to_string() }
    }
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
            LakehouseError::VolumeNotFound(_) => Self::bad("VOLUME_NOT_FOUND", error),
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
                Err(other) => Self::internal(other),
            },
            DataFusionError::SchemaError(error, _) => schema_failure(&error),
            DataFusionError::Plan(text) => plan_failure(&text),
            DataFusionError::NotImplemented(text) => Self::unsupported(text),
            DataFusionError::ResourcesExhausted(text) => {
                Self::Error { code: "RESOURCE_EXHAUSTED", message: format!("The query needs too much memory: {text}") }
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
