//! The SQL API over its routes, on real Delta tables in a temporary folder.

use axum::body::Body;
use axum::http::Request;

use super::failure::Failure;
use super::*;
use crate::model::TableName;

#[path = "tests/api.rs"]
pub(crate) mod api;
#[path = "tests/copy.rs"]
mod copy;
#[path = "tests/from_json.rs"]
mod from_json;
#[path = "tests/parameters.rs"]
mod parameters;
#[path = "tests/running.rs"]
mod running;

use api::{Api, send};

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

#[tokio::test(flavor = "multi_thread")]
async fn columns_of_one_name_stay_apart() {
    let api = Api::new().await;
    let answer = api.run("SELECT 'x', 'x', 1 AS a, 2 AS A, CAST('x' AS STRING), value, CAST(value AS INT) FROM generate_series(7, 7)", json!({})).await;
    assert_eq!(answer["result"]["data_array"], json!([["x", "x", "1", "2", "x", "7", "7"]]), "{answer}");
    let names: Vec<&Value> = answer["manifest"]["schema"]["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|column| &column["name"])
        .collect();
    assert_eq!(
        (names[1], names[2], names[3], names[5], names[6]),
        (&json!("'x'"), &json!("a"), &json!("A"), &json!("value"), &json!("value"))
    );
    let same = json!([{ "name": "a", "value": "same" }, { "name": "b", "value": "same" }]);
    let insert = "INSERT INTO main.direct_write.products (product_id, product_name) SELECT :a, :b";
    assert_eq!(api.bound(insert, same).await, json!([["1", "1"]]));
    assert_eq!(api.rows("SELECT * FROM (SELECT 1 AS a, 2 AS a)").await, json!([["1", "2"]]));
    assert_eq!(
        api.rows("SELECT product_id, product_id FROM main.direct_write.products GROUP BY product_id ORDER BY 1").await,
        json!([["same", "same"]])
    );
}
