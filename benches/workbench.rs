//! The run engine and the writers, as `direct-write run` uses them.

pub mod engine;
pub mod sql;
pub mod zerobus;

use std::path::Path;
use std::process::{Command, Stdio};

use direct_write::lakehouse::Credentials;
use direct_write::model::{Column, Report, RunReport, TableInfo, TableName};
use secrecy::ExposeSecret;

use crate::process::Process;

pub const TELEMETRY: &str = "main.direct_write.telemetry";

/// The generator's table.
pub fn telemetry() -> TableInfo {
    let columns = [
        ("device_id", "STRING"),
        ("site", "STRING"),
        ("metric", "STRING"),
        ("value", "DOUBLE"),
        ("unit", "STRING"),
        ("event_time", "TIMESTAMP"),
        ("record_id", "STRING"),
        ("run_id", "STRING"),
        ("sequence", "LONG"),
    ];
    let column = |(position, (name, kind)): (usize, (&str, &str))| Column {
        name: name.to_owned(),
        type_name: kind.to_owned(),
        type_text: kind.to_lowercase(),
        type_json: String::new(),
        nullable: true,
        position: position as i32,
    };
    let columns = columns.into_iter().enumerate().map(column).collect();
    TableInfo { name: TableName::parse(TELEMETRY).unwrap(), columns }
}

/// Runs a plan file with the command line against a lakehouse of its own, and returns its report.
fn run_plan(server: &Process, data: &Path, plan: &str) -> Report {
    let credentials = Credentials::read(data).unwrap();
    let (plan_file, out) = (data.join("plan.toml"), data.join("report.json"));
    std::fs::write(&plan_file, plan).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_direct-write"));
    command.arg("run").arg(&plan_file).arg("--out").arg(&out);
    command.env("DATABRICKS_HOST", &server.url).env("DIRECT_WRITE_ZEROBUS_ENDPOINT", &server.url);
    command.env("DATABRICKS_CLIENT_ID", &credentials.client_id);
    command.env("DATABRICKS_CLIENT_SECRET", credentials.client_secret.expose_secret());
    command.env("DATABRICKS_WAREHOUSE_ID", "local").env("DIRECT_WRITE_DATA_DIR", data.join("history"));
    let done = command.stdin(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    serde_json::from_slice(&std::fs::read(out).unwrap()).unwrap()
}

/// The only run of a plan, which lost nothing.
fn only_run(report: Report) -> RunReport {
    let run = report.runs.into_iter().next().unwrap();
    assert_eq!((run.records.sent, run.records.missing), (run.records.durable, 0), "{:?}", run.errors);
    run
}
