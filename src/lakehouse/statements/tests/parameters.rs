//! Parameters: every type, every mistake, never SQL.

use super::*;

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
        ("DECIMAL", "12", "12"),
        ("BINARY", "abc", "YWJj"),
        ("BOOLEAN", "no", "false"),
        ("DOUBLE", "NaN", "NaN"),
        ("LONG", "1", "1"),
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
        ("BOOLEAN", "on"),
        ("ARRAY<INT>", "[1]"),
        ("STRUCT<a: INT>", "{}"),
        ("MAP<STRING, INT>", "{}"),
        ("INTERVAL DAY", "1"),
        ("INT NOT NULL", "1"),
        ("NONSENSE", "1"),
    ] {
        let parameters = json!({ "parameters": [{ "name": "p", "value": value, "type": kind }] });
        let message = api.failure("SELECT :p", parameters).await;
        assert!(message.starts_with("[INVALID_PARAMETER_VALUE]") && message.contains("'p'"), "{kind}: {message}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn markers_and_values_are_bounded() {
    let api = Api::new().await;
    let named = |count: usize| -> Vec<Value> {
        (0..count).map(|number| json!({ "name": format!("p{number}"), "value": "1", "type": "INT" })).collect()
    };
    let sum = |count: usize| (0..count).map(|number| format!(":p{number}")).collect::<Vec<_>>().join(", ");
    let most = api.bound(&format!("SELECT greatest({})", sum(255)), json!(named(255))).await;
    assert_eq!(most, json!([["1"]]));
    let statement = format!("SELECT greatest({})", vec![":p0"; 256].join(", "));
    let message = api.failure(&statement, json!({ "parameters": named(1) })).await;
    assert!(message.starts_with("[INVALID_PARAMETER_VALUE]") && message.contains("255"), "{message}");

    let value = |bytes: usize| json!([{ "name": "p", "value": "x".repeat(bytes) }]);
    assert_eq!(api.bound("SELECT length(:p)", value(1 << 20)).await, json!([["1048576"]]));
    let many = format!("SELECT concat({})", vec![":p"; 17].join(", "));
    let message = api.failure(&many, json!({ "parameters": value(1 << 20) })).await;
    assert!(message.starts_with("[INVALID_PARAMETER_VALUE]"), "{message}");
    for parameters in [value((1 << 20) + 1), json!(named(256))] {
        let body = json!({ "statement": "SELECT 1", "warehouse_id": "w", "parameters": parameters });
        let (status, answer) = api.post("/api/2.0/sql/statements", &body).await;
        assert_eq!(
            (status, &answer["error_code"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_PARAMETER_VALUE")),
            "{answer}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_stand_wherever_a_value_can() {
    let api = Api::new().await;
    let limit = json!([{ "name": "n", "value": "2", "type": "INT" }, { "name": "never", "value": "used" }]);
    assert_eq!(
        api.bound("SELECT value FROM generate_series(1, 9) WHERE value > :n ORDER BY 1 LIMIT :n", limit).await,
        json!([["3"], ["4"]])
    );
    let twice = api.failure("SELECT :p", json!({ "parameters": [{ "name": "p" }, { "name": "p" }] })).await;
    assert!(twice.contains("came twice"), "{twice}");
    assert!(api.failure("SELECT ?", json!({})).await.starts_with("[UNBOUND_SQL_PARAMETER]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn query_tags_are_taken_and_failures_have_a_sql_state() {
    let api = Api::new().await;
    let tags = json!({ "query_tags": [{ "key": "team", "value": "sales" }, { "key": "night" }] });
    assert_eq!(api.run("SELECT 1", tags).await["status"]["state"], "SUCCEEDED");
    let wrong = json!({ "statement": "SELECT 1", "warehouse_id": "w", "query_tags": ["team"] });
    let (status, answer) = api.post("/api/2.0/sql/statements", &wrong).await;
    assert_eq!((status.is_client_error(), &answer["error_code"]), (true, &json!("MALFORMED_REQUEST")), "{answer}");
    for (statement, state) in [
        ("SELEC 1", "42601"),
        ("SELECT * FROM main.direct_write.nothing", "42P01"),
        ("SELECT nothing FROM main.direct_write.products", "42703"),
        ("SELECT :missing", "42P02"),
        ("SELECT 1 / 0", "22012"),
    ] {
        let answer = api.run(statement, json!({})).await;
        assert_eq!(answer["status"]["sql_state"], state, "{statement}: {answer}");
    }
}
