//! The doctor: every failure that can be staged is found by the right check, and its own advice, applied as it is
//! written, turns that check green.

#![allow(clippy::print_stdout, reason = "what was staged is shown as a table")]

mod addresses;
mod asking;
mod credentials;
mod files;
mod tables;
mod tls;
mod ward;
mod zerobus;

use direct_write::model::doctor::{Check, CheckState, DoctorReport};

/// The ids of the checks that failed.
fn failed(report: &DoctorReport) -> Vec<&str> {
    let failed = report.checks.iter().filter(|check| check.state == CheckState::Failed);
    failed.map(|check| check.id.as_str()).collect()
}

fn paste(check: &Check) -> &str {
    check.advice.as_ref().and_then(|advice| advice.paste.as_deref()).unwrap_or_default()
}
