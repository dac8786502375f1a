//! The SQL API over its routes, on real Delta tables in a temporary folder.

use axum::body::Body;
use axum::http::{Request, header};
use tower::ServiceExt;

use super::*;
use crate::lakehouse::{Credentials, Lakehouse};
use crate::model::TableName;

struct Api {
    lakehouse: Lakehouse,
    bearer: String,
    _folder: tempfile::TempDir,
}

impl Api {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let lakehouse =
            Lakehouse::open(folder.path(), crate::lakehouse::LakehouseOptions::default()).await.expect("open");
        let Credentials { client_id, client_secret } = lakehouse.oidc().credentials().clone();
        let secret = secrecy::ExposeSecret::expose_secret(&client_secret).to_owned();
        let form = format!("grant_type=client_credentials&client_id={client_id}&client_secret={secret}");
        let request = Request::post("/oidc/v1/token")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(form))
            .expect("request");
        let (_, token) = send(&lakehouse, request).await;
        let bearer = format!("Bearer {}", token["access_token"].as_str().expect("token"));
        Self { lakehouse, bearer, _folder: folder }
    }

    async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, &self.bearer)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))
            .expect("request");
        send(&self.lakehouse, request).await
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        let request = Request::get(path).header(header::AUTHORIZATION, &self.bearer).body(Body::empty());
        send(&self.lakehouse, request.expect("request")).await
    }

    fn submitted(&self, id: &str) -> Submitted {
        let client = self.lakehouse.oidc().check_bearer(Some(&self.bearer)).expect("good");
        find(&self.lakehouse.statements, id, &client).expect("kept")
    }

    /// Runs a statement with parameters and more fields of the body.
    async fn run(&self, statement: &str, more: Value) -> Value {
        let mut body = json!({ "statement": statement, "warehouse_id": "local" });
        for (key, value) in more.as_object().expect("an object") {
            body[key] = value.clone();
        }
        let (status, answer) = self.post("/api/2.0/sql/statements", &body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer
    }

    /// The rows of a statement that must succeed.
    async fn rows(&self, statement: &str) -> Value {
        let answer = self.run(statement, json!({})).await;
        assert_eq!(answer["status"]["state"], "SUCCEEDED", "{statement}: {answer}");
        answer["result"]["data_array"].clone()
    }

    async fn bound(&self, statement: &str, parameters: Value) -> Value {
        let answer = self.run(statement, json!({ "parameters": parameters })).await;
        assert_eq!(answer["status"]["state"], "SUCCEEDED", "{statement}: {answer}");
        answer["result"]["data_array"].clone()
    }

    /// The message of a statement that must fail.
    async fn failure(&self, statement: &str, more: Value) -> String {
        let answer = self.run(statement, more).await;
        assert_eq!(answer["status"]["state"], "FAILED", "{statement}: {answer}");
        assert_eq!(answer["status"]["error"]["error_code"], "BAD_REQUEST", "{statement}: {answer}");
        answer["status"]["error"]["message"].as_str().expect("message").to_owned()
    }
}

async fn send(lakehouse: &Lakehouse, request: Request<Body>) -> (StatusCode, Value) {
    let response = lakehouse.router().oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 64 << 20).await.expect("body");
    (status, serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8_lossy(&body).into_owned().into()))
}

#[tokio::test(flavor = "multi_thread")]
async fn insert_and_select_answer_as_the_real_api() {
    let api = Api::new().await;
    let insert = "INSERT INTO main.direct_write.products (product_id, product_name, product_price) \
                  VALUES ('p1', 'Lamp', 499.99), ('p2', NULL, 5)";
    let answer = api.run(insert, json!({})).await;
    assert_eq!(answer["result"]["data_array"], json!([["2", "2"]]), "{answer}");
    assert_eq!(answer["manifest"]["schema"]["columns"][0]["name"], "num_affected_rows");

    let select = "SELECT product_id, product_name, product_price FROM main.direct_write.products ORDER BY 1";
    let answer = api.run(select, json!({})).await;
    let id = answer["statement_id"].as_str().expect("id").to_owned();
    assert_eq!(
        answer,
        json!({
            "statement_id": id,
            "status": { "state": "SUCCEEDED" },
            "manifest": {
                "format": "JSON_ARRAY",
                "schema": { "column_count": 3, "columns": [
                    { "name": "product_id", "position": 0, "type_name": "STRING", "type_text": "STRING" },
                    { "name": "product_name", "position": 1, "type_name": "STRING", "type_text": "STRING" },
                    { "name": "product_price", "position": 2, "type_name": "DOUBLE", "type_text": "DOUBLE" },
                ]},
                "total_chunk_count": 1,
                "chunks": [{ "chunk_index": 0, "row_offset": 0, "row_count": 2 }],
                "total_row_count": 2,
                "truncated": false,
            },
            "result": {
                "chunk_index": 0, "row_offset": 0, "row_count": 2,
                "data_array": [["p1", "Lamp", "499.99"], ["p2", null, "5.0"]],
            },
        })
    );
    let (status, again) = api.get(&format!("/api/2.0/sql/statements/{id}")).await;
    assert_eq!((status, &again), (StatusCode::OK, &answer));
    let (_, chunk) = api.get(&format!("/api/2.0/sql/statements/{id}/result/chunks/0")).await;
    assert_eq!(chunk, answer["result"]);
    let (status, _) = api.get(&format!("/api/2.0/sql/statements/{id}/result/chunks/1")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert_eq!(api.get("/api/2.0/sql/statements/unknown").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_of_every_type_arrive_as_values() {
    let api = Api::new().await;
    for (kind, value, text) in [
        ("STRING", "text", "text"),
        ("INT", "-5", "-5"),
        ("BIGINT", "9223372036854775807", "9223372036854775807"),
        ("SMALLINT", "7", "7"),
        ("TINYINT", "-128", "-128"),
        ("DOUBLE", "499.99", "499.99"),
        ("FLOAT", "1.5", "1.5"),
        ("BOOLEAN", "true", "true"),
        ("DATE", "2025-01-01", "2025-01-01"),
        ("TIMESTAMP", "2025-01-01T10:00:00.123Z", "2025-01-01T10:00:00.123Z"),
        ("TIMESTAMP", "2025-01-01 10:00:00", "2025-01-01T10:00:00.000Z"),
        ("TIMESTAMP_NTZ", "2025-01-01 10:00:00", "2025-01-01T10:00:00.000"),
        ("DECIMAL(10,2)", "12.30", "12.30"),
    ] {
        let parameters = json!([{ "name": "p", "value": value, "type": kind }]);
        assert_eq!(api.bound("SELECT :p AS p", parameters).await, json!([[text]]), "{kind}");
        let null = json!([{ "name": "p", "type": kind }]);
        assert_eq!(api.bound("SELECT :p AS p", null).await, json!([[null]]), "{kind} null");
    }
    assert_eq!(api.bound("SELECT :p", json!([{ "name": "p", "value": "as string" }])).await, json!([["as string"]]));
    assert_eq!(api.bound("SELECT :p", json!([{ "name": "p", "type": "VOID" }])).await, json!([[null]]));

    let insert =
        "INSERT INTO main.direct_write.telemetry (device_id, value, event_time, sequence) VALUES (:d, :v, :t, :s)";
    let parameters = json!([
        { "name": "d", "value": "dev-1" }, { "name": "v", "value": "1e3", "type": "DOUBLE" },
        { "name": "t", "value": "2025-01-01T00:00:00Z", "type": "TIMESTAMP" }, { "name": "s", "value": "1", "type": "BIGINT" },
    ]);
    assert_eq!(api.bound(insert, parameters).await, json!([["1", "1"]]));
    assert_eq!(
        api.rows("SELECT device_id, value, event_time, sequence, site FROM main.direct_write.telemetry").await,
        json!([["dev-1", "1000.0", "2025-01-01T00:00:00.000Z", "1", null]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_parameter_is_never_sql() {
    let api = Api::new().await;
    let evil = "x'); DROP TABLE main.direct_write.products; -- \\' :other";
    let insert = "INSERT INTO main.direct_write.products (record_id, product_name) VALUES ('1', :name)";
    api.bound(insert, json!([{ "name": "name", "value": evil }])).await;
    assert_eq!(api.rows("SELECT product_name FROM main.direct_write.products").await, json!([[evil]]));
    // A marker inside a literal is text.
    assert_eq!(api.rows("SELECT ':name'").await, json!([[":name"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_parameters_fail_the_statement() {
    let api = Api::new().await;
    let unbound = api.failure("SELECT :missing", json!({})).await;
    assert!(unbound.starts_with("[UNBOUND_SQL_PARAMETER]") && unbound.contains("missing"), "{unbound}");
    for (kind, value) in [
        ("INT", "1.5"),
        ("INT", "99999999999"),
        ("TINYINT", "200"),
        ("DOUBLE", "a"),
        ("BOOLEAN", "maybe"),
        ("DATE", "2025-02-30"),
        ("TIMESTAMP", "yesterday"),
        ("DECIMAL(4,2)", "12345"),
        ("VOID", "x"),
        ("ARRAY<INT>", "[1]"),
        ("NONSENSE", "1"),
    ] {
        let parameters = json!({ "parameters": [{ "name": "p", "value": value, "type": kind }] });
        let message = api.failure("SELECT :p", parameters).await;
        assert!(message.starts_with("[INVALID_PARAMETER_VALUE]") && message.contains("'p'"), "{kind}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_created_described_shown_and_dropped() {
    let api = Api::new().await;
    api.rows("CREATE SCHEMA IF NOT EXISTS main.shop").await;
    let create = "CREATE TABLE IF NOT EXISTS main.shop.`orders` (id BIGINT NOT NULL COMMENT 'the key', at TIMESTAMP, \
                  price DECIMAL(10,2), tags ARRAY<STRING>, attributes MAP<STRING, STRING>, place STRUCT<city: STRING, zip: INT>, \
                  raw BINARY, seen TIMESTAMP_NTZ, day DATE, flag BOOLEAN, small SMALLINT) \
                  USING DELTA COMMENT 'Orders' TBLPROPERTIES ('delta.enableDeletionVectors' = 'false', 'owner' = 'me')";
    api.rows(create).await;
    api.rows(create).await;
    assert!(
        api.failure("CREATE TABLE main.shop.orders (a INT)", json!({})).await.starts_with("[TABLE_OR_VIEW_ALREADY")
    );
    assert_eq!(
        api.rows("DESCRIBE TABLE main.shop.orders").await,
        json!([
            ["id", "bigint", "the key"],
            ["at", "timestamp", null],
            ["price", "decimal(10,2)", null],
            ["tags", "array<string>", null],
            ["attributes", "map<string,string>", null],
            ["place", "struct<city:string,zip:int>", null],
            ["raw", "binary", null],
            ["seen", "timestamp_ntz", null],
            ["day", "date", null],
            ["flag", "boolean", null],
            ["small", "smallint", null],
        ])
    );
    let extended = api.rows("DESCRIBE TABLE EXTENDED main.shop.orders").await.to_string();
    assert!(extended.contains("Orders") && extended.contains("owner=me"), "{extended}");
    assert_eq!(api.rows("SHOW TABLES IN main.shop").await, json!([["shop", "orders", "false"]]));
    assert_eq!(api.rows("SHOW SCHEMAS IN main").await, json!([["default"], ["direct_write"], ["shop"]]));
    assert_eq!(api.rows("SHOW CATALOGS").await, json!([["main"]]));

    let (status, table) = api.get("/api/2.1/unity-catalog/tables/main.shop.orders").await;
    assert_eq!((status, &table["full_name"]), (StatusCode::OK, &json!("main.shop.orders")));
    assert_eq!(table["columns"][0]["nullable"], false);
    assert_eq!(table["columns"][2]["type_text"], "decimal(10,2)");

    api.rows(
        "INSERT INTO main.shop.orders VALUES (1, TIMESTAMP '2025-01-01 01:02:03.5', 12.3, make_array('a', 'b'), NULL, NULL, \
         X'00ff', '2025-01-01 00:00:00', DATE '2025-01-31', true, 3)",
    )
    .await;
    assert_eq!(
        api.rows("SELECT * FROM main.shop.orders").await,
        json!([[
            "1",
            "2025-01-01T01:02:03.500Z",
            "12.30",
            "[\"a\",\"b\"]",
            null,
            null,
            "AP8=",
            "2025-01-01T00:00:00.000",
            "2025-01-31",
            "true",
            "3"
        ]])
    );
    let null_key = api.failure("INSERT INTO main.shop.orders (flag) VALUES (true)", json!({})).await;
    assert!(null_key.starts_with("[DELTA_NOT_NULL_CONSTRAINT_VIOLATED]"), "{null_key}");

    api.rows("DROP TABLE main.shop.orders").await;
    api.rows("DROP TABLE IF EXISTS main.shop.orders").await;
    assert!(api.failure("DROP TABLE main.shop.orders", json!({})).await.starts_with("[TABLE_OR_VIEW_NOT_FOUND]"));
    assert_eq!(api.get("/api/2.1/unity-catalog/tables/main.shop.orders").await.1["error_code"], "TABLE_DOES_NOT_EXIST");
    assert_eq!(api.rows("CREATE CATALOG IF NOT EXISTS other").await, json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_failed_statements_with_the_real_error_classes() {
    let api = Api::new().await;
    for (statement, class) in [
        ("SELECT * FROM main.direct_write.nothing", "[TABLE_OR_VIEW_NOT_FOUND]"),
        ("SELECT * FROM nowhere.at.all", "[TABLE_OR_VIEW_NOT_FOUND]"),
        ("INSERT INTO main.direct_write.nothing VALUES (1)", "[TABLE_OR_VIEW_NOT_FOUND]"),
        ("SELECT nothing FROM main.direct_write.products", "[UNRESOLVED_COLUMN"),
        ("INSERT INTO main.direct_write.products (nothing) VALUES (1)", "[UNRESOLVED_COLUMN"),
        ("SELEC 1", "[PARSE_SYNTAX_ERROR]"),
        ("SELECT 1; SELECT 2", "[PARSE_SYNTAX_ERROR]"),
        ("SELECT 'open", "[PARSE_SYNTAX_ERROR]"),
        ("-- nothing", "[PARSE_EMPTY_STATEMENT]"),
        ("SELECT no_such_function(1)", "[UNRESOLVED_ROUTINE]"),
        ("INSERT INTO main.direct_write.products VALUES (1)", "[INSERT_COLUMN_ARITY_MISMATCH"),
        ("INSERT INTO main.direct_write.telemetry (value) VALUES ('a')", "[CAST_INVALID_INPUT]"),
        ("CREATE TABLE main.nowhere.t (a INT)", "[SCHEMA_NOT_FOUND]"),
        ("CREATE TABLE main.default.t (a BLOB)", "[PARSE_SYNTAX_ERROR]"),
        ("CREATE TABLE main.default.`a.b` (a INT)", "[INVALID_IDENTIFIER]"),
        ("DELETE FROM main.direct_write.products", "[UNSUPPORTED]"),
        ("UPDATE main.direct_write.products SET category = 'x'", "[UNSUPPORTED]"),
        ("TRUNCATE TABLE main.direct_write.products", "[UNSUPPORTED]"),
        ("SET a = 1", "[UNSUPPORTED]"),
        ("INSERT OVERWRITE main.direct_write.products VALUES (1)", "[UNSUPPORTED]"),
    ] {
        let message = api.failure(statement, json!({})).await;
        assert!(message.starts_with(class), "{statement}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_requests_are_http_errors() {
    let api = Api::new().await;
    for body in [
        json!({ "statement": "SELECT 1" }),
        json!({ "warehouse_id": "w" }),
        json!({ "statement": "SELECT 1", "warehouse_id": "w", "wait_timeout": "3s" }),
        json!({ "statement": "SELECT 1", "warehouse_id": "w", "wait_timeout": "51s" }),
        json!({ "statement": "SELECT 1", "warehouse_id": "w", "on_wait_timeout": "MAYBE" }),
        json!({ "statement": "SELECT 1", "warehouse_id": "w", "disposition": "EXTERNAL_LINKS" }),
        json!({ "statement": "SELECT 1", "warehouse_id": "w", "format": "ARROW_STREAM" }),
        json!({ "statement": "SELECT 1", "warehouse_id": "w", "row_limit": 0 }),
    ] {
        let (status, answer) = api.post("/api/2.0/sql/statements", &body).await;
        assert_eq!(
            (status, &answer["error_code"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_PARAMETER_VALUE")),
            "{body}: {answer}"
        );
    }
    let request = Request::post("/api/2.0/sql/statements").body(Body::from("{}")).expect("request");
    let (status, answer) = send(&api.lakehouse, request).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::UNAUTHORIZED, &json!("UNAUTHENTICATED")));
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_names_and_spark_words() {
    let api = Api::new().await;
    let limited = api.run("SELECT value FROM generate_series(1, 10)", json!({ "row_limit": 3 })).await;
    assert_eq!((&limited["manifest"]["truncated"], &limited["manifest"]["total_row_count"]), (&json!(true), &json!(3)));
    let exact = api.run("SELECT value FROM generate_series(1, 3)", json!({ "row_limit": 3 })).await;
    assert_eq!(exact["manifest"]["truncated"], json!(false));
    let wide = api.run("SELECT repeat('x', 1000000) AS x FROM generate_series(1, 40)", json!({})).await;
    assert_eq!((&wide["manifest"]["truncated"], &wide["manifest"]["total_row_count"]), (&json!(true), &json!(26)));

    let scope = json!({ "catalog": "main", "schema": "direct_write" });
    let answer = api.run("INSERT INTO products (Product_ID) SELECT current_user()", scope.clone()).await;
    assert_eq!(answer["status"]["state"], "SUCCEEDED", "{answer}");
    let answer = api.run("SELECT product_id FROM products", scope).await;
    let client = api.lakehouse.oidc().credentials().client_id.clone();
    assert_eq!(answer["result"]["data_array"], json!([[client]]));
    assert_eq!(api.rows(r"SELECT 'it\'s', 'a\\b', 'say ''hi'''").await, json!([["it's", r"a\b", "say 'hi'"]]));
    assert_eq!(api.rows("SELECT current_timestamp() > TIMESTAMP '2020-01-01 00:00:00'").await, json!([["true"]]));
    assert_eq!(api.rows("SELECT CAST('5' AS LONG), CAST('1' AS TINYINT)").await, json!([["5", "1"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_and_cancelling() {
    let api = Api::new().await;
    let slow = "SELECT count(*) FROM generate_series(1, 100000000000) AS a";
    let answer = api.run(slow, json!({ "wait_timeout": "0s" })).await;
    let state = answer["status"]["state"].as_str().expect("state");
    assert!(["PENDING", "RUNNING"].contains(&state), "{answer}");
    let path = format!("/api/2.0/sql/statements/{}", answer["statement_id"].as_str().expect("id"));
    let (status, _) = api.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(status, StatusCode::OK);
    let submitted = api.submitted(path.rsplit('/').next().expect("id"));
    let state = submitted.wait(Duration::from_secs(30)).await;
    assert!(matches!(state, StatementState::Failed(Failure::Canceled)), "{state:?}");
    assert_eq!(api.get(&path).await.1["status"]["state"], "CANCELED");

    // Cancelling what has ended changes nothing.
    let done = api.run("INSERT INTO main.direct_write.products (record_id) VALUES ('1')", json!({})).await;
    let path = format!("/api/2.0/sql/statements/{}", done["statement_id"].as_str().expect("id"));
    api.post(&format!("{path}/cancel"), &json!({})).await;
    assert_eq!(api.get(&path).await.1["status"]["state"], "SUCCEEDED");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_insert_is_never_called_cancelled_when_its_rows_are_there() {
    let api = Api::new().await;
    let mut ids = Vec::new();
    for number in 0..20 {
        let insert = format!("INSERT INTO main.direct_write.products (record_id) VALUES ('{number}')");
        let answer = api.run(&insert, json!({ "wait_timeout": "0s" })).await;
        let id = answer["statement_id"].as_str().expect("id").to_owned();
        if number % 2 == 0 {
            tokio::task::yield_now().await;
        }
        api.post(&format!("/api/2.0/sql/statements/{id}/cancel"), &json!({})).await;
        ids.push((number, id));
    }
    let mut succeeded = Vec::new();
    for (number, id) in ids {
        let state = api.submitted(&id).wait(Duration::from_secs(30)).await;
        assert!(state.is_final(), "{state:?}");
        if matches!(state, StatementState::Succeeded(_)) {
            succeeded.push(json!([number.to_string()]));
        }
    }
    let there = api.rows("SELECT record_id FROM main.direct_write.products ORDER BY CAST(record_id AS INT)").await;
    assert_eq!(there, json!(succeeded));
}

#[tokio::test(flavor = "multi_thread")]
async fn many_inserts_at_once_all_arrive() {
    let api = Api::new().await;
    let inserts = (0..50).map(|number| {
        let statement = format!("INSERT INTO main.direct_write.products (record_id) VALUES ('{number}')");
        let api = &api;
        async move { api.rows(&statement).await }
    });
    futures::future::join_all(inserts).await;
    let counts = api.rows("SELECT count(*), count(DISTINCT record_id) FROM main.direct_write.products").await;
    assert_eq!(counts, json!([["50", "50"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn catalog_lists_and_refuses() {
    let api = Api::new().await;
    let tables = api.get("/api/2.1/unity-catalog/tables?catalog_name=main&schema_name=direct_write").await.1;
    let names: Vec<_> = tables["tables"].as_array().expect("list").iter().map(|table| &table["name"]).collect();
    assert_eq!(names, ["products", "telemetry"]);
    assert_eq!(api.get("/api/2.1/unity-catalog/tables").await.1["tables"].as_array().map(Vec::len), Some(2));
    assert_eq!(api.get("/api/2.1/unity-catalog/catalogs").await.1["catalogs"][0]["name"], "main");
    let (status, missing) = api.get("/api/2.1/unity-catalog/tables/main.direct_write.nothing").await;
    assert_eq!((status, &missing["error_code"]), (StatusCode::NOT_FOUND, &json!("TABLE_DOES_NOT_EXIST")));
    let table = api.get("/api/2.1/unity-catalog/tables/main.direct_write.products").await.1;
    let columns: Vec<crate::model::Column> = serde_json::from_value(table["columns"].clone()).expect("columns");
    assert_eq!(columns.len(), 10);
    let name = TableName::parse(table["full_name"].as_str().expect("name")).expect("name");
    assert!(api.lakehouse.store().has_table(&name));
    let request = Request::get("/api/2.1/unity-catalog/tables").body(Body::empty()).expect("request");
    assert_eq!(send(&api.lakehouse, request).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn columns_are_found_in_any_case() {
    let api = Api::new().await;
    api.rows("CREATE TABLE main.default.mixed (DeviceId STRING, plain INT)").await;
    api.rows("INSERT INTO main.default.mixed (deviceid, PLAIN) VALUES ('a', 1)").await;
    let select = "SELECT deviceID, t.`DEVICEID` AS again, Plain FROM main.default.mixed t WHERE DEVICEID = 'a' ORDER BY deviceid";
    let answer = api.run(select, json!({})).await;
    assert_eq!(answer["result"]["data_array"], json!([["a", "a", "1"]]), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_too_deep_is_refused_and_a_long_one_is_not() {
    let api = Api::new().await;
    let deep = format!("SELECT 1{}", "+1".repeat(100_000));
    assert!(api.failure(&deep, json!({})).await.starts_with("[STATEMENT_TOO_COMPLEX]"));
    let nested = format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000));
    assert!(api.failure(&nested, json!({})).await.starts_with("[PARSE_SYNTAX_ERROR]"));
    let rows: Vec<String> = (0..5000).map(|row| format!("('{row}', -{row}.5)")).collect();
    let insert =
        format!("INSERT INTO main.direct_write.products (record_id, product_price) VALUES {}", rows.join(", "));
    assert_eq!(api.rows(&insert).await, json!([["5000", "5000"]]));
}
