//! A small line chart of our own: plain SVG drawn by Leptos, no chart library.
//!
//! [`scale`] and [`path`] come from the pure room [`crate::chart`], which reports are drawn with too; [`plot`] draws
//! them; [`data`] is what it draws. Knows nothing of submissions: [`history`] is the one file that turns those into data.

pub mod data;
pub mod history;
pub mod plot;
pub mod width;

pub use crate::chart::{path, scale};
