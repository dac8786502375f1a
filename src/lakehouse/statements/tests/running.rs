//! Limits, chunks, polling, cancelling, many at once.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn limits_names_and_spark_words() {
    let api = Api::new().await;
    let limited = api.run("SELECT value FROM generate_series(1, 10)", json!({ "row_limit": 3 })).await;
    assert_eq!((&limited["manifest"]["truncated"], &limited["manifest"]["total_row_count"]), (&json!(true), &json!(3)));
    let exact = api.run("SELECT value FROM generate_series(1, 3)", json!({ "row_limit": 3 })).await;
    assert_eq!(exact["manifest"]["truncated"], json!(false));

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
async fn a_result_comes_in_chunks_that_lead_to_one_another() {
    let api = Api::new().await;
    // A million bytes in each row, four to five rows in a chunk.
    let wide = "SELECT value, repeat('x', 1000000) AS x FROM generate_series(1, 11)";
    let answer = api.run(wide, json!({})).await;
    let id = answer["statement_id"].as_str().expect("id");
    let manifest = &answer["manifest"];
    assert_eq!(
        (&manifest["total_chunk_count"], &manifest["total_row_count"], &manifest["truncated"]),
        (&json!(3), &json!(11), &json!(false))
    );
    assert_eq!(
        manifest["chunks"],
        json!([
            { "chunk_index": 0, "row_offset": 0, "row_count": 5 },
            { "chunk_index": 1, "row_offset": 5, "row_count": 5 },
            { "chunk_index": 2, "row_offset": 10, "row_count": 1 },
        ])
    );
    let mut chunk = answer["result"].clone();
    let mut values = Vec::new();
    for index in 0..3 {
        assert_eq!(chunk["chunk_index"], index);
        let described = &manifest["chunks"][index];
        assert_eq!((&chunk["row_offset"], &chunk["row_count"]), (&described["row_offset"], &described["row_count"]));
        values.extend(chunk["data_array"].as_array().expect("rows").iter().map(|row| row[0].clone()));
        if index == 2 {
            assert!(chunk.get("next_chunk_index").is_none() && chunk.get("next_chunk_internal_link").is_none());
            break;
        }
        assert_eq!(chunk["next_chunk_index"], index + 1);
        let link = chunk["next_chunk_internal_link"].as_str().expect("link").to_owned();
        let (status, next) = api.get(&link).await;
        assert_eq!(status, StatusCode::OK, "{link}");
        chunk = next;
    }
    assert_eq!(values, (1..=11).map(|value: i32| json!(value.to_string())).collect::<Vec<_>>());
    for bad in ["3", "-1", "first"] {
        let (status, error) = api.get(&format!("/api/2.0/sql/statements/{id}/result/chunks/{bad}")).await;
        assert_eq!(
            (status, &error["error_code"]),
            (StatusCode::BAD_REQUEST, &json!("INVALID_PARAMETER_VALUE")),
            "{bad}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_beyond_the_inline_limit_fails_and_a_byte_limit_cuts_it_off() {
    let api = Api::new().await;
    let wide = "SELECT repeat('x', 1000000) AS x FROM generate_series(1, 40)";
    let message = api.failure(wide, json!({})).await;
    assert!(message.starts_with("Inline byte limit exceeded.") && message.contains("26214400"), "{message}");
    assert!(api.failure(wide, json!({ "byte_limit": 30 << 20 })).await.starts_with("Inline byte limit exceeded."));
    let cut = |answer: Value| (answer["manifest"]["truncated"].clone(), answer["manifest"]["total_row_count"].clone());
    assert_eq!(cut(api.run(wide, json!({ "byte_limit": 3_000_100 })).await), (json!(true), json!(3)));
    assert_eq!(cut(api.run(wide, json!({ "row_limit": 26 })).await), (json!(true), json!(26)));
    let few = "SELECT repeat('x', 1000000) AS x FROM generate_series(1, 26)";
    assert_eq!(cut(api.run(few, json!({ "byte_limit": 26 << 20 })).await), (json!(false), json!(26)));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_may_cancel_and_who_does_not_never_does() {
    let api = Api::new().await;
    let slow = "SELECT count(*) FROM generate_series(1, 100000000000) AS a";
    let cancel = json!({ "wait_timeout": "5s", "on_wait_timeout": "CANCEL" });
    assert_eq!(api.run(slow, cancel).await["status"], json!({ "state": "CANCELED" }));
    let ignored = json!({ "wait_timeout": "0s", "on_wait_timeout": "CANCEL" });
    let answer = api.run(slow, ignored).await;
    let state = answer["status"]["state"].as_str().expect("state");
    assert!(["PENDING", "RUNNING"].contains(&state), "{answer}");
    api.submitted(answer["statement_id"].as_str().expect("id")).cancel();
}

/// The work itself ends, not only its name: no task of the query is left.
#[tokio::test(flavor = "multi_thread")]
async fn cancelling_ends_the_tasks_of_a_query() {
    let api = Api::new().await;
    api.rows("SELECT 1").await;
    let alive = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = alive();
    let slow = "SELECT a.value % 7, count(*) FROM generate_series(1, 1000000000) a CROSS JOIN generate_series(1, 1000) b \
                GROUP BY 1 ORDER BY 1";
    let mut running = Vec::new();
    for _ in 0..4 {
        let answer = api.run(slow, json!({ "wait_timeout": "0s" })).await;
        running.push(api.submitted(answer["statement_id"].as_str().expect("id")));
    }
    for submitted in &running {
        while !matches!(submitted.state(), StatementState::Running) {
            tokio::task::yield_now().await;
        }
    }
    assert!(alive() > before);
    running.iter().for_each(Submitted::cancel);
    for submitted in &running {
        let state = submitted.wait(Duration::from_secs(30)).await;
        assert!(matches!(state, StatementState::Failed(Failure::Canceled)), "{state:?}");
    }
    let gone = async {
        while alive() > before {
            tokio::task::yield_now().await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(30), gone).await;
    assert!(gone.is_ok(), "{} tasks were alive before, {} are", before, alive());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_is_closed_after_an_hour() {
    let api = Api::new().await;
    let answer = api.run("SELECT 1", json!({})).await;
    let id = answer["statement_id"].as_str().expect("id");
    let path = format!("/api/2.0/sql/statements/{id}");
    let submitted = api.submitted(id);
    let end = tokio::time::Instant::now() + registry::RESULT_LIFETIME;
    let state = submitted.state_at(end - Duration::from_secs(60));
    assert!(matches!(state, StatementState::Succeeded(..)), "{state:?}");
    assert!(matches!(submitted.state_at(end), StatementState::Closed));
    assert_eq!(api.get(&path).await.1, json!({ "statement_id": id, "status": { "state": "CLOSED" } }));
    let (status, error) = api.get(&format!("{path}/result/chunks/0")).await;
    assert_eq!((status, &error["error_code"]), (StatusCode::NOT_FOUND, &json!("NOT_FOUND")));
    let failed = api.run("SELECT nothing", json!({})).await;
    let failed = api.submitted(failed["statement_id"].as_str().expect("id"));
    assert!(matches!(failed.state_at(end), StatementState::Failed(_)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_handed_out_once_goes_to_one_of_two_that_come_together() {
    let api = Api::new().await;
    let answer = api.run("CREATE SERVICE PRINCIPAL app", json!({ "wait_timeout": "0s" })).await;
    let id = answer["statement_id"].as_str().expect("id");
    let path = format!("/api/2.0/sql/statements/{id}");
    let submitted = api.submitted(id);
    let (one, other) = (submitted.wait(Duration::from_secs(30)).await, submitted.state());
    assert!(matches!((&one, &other), (StatementState::Succeeded(..), StatementState::Succeeded(..))));
    // A chunk that is not there takes nothing away.
    assert_eq!(api.get(&format!("{path}/result/chunks/1")).await.0, StatusCode::BAD_REQUEST);
    assert!(matches!(submitted.hand_out(one), StatementState::Succeeded(..)));
    assert!(matches!(submitted.hand_out(other), StatementState::Closed));
    assert_eq!(api.get(&path).await.1, json!({ "statement_id": id, "status": { "state": "CLOSED" } }));
    assert_eq!(api.get(&format!("{path}/result/chunks/0")).await.0, StatusCode::NOT_FOUND);

    // The first chunk alone hands it out too.
    let answer = api.run("CREATE SERVICE PRINCIPAL other", json!({ "wait_timeout": "0s" })).await;
    let path = format!("/api/2.0/sql/statements/{}", answer["statement_id"].as_str().expect("id"));
    api.submitted(answer["statement_id"].as_str().expect("id")).wait(Duration::from_secs(30)).await;
    let (status, chunk) = api.get(&format!("{path}/result/chunks/0")).await;
    assert_eq!((status, &chunk["data_array"][0][0]), (StatusCode::OK, &json!("other")));
    assert_eq!(api.get(&path).await.1["status"]["state"], "CLOSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn old_results_make_room_for_new_ones() {
    let api = Api::new().await;
    let wide = "SELECT repeat('x', 1000000) AS x FROM generate_series(1, 25)";
    let mut ids = Vec::new();
    for _ in 0..13 {
        ids.push(api.run(wide, json!({})).await["statement_id"].as_str().expect("id").to_owned());
    }
    let mut states = Vec::new();
    for id in &ids {
        states.push(api.get(&format!("/api/2.0/sql/statements/{id}")).await.1["status"]["state"].clone());
    }
    // Ten results of 25 MB fit into 256 MiB.
    let expected: Vec<Value> = (0..13).map(|index| json!(if index < 3 { "CLOSED" } else { "SUCCEEDED" })).collect();
    assert_eq!(states, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_has_at_most_sixteen_mebibytes() {
    let api = Api::new().await;
    let statement = |bytes: usize| format!("SELECT 1{}", " ".repeat(bytes - 8));
    assert_eq!(api.rows(&statement(16 << 20)).await, json!([["1"]]));
    let body = json!({ "statement": statement((16 << 20) + 1), "warehouse_id": "w" });
    let (status, answer) = api.post("/api/2.0/sql/statements", &body).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::BAD_REQUEST, &json!("INVALID_PARAMETER_VALUE")));
    let body = json!({ "statement": statement(41 << 20), "warehouse_id": "w" });
    let (status, answer) = api.post("/api/2.0/sql/statements", &body).await;
    assert_eq!((status, &answer["error_code"]), (StatusCode::PAYLOAD_TOO_LARGE, &json!("REQUEST_TOO_LARGE")));
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
        if matches!(state, StatementState::Succeeded(..)) {
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
