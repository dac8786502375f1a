//! The comparison composer: an HTML form that the server understands by itself.
//!
//! [`form`] is what is typed, [`read`] makes a plan of it and [`write`] the other way round, the rest draws it. The browser adds
//! one small island, [`end`]: the summary and the plan file follow what is typed. Everything else is on the server only.

#[cfg(feature = "ssr")]
mod draw;
pub mod end;
#[cfg(feature = "ssr")]
mod fields;
#[cfg(feature = "ssr")]
mod form;
#[cfg(feature = "ssr")]
mod read;
#[cfg(feature = "ssr")]
mod sheet;
#[cfg(feature = "ssr")]
mod source;
#[cfg(feature = "ssr")]
mod summary;
#[cfg(test)]
#[cfg(feature = "ssr")]
mod tests;
#[cfg(feature = "ssr")]
mod upload;
#[cfg(feature = "ssr")]
mod write;
#[cfg(feature = "ssr")]
mod writers;

#[cfg(feature = "ssr")]
pub use draw::{Composer, UploadStart};
#[cfg(feature = "ssr")]
pub use form::Form;
#[cfg(feature = "ssr")]
pub use sheet::{Sheet, Uploaded, news_of, plan_of};

/// The id of the form.
pub const FORM: &str = "composer";
/// Where the form is sent.
pub const RUN: &str = "/workbench/run";
/// Where a file is sent.
pub const UPLOAD: &str = "/workbench/upload";
