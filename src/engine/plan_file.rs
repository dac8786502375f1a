//! Plan files: a [`Plan`] as TOML, read and written.
//!
//! Only the shape is judged here; whether the numbers make sense is [`Plan::check`]'s to say.

use std::fmt::Write;

use crate::model::{EdgeError, FieldError, Plan};

/// Reads a plan file.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for text that is no TOML or no plan, with the line and, where there is one, the key.
pub fn from_toml(text: &str) -> Result<Plan, EdgeError> {
    let refused = |error: &toml::de::Error, path: &str| {
        let mut place = error.span().map_or_else(String::new, |span| format!("line {}", line_of(text, span.start)));
        if !path.is_empty() {
            let comma = if place.is_empty() { "" } else { ", " };
            // Writing to text does not fail.
            let _ = write!(place, "{comma}key {path}");
        }
        let problem = error.message().trim_end_matches('.').replace('\n', " ");
        let came = error.span().and_then(|span| text.get(span)).unwrap_or_default();
        EdgeError {
            error_code: "INVALID_PARAMETER_VALUE".to_owned(),
            message: format!(
                "The plan cannot be read, {place}: {problem}. Nothing was sent. Correct it and start again."
            ),
            details: vec![FieldError::new(path, "plan", problem, Some(&came.into()))],
        }
    };
    let document = toml::Deserializer::parse(text).map_err(|error| refused(&error, ""))?;
    serde_path_to_error::deserialize(document).map_err(|error| {
        let path = match error.path().to_string() {
            path if path == "." => String::new(),
            path => path,
        };
        refused(error.inner(), &path)
    })
}

/// What stands above the plan of an upload.
const UPLOADED: &str =
    "# The records came from an upload, which is not kept: set source.path to your copy of the file.\n";

/// Writes a plan file that [`from_toml`] reads as the same plan, but for an upload: in its place stands an empty `path`, which
/// is refused until somebody fills it in, and a line that says so.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for numbers that TOML cannot hold; a checked plan has none.
pub fn to_toml(plan: &Plan) -> Result<String, EdgeError> {
    if plan.source.upload.is_some() {
        let mut plan = plan.clone();
        plan.source.upload = None;
        plan.source.path = Some(String::new());
        return to_toml(&plan).map(|text| format!("{UPLOADED}{text}"));
    }
    toml::to_string_pretty(plan).map_err(|error| {
        let message = format!("The plan cannot be written as a file: {error}. Nothing was changed. Check the plan.");
        EdgeError::new("INVALID_PARAMETER_VALUE", message)
    })
}

/// Counted from 1.
fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

#[cfg(test)]
mod tests;
