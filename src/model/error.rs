//! What goes wrong, in the shape the page, the API and the logs share.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One broken rule of one value in what was handed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where: `items[2].product_price`.
    pub path: String,
    /// The rule that was broken, short and stable, for machines: `minimum`, `length`, `type`, `date`, ...
    pub rule: String,
    /// The same for people, a sentence without the value.
    pub message: String,
    /// What came instead, as JSON text, shortened to 80 characters.
    pub came: String,
}

impl FieldError {
    /// An error about `value` at `path`.
    pub fn new(path: impl Into<String>, rule: &str, message: impl Into<String>, value: Option<&Value>) -> Self {
        let came = value.map_or_else(|| "nothing".to_owned(), |value| shorten(&value.to_string()));
        Self { path: path.into(), rule: rule.to_owned(), message: message.into(), came }
    }
}

fn shorten(text: &str) -> String {
    const LIMIT: usize = 80;
    if text.chars().count() <= LIMIT {
        return text.to_owned();
    }
    text.chars().take(LIMIT - 1).chain(['…']).collect()
}

/// An error as the edge (page and API) shows it: `{error_code, message, details}`.
///
/// `message` says what failed, what was kept and what to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EdgeError {
    /// Databricks' upper-case style, e.g. `INVALID_PARAMETER_VALUE`, `NOT_FOUND`, `UNAVAILABLE`.
    pub error_code: String,
    /// For people.
    pub message: String,
    /// One entry for each broken rule; empty when the error is not about fields.
    #[serde(default)]
    pub details: Vec<FieldError>,
}

impl EdgeError {
    /// An error without field details.
    pub fn new(error_code: &str, message: impl Into<String>) -> Self {
        Self { error_code: error_code.to_owned(), message: message.into(), details: Vec::new() }
    }

    /// Records that break rules: nothing was written.
    pub fn invalid(details: Vec<FieldError>) -> Self {
        let count = details.len();
        let errors = if count == 1 { "1 error".to_owned() } else { format!("{count} errors") };
        Self {
            error_code: "INVALID_PARAMETER_VALUE".to_owned(),
            message: format!("{errors} in what was sent. Nothing was written. Correct them and send again."),
            details,
        }
    }
}

impl std::fmt::Display for EdgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_code, self.message)
    }
}

impl std::error::Error for EdgeError {}
