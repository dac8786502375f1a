//! A report for the world outside: JSON that scripts read, CSV for spreadsheets, one HTML file for people.
//!
//! Pure functions of a [`Report`](crate::model::Report): no clock, no files. `docs/report.md` describes every key.

mod csv;
mod html;
mod json;

pub use csv::{runs_csv, series_csv};
pub use html::{
    REPORT_POLICY, Sections, comparison_html, comparison_letter, comparison_sections, report_html, report_sections,
};
pub use json::{ReportError, json, read_json};
