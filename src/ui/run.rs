//! The parts of the page of a comparison: what is alive on it, and what stands around that.
//!
//! [`island`] wakes in the browser and hangs on the signals of [`board`]. Drawings - [`lanes`], [`courses`], [`values`], [`log`] -
//! are pure and tested natively. What is a report already is HTML from the server.

pub mod board;
pub mod courses;
#[cfg(feature = "ssr")]
pub mod head;
pub mod island;
pub mod lanes;
pub mod log;
pub mod plots;
#[cfg(feature = "ssr")]
pub mod prices;
pub mod progress;
pub mod readout;
pub mod values;
