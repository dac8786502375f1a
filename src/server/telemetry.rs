//! Logs: readable on a terminal, JSON lines everywhere else. `RUST_LOG` filters them.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// What a server logs. Two commits that meet are no news: delta-rs warns of each, and repeats it; what it gives up we report.
const SERVER: &str = "info,datafusion=warn,deltalake=warn,deltalake_core::kernel::transaction=error,delta_kernel=warn,buoyant_kernel=warn";
/// What a command logs that tells its caller itself how its runs go.
const COMMAND: &str = "error,direct_write::engine=off";

/// Starts logging to standard error as a server does.
pub fn start() {
    start_with(SERVER);
}

/// Starts logging to standard error only what goes wrong beside the runs.
pub fn start_for_command() {
    start_with(COMMAND);
}

fn start_with(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    if std::io::stderr().is_terminal() {
        builder.compact().init();
    } else {
        builder.json().flatten_event(true).with_current_span(true).with_span_list(false).init();
    }
}
