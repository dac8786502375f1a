//! Words both sides share: what a record, a table, a writer and a submission are, and the one
//! validation that the browser and the server both run.
//!
//! Knows serde and nothing else: no I/O, no leptos, no tokio, no clock, so that it compiles to a
//! small piece of WebAssembly and can be tested without a runtime.

mod date;
mod error;
mod number;
mod product;
pub mod receive;
mod row;
mod submission;
mod table;
mod writer;

pub use date::{CalendarDate, timestamp_micros};
pub use error::{EdgeError, FieldError};
pub use number::{is_number, parse_number};
pub use product::{
    MAX_ITEMS, PRODUCT_COLUMNS, PRODUCT_INPUT_COLUMNS, Product, ProductDraft, validate_product, validate_products,
};
pub use row::{validate_row, validate_rows};
pub use submission::{
    Records, RowsPage, Stage, StageReport, StageState, Submission, SubmissionSnapshot, SubmissionState, WorkbenchInfo,
};
pub use table::{Column, ColumnType, TableInfo, TableName, TableNameError};
pub use writer::{WorkspaceBadge, WriterCard, WriterKind, WriterState};
