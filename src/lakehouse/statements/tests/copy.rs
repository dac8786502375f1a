//! `COPY INTO` from volumes.

use std::sync::Arc;

use deltalake::arrow::array::{
    ArrayRef, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampNanosecondArray,
};
use deltalake::parquet::arrow::ArrowWriter;

use super::*;

#[path = "copy/select.rs"]
mod select;

const LANDING: &str = "/Volumes/main/direct_write/landing";

impl Api {
    /// Puts a file into the landing volume over the Files API.
    async fn put(&self, name: &str, content: impl Into<Body>) {
        let request = Request::put(format!("/api/2.0/fs/files{LANDING}/{name}?overwrite=true"))
            .header("authorization", &self.bearer)
            .body(content.into())
            .expect("request");
        let (status, answer) = send(&self.lakehouse, request).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{name}: {answer}");
    }

    /// Creates `main.default.t` and gives what COPY INTO it says.
    async fn table(&self) {
        self.rows("CREATE TABLE main.default.t (id INT NOT NULL, Name STRING, price DECIMAL(10,2), at TIMESTAMP, tags ARRAY<STRING>)").await;
    }

    async fn copy(&self, rest: &str) -> Value {
        self.rows(&format!("COPY INTO main.default.t FROM '{LANDING}{rest}")).await
    }

    async fn copy_fails(&self, rest: &str) -> String {
        let before = self.rows("SELECT count(*) FROM main.default.t").await;
        let message = self.failure(&format!("COPY INTO main.default.t FROM '{LANDING}{rest}"), json!({})).await;
        assert_eq!(self.rows("SELECT count(*) FROM main.default.t").await, before, "{rest}: {message}");
        message
    }
}

fn loaded(rows: usize) -> Value {
    json!([[rows.to_string(), rows.to_string(), "0"]])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_loaded_once_whatever_becomes_of_it() {
    let api = Api::new().await;
    api.table().await;
    api.put("a.json", "{\"id\": 1, \"name\": \"x\", \"price\": 1.5, \"at\": \"2025-01-01T00:00:00Z\", \"tags\": [\"p\"]}\n\n{\"id\": 2}\r\n").await;
    let copy = format!("COPY INTO main.default.t FROM '{LANDING}' FILEFORMAT = JSON");
    let answer = api.run(&copy, json!({})).await;
    assert_eq!(answer["result"]["data_array"], loaded(2), "{answer}");
    let names: Vec<&Value> = answer["manifest"]["schema"]["columns"]
        .as_array()
        .expect("columns")
        .iter()
        .map(|column| &column["name"])
        .collect();
    assert_eq!(names, ["num_affected_rows", "num_inserted_rows", "num_skipped_corrupt_files"]);
    assert_eq!(
        api.rows("SELECT * FROM main.default.t ORDER BY id").await,
        json!([["1", "x", "1.50", "2025-01-01T00:00:00.000Z", "[\"p\"]"], ["2", null, null, null, null]])
    );
    assert_eq!(api.rows(&copy).await, loaded(0));
    // As on the real one: a path that was loaded is not loaded again, also when the file has changed.
    api.put("a.json", "{\"id\": 3}").await;
    assert_eq!(api.rows(&copy).await, loaded(0));
    api.put("b.json", "{\"id\": 4}").await;
    assert_eq!(api.rows(&copy).await, loaded(1));
    assert_eq!(api.rows(&format!("{copy} COPY_OPTIONS ('force' = 'true')")).await, loaded(2));
    assert_eq!(api.rows(&copy).await, loaded(0));
    assert_eq!(api.rows("SELECT id FROM main.default.t ORDER BY id").await, json!([["1"], ["2"], ["3"], ["4"], ["4"]]));
    // A file without rows is loaded too.
    api.put("empty.json", "").await;
    assert_eq!(api.rows(&copy).await, loaded(0));
    api.put("empty.json", "{\"id\": 5}").await;
    assert_eq!(api.rows(&copy).await, loaded(0));
    // Another table has not loaded it.
    api.rows("CREATE TABLE main.default.other (id INT)").await;
    assert_eq!(
        api.rows(&format!("COPY INTO main.default.other FROM '{LANDING}/b.json' FILEFORMAT = JSON")).await,
        loaded(1)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_loaded_is_known_after_a_restart_and_a_checkpoint() {
    let api = Api::new().await;
    api.table().await;
    api.put("a.json", "{\"id\": 1}").await;
    assert_eq!(api.copy("' FILEFORMAT = JSON").await, loaded(1));
    for id in 2..=101 {
        api.rows(&format!("INSERT INTO main.default.t (id) VALUES ({id})")).await;
    }
    let api = api.restart().await;
    assert_eq!(api.copy("' FILEFORMAT = JSON").await, loaded(0));
    assert_eq!(api.rows("SELECT count(*), count(DISTINCT id) FROM main.default.t").await, json!([["101", "101"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_files_from_many_at_once_are_loaded_once() {
    let api = Api::new().await;
    api.table().await;
    for file in 0..5 {
        api.put(&format!("many/{file}.json"), format!("{{\"id\": {file}}}")).await;
    }
    let copies = futures::future::join_all((0..8).map(|_| api.copy("/many' FILEFORMAT = JSON"))).await;
    assert_eq!(copies.iter().filter(|copy| **copy == loaded(5)).count(), 1, "{copies:?}");
    assert_eq!(copies.iter().filter(|copy| **copy == loaded(0)).count(), 7, "{copies:?}");
    assert_eq!(api.rows("SELECT count(*) FROM main.default.t").await, json!([["5"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn files_are_chosen_by_name_pattern_and_folder() {
    let api = Api::new().await;
    api.table().await;
    for (id, name) in ["d/1.json", "d/2.json", "d/3.txt", "d/_4.json", "d/.5.json", "d/in/6.json", "d/in/7.csv"]
        .into_iter()
        .enumerate()
    {
        api.put(name, format!("{{\"id\": {}}}", id + 1)).await;
    }
    assert_eq!(api.copy("/d' FILEFORMAT = JSON PATTERN = '[2-9].json'").await, loaded(1));
    assert_eq!(api.copy("/d' FILEFORMAT = JSON FILES = ('1.json', 'in/6.json', '1.json')").await, loaded(2));
    assert_eq!(api.copy("/d/3.txt' FILEFORMAT = JSON").await, loaded(1));
    let all =
        "/d' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true', 'pathGlobFilter' = 'in/*.{csv,json}')";
    assert_eq!(api.copy(all).await, loaded(1));
    assert_eq!(api.copy("/d' FILEFORMAT = JSON FORMAT_OPTIONS ('recursiveFileLookup' = 'true')").await, loaded(0));
    assert_eq!(api.rows("SELECT id FROM main.default.t ORDER BY id").await, json!([["1"], ["2"], ["3"], ["6"], ["7"]]));
    assert!(api.copy_fails("/d' FILEFORMAT = JSON FILES = ('9.json')").await.starts_with("[PATH_NOT_FOUND]"));
    assert!(
        api.copy_fails("/d' FILEFORMAT = JSON FILES = ('../d/1.json')").await.starts_with("[INVALID_PARAMETER_VALUE]")
    );
    assert!(api.copy_fails("/nowhere' FILEFORMAT = JSON").await.starts_with("[PATH_NOT_FOUND]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn json_may_be_one_text_of_many_lines() {
    let api = Api::new().await;
    api.table().await;
    let multi = "' FILEFORMAT = JSON FORMAT_OPTIONS ('multiLine' = 'true')";
    api.put("a.json", "\u{feff}[\n  {\"id\": 1},\n  {\"id\":\n 2}\n]\n").await;
    assert_eq!(api.copy(&format!("/a.json{multi}")).await, loaded(2));
    api.put("b.json", "{\n\"id\": 3}").await;
    assert_eq!(api.copy(&format!("/b.json{multi}")).await, loaded(1));
    api.put("c.json", "[\n{\"id\": 4},\n{\"id\": \"x\"}]").await;
    let message = api.copy_fails(&format!("/c.json{multi}")).await;
    assert!(message.contains("c.json' line 3: field 'id'"), "{message}");
    // An array in one line is rows too.
    api.put("d.json", "[{\"id\": 5}, {\"id\": 6}]\n{\"id\": 7}").await;
    assert_eq!(api.copy("/d.json' FILEFORMAT = JSON").await, loaded(3));
    let many: String = (0..20_000).map(|id| format!("{{\"id\": {id}, \"name\": \"n{id}\"}}\n")).collect();
    api.put("e.json", many).await;
    assert_eq!(api.copy("/e.json' FILEFORMAT = JSON").await, loaded(20_000));
    assert_eq!(api.rows("SELECT count(DISTINCT name) FROM main.default.t").await, json!([["20000"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_loads_nothing_and_names_its_line() {
    let api = Api::new().await;
    api.table().await;
    api.put("bad/0.json", "{\"id\": 1}").await;
    for (content, place) in [
        ("{\"id\": 1}\n{\"id\": \"2\"}", "line 2: field 'id': \"2\" does not fit"),
        ("{\"id\": 1}\n\n{\"name\": \"x\"}", "line 3: field 'id': the column must have a value"),
        ("{\"id\": 1, \"price\": 1.234}", "line 1: field 'price': 1.234 does not fit the type DECIMAL(10,2)"),
        ("{\"id\": 1, \"other\": 1}", "line 1: field 'other': there is no such column"),
        ("{\"id\": 1, \"at\": 1700000000}", "line 1: field 'at'"),
        ("{\"id\": 1, \"tags\": [1, {}]} x", "line 1: not JSON"),
        ("{\"id\": 1}\n{\"id\": 2", "line 2: not JSON"),
        ("{\"id\": 1}\n5", "line 2: field ''"),
        ("null", "line 1: null is no row"),
        ("{\n\"id\": 1}", "line 1: not JSON"),
    ] {
        api.put("bad/1.json", content.to_owned()).await;
        let message = api.copy_fails("/bad' FILEFORMAT = JSON").await;
        assert!(
            message.starts_with("[MALFORMED_RECORD_IN_PARSING") && message.contains(&format!("bad/1.json' {place}")),
            "{content}: {message}"
        );
    }
    api.put("bad/1.json", &b"{\"id\": 1}\n\xff"[..]).await;
    assert!(api.copy_fails("/bad' FILEFORMAT = JSON").await.contains("line 2: the text is not UTF-8"));
    // Nothing of the good file was recorded either.
    api.put("bad/1.json", "{\"id\": 2}").await;
    assert_eq!(api.copy("/bad' FILEFORMAT = JSON").await, loaded(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_has_its_columns_by_name_or_by_position() {
    let api = Api::new().await;
    api.rows("CREATE TABLE main.default.t (id BIGINT NOT NULL, name STRING, ok BOOLEAN, price DOUBLE, day DATE, at TIMESTAMP, d DECIMAL(6,3))").await;
    api.put("a.csv", "name,ID,day,price\n\"a, \"\"b\"\"\",1,2025-01-31,1e3\r\n,2,,\n\"\",3,,NaN\n").await;
    let header = "FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true', 'inferSchema' = 'true', 'mergeSchema' = 'true', 'mode' = 'FAILFAST')";
    assert_eq!(api.copy(&format!("/a.csv' {header}")).await, loaded(3));
    assert_eq!(
        api.rows("SELECT id, name, price, day, ok FROM main.default.t ORDER BY id").await,
        json!([
            ["1", "a, \"b\"", "1000.0", "2025-01-31", null],
            ["2", null, null, null, null],
            ["3", "", "NaN", null, null]
        ])
    );
    api.put("b.csv", "4|x|true|1|2025-01-01|2025-01-01 00:00:00|1.5\n").await;
    let copy = format!(
        "COPY INTO main.default.t BY POSITION FROM '{LANDING}/b.csv' FILEFORMAT = CSV FORMAT_OPTIONS ('delimiter' = '|')"
    );
    assert_eq!(api.rows(&copy).await, loaded(1));
    api.put("c.csv", "-;5\n'x;y';6\n").await;
    let copy = format!(
        "COPY INTO main.default.t (name, id) FROM '{LANDING}/c.csv' FILEFORMAT = CSV FORMAT_OPTIONS (sep = ';', quote = '\\'', nullValue = '-')"
    );
    assert_eq!(api.rows(&copy).await, loaded(2));
    assert_eq!(
        api.rows("SELECT id, name, d, at FROM main.default.t WHERE id > 3 ORDER BY id").await,
        json!([["4", "x", "1.500", "2025-01-01T00:00:00.000Z"], ["5", null, null, null], ["6", "x;y", null, null]])
    );
    for (content, place) in [
        ("id,name\n1,x\n2\n", "line 3: there are 1 values and not 2"),
        ("id,other\n", "line 1: the table has no column 'other'"),
        ("id,Id\n", "line 1: the column 'Id' is there twice"),
        ("name\nx\n", "line 1: the required column 'id' is missing"),
        ("id\n\"\"\n", "line 2: field 'id': \"\" does not fit the type BIGINT"),
        ("id,name\n,x\n", "line 2: field 'id': the column must have a value"),
        ("id,ok\n1,yes\n", "line 2: field 'ok': \"yes\" does not fit the type BOOLEAN"),
        ("id,price\n1,infinity\n", "line 2: field 'price'"),
        ("id,d\n1,1.2345\n", "line 2: field 'd'"),
        ("id,day\n1,2025-01-01T00:00:00\n", "line 2: field 'day'"),
        ("id,name\n1,\"x\ny\"\n", "line 2: a value in quotes goes on in the next line"),
        ("id,name\n1,\"x", "line 2: a value has no closing quote"),
    ] {
        api.put("bad.csv", content).await;
        let message = api.copy_fails(&format!("/bad.csv' {header}")).await;
        assert!(message.contains(&format!("bad.csv' {place}")), "{content}: {message}");
    }
    api.rows("CREATE TABLE main.default.nested (tags ARRAY<INT>)").await;
    api.put("nested.csv", "tags\n1\n").await;
    let message =
        api.failure(&format!("COPY INTO main.default.nested FROM '{LANDING}/nested.csv' {header}"), json!({})).await;
    assert!(message.starts_with("[UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE]"), "{message}");
}

fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, column)| (name, column, true)))
            .expect("batch");
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).expect("writer");
    writer.write(&batch).expect("write");
    writer.close().expect("close");
    bytes
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_values_go_in_when_they_stay_the_same() {
    let api = Api::new().await;
    api.table().await;
    let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2]));
    let names: ArrayRef = Arc::new(StringArray::from(vec![Some("x"), None]));
    let prices: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.25), None]));
    let times: ArrayRef = Arc::new(TimestampNanosecondArray::from(vec![Some(1_000), None]));
    api.put("a.parquet", parquet(vec![("ID", ids.clone()), ("name", names.clone()), ("price", prices), ("at", times)]))
        .await;
    assert_eq!(api.copy("/a.parquet' FILEFORMAT = PARQUET").await, loaded(2));
    assert_eq!(
        api.rows("SELECT id, name, price, CAST(at AS STRING), tags FROM main.default.t ORDER BY id").await,
        json!([["1", "x", "1.25", "1970-01-01T00:00:00.000001Z", null], ["2", null, null, null, null]])
    );
    let one = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![7, value])) };
    let bad: Vec<(Vec<(&str, ArrayRef)>, &str)> = vec![
        (vec![("id", one(1 << 40))], "row 2: field 'id': the value does not fit the type INT"),
        (
            vec![("id", Arc::new(Int32Array::from(vec![Some(1), None])))],
            "row 2: field 'id': the column must have a value",
        ),
        (vec![("id", ids.clone()), ("price", Arc::new(Float64Array::from(vec![1.0, 1.005])))], "row 2: field 'price'"),
        (
            vec![("id", ids.clone()), ("at", Arc::new(TimestampNanosecondArray::from(vec![1, 1_000])))],
            "row 1: field 'at'",
        ),
        (
            vec![("id", names.clone())],
            "in its schema: column 'id' of type STRING does not go into a column of type INT",
        ),
        (vec![("id", ids.clone()), ("other", ids.clone())], "in its schema: the table has no column 'other'"),
        (vec![("name", names.clone())], "in its schema: the required column 'id' is missing"),
    ];
    for (columns, place) in bad {
        api.put("bad.parquet", parquet(columns)).await;
        let message = api.copy_fails("/bad.parquet' FILEFORMAT = PARQUET").await;
        assert!(message.contains(&format!("bad.parquet' {place}")), "{place}: {message}");
    }
    api.put("bad.parquet", "no parquet").await;
    assert!(api.copy_fails("/bad.parquet' FILEFORMAT = PARQUET").await.contains("cannot be read as Parquet"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_kept_is_refused() {
    let api = Api::new().await;
    api.table().await;
    api.put("a.json", "{\"id\": 1}").await;
    for (statement, class) in [
        (
            "COPY INTO main.default.nothing FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON",
            "[TABLE_OR_VIEW_NOT_FOUND]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/nothing' FILEFORMAT = JSON",
            "[UC_VOLUME_NOT_FOUND]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing/../../x' FILEFORMAT = JSON",
            "[INVALID_PARAMETER_VALUE]",
        ),
        ("COPY INTO main.default.t FROM '/etc' FILEFORMAT = JSON", "[INVALID_PARAMETER_VALUE]"),
        ("COPY INTO main.default.t FROM 's3://bucket/a' FILEFORMAT = JSON", "[UNSUPPORTED]"),
        (
            "COPY INTO main.default.t FROM (SELECT id FROM '/Volumes/main/direct_write/landing') FILEFORMAT = JSON",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' WITH (CREDENTIAL x) FILEFORMAT = JSON",
            "[UNSUPPORTED]",
        ),
        ("COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing'", "[PARSE_SYNTAX_ERROR]"),
        ("COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = AVRO", "[UNSUPPORTED]"),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON VALIDATE ALL",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON NONSENSE",
            "[PARSE_SYNTAX_ERROR]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON; SELECT 1",
            "[PARSE_SYNTAX_ERROR]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON FILES = ('a') PATTERN = '*'",
            "[PARSE_SYNTAX_ERROR]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON PATTERN = '['",
            "[INVALID_PARAMETER_VALUE]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON COPY_OPTIONS ('mergeSchema' = 'true')",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON COPY_OPTIONS ('force' = 'maybe')",
            "[INVALID_PARAMETER_VALUE]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON COPY_OPTIONS ('other' = 'true')",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON FORMAT_OPTIONS ('dateFormat' = 'yyyy')",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON FORMAT_OPTIONS ('mode' = 'PERMISSIVE')",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON FORMAT_OPTIONS ('ignoreCorruptFiles' = 'true')",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON FORMAT_OPTIONS ('encoding' = 'UTF-16')",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON FORMAT_OPTIONS ('multiLine' = 'true', 'MULTILINE' = 'false')",
            "[PARSE_SYNTAX_ERROR]",
        ),
        ("COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = CSV", "[PARSE_SYNTAX_ERROR]"),
        (
            "COPY INTO main.default.t FROM '/Volumes/main/direct_write/landing' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true', 'sep' = '||')",
            "[UNSUPPORTED]",
        ),
        (
            "COPY INTO main.default.t BY POSITION FROM '/Volumes/main/direct_write/landing' FILEFORMAT = JSON",
            "[PARSE_SYNTAX_ERROR]",
        ),
        (
            "COPY INTO main.default.t (id) FROM '/Volumes/main/direct_write/landing' FILEFORMAT = CSV FORMAT_OPTIONS ('header' = 'true')",
            "[PARSE_SYNTAX_ERROR]",
        ),
    ] {
        let message = api.failure(statement, json!({})).await;
        assert!(message.starts_with(class), "{statement}: {message}");
    }
    assert_eq!(api.rows("SELECT count(*) FROM main.default.t").await, json!([["0"]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_are_created_shown_and_dropped() {
    let api = Api::new().await;
    assert_eq!(api.rows("SHOW VOLUMES IN main.direct_write").await, json!([["direct_write", "landing"]]));
    api.rows("CREATE VOLUME main.default.Files COMMENT 'for files'").await;
    api.rows("CREATE VOLUME IF NOT EXISTS files").await;
    assert!(api.failure("CREATE VOLUME default.files", json!({})).await.starts_with("[VOLUME_ALREADY_EXISTS]"));
    assert!(api.failure("CREATE VOLUME main.nowhere.files", json!({})).await.starts_with("[SCHEMA_NOT_FOUND]"));
    assert!(api.failure("CREATE VOLUME main.default.`a/b`", json!({})).await.starts_with("[INVALID_IDENTIFIER]"));
    assert!(
        api.failure("CREATE EXTERNAL VOLUME x LOCATION 's3://b'", json!({})).await.contains("managed volumes only")
    );
    assert_eq!(api.rows("SHOW VOLUMES").await, json!([["default", "files"]]));
    assert_eq!(api.rows("SHOW VOLUMES FROM default").await, json!([["default", "files"]]));
    assert!(api.failure("SHOW VOLUMES IN main.nowhere", json!({})).await.starts_with("[SCHEMA_NOT_FOUND]"));
    api.rows("DROP VOLUME files").await;
    api.rows("DROP VOLUME IF EXISTS main.default.files").await;
    assert!(api.failure("DROP VOLUME main.default.files", json!({})).await.starts_with("[UC_VOLUME_NOT_FOUND]"));
    assert_eq!(api.rows("SHOW VOLUMES").await, json!([]));
}
