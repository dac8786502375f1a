//! The components of the page. Knows [`crate::model`] and the server functions of [`crate::api`], nothing of the server.
//!
//! Two islands besides the theme: [`workbench`], which hangs on the signals of [`bench`], and [`run::island`], which hangs on those of
//! [`run::board`]. Pages - [`page`], [`run_page`], [`compare_page`] - are HTML from the server around them. What only a browser has
//! (storage, focus, server-sent events) is behind [`browser`] and [`live`], which are silent on the server.
//! Pure parts - [`number`], [`journey`], [`samples`], [`session`], [`chart`] - are tested natively.

pub mod banner;
pub mod bench;
pub mod browser;
pub mod chart;
#[cfg(feature = "ssr")]
pub mod compare_page;
pub mod compose;
pub mod drafts;
pub mod drawn;
pub mod field_errors;
pub mod figures;
pub mod handed;
#[cfg(feature = "ssr")]
pub mod header;
pub mod journey;
pub mod live;
pub mod markup;
pub mod outcome;
#[cfg(feature = "ssr")]
pub mod page;
#[cfg(feature = "hydrate")]
mod patch;
pub mod product_form;
pub mod rows;
pub mod rows_form;
pub mod run;
#[cfg(feature = "ssr")]
pub mod run_page;
pub mod samples;
pub mod session;
pub mod theme;
pub mod workbench;
pub mod writers;

pub use crate::model::number;
