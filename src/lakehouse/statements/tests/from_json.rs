//! `from_json`, `explode` and the star after a struct, as Spark has them.

use super::*;

const SCHEMA: &str = "array<struct<product_id: string, product_price: double, Extra: struct<n: int>>>";

async fn exploded(api: &Api, statement: &str, payload: &str) -> Value {
    api.bound(statement, json!([{ "name": "payload", "value": payload }])).await
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bound_text_becomes_rows_of_a_table() {
    let api = Api::new().await;
    api.rows("CREATE TABLE main.default.t (a STRING, b DOUBLE, At TIMESTAMP, tags ARRAY<STRING>)").await;
    let schema = "array<struct<a: string, b: double, At: timestamp, tags: array<string>>>";
    let payload = json!([
        { "a": "x'); DROP TABLE t; --", "b": 1.5, "At": "2025-01-01T00:00:00Z", "tags": ["p", null] },
        { "b": null, "a": "ü", "unknown": [1, { "deep": true }] },
    ])
    .to_string();
    let insert =
        format!("INSERT INTO main.default.t SELECT r.* FROM (SELECT explode(from_json(:payload, '{schema}')) r)");
    assert_eq!(exploded(&api, &insert, &payload).await, json!([["2", "2"]]));
    assert_eq!(
        api.rows("SELECT * FROM main.default.t ORDER BY a DESC").await,
        json!([["ü", null, null, null], ["x'); DROP TABLE t; --", "1.5", "2025-01-01T00:00:00.000Z", "[\"p\",null]"]])
    );
    let listed = format!(
        "INSERT INTO main.default.t (AT, a) SELECT r.at, upper(r.A) FROM (SELECT explode(from_json(:payload, '{schema}')) AS r)"
    );
    assert_eq!(exploded(&api, &listed, &payload).await, json!([["2", "2"]]));
    let cast = format!(
        "INSERT INTO main.default.t (a, b) \
         SELECT CAST(r.b AS STRING), CAST(r.b AS INT) FROM (SELECT explode(from_json(:payload, '{schema}')) r) WHERE r.b > 0"
    );
    assert_eq!(exploded(&api, &cast, &payload).await, json!([["1", "1"]]));
    assert_eq!(
        api.rows("SELECT a, b, at FROM main.default.t WHERE tags IS NULL ORDER BY a").await,
        json!([
            ["1.5", "1.0", null],
            ["X'); DROP TABLE T; --", null, "2025-01-01T00:00:00.000Z"],
            ["Ü", null, null],
            ["ü", null, null]
        ])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_million_bytes_of_rows_are_one_statement() {
    let api = Api::new().await;
    let rows: Vec<Value> =
        (0..10_000).map(|row| json!({ "product_id": row.to_string(), "product_name": "x".repeat(60) })).collect();
    let payload = Value::from(rows).to_string();
    assert!((900_000..1 << 20).contains(&payload.len()), "{}", payload.len());
    let insert = "INSERT INTO main.direct_write.products (product_id, product_name) SELECT r.* FROM \
                  (SELECT explode(from_json(:payload, 'array<struct<product_id: string, product_name: string>>')) r)";
    assert_eq!(exploded(&api, insert, &payload).await, json!([["10000", "10000"]]));
    assert_eq!(
        api.rows("SELECT count(DISTINCT product_id), max(length(product_name)) FROM main.direct_write.products").await,
        json!([["10000", "60"]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn stars_expand_wherever_their_column_comes_from() {
    let api = Api::new().await;
    let payload = r#"[{"product_id": "p1", "product_price": 2, "Extra": {"n": 7}}]"#;
    let from = format!("(SELECT explode(from_json(:payload, '{SCHEMA}')) r)");
    for (statement, columns, row) in [
        (
            format!("SELECT r.* FROM {from}"),
            json!(["product_id", "product_price", "Extra"]),
            json!(["p1", "2.0", "{\"n\":7}"]),
        ),
        (
            format!("SELECT 0 AS z, R.* FROM {from} AS s"),
            json!(["z", "product_id", "product_price", "Extra"]),
            json!(["0", "p1", "2.0", "{\"n\":7}"]),
        ),
        (
            format!("SELECT s.r.* FROM {from} s"),
            json!(["product_id", "product_price", "Extra"]),
            json!(["p1", "2.0", "{\"n\":7}"]),
        ),
        (
            format!("SELECT s.* FROM {from} s"),
            json!(["r"]),
            json!(["{\"product_id\":\"p1\",\"product_price\":2.0,\"Extra\":{\"n\":7}}"]),
        ),
        (format!("SELECT Extra.* FROM (SELECT r.* FROM {from})"), json!(["n"]), json!(["7"])),
        (
            format!("WITH w AS (SELECT r.* FROM {from}), v AS (SELECT extra FROM w) SELECT extra.* FROM v"),
            json!(["n"]),
            json!(["7"]),
        ),
        (
            format!("SELECT col.product_id FROM (SELECT explode(from_json(:payload, '{SCHEMA}')))"),
            json!(["product_id"]),
            json!(["p1"]),
        ),
        (
            format!("SELECT s.n FROM (SELECT from_json('{{\"n\": 8}}', 'n INT').n, r.extra.n FROM {from}) s(x, n)"),
            json!(["n"]),
            json!(["7"]),
        ),
        (format!("SELECT n FROM (SELECT r.extra.n FROM {from})"), json!(["n"]), json!(["7"])),
        (
            format!(
                "SELECT r.extra.n + 1 AS n FROM {from} UNION ALL SELECT e.* FROM (SELECT r.extra AS e FROM {from}) ORDER BY n DESC"
            ),
            json!(["n"]),
            json!(["8"]),
        ),
    ] {
        let answer = api.run(&statement, json!({ "parameters": [{ "name": "payload", "value": payload }] })).await;
        let names: Vec<&Value> = answer["manifest"]["schema"]["columns"]
            .as_array()
            .unwrap_or_else(|| panic!("{statement}: {answer}"))
            .iter()
            .map(|column| &column["name"])
            .collect();
        assert_eq!(json!(names), columns, "{statement}");
        assert_eq!(answer["result"]["data_array"][0], row, "{statement}");
    }
    api.rows("CREATE TABLE main.default.places (id INT, place STRUCT<City: STRING, zip: INT>)").await;
    api.rows("INSERT INTO main.default.places SELECT 1, named_struct('City', 'Ulm', 'zip', 89073)").await;
    assert_eq!(
        api.rows("SELECT id, place.*, p.place.city FROM main.default.places p").await,
        json!([["1", "Ulm", "89073", "Ulm"]])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn permissive_is_spark_permissive() {
    let api = Api::new().await;
    let schema = "struct<a: int, b: string, c: array<int>>";
    for (payload, expected) in [
        (r#"{"a": 1, "b": "x", "c": [1, null]}"#, json!(r#"{"a":1,"b":"x","c":[1,null]}"#)),
        (r#"{"a": "1", "b": 5, "c": [1, "2"]}"#, json!(r#"{"a":null,"b":"5","c":null}"#)),
        (r#"{"a": 1.0, "b": {"x": [1 , 2]}}"#, json!(r#"{"a":null,"b":"{\"x\": [1 , 2]}","c":null}"#)),
        (r#"{"a": 99999999999, "b": true}"#, json!(r#"{"a":null,"b":"true","c":null}"#)),
        (r#"{"a": 1, "a": 2}"#, json!(r#"{"a":2,"b":null,"c":null}"#)),
        (r#"{"A": 1}"#, json!(r#"{"a":null,"b":null,"c":null}"#)),
        (r#"{'a': 1} and more"#, json!(r#"{"a":1,"b":null,"c":null}"#)),
        (r#"{"a": 1, "b":"#, json!(r#"{"a":null,"b":null,"c":null}"#)),
        ("[1]", json!(r#"{"a":null,"b":null,"c":null}"#)),
        ("null", json!(r#"{"a":null,"b":null,"c":null}"#)),
        ("nonsense", json!(r#"{"a":null,"b":null,"c":null}"#)),
        ("", json!(null)),
        (" \n", json!(null)),
    ] {
        let rows = exploded(&api, &format!("SELECT from_json(:payload, '{schema}')"), payload).await;
        assert_eq!(rows, json!([[expected]]), "{payload}");
    }
    for (payload, expected) in [
        (r#"[{"n": 1}, {"n": "x"}, null]"#, json!(r#"[{"n":1},{"n":null},null]"#)),
        (r#"{"n": 4}"#, json!(r#"[{"n":4}]"#)),
        (r#"[{"n": 1}, 5]"#, json!(null)),
        (r#"[{"n": 1}"#, json!(null)),
        ("null", json!(null)),
        ("[]", json!("[]")),
    ] {
        let rows = exploded(&api, "SELECT from_json(:payload, 'array<struct<n: int>>')", payload).await;
        assert_eq!(rows, json!([[expected]]), "{payload}");
    }
    assert_eq!(
        exploded(
            &api,
            "SELECT from_json(:payload, 'map<string, int>'), from_json(:payload, 'MAP<STRING, STRING>')",
            r#"{"a": 1, "b": "x"}"#
        )
        .await,
        json!([[null, r#"{"a":"1","b":"x"}"#]])
    );
    assert_eq!(
        api.rows("SELECT from_json(NULL, 'a INT'), from_json('{\"a\": 3}', 'a INT, b: STRING').a").await,
        json!([[null, "3"]])
    );
    assert_eq!(api.rows("SELECT x FROM (SELECT explode(from_json('nonsense', 'array<int>')) AS x)").await, json!([]));
    assert_eq!(
        api.rows("SELECT x FROM (SELECT explode_outer(from_json('[]', 'array<int>')) AS x)").await,
        json!([[null]])
    );
    // Texts of a column, not only one.
    let column = "SELECT from_json(v, 'n INT').n FROM (VALUES ('{\"n\": 1}'), ('x'), (NULL)) AS t(v)";
    assert_eq!(api.rows(column).await, json!([["1"], [null], [null]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scalar_type_reads_its_json() {
    let api = Api::new().await;
    for (kind, good, bad) in [
        ("boolean", vec![("true", "true")], vec!["1", "\"true\""]),
        ("tinyint", vec![("-128", "-128")], vec!["128", "1e1", "\"1\""]),
        ("smallint", vec![("32767", "32767")], vec!["32768"]),
        ("int", vec![("2147483647", "2147483647")], vec!["2147483648", "1.0"]),
        ("bigint", vec![("9223372036854775807", "9223372036854775807")], vec!["9223372036854775808"]),
        ("float", vec![("1.5", "1.5"), ("\"INF\"", "\"Infinity\"")], vec!["\"1.5\"", "\"\""]),
        ("double", vec![("1e3", "1000.0"), ("NaN", "\"NaN\""), ("1", "1.0")], vec!["\"x\"", "true"]),
        ("decimal(5,2)", vec![("1.005", "1.01"), ("\"12.5\"", "12.50")], vec!["1000", "\"x\""]),
        ("date", vec![("\"2025-01-31\"", "\"2025-01-31\"")], vec!["\"2025-02-30\"", "20000"]),
        (
            "timestamp",
            vec![
                ("\"2025-01-01 10:00:00+01:00\"", "\"2025-01-01T09:00:00.000Z\""),
                ("60", "\"1970-01-01T00:01:00.000Z\""),
            ],
            vec!["\"soon\"", "1.5"],
        ),
        (
            "timestamp_ntz",
            vec![("\"2025-01-01T10:00:00\"", "\"2025-01-01T10:00:00.000\"")],
            vec!["\"2025-01-01T10:00:00Z\"", "60"],
        ),
        ("binary", vec![("\"AQI=\"", "\"AQI=\"")], vec!["\"?\"", "1"]),
        ("string", vec![("\"x\"", "\"x\""), ("1.50", "\"1.50\"")], vec![]),
    ] {
        let read = format!("SELECT from_json(:payload, 'v {kind}')");
        for (json, shown) in good {
            let rows = exploded(&api, &read, &format!("{{\"v\": {json}}}")).await;
            assert_eq!(rows, json!([[format!("{{\"v\":{shown}}}")]]), "{kind} {json}");
        }
        for json in bad {
            let payload = format!("{{\"v\": {json}}}");
            assert_eq!(exploded(&api, &read, &payload).await, json!([["{\"v\":null}"]]), "{kind} {json}");
            let strict = format!("SELECT from_json(:payload, 'v {kind}', map('mode', 'FAILFAST'))");
            let parameters = json!({ "parameters": [{ "name": "payload", "value": payload }] });
            let message = api.failure(&strict, parameters).await;
            assert!(
                message.starts_with("[MALFORMED_RECORD_IN_PARSING") && message.contains("field 'v'"),
                "{kind} {json}: {message}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_spark_refuses_is_refused() {
    let api = Api::new().await;
    for (statement, class) in [
        ("SELECT from_json('x')", "[WRONG_NUM_ARGS]"),
        ("SELECT from_json(1, 'a INT')", "[DATATYPE_MISMATCH"),
        ("SELECT from_json('{}', 'a NONSENSE')", "[INVALID_SCHEMA"),
        ("SELECT from_json('{}', 'array<int')", "[INVALID_SCHEMA"),
        ("SELECT from_json('{}', 'INT')", "[DATATYPE_MISMATCH.INVALID_JSON_SCHEMA]"),
        ("SELECT from_json('{}', 'map<int, int>')", "[DATATYPE_MISMATCH.INVALID_JSON_MAP_KEY_TYPE]"),
        ("SELECT from_json('{}', product_id) FROM main.direct_write.products", "[INVALID_SCHEMA.NON_STRING_LITERAL]"),
        ("SELECT from_json('{}', 'a INT', map('mode', 'DROPMALFORMED'))", "[PARSE_MODE_UNSUPPORTED]"),
        ("SELECT from_json('{}', 'a INT', map('dateFormat', 'yyyy'))", "[UNSUPPORTED]"),
        ("SELECT from_json('{}', 'a INT', 'FAILFAST')", "[INVALID_OPTIONS"),
        ("SELECT from_json('{', 'a INT', map('mode', 'failfast'))", "[MALFORMED_RECORD_IN_PARSING"),
        ("SELECT explode(array(1)), explode(array(2))", "[UNSUPPORTED_GENERATOR.MULTI_GENERATOR]"),
        ("SELECT explode(array(1)) + 1", "[UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS]"),
        ("SELECT 1 WHERE explode(array(true))", "[UNSUPPORTED_GENERATOR"),
        ("SELECT explode(array(1), 2)", "[WRONG_NUM_ARGS]"),
        ("SELECT explode(1)", "[DATATYPE_MISMATCH"),
        ("SELECT explode(named_struct('a', 1))", "[DATATYPE_MISMATCH"),
        ("SELECT explode(from_json('{}', 'map<string, int>'))", "[DATATYPE_MISMATCH"),
        ("SELECT explode(NULL)", "[DATATYPE_MISMATCH"),
        ("SELECT r.* FROM (SELECT 1 AS r)", "[CANNOT_RESOLVE_STAR_EXPAND]"),
        ("SELECT q.* FROM (SELECT named_struct('a', 1) AS r)", "[CANNOT_RESOLVE_STAR_EXPAND]"),
        ("SELECT q.*", "[CANNOT_RESOLVE_STAR_EXPAND]"),
        (
            "INSERT INTO main.direct_write.telemetry (value) SELECT r.* FROM (SELECT explode(from_json('[{\"v\": \"x\"}]', 'array<struct<v: string>>')) r)",
            "[CAST_INVALID_INPUT]",
        ),
    ] {
        let message = api.failure(statement, json!({})).await;
        assert!(message.starts_with(class), "{statement}: {message}");
    }
    assert_eq!(api.rows("SELECT count(*) FROM main.direct_write.telemetry").await, json!([["0"]]));
}
