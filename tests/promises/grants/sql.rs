//! GRANT, REVOKE and what the other statements ask for.

use serde_json::{Value, json};

use super::{PRODUCTS, World, statements};
use crate::program::{Running, log_of, program};
use crate::support::caller::Caller;
use crate::support::rows_on_disk;

/// Refused, then allowed by the statements in the refusal.
pub async fn heals(world: &World, caller: &Caller, statement: &str, lacking: &[&str]) -> Value {
    let refusal = caller.failure(statement).await;
    assert!(
        refusal.starts_with("[INSUFFICIENT_PERMISSIONS] Insufficient privileges: User does not have "),
        "{refusal}"
    );
    let healing = statements(&refusal);
    let granted: Vec<&str> = healing.iter().map(|one| one.split(" ON ").next().unwrap()).collect();
    let lacking: Vec<String> = lacking.iter().map(|privilege| format!("GRANT {privilege}")).collect();
    assert_eq!(granted, lacking, "{statement}: {refusal}");
    for grant in healing {
        world.admin.rows(&grant).await;
    }
    caller.rows(statement).await
}

const REACH: [&str; 2] =
    ["GRANT USE CATALOG ON CATALOG main TO {}", "GRANT USE SCHEMA ON SCHEMA main.direct_write TO {}"];

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_asks_for_its_privileges_and_names_what_is_missing() {
    let world = World::new().await;
    world.admin.rows("INSERT INTO main.direct_write.products (record_id) VALUES ('1')").await;
    world.admin.rows("INSERT INTO main.direct_write.telemetry (record_id) VALUES ('1')").await;
    let all = ["USE CATALOG", "USE SCHEMA", "SELECT"];
    for (number, (statement, lacking)) in [
        ("SELECT record_id FROM main.direct_write.products", &all[..]),
        ("SELECT count(*) FROM (SELECT * FROM main.direct_write.products) p", &all),
        ("WITH p AS (SELECT * FROM main.direct_write.products) SELECT record_id FROM p", &all),
        ("SELECT 1 WHERE EXISTS (SELECT 1 FROM main.direct_write.products)", &all),
        ("SELECT 1 UNION ALL SELECT count(*) FROM main.direct_write.products", &all),
        ("EXPLAIN SELECT * FROM main.direct_write.products", &all),
        ("DESCRIBE TABLE main.direct_write.products", &all),
        ("DESCRIBE TABLE EXTENDED main.direct_write.products", &all),
        ("SHOW TABLES IN main.direct_write", &all[..2]),
        ("SHOW SCHEMAS IN main", &all[..1]),
        ("INSERT INTO main.direct_write.products (record_id) VALUES ('2')", &["USE CATALOG", "USE SCHEMA", "MODIFY"]),
        ("CREATE TABLE main.direct_write.made (a INT)", &["USE CATALOG", "USE SCHEMA, CREATE TABLE"]),
        ("CREATE TABLE IF NOT EXISTS main.direct_write.made (a INT)", &["USE CATALOG", "USE SCHEMA, CREATE TABLE"]),
        ("CREATE SCHEMA main.made", &["USE CATALOG, CREATE SCHEMA"]),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = world.principal(&format!("caller {number}"), &[]).await;
        heals(&world, &caller, statement, lacking).await;
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_needs_select_on_each_of_its_tables_and_insert_select_needs_both() {
    let world = World::new().await;
    let reader = world.principal("reader", &REACH).await;
    let join = "SELECT p.record_id FROM main.direct_write.products p JOIN main.direct_write.telemetry t \
                ON p.record_id = t.record_id";
    world.admin.rows("GRANT SELECT ON TABLE main.direct_write.products TO reader").await;
    assert!(reader.failure(join).await.contains("SELECT on Table 'main.direct_write.telemetry'"));
    heals(&world, &reader, join, &["SELECT"]).await;

    let writer = world.principal("writer", &REACH).await;
    let insert = "INSERT INTO main.direct_write.products (record_id) SELECT record_id FROM main.direct_write.telemetry";
    world.admin.rows("GRANT SELECT ON TABLE main.direct_write.telemetry TO writer").await;
    heals(&world, &writer, insert, &["MODIFY"]).await;
    world.admin.rows("REVOKE SELECT ON TABLE main.direct_write.telemetry FROM writer").await;
    heals(&world, &writer, insert, &["SELECT"]).await;
    // MODIFY alone adds rows and does not show them.
    writer.rows("INSERT INTO main.direct_write.products (record_id) VALUES ('1')").await;
    assert!(writer.failure("SELECT * FROM main.direct_write.products").await.contains("SELECT on Table"));
    world.lakehouse.stop().await;
    assert_eq!(rows_on_disk(world.data.path(), PRODUCTS, 1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn privileges_are_inherited_and_all_privileges_stands_for_each() {
    let world = World::new().await;
    for (number, grant) in
        ["GRANT USE CATALOG, USE SCHEMA, SELECT ON CATALOG main TO {}", "GRANT ALL PRIVILEGES ON CATALOG main TO {}"]
            .into_iter()
            .enumerate()
    {
        let caller = world.principal(&format!("reader {number}"), &[grant]).await;
        caller.rows("SELECT * FROM main.direct_write.products").await;
        let shown = caller.rows("SHOW TABLES IN main.direct_write").await;
        assert_eq!(shown.as_array().unwrap().len(), 2);
    }
    let caller = world.principal("of a schema", &REACH).await;
    world.admin.rows("GRANT ALL PRIVILEGES ON SCHEMA main.direct_write TO `of a schema`").await;
    caller.rows("INSERT INTO main.direct_write.products (record_id) VALUES ('1')").await;
    caller.rows("CREATE TABLE main.direct_write.own (a INT)").await;
    assert!(caller.failure("CREATE TABLE main.default.own (a INT)").await.contains("USE SCHEMA and CREATE TABLE on"));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_drop_and_grant_and_nobody_else_does() {
    let world = World::new().await;
    let maker = world.principal("maker", &["GRANT USE CATALOG, CREATE SCHEMA ON CATALOG main TO {}"]).await;
    let other =
        world.principal("other", &["GRANT USE CATALOG, USE SCHEMA, SELECT, MODIFY ON CATALOG main TO {}"]).await;
    maker.rows("CREATE SCHEMA main.own").await;
    maker.rows("CREATE TABLE main.own.t (a INT)").await;
    maker.rows("INSERT INTO main.own.t VALUES (1)").await;
    maker.rows("GRANT ALL PRIVILEGES ON TABLE main.own.t TO other").await;
    for statement in [
        "DROP TABLE main.own.t",
        "DROP TABLE IF EXISTS main.own.t",
        "GRANT SELECT ON TABLE main.own.t TO other",
        "REVOKE SELECT ON TABLE main.own.t FROM maker",
        "GRANT USE SCHEMA ON SCHEMA main.own TO other",
        "SHOW GRANTS ON TABLE main.own.t",
        "SHOW GRANTS maker ON TABLE main.own.t",
    ] {
        let refusal = other.failure(statement).await;
        assert!(refusal.contains("[INSUFFICIENT_PERMISSIONS]") && refusal.contains("not an owner of"), "{refusal}");
    }
    for statement in ["CREATE CATALOG more", "CREATE SERVICE PRINCIPAL another", "DROP SERVICE PRINCIPAL maker"] {
        let refusal = maker.failure(statement).await;
        assert!(refusal.contains("Only the administrator may"), "{refusal}");
    }
    // The owner of the schema owns what others make in it, too; whoever owns nothing may drop nothing.
    maker.rows("GRANT CREATE TABLE ON SCHEMA main.own TO other").await;
    other.rows("CREATE TABLE main.own.u (a INT)").await;
    maker.rows("DROP TABLE main.own.u").await;
    assert!(maker.failure("DROP TABLE main.direct_write.products").await.contains("USE SCHEMA on Schema"));

    // A table of the same name begins without the old one's grants.
    maker.rows("DROP TABLE main.own.t").await;
    maker.rows("CREATE TABLE main.own.t (a INT)").await;
    let shown = maker.rows("SHOW GRANTS ON TABLE main.own.t").await;
    let of_table: Vec<&Value> = shown.as_array().unwrap().iter().filter(|row| row[2] == "TABLE").collect();
    assert_eq!(of_table.len(), 2, "{shown}");
    assert!(of_table.iter().all(|row| row[0] == maker.client_id.as_str()), "{shown}");
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn show_grants_answers_as_databricks_and_to_each_about_itself() {
    let world = World::new().await;
    let app = world.principal("app", &REACH).await;
    world.admin.rows("GRANT SELECT, MODIFY ON main.direct_write.products TO app").await;
    let id = app.client_id.as_str();
    let answer = app.sql("SHOW GRANTS app ON TABLE main.direct_write.products").await;
    let columns = answer["manifest"]["schema"]["columns"].as_array().unwrap();
    let columns: Vec<&Value> = columns.iter().map(|column| &column["name"]).collect();
    assert_eq!(columns, ["Principal", "ActionType", "ObjectType", "ObjectKey"]);
    assert_eq!(
        answer["result"]["data_array"],
        json!([
            [id, "MODIFY", "TABLE", PRODUCTS],
            [id, "SELECT", "TABLE", PRODUCTS],
            [id, "USE SCHEMA", "SCHEMA", "main.direct_write"],
            [id, "USE CATALOG", "CATALOG", "main"],
        ])
    );
    let own = format!("SHOW GRANTS `{id}` ON CATALOG main");
    assert_eq!(app.rows(&own).await, json!([[id, "USE CATALOG", "CATALOG", "main"]]));
    world.admin.rows("GRANT ALL PRIVILEGES ON SCHEMA main.direct_write TO app").await;
    let shown = world.admin.rows("SHOW GRANT app ON SCHEMA main.direct_write").await;
    assert_eq!(shown[0], json!([id, "ALL PRIVILEGES", "SCHEMA", "main.direct_write"]), "it is not taken apart");
    // Revoking it takes nothing else away.
    world.admin.rows("REVOKE ALL PRIVILEGES ON SCHEMA main.direct_write FROM app").await;
    app.rows("SELECT * FROM main.direct_write.products").await;
    let principals = app.rows("SHOW SERVICE PRINCIPALS").await;
    assert_eq!(principals, json!([["administrator", world.admin.client_id], ["app", id]]));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_show_what_may_be_seen() {
    let world = World::new().await;
    let nobody = world.principal("nobody", &[]).await;
    assert_eq!(nobody.rows("SHOW CATALOGS").await, json!([]));
    let app = world.principal("app", &REACH).await;
    world.admin.rows("GRANT SELECT ON TABLE main.direct_write.products TO app").await;
    assert_eq!(app.rows("SHOW CATALOGS").await, json!([["main"]]));
    assert_eq!(app.rows("SHOW SCHEMAS IN main").await, json!([["direct_write"]]));
    assert_eq!(app.rows("SHOW TABLES IN main.direct_write").await, json!([["direct_write", "products", "false"]]));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_named_and_change_nothing() {
    let world = World::new().await;
    let app = world.principal("app", &[]).await;
    for (statement, class, word) in [
        ("GRANT SELECT ON TABLE main.direct_write.products TO nobody", "[PRINCIPAL_DOES_NOT_EXIST]", "nobody"),
        ("REVOKE SELECT ON TABLE main.direct_write.products FROM nobody", "[PRINCIPAL_DOES_NOT_EXIST]", "nobody"),
        ("SHOW GRANTS nobody ON CATALOG main", "[PRINCIPAL_DOES_NOT_EXIST]", "nobody"),
        ("DROP SERVICE PRINCIPAL nobody", "[PRINCIPAL_DOES_NOT_EXIST]", "nobody"),
        ("DROP SERVICE PRINCIPAL administrator", "[INVALID_PARAMETER_VALUE]", "cannot be dropped"),
        ("CREATE SERVICE PRINCIPAL app", "[RESOURCE_ALREADY_EXISTS]", "already exists"),
        ("CREATE SERVICE PRINCIPAL administrator", "[RESOURCE_ALREADY_EXISTS]", "already exists"),
        ("CREATE SERVICE PRINCIPAL ` `", "[INVALID_PARAMETER_VALUE]", "name"),
        ("GRANT SELECT ON TABLE main.direct_write.nothing TO app", "[TABLE_OR_VIEW_NOT_FOUND]", "nothing"),
        ("GRANT USE SCHEMA ON SCHEMA main.nothing TO app", "[SCHEMA_NOT_FOUND]", "nothing"),
        ("GRANT USE CATALOG ON CATALOG nothing TO app", "[NO_SUCH_CATALOG_EXCEPTION]", "nothing"),
        ("GRANT READ VOLUME ON VOLUME main.default.nothing TO app", "[UC_VOLUME_NOT_FOUND]", "nothing"),
        ("SHOW GRANTS ON TABLE main.direct_write.nothing", "[TABLE_OR_VIEW_NOT_FOUND]", "nothing"),
        ("GRANT USE CATALOG ON TABLE main.direct_write.products TO app", "[INVALID_PARAMETER_VALUE]", "SELECT"),
        ("GRANT CREATE SCHEMA ON SCHEMA main.default TO app", "[INVALID_PARAMETER_VALUE]", "not applicable"),
        ("GRANT SELECT, FLY ON TABLE main.direct_write.products TO app", "[PARSE_SYNTAX_ERROR]", "'FLY'"),
        ("GRANT ON TABLE main.direct_write.products TO app", "[PARSE_SYNTAX_ERROR]", "privilege"),
        ("GRANT SELECT ON TABLE main.direct_write.products", "[PARSE_SYNTAX_ERROR]", "TO"),
        ("GRANT SELECT ON TABLE main.direct_write.products FROM app", "[PARSE_SYNTAX_ERROR]", "TO"),
        ("REVOKE SELECT ON TABLE main.direct_write.products TO app", "[PARSE_SYNTAX_ERROR]", "FROM"),
        ("GRANT SELECT ON TABLE main.direct_write.products TO app, app", "[PARSE_SYNTAX_ERROR]", "end of the one"),
        ("GRANT SELECT ON SCHEMA a.b.c TO app", "[INVALID_IDENTIFIER]", "a.b.c"),
        ("GRANT SELECT ON CATALOG a.b TO app", "[INVALID_IDENTIFIER]", "a.b"),
        ("GRANT SELECT ON TABLE main.direct_write.`a.b` TO app", "[INVALID_IDENTIFIER]", "a.b"),
        ("GRANT SELECT ON CATALOG `a/b` TO app", "[INVALID_IDENTIFIER]", "a/b"),
        ("CREATE SERVICE ACCOUNT app", "[PARSE_SYNTAX_ERROR]", "PRINCIPAL"),
        ("SHOW SERVICE PRINCIPAL", "[PARSE_SYNTAX_ERROR]", "PRINCIPALS"),
        ("SHOW GRANTS app", "[PARSE_SYNTAX_ERROR]", "ON"),
    ] {
        let message = world.admin.failure(statement).await;
        assert!(message.starts_with(class) && message.contains(word), "{statement}: {message}");
    }
    assert!(app.rows("SHOW GRANTS app ON TABLE main.direct_write.products").await.as_array().unwrap().is_empty());
    assert_eq!(world.admin.rows("SHOW SERVICE PRINCIPALS").await.as_array().unwrap().len(), 2);

    // What is there or gone already is no mistake where it is said so; names stay what they are.
    let again = world.admin.rows("CREATE SERVICE PRINCIPAL IF NOT EXISTS app").await;
    assert_eq!(again, json!([["app", app.client_id, null]]), "its secret is not known any more");
    world.admin.rows("drop service principal if exists nobody").await;
    world.admin.rows("REVOKE MODIFY ON TABLE main.direct_write.products FROM app").await;
    let evil = "x` ON CATALOG main; DROP TABLE main.direct_write.products";
    let quoted = evil.replace('`', "``");
    world.admin.rows(&format!("CREATE SERVICE PRINCIPAL `{quoted}`")).await;
    world.admin.rows(&format!("GRANT SELECT ON TABLE main.direct_write.products TO `{quoted}`")).await;
    world.admin.rows(&format!("DROP SERVICE PRINCIPAL `{quoted}`")).await;
    world.admin.rows("SELECT * FROM main.direct_write.products").await;
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_is_nobody_elses_and_a_secret_is_handed_out_once() {
    let world = World::new().await;
    let app = world.principal("app", &[]).await;
    let own = app.sql("SELECT 'mine'").await;
    let path = format!("/api/2.0/sql/statements/{}", own["statement_id"].as_str().unwrap());
    assert_eq!(app.get(&path).await.1, own);
    for path in [path.clone(), format!("{path}/result/chunks/0")] {
        assert_eq!(world.admin.get(&path).await.0, 404, "{path}");
    }
    let cancel = world.admin.send(reqwest::Method::POST, &format!("{path}/cancel"), None).await;
    assert_eq!(cancel.0, 404);

    let made = world.admin.sql("CREATE SERVICE PRINCIPAL other").await;
    let secret = made["result"]["data_array"][0][2].as_str().unwrap();
    let path = format!("/api/2.0/sql/statements/{}", made["statement_id"].as_str().unwrap());
    for path in [path.clone(), format!("{path}/result/chunks/0")] {
        let (_, again) = world.admin.get(&path).await;
        assert!(!again.to_string().contains(secret), "{path}");
    }
    // A result that nobody waited for is there to be fetched, once.
    let body = json!({ "statement": "CREATE SERVICE PRINCIPAL third", "warehouse_id": "local", "wait_timeout": "0s" });
    let (_, taken) = world.admin.send(reqwest::Method::POST, "/api/2.0/sql/statements", Some(body)).await;
    let path = format!("/api/2.0/sql/statements/{}", taken["statement_id"].as_str().unwrap());
    let mut answer = taken;
    while ["PENDING", "RUNNING"].contains(&answer["status"]["state"].as_str().unwrap()) {
        answer = world.admin.get(&path).await.1;
    }
    assert_eq!(answer["result"]["data_array"][0][0], "third", "{answer}");
    let secret = answer["result"]["data_array"][0][2].as_str().unwrap();
    assert!(!world.admin.get(&path).await.1.to_string().contains(secret));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_principals_secret_is_in_no_log_and_no_file_and_in_no_answer_but_one() {
    let data = tempfile::tempdir().unwrap();
    let mut command = program(data.path(), &["lakehouse"]);
    command.env("RUST_LOG", "trace");
    let running = Running::start(command);
    let url = running.said.iter().flat_map(|line| line.split_whitespace()).find(|word| word.starts_with("http://"));
    let credentials = std::fs::read_to_string(data.path().join("credentials.json")).unwrap();
    let credentials: Value = serde_json::from_str(&credentials).unwrap();
    let own = credentials["client_secret"].as_str().unwrap().to_owned();
    let admin = Caller::new(url.unwrap(), credentials["client_id"].as_str().unwrap(), own.into()).await;
    let made = admin.sql("CREATE SERVICE PRINCIPAL app").await;
    let row = &made["result"]["data_array"][0];
    let secret = row[2].as_str().unwrap().to_owned();
    let app = Caller::new(&admin.url, row[1].as_str().unwrap(), secret.clone().into()).await;

    let mut seen = running.said.join("\n");
    for statement in ["SHOW SERVICE PRINCIPALS", "CREATE SERVICE PRINCIPAL IF NOT EXISTS app", "SELECT 1"] {
        seen += &admin.sql(statement).await.to_string();
    }
    for path in [
        format!("/api/2.0/sql/statements/{}", made["statement_id"].as_str().unwrap()),
        "/api/2.0/preview/scim/v2/Me".to_owned(),
        "/api/2.1/unity-catalog/catalogs".to_owned(),
    ] {
        seen += &app.get(&path).await.1.to_string();
        seen += &admin.get(&path).await.1.to_string();
    }
    seen += &app.zerobus_token(PRODUCTS).await.1.to_string();
    seen += &app.failure("SELECT * FROM main.direct_write.products").await;
    running.signal("-TERM");
    assert_eq!(running.end().status.code(), Some(0));
    let log = log_of(data.path());
    assert!(log.contains("TRACE"), "the log says everything it can");
    seen += &log;
    for entry in std::fs::read_dir(data.path()).unwrap().flatten().filter(|entry| entry.path().is_file()) {
        seen += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap());
    }
    assert!(seen.contains("\"salt\"") && seen.contains("app"));
    assert!(!seen.contains(&secret), "the secret was shown");
}
