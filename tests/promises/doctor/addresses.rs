//! Settings that cannot be read, addresses that lead nowhere, proxies in between, a folder that cannot be written.

use direct_write::model::doctor::CheckState;
use tokio::net::{TcpListener, TcpStream};

use super::ward::Ward;
use super::{failed, paste};

#[tokio::test(flavor = "multi_thread")]
async fn settings_and_addresses() {
    let mut ward = Ward::open().await;
    let report = ward.examine().await;
    let passed = |check: &&direct_write::model::doctor::Check| check.state != CheckState::Passed;
    assert!(report.checks.iter().find(passed).is_none(), "everything is well at first: {report:#?}");

    ward.set("DIRECT_WRITE_TABLE", "products");
    ward.heals("a table of one part", &["settings"], "DIRECT_WRITE_TABLE=main.direct_write.products", &[]).await;
    ward.set("DIRECT_WRITE_COMMIT_INTERVAL", "soon");
    ward.heals("a time that is none", &["settings"], "DIRECT_WRITE_COMMIT_INTERVAL=1s", &[]).await;
    let good = ward.good_settings();
    ward.unset("DATABRICKS_CLIENT_SECRET");
    let secret = [("DATABRICKS_CLIENT_SECRET", good.0["DATABRICKS_CLIENT_SECRET"].as_str())];
    ward.heals("half a workspace", &["settings"], "DATABRICKS_CLIENT_SECRET=<its secret>", &secret).await;

    let url = ward.url();
    let host = [("DATABRICKS_HOST", url.as_str())];
    let example = "DATABRICKS_HOST=https://<your workspace>.cloud.databricks.com";
    ward.set("DATABRICKS_HOST", "https://name.invalid");
    ward.heals("a host that does not exist", &["host"], example, &host).await;
    ward.set("DATABRICKS_HOST", url.replace("http:", "https:"));
    ward.heals("https to a port in clear text", &["host"], &format!("DATABRICKS_HOST={url}"), &[]).await;

    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let elsewhere = axum::Router::new().fallback(|| async { (axum::http::StatusCode::NOT_FOUND, "no such page") });
    ward.set("DATABRICKS_HOST", format!("http://{}", nobody.local_addr().unwrap()));
    let serving = tokio::spawn(async { axum::serve(nobody, elsewhere).await });
    ward.heals("another web server", &["token"], example, &host).await;
    serving.abort();

    ward.stop_lakehouse().await;
    let start = format!("direct-write lakehouse --addr {}", ward.addr());
    ward.heals("a lakehouse that does not run", &["host", "zerobus"], &start, &[]).await;
    ward.close(7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_host_is_not_taken_for_a_slow_one() {
    let mut ward = Ward::open().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    ward.set("DATABRICKS_HOST", &*url);
    let report = ward.examine().await;
    assert_eq!(failed(&report), ["host"], "{report:#?}");
    let check = report.check("host").unwrap();
    assert!(check.found.contains("then says nothing"), "{check:#?}");
    assert_eq!(paste(check), format!("curl -sv --max-time 10 {url}"));
    // The network is healed: what comes in goes to the lakehouse.
    let lakehouse = ward.addr();
    tokio::spawn(async move {
        while let Ok((mut came, _)) = silent.accept().await {
            tokio::spawn(async move {
                let mut to = TcpStream::connect(lakehouse).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut came, &mut to).await;
            });
        }
    });
    let report = ward.examine().await;
    assert!(failed(&report).is_empty(), "{report:#?}");
    ward.note("a host that says nothing", "host", &format!("curl -sv --max-time 10 {url}"));
    ward.close(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_that_would_catch_this_machine_is_named_and_excepted() {
    let mut ward = Ward::open().await;
    ward.set("http_proxy", "http://user:planted-secret@127.0.0.1:9");
    ward.set("NO_PROXY", "internal.example");
    let report = ward.examine().await;
    assert_eq!(failed(&report), ["proxies"], "{report:#?}");
    let check = report.check("proxies").unwrap();
    assert_eq!(paste(check), "NO_PROXY=internal.example,127.0.0.1");
    assert!(!serde_json::to_string(&report).unwrap().contains("planted-secret"), "{report:#?}");
    assert_eq!(report.check("host").unwrap().state, CheckState::Skipped);
    ward.apply(&check.advice.clone().unwrap(), &[]).await;
    assert_eq!(ward.examine().await.check("proxies").unwrap().state, CheckState::Passed);
    ward.note("a proxy before this machine", "proxies", "NO_PROXY=internal.example,127.0.0.1");
    ward.close(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_data_folder_and_its_history() {
    let mut ward = Ward::open().await;
    std::fs::write(ward.kept_file("file"), "").unwrap();
    ward.set("DIRECT_WRITE_DATA_DIR", ward.kept_file("file").join("data").display().to_string());
    let other = format!("DIRECT_WRITE_DATA_DIR={}", std::env::temp_dir().join("direct-write").display());
    ward.heals("a data folder below a file", &["data-folder"], &other, &[]).await;

    let folder = ward.kept_file("damaged");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("history.sqlite"), "this is no database, and never was one".repeat(100)).unwrap();
    ward.set("DIRECT_WRITE_DATA_DIR", folder.display().to_string());
    let file = folder.join("history.sqlite");
    let aside = format!("mv '{0}' '{0}.aside'", file.display());
    ward.heals("a damaged history", &["data-folder"], &aside, &[]).await;
    ward.close(2).await;
}
