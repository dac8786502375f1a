//! The components of the pages. Knows [`crate::model`] and the server functions of [`crate::api`]; the parts that are on the server
//! only also ask the engine. Knows nothing of HTTP.
//!
//! What never changes in the browser is HTML from the server and works as plain forms and links: [`page`], [`composer`], [`run_page`],
//! [`compare_page`], `tables_page`, the list of runs. What is alive is islands: [`workbench`], where everything hangs on the signals of [`bench`],
//! [`run::island`], which hangs on those of [`run::board`], and small ones. What only a browser has
//! (storage, focus, server-sent events) is behind [`browser`] and [`live`], which are silent on the server.
//! Pure parts - [`number`], [`journey`], [`samples`], [`session`], [`chart`] - are tested natively.

pub mod banner;
pub mod bench;
pub mod browser;
pub mod chart;
#[cfg(feature = "ssr")]
pub mod compare_page;
pub mod compose;
pub mod composer;
#[cfg(feature = "ssr")]
pub mod delivered_page;
#[cfg(feature = "ssr")]
pub mod doctor_page;
pub mod drafts;
pub mod drawn;
pub mod edits;
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
#[cfg(feature = "ssr")]
pub mod runs_page;
pub mod samples;
pub mod session;
#[cfg(feature = "ssr")]
pub mod sources;
#[cfg(feature = "ssr")]
pub mod tables_page;
pub mod theme;
pub mod workbench;
pub mod writers;

pub use crate::model::number;
