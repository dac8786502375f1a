//! Zerobus asks for grants twice: for the token, and for each stream.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use databricks_zerobus_ingest_sdk::{HeadersProvider, ZerobusError, ZerobusResult, ZerobusSdk, ZerobusStream};
use secrecy::ExposeSecret;
use serde_json::json;

use super::{PRODUCTS, TELEMETRY, World, statements};
use crate::support::caller::Caller;
use crate::support::{RunningLakehouse, rows_on_disk};

fn sdk(url: &str) -> ZerobusSdk {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = ZerobusSdk::builder().endpoint(url).unity_catalog_url(url);
    builder.connector_factory(Arc::new(|_| None)).build().unwrap()
}

/// Opens a stream as the official client does, with its own token.
async fn open(caller: &Caller, table: &str) -> ZerobusResult<ZerobusStream> {
    let sdk = sdk(&caller.url);
    let stream = sdk.stream_builder().table(table);
    stream.oauth(&caller.client_id, caller.client_secret.expose_secret()).recovery(false).json().build().await
}

/// Headers with a token that was got before.
struct Token {
    table: String,
    authorization: Option<String>,
}

#[tonic::async_trait]
impl HeadersProvider for Token {
    async fn get_headers(&self) -> ZerobusResult<HashMap<&'static str, String>> {
        let mut headers = HashMap::from([("x-databricks-zerobus-table-name", self.table.clone())]);
        headers.extend(self.authorization.clone().map(|value| ("authorization", value)));
        Ok(headers)
    }
}

async fn open_with(url: &str, table: &str, authorization: Option<String>) -> ZerobusResult<ZerobusStream> {
    let token = Token { table: table.to_owned(), authorization };
    sdk(url).stream_builder().table(table).headers_provider(Arc::new(token)).recovery(false).json().build().await
}

/// The status with which a stream was refused.
fn status(opened: ZerobusResult<ZerobusStream>) -> (tonic::Code, String) {
    match opened.err() {
        Some(ZerobusError::CreateStreamError(status)) => (status.code(), status.message().to_owned()),
        other => panic!("a refused stream was expected: {other:?}"),
    }
}

async fn write(stream: &ZerobusStream, record_id: &str) {
    let offset = stream.ingest_record_offset(json!({ "record_id": record_id }).to_string()).await.unwrap();
    stream.wait_for_offset(offset).await.unwrap();
}

async fn bearer(caller: &Caller, table: &str) -> Option<String> {
    let (status, answer) = caller.zerobus_token(table).await;
    assert_eq!(status, 200, "{answer}");
    Some(format!("Bearer {}", answer["access_token"].as_str().unwrap()))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tutorial_a_principal_three_grants_and_a_row() {
    let world = World::new().await;
    let made = world.admin.rows("CREATE SERVICE PRINCIPAL `ingest-app`").await;
    let (id, secret) = (made[0][1].as_str().unwrap(), made[0][2].as_str().unwrap().to_owned());
    let app = Caller::new(&world.lakehouse.url, id, secret.into()).await;

    let error = open(&app, PRODUCTS).await.err().unwrap();
    assert!(matches!(error, ZerobusError::InvalidUCTokenError(_)) && !error.is_retryable(), "{error}");
    assert!(error.to_string().contains("Error Code: 4024, Error State: 1."), "{error}");

    for statement in [
        format!("GRANT USE CATALOG ON CATALOG main TO `{id}`"),
        "GRANT USE SCHEMA ON SCHEMA main.direct_write TO `ingest-app`".to_owned(),
        format!("GRANT MODIFY, SELECT ON TABLE {PRODUCTS} TO `{id}`"),
    ] {
        world.admin.rows(&statement).await;
    }
    let mut stream = open(&app, PRODUCTS).await.unwrap();
    write(&stream, "tutorial").await;
    stream.close().await.unwrap();
    assert!(open(&app, TELEMETRY).await.is_err(), "only where it was granted");
    world.lakehouse.stop().await;
    let rows = rows_on_disk(world.data.path(), PRODUCTS, 1).await;
    assert_eq!(rows.iter().filter(|row| row["record_id"] == "tutorial").count(), 1);

    // All of it is there after a restart.
    let lakehouse = RunningLakehouse::start(world.data.path(), "127.0.0.1:0").await;
    let app = app.at(&lakehouse.url);
    write(&open(&app, PRODUCTS).await.unwrap(), "after a restart").await;
    lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_missing_grant_is_refused_with_the_statement_that_heals_it() {
    let world = World::new().await;
    let app = world
        .principal(
            "ingest-app",
            &[
                "GRANT USE CATALOG ON CATALOG main TO {}",
                "GRANT USE SCHEMA ON SCHEMA main.direct_write TO {}",
                "GRANT SELECT, MODIFY ON TABLE main.direct_write.products TO {}",
            ],
        )
        .await;
    // What is inherited or is only ALL PRIVILEGES does not stand in for SELECT and MODIFY.
    world.admin.rows("GRANT SELECT, MODIFY ON CATALOG main TO `ingest-app`").await;
    world.admin.rows("GRANT ALL PRIVILEGES ON TABLE main.direct_write.products TO `ingest-app`").await;
    for (revoked, on) in [
        ("USE CATALOG", "CATALOG `main`"),
        ("USE SCHEMA", "SCHEMA `main`.`direct_write`"),
        ("SELECT", "TABLE `main`.`direct_write`.`products`"),
        ("MODIFY", "TABLE `main`.`direct_write`.`products`"),
        ("SELECT, MODIFY", "TABLE `main`.`direct_write`.`products`"),
    ] {
        let token = bearer(&app, PRODUCTS).await;
        world.admin.rows(&format!("REVOKE {revoked} ON {on} FROM `ingest-app`")).await;

        let (status_code, answer) = app.zerobus_token(PRODUCTS).await;
        assert_eq!((status_code.as_u16(), &answer["error"]), (400, &json!("access_denied")), "{answer}");
        let refusal = answer["error_description"].as_str().unwrap();
        let healing = statements(refusal);
        assert_eq!(healing, [format!("GRANT {revoked} ON {on} TO `{}`", app.client_id)], "{refusal}");
        let lacks = refusal.split(". ").next().unwrap();
        assert!(revoked.split(", ").all(|privilege| lacks.contains(privilege)), "{refusal}");
        // The token that it still has opens no stream either.
        let (code, message) = status(open_with(&app.url, PRODUCTS, token).await);
        assert_eq!(code, tonic::Code::PermissionDenied);
        assert_eq!(message, refusal);

        world.admin.rows(&healing[0]).await;
        write(&open(&app, PRODUCTS).await.unwrap(), revoked).await;
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoke_counts_for_new_streams_and_a_token_for_its_own_table() {
    let world = World::new().await;
    let (url, admin) = (&world.lakehouse.url, &world.admin);
    let token = bearer(admin, PRODUCTS).await;
    let stream = open_with(url, PRODUCTS, token.clone()).await.unwrap();
    write(&stream, "before").await;

    // The administrator is no exception.
    admin.rows("REVOKE MODIFY ON TABLE main.direct_write.products FROM administrator").await;
    let (code, message) = status(open_with(url, PRODUCTS, token.clone()).await);
    assert_eq!(code, tonic::Code::PermissionDenied);
    assert!(message.ends_with("Error Code: 4024, Error State: 1."), "{message}");
    write(&stream, "still open").await;
    admin.rows(&statements(&message)[0]).await;
    write(&open_with(url, PRODUCTS, token.clone()).await.unwrap(), "granted again").await;

    for (table, authorization, expected, word) in [
        (TELEMETRY, token.clone(), tonic::Code::PermissionDenied, "issued for table 'main.direct_write.products'"),
        (PRODUCTS, Some(format!("Bearer {}", admin.bearer())), tonic::Code::PermissionDenied, "authorization_details"),
        (PRODUCTS, Some("Bearer made-up".to_owned()), tonic::Code::Unauthenticated, "not known"),
        (PRODUCTS, token.map(|token| format!("{token}x")), tonic::Code::Unauthenticated, "not known"),
        (PRODUCTS, None, tonic::Code::Unauthenticated, "No bearer token"),
    ] {
        let (code, message) = status(open_with(url, table, authorization).await);
        assert_eq!(code, expected, "{message}");
        assert!(message.contains(word), "{message}");
        assert_eq!(message.contains("Error Code: 4024"), expected == tonic::Code::PermissionDenied, "{message}");
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_token_opens_nothing() {
    let data = tempfile::tempdir().unwrap();
    let ended = direct_write::lakehouse::LakehouseOptions { token_lifetime: Duration::ZERO, ..Default::default() };
    let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", ended).await;
    let admin = Caller::administrator(&lakehouse).await;
    let (code, _) = status(open_with(&lakehouse.url, PRODUCTS, bearer(&admin, PRODUCTS).await).await);
    assert_eq!(code, tonic::Code::Unauthenticated);
    let (code, _) = status(open(&admin, PRODUCTS).await);
    assert_eq!(code, tonic::Code::Unauthenticated, "the official client hears it too");
    let (code, answer) = admin.get("/api/2.1/unity-catalog/catalogs").await;
    assert_eq!((code.as_u16(), &answer["error_code"]), (401, &json!("UNAUTHENTICATED")));
    lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_zerobus_token_is_good_for_zerobus_only_and_one_for_an_unknown_table_finds_none() {
    let world = World::new().await;
    let (_, answer) = world.admin.zerobus_token(PRODUCTS).await;
    let bound = world.admin.with_bearer(answer["access_token"].as_str().unwrap());
    for path in ["/api/2.1/unity-catalog/catalogs", "/api/2.0/preview/scim/v2/Me", "/api/2.0/sql/statements/1"] {
        let (status, answer) = bound.get(path).await;
        assert_eq!((status.as_u16(), &answer["error_code"]), (403, &json!("PERMISSION_DENIED")), "{answer}");
    }
    let (code, message) = status(open(&world.admin, "main.direct_write.nowhere").await);
    assert_eq!(code, tonic::Code::NotFound, "{message}");
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_makes_a_table_can_write_to_it_through_zerobus_at_once() {
    let world = World::new().await;
    let maker = world
        .principal(
            "maker",
            &["GRANT USE CATALOG ON CATALOG main TO {}", "GRANT USE SCHEMA, CREATE TABLE ON SCHEMA main.default TO {}"],
        )
        .await;
    for (caller, table) in [(&maker, "main.default.made"), (&world.admin, "main.default.by_admin")] {
        caller.rows(&format!("CREATE TABLE {table} (record_id STRING)")).await;
        write(&open(caller, table).await.unwrap(), "first").await;
    }
    assert!(open(&maker, "main.default.by_admin").await.is_err());
    assert!(open(&world.admin, "main.default.made").await.is_err(), "not even the administrator");
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_principal_is_out_at_once() {
    let world = World::new().await;
    let app = world
        .principal(
            "ingest-app",
            &[
                "GRANT USE CATALOG, USE SCHEMA ON CATALOG main TO {}",
                "GRANT SELECT, MODIFY ON TABLE main.direct_write.products TO {}",
            ],
        )
        .await;
    let token = bearer(&app, PRODUCTS).await;
    write(&open_with(&app.url, PRODUCTS, token.clone()).await.unwrap(), "before").await;
    world.admin.rows("DROP SERVICE PRINCIPAL `ingest-app`").await;
    assert_eq!(status(open_with(&app.url, PRODUCTS, token).await).0, tonic::Code::Unauthenticated);
    assert_eq!(app.zerobus_token(PRODUCTS).await.0, 401);
    assert_eq!(app.get("/api/2.0/preview/scim/v2/Me").await.0, 401);
    world.lakehouse.stop().await;
}
