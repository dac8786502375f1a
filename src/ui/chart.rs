//! A small line chart of our own: plain SVG drawn by Leptos, no chart library.
//!
//! [`scale`] and [`path`] are pure and natively tested; [`plot`] draws them; [`data`] is what it draws. Knows
//! nothing of submissions: [`history`] is the one file that turns those into data.

pub mod data;
pub mod history;
pub mod path;
pub mod plot;
pub mod scale;
