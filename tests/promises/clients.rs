//! Unmodified official clients against the local lakehouse.

use std::sync::Arc;

use databricks_zerobus_ingest_sdk::ZerobusSdk;
use secrecy::ExposeSecret;
use serde_json::json;

use crate::support::{RunningLakehouse, python, rows_on_disk};

const TABLE: &str = "main.direct_write.products";

#[tokio::test(flavor = "multi_thread")]
async fn the_official_python_client_writes_a_thousand_records() {
    let data = tempfile::tempdir().unwrap();
    let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
    for (round, format) in ["json", "proto"].into_iter().enumerate() {
        let secret = lakehouse.client_secret.expose_secret();
        python("zerobus_client.py", &[&lakehouse.url, TABLE, &lakehouse.client_id, secret, format, "1000"]).await;
        let rows = rows_on_disk(data.path(), TABLE, (round + 1) * 1000).await;
        let prefix = format!("{format}-");
        let mut ids: Vec<&str> =
            rows.iter().filter_map(|row| row["record_id"].as_str()?.strip_prefix(&prefix)).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 1000, "{format}: every record is there");
        let one = rows.iter().find(|row| row["record_id"] == format!("{format}-999")).unwrap();
        assert_eq!((&one["product_price"], &one["source"]), (&json!(249.75), &json!(null)));
    }
    lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_is_refused() {
    let data = tempfile::tempdir().unwrap();
    let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
    let sdk = sdk(&lakehouse);
    let opened = sdk.stream_builder().table(TABLE).oauth(lakehouse.client_id.clone(), "wrong").json().build().await;
    assert!(opened.is_err_and(|error| !error.is_retryable()));
    lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_good_records_before_a_bad_one_are_kept_and_the_bad_one_is_named() {
    let data = tempfile::tempdir().unwrap();
    let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
    let sdk = sdk(&lakehouse);
    let secret = lakehouse.client_secret.expose_secret();
    let stream =
        sdk.stream_builder().table(TABLE).oauth(lakehouse.client_id.clone(), secret).json().build().await.unwrap();
    let good = |id: &str| json!({"record_id": id, "product_price": 1.5}).to_string();
    let mut last_good = None;
    for id in ["a", "b", "c"] {
        last_good = Some(stream.ingest_record_offset(good(id)).await.unwrap());
    }
    let bad =
        stream.ingest_record_offset(json!({"record_id": "d", "product_price": "free"}).to_string()).await.unwrap();
    stream.wait_for_offset(last_good.unwrap()).await.unwrap();
    let error = stream.wait_for_offset(bad).await.unwrap_err();
    assert!(error.to_string().contains("offset 3, record 0: field 'product_price'"), "{error}");
    let mut ids: Vec<_> = rows_on_disk(data.path(), TABLE, 3)
        .await
        .iter()
        .map(|row| row["record_id"].as_str().unwrap().to_owned())
        .collect();
    ids.sort_unstable();
    assert_eq!(ids, ["a", "b", "c"]);
    lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_into_an_unknown_table_is_not_found_and_creates_none() {
    let data = tempfile::tempdir().unwrap();
    let lakehouse = RunningLakehouse::start(data.path(), "127.0.0.1:0").await;
    let sdk = sdk(&lakehouse);
    let secret = lakehouse.client_secret.expose_secret();
    let table = "main.direct_write.nowhere";
    let opened = sdk.stream_builder().table(table).oauth(lakehouse.client_id.clone(), secret).json().build().await;
    let error = opened.err().unwrap();
    assert!(error.to_string().contains("nowhere") && !error.is_retryable(), "{error}");
    assert!(!data.path().join("tables/main/direct_write/nowhere").exists());
    lakehouse.stop().await;
}

fn sdk(lakehouse: &RunningLakehouse) -> ZerobusSdk {
    let _ = rustls::crypto::ring::default_provider().install_default();
    ZerobusSdk::builder()
        .endpoint(lakehouse.url.clone())
        .unity_catalog_url(lakehouse.url.clone())
        .connector_factory(Arc::new(|_| None))
        .build()
        .unwrap()
}
