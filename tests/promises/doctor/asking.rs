//! Asking the doctor: on the command line, over HTTP, on the page.

use std::process::Stdio;
use std::sync::Arc;

use direct_write::api::caller::{Roles, Whom};
use direct_write::engine::Engine;
use direct_write::model::doctor::{CheckState, DoctorReport};
use direct_write::server;
use direct_write::server::edge::EdgeSettings;
use direct_write::workspace::Workspace;
use leptos::config::LeptosOptions;
use reqwest::StatusCode;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::program::{Running, program};
use crate::support::{RunningLakehouse, TestApp, workspace_of};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn the_command_starts_the_lakehouse_inside_and_its_exit_code_says_how_it_went() {
    let data = tempfile::tempdir().unwrap();
    let output = program(data.path(), &["doctor"]).output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    for part in
        ["Doctor · Local lakehouse · main.direct_write.products", "✓ passed", "Everything that was checked works."]
    {
        assert!(said.contains(part), "{part} in\n{said}");
    }
    assert!(!said.contains('\u{1b}'), "no colours where nobody looks");

    let output = program(data.path(), &["doctor", "--table", "main.direct_write.gone"]).output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("\n        CREATE TABLE main.direct_write.gone ("), "{said}");

    let mut command = program(data.path(), &["doctor", "--json"]);
    let output = command.env("DATABRICKS_CLIENT_ID", "me").output().unwrap();
    let report: DoctorReport = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), report.check("settings").unwrap().state), (Some(1), CheckState::Failed));

    let _holds_the_folder = Running::start(program(data.path(), &["lakehouse"]));
    let output = program(data.path(), &["doctor"]).stderr(Stdio::piped()).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_and_people_get_the_same_checks() {
    let app = TestApp::start().await;
    let page = async || app.http.get(format!("{}/doctor", app.url)).send().await.unwrap().text().await.unwrap();
    assert!(page().await.contains("Not examined yet"));

    let (status, answer) = app.get("/api/v1/doctor").await;
    let report: DoctorReport = serde_json::from_value(answer).unwrap();
    assert_eq!((status, report.count(CheckState::Failed)), (200, 0), "{report:#?}");
    assert_eq!(report.schema, "direct-write/doctor/v1");
    assert_eq!(report.check("volume-write").unwrap().state, CheckState::Skipped);
    let (status, answer) = app.post("/api/v1/doctor?writes=true", "").await;
    let report: DoctorReport = serde_json::from_value(answer).unwrap();
    assert_eq!((status, report.check("volume-write").unwrap().state), (200, CheckState::Passed), "{report:#?}");

    let form = app.http.post(format!("{}/doctor/run", app.url)).form(&[("writes", "yes")]);
    let answer = form.send().await.unwrap();
    assert_eq!((answer.status(), answer.url().path()), (StatusCode::OK, "/doctor"));
    let mut shown = answer.text().await.unwrap();
    while shown.contains("Looking …") {
        shown = page().await;
    }
    assert!(shown.contains("Everything that was checked works.") && shown.contains("data-check=\"volume-write\""));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_administrators_let_the_doctor_open_streams_and_write() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let data = tempfile::tempdir().unwrap();
    let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
    let engine = Arc::new(Engine::new(Arc::new(Workspace::new(workspace_of(&lakehouse)).unwrap())));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let site = LeptosOptions::builder().output_name("direct-write").site_addr(addr).build();
    let roles = Roles::new(false, Some(Whom::Everybody), Some(Whom::Listed(Vec::new())));
    let edge = EdgeSettings { roles: roles.into(), ..EdgeSettings::default() };
    let stop = CancellationToken::new();
    let served = tokio::spawn(server::run(listener, engine, site, edge, stop.clone()));
    let http = reqwest::Client::builder().no_proxy().build().unwrap();

    let report = http.get(format!("http://{addr}/api/v1/doctor")).send().await.unwrap();
    let report: DoctorReport = report.json().await.unwrap();
    assert_eq!(report.check("stream").unwrap().state, CheckState::Skipped, "{report:#?}");
    assert_eq!(report.check("rest").unwrap().state, CheckState::Passed, "{report:#?}");
    let refused = http.post(format!("http://{addr}/api/v1/doctor?writes=true")).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let refused = http.post(format!("http://{addr}/doctor/run")).form(&[("writes", "yes")]).send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    let shown = refused.text().await.unwrap();
    assert!(shown.contains("The checks were not run") && shown.contains("ROLE_REQUIRED"), "{shown}");
    assert!(!shown.contains("name=\"writes\""), "what may not be asked for is not offered");
    stop.cancel();
    served.await.unwrap().unwrap();
    lakehouse.stop().await;
}
