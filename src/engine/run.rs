//! A run: records of one source, through one writer, into one table.

mod cells;
mod file_source;
mod generated;
mod generator;
pub mod ids;

pub use file_source::{FileSource, preview};
pub use generated::Generated;
pub use generator::Generator;
