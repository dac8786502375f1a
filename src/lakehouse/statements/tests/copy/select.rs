//! `COPY INTO t FROM (SELECT ...)`.

use super::*;

/// What stands behind the path, unless a test is about it.
const TEXTS: &str = "FILEFORMAT = JSON FORMAT_OPTIONS ('primitivesAsString' = 'true', 'mode' = 'FAILFAST')";

fn statement(select: &str, file: &str, rest: &str) -> String {
    format!("COPY INTO main.default.t FROM (SELECT {select} FROM '{LANDING}/{file}') {rest}")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_select_makes_columns_of_texts() {
    let api = Api::new().await;
    api.rows(
        "CREATE TABLE main.default.t (id SMALLINT NOT NULL, name STRING, price DECIMAL(38,2), at TIMESTAMP, ntz TIMESTAMP_NTZ, \
         ok BOOLEAN, d DOUBLE, b BINARY, tags ARRAY<STRUCT<a: INT, b: STRING>>, day DATE)",
    )
    .await;
    let rows = [
        json!({"id": 1, "name": "x'\\\n", "price": "123456789012345678901234567890.12", "at": "9999-12-31T23:59:59.999999Z",
            "ntz": "0001-01-01T00:00:00.000001", "ok": true, "d": "-Infinity", "b": "AP8=",
            "tags": "[{\"a\": 1, \"b\": null}]", "day": "2025-01-31"}),
        json!({"id": -32768, "name": null, "price": null, "at": null, "ntz": null, "ok": null, "d": 5e-324, "b": null,
            "tags": null, "day": null}),
    ];
    api.put("a.json", format!("{}\n{}\n", rows[0], rows[1])).await;
    let select = "CAST(id AS SMALLINT) AS `id`, name, CAST(price AS DECIMAL(38,2)) AS price, CAST(`at` AS TIMESTAMP) AS `at`, \
                  CAST(ntz AS TIMESTAMP_NTZ) AS ntz, CAST(ok AS BOOLEAN) AS ok, CAST(d AS DOUBLE) AS d, unbase64(b) AS b, \
                  from_json(tags, 'array<struct<a: int, b: string>>', map('mode', 'FAILFAST')) AS tags, \
                  CAST(day AS DATE) AS day";
    let copy = statement(select, "a.json", TEXTS);
    assert_eq!(api.rows(&copy).await, loaded(2));
    assert_eq!(api.rows(&copy).await, loaded(0));
    assert_eq!(
        api.rows(
            "SELECT id, name, price, CAST(at AS STRING), CAST(ntz AS STRING), ok, d, b, tags, day FROM main.default.t \
             ORDER BY id DESC"
        )
        .await,
        json!([
            [
                "1",
                "x'\\\n",
                "123456789012345678901234567890.12",
                "9999-12-31T23:59:59.999999Z",
                "0001-01-01T00:00:00.000001",
                "true",
                "-Infinity",
                "AP8=",
                "[{\"a\":1,\"b\":null}]",
                "2025-01-31"
            ],
            ["-32768", null, null, null, null, null, "5e-324", null, null, null],
        ])
    );
    // Fields that are not selected are not loaded, columns that are not are NULL, and fields may come later.
    api.put("b.json", "{\"id\": 2}\n{\"more\": \"m\", \"id\": 3, \"name\": \"n\"}").await;
    let copy = statement("upper(name) AS name, CAST(id AS SMALLINT) AS id", "b.json", TEXTS);
    assert_eq!(api.rows(&copy).await, loaded(2));
    let rows = api.rows("SELECT id, name, d FROM main.default.t WHERE id IN (2, 3) ORDER BY id").await;
    assert_eq!(rows, json!([["2", null, null], ["3", "N", null]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_select_cannot_give_loads_nothing() {
    let api = Api::new().await;
    api.rows("CREATE TABLE main.default.t (id INT NOT NULL, name STRING)").await;
    api.put("a.json", "{\"id\": 1, \"name\": \"x\"}\n{\"id\": 2, \"name\": null}\n{\"id\": null, \"name\": \"y\"}")
        .await;
    api.put("nested.json", "{\"id\": 1}\n{\"id\": [1]}").await;
    let id = "CAST(id AS INT) AS id";
    for (statement, class) in [
        (statement("id", "a.json", TEXTS), "[DELTA_FAILED_TO_MERGE_FIELDS] Failed to merge fields 'id' and 'id'"),
        (statement(id, "a.json", TEXTS), "[DELTA_NOT_NULL_CONSTRAINT_VIOLATED]"),
        (statement("CAST(name AS INT) AS id", "a.json", TEXTS), "[CAST_INVALID_INPUT]"),
        (statement("CAST(other AS INT) AS id", "a.json", TEXTS), "[UNRESOLVED_COLUMN"),
        (statement("CAST(id AS INT) AS nr", "a.json", TEXTS), "[UNRESOLVED_COLUMN"),
        (statement(id, "nested.json", TEXTS), "[MALFORMED_RECORD_IN_PARSING"),
        (statement(id, "none.json", TEXTS), "[PATH_NOT_FOUND]"),
        (statement(id, "a.json", "FILEFORMAT = JSON"), "[UNSUPPORTED]"),
        (statement(id, "a.json", "FILEFORMAT = PARQUET"), "[UNSUPPORTED]"),
        (format!("COPY INTO main.default.t FROM '{LANDING}/a.json' {TEXTS}"), "[UNSUPPORTED]"),
        (statement(id, "a.json' WHERE id = '1", TEXTS), "[UNSUPPORTED]"),
        (statement(id, "a.json', main.default.t --'", TEXTS), "[PARSE_SYNTAX_ERROR]"),
        (format!("COPY INTO main.default.t FROM (SELECT id FROM main.default.t) {TEXTS}"), "[UNSUPPORTED]"),
        (statement("(SELECT max(id) FROM main.default.t) AS id", "a.json", TEXTS), "[TABLE_OR_VIEW_NOT_FOUND]"),
    ] {
        let message = api.failure(&statement, json!({})).await;
        assert!(message.starts_with(class), "{statement}: {message}");
    }
    assert_eq!(api.rows("SELECT count(*) FROM main.default.t").await, json!([["0"]]));
}
