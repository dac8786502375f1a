//! The components of the page. Knows [`crate::model`] and the server functions of [`crate::api`], nothing of the server.
//!
//! One island, [`workbench`]; everything it shows hangs on the signals of [`bench`]. What only a browser has
//! (storage, focus, server-sent events) is behind [`browser`] and [`live`], which are silent on the server.
//! Pure parts - [`number`], [`journey`], [`samples`], [`session`], [`chart`] - are tested natively.

pub mod banner;
pub mod bench;
pub mod browser;
pub mod chart;
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
pub mod samples;
pub mod session;
pub mod theme;
pub mod workbench;
pub mod writers;

pub use crate::model::number;
