//! Words both sides share: what a record, a table, a writer and a submission are, and the one
//! validation that the browser and the server both run.
//!
//! Knows serde and nothing else: no I/O, no leptos, no tokio, no clock, so that it compiles to a
//! small piece of WebAssembly and can be tested without a runtime.

mod columns;
pub mod compare;
pub mod cost;
mod date;
mod delivered;
pub mod doctor;
mod error;
#[cfg(test)]
pub(crate) mod example;
mod field_type;
mod history;
mod infer;
mod live;
mod new_table;
pub mod number;
mod plan;
mod product;
pub mod receive;
mod report;
mod row;
mod sql_type;
mod submission;
mod table;
mod threshold;
mod typed_number;
pub mod units;
mod upload;
pub mod verdict;
pub mod wording;
mod writer;

pub use date::{CalendarDate, local_micros, timestamp_micros};
pub use delivered::{Delivered, ServiceCounts};
pub use error::{EdgeError, FieldError};
pub use field_type::{FieldType, Part, quoted};
pub use history::{HistoryEntry, HistoryPage, HistoryQuery, HistoryRun, HistorySort, MOST_ENTRIES};
pub use infer::columns_from_sample;
pub use live::{LiveComparison, LiveRun, LiveView, LogLine, Pressure, PressureLevel};
pub use new_table::{DdlKind, DdlStatement, NewTable, NewTableDraft, grants};
pub use plan::{
    Amount, CheckPlan, Encoding, Order, Plan, PlanPreview, PlanSpec, RatePlan, RateSpec, SourceKind, SourcePlan,
    SourceSpec, SqlMode, WriterOptions, WriterPlan,
};
pub use product::{
    MAX_ITEMS, PRODUCT_COLUMNS, PRODUCT_INPUT_COLUMNS, Product, ProductDraft, validate_product, validate_products,
};
pub use report::{
    ErrorCount, Latencies, Machine, Percentiles, REPORT_SCHEMA, Reconciliation, RecordCounts, Report, RunReport,
    RunState, SeriesPoint, ThresholdResult, Throughput, Usage,
};
pub use row::{base64_is_good, key_value, validate_row, validate_rows};
pub use submission::{
    Records, RowsPage, Stage, StageReport, StageState, Submission, SubmissionSnapshot, SubmissionState, WorkbenchInfo,
};
pub use table::{Column, ColumnType, TableInfo, TableName, TableNameError};
pub use threshold::{Comparison, MeasuredStage, Metric, Statistic, Threshold};
pub use typed_number::{is_number, parse_number};
pub use upload::{FieldMapping, FileFormat, FilePreview, Upload, is_upload_id};
pub use writer::{WorkspaceBadge, WriterCard, WriterKind, WriterState};
