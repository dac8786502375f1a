//! Unity Catalog's REST API: what each principal sees of it, pages, permissions, and who the caller is.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PRODUCTS, World, statements};

const API: &str = "/api/2.1/unity-catalog";

const REACH: [&str; 2] =
    ["GRANT USE CATALOG ON CATALOG main TO {}", "GRANT USE SCHEMA ON SCHEMA main.direct_write TO {}"];

fn names(answer: &Value, kind: &str) -> Vec<String> {
    let items = answer[kind].as_array().unwrap_or_else(|| panic!("{answer}"));
    items.iter().map(|item| item["full_name"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_principal_sees_what_it_may_use() {
    let world = World::new().await;
    let nobody = world.principal("nobody", &[]).await;
    let app = world.principal("app", &REACH).await;
    world.admin.rows("GRANT SELECT ON TABLE main.direct_write.products TO app").await;

    let (_, answer) = nobody.get(&format!("{API}/catalogs")).await;
    assert_eq!(answer, json!({ "catalogs": [] }));
    assert_eq!(nobody.get(&format!("{API}/tables")).await.1, json!({ "tables": [] }));
    for path in ["schemas?catalog_name=main", "tables?catalog_name=main", "catalogs/main", "schemas/main.direct_write"]
    {
        let (status, answer) = nobody.get(&format!("{API}/{path}")).await;
        assert_eq!((status.as_u16(), &answer["error_code"]), (403, &json!("PERMISSION_DENIED")), "{path}: {answer}");
    }
    let (status, answer) = nobody.get(&format!("{API}/tables/{PRODUCTS}")).await;
    assert_eq!((status.as_u16(), &answer["error_code"]), (403, &json!("PERMISSION_DENIED")));
    let healing = statements(answer["message"].as_str().unwrap());
    assert_eq!(healing.len(), 3, "{answer}");
    for statement in healing {
        world.admin.rows(&statement).await;
    }
    assert_eq!(nobody.get(&format!("{API}/tables/{PRODUCTS}")).await.0, 200);

    assert_eq!(names(&app.get(&format!("{API}/catalogs")).await.1, "catalogs"), ["main"]);
    let (_, schemas) = app.get(&format!("{API}/schemas?catalog_name=main")).await;
    assert_eq!(names(&schemas, "schemas"), ["main.direct_write"]);
    for scope in ["", "?catalog_name=main", "?catalog_name=main&schema_name=direct_write"] {
        assert_eq!(names(&app.get(&format!("{API}/tables{scope}")).await.1, "tables"), [PRODUCTS]);
    }
    let (status, answer) = app.get(&format!("{API}/tables/main.direct_write.telemetry")).await;
    assert_eq!((status.as_u16(), &answer["error_code"]), (403, &json!("PERMISSION_DENIED")));
    assert!(answer["message"].as_str().unwrap().starts_with("User does not have SELECT on Table"), "{answer}");
    let (status, answer) = app.get(&format!("{API}/tables/main.direct_write.nothing")).await;
    assert_eq!((status.as_u16(), &answer["error_code"]), (404, &json!("TABLE_DOES_NOT_EXIST")));
    let (status, answer) = app.get(&format!("{API}/tables?catalog_name=main&schema_name=default")).await;
    assert_eq!((status.as_u16(), &answer["error_code"]), (403, &json!("PERMISSION_DENIED")));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_are_described_with_their_owners() {
    let world = World::new().await;
    let maker = world.principal("maker", &["GRANT USE CATALOG, CREATE SCHEMA ON CATALOG main TO {}"]).await;
    maker.rows("CREATE SCHEMA main.own").await;
    maker.rows("CREATE TABLE main.own.t (a INT)").await;
    for path in ["schemas/main.own", "tables/main.own.t"] {
        let (_, answer) = maker.get(&format!("{API}/{path}")).await;
        assert_eq!(answer["owner"], maker.client_id.as_str(), "{answer}");
    }
    let (_, catalog) = maker.get(&format!("{API}/catalogs/main")).await;
    let said = (&catalog["name"], &catalog["owner"], &catalog["catalog_type"], &catalog["securable_type"]);
    let owner = json!(world.admin.client_id);
    assert_eq!(said, (&json!("main"), &owner, &json!("MANAGED_CATALOG"), &json!("CATALOG")));
    let (_, schema) = maker.get(&format!("{API}/schemas/main.own")).await;
    assert_eq!((&schema["name"], &schema["catalog_name"]), (&json!("own"), &json!("main")));
    for (path, code) in [
        ("catalogs/nothing", "CATALOG_DOES_NOT_EXIST"),
        ("schemas/main.nothing", "SCHEMA_DOES_NOT_EXIST"),
        ("schemas/nothing.nothing", "CATALOG_DOES_NOT_EXIST"),
        ("schemas?catalog_name=nothing", "CATALOG_DOES_NOT_EXIST"),
        ("tables?catalog_name=nothing&schema_name=default", "CATALOG_DOES_NOT_EXIST"),
        ("tables?catalog_name=main&schema_name=nothing", "SCHEMA_DOES_NOT_EXIST"),
    ] {
        let (status, answer) = world.admin.get(&format!("{API}/{path}")).await;
        assert_eq!((status.as_u16(), &answer["error_code"]), (404, &json!(code)), "{path}: {answer}");
    }
    assert_eq!(world.admin.get(&format!("{API}/schemas/main")).await.0, 400);
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_come_in_pages() {
    let world = World::new().await;
    for number in 0..3 {
        world.admin.rows(&format!("CREATE TABLE main.default.t{number} (a INT)")).await;
        world.admin.rows(&format!("CREATE SCHEMA main.s{number}")).await;
        world.admin.rows(&format!("CREATE CATALOG c{number}")).await;
    }
    for (kind, scope, count) in [
        ("tables", "catalog_name=main", 5),
        ("tables", "catalog_name=main&schema_name=default", 3),
        ("schemas", "catalog_name=main", 5),
        ("catalogs", "", 4),
    ] {
        let (_, all) = world.admin.get(&format!("{API}/{kind}?{scope}")).await;
        let all_names = names(&all, kind);
        assert_eq!((all_names.len(), &all["next_page_token"]), (count, &Value::Null), "{all}");
        let (_, servers_choice) = world.admin.get(&format!("{API}/{kind}?{scope}&max_results=0")).await;
        assert_eq!(names(&servers_choice, kind), all_names);
        for length in [1, 2, count, count + 1] {
            let (mut seen, mut token, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let path = format!("{API}/{kind}?{scope}&max_results={length}&page_token={token}");
                let (status, page) = world.admin.get(&path).await;
                assert_eq!(status, 200, "{page}");
                seen.extend(names(&page, kind));
                pages += 1;
                let Some(next) = page["next_page_token"].as_str() else { break };
                token = next.to_owned();
            }
            assert_eq!((&seen, pages), (&all_names, count.div_ceil(length)), "{kind} by {length}");
        }
        for bad in ["max_results=-1", "max_results=many", "page_token=!"] {
            assert_eq!(world.admin.status(&format!("{API}/{kind}?{scope}&{bad}")).await, 400, "{kind} {bad}");
        }
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_read_and_changed_with_the_real_field_names() {
    let world = World::new().await;
    let app = world.principal("app", &[]).await;
    let id = app.client_id.as_str();
    let table = format!("{API}/permissions/table/{PRODUCTS}");
    let changes =
        json!({ "changes": [{ "principal": id, "add": ["SELECT", "MODIFY"], "remove": ["ALL_PRIVILEGES"] }] });
    let (status, answer) = world.admin.send(Method::PATCH, &table, Some(changes)).await;
    assert_eq!(status, 200, "{answer}");
    let of_app = json!({ "principal": id, "privileges": ["MODIFY", "SELECT"] });
    assert!(answer["privilege_assignments"].as_array().unwrap().contains(&of_app), "{answer}");
    let one = json!({ "privilege_assignments": [of_app] });
    assert_eq!(world.admin.get(&format!("{table}?principal={id}")).await.1, one);
    assert_eq!(app.get(&format!("{table}?principal=app")).await.1, one, "its own, by its name");

    let schema = json!({ "changes": [{ "principal": "app", "add": ["USE_SCHEMA", "SELECT"] }] });
    world.admin.send(Method::PATCH, &format!("{API}/permissions/SCHEMA/main.direct_write"), Some(schema)).await;
    let effective = format!("{API}/effective-permissions/table/{PRODUCTS}?principal={id}");
    let from_schema = |privilege: &str| json!({ "privilege": privilege, "inherited_from_type": "SCHEMA", "inherited_from_name": "main.direct_write" });
    let expected = json!({ "privilege_assignments": [{ "principal": id, "privileges": [
        { "privilege": "MODIFY" }, { "privilege": "SELECT" }, from_schema("SELECT"), from_schema("USE_SCHEMA"),
    ]}]});
    assert_eq!(app.get(&effective).await.1, expected);
    assert_eq!(app.get(&format!("{effective}&max_results=0")).await.1, expected);
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn permissions_are_the_owners_business() {
    let world = World::new().await;
    let app = world.principal("app", &REACH).await;
    let table = format!("{API}/permissions/table/{PRODUCTS}");
    let grab = json!({ "changes": [{ "principal": "app", "add": ["SELECT"] }] });
    for (method, path, body) in [
        (Method::PATCH, table.clone(), Some(grab.clone())),
        (Method::GET, table.clone(), None),
        (Method::GET, format!("{table}?principal=administrator"), None),
        (Method::GET, format!("{API}/effective-permissions/catalog/main"), None),
    ] {
        let (status, answer) = app.send(method, &path, body).await;
        assert_eq!((status.as_u16(), &answer["error_code"]), (403, &json!("PERMISSION_DENIED")), "{path}: {answer}");
    }
    assert_eq!(app.get(&format!("{table}?principal=app")).await.1, json!({ "privilege_assignments": [] }));
    for (path, body, status, code) in [
        (format!("{API}/permissions/table/main.direct_write.nothing"), grab.clone(), 404, "TABLE_DOES_NOT_EXIST"),
        (format!("{API}/permissions/view/{PRODUCTS}"), grab.clone(), 400, "INVALID_PARAMETER_VALUE"),
        (format!("{API}/permissions/table/main"), grab.clone(), 400, "INVALID_PARAMETER_VALUE"),
        (
            table.clone(),
            json!({ "changes": [{ "principal": "x", "add": ["SELECT"] }] }),
            404,
            "PRINCIPAL_DOES_NOT_EXIST",
        ),
        (table.clone(), json!({ "changes": [{ "principal": "app", "add": ["FLY"] }] }), 400, "INVALID_PARAMETER_VALUE"),
        (
            table.clone(),
            json!({ "changes": [{ "principal": "app", "add": ["SELECT"] }, { "principal": "app", "add": ["USE_CATALOG"] }] }),
            400,
            "INVALID_PARAMETER_VALUE",
        ),
        (table.clone(), json!({ "changes": [{ "principal": "app", "grant": ["SELECT"] }] }), 422, "MALFORMED_REQUEST"),
    ] {
        let (got, answer) = world.admin.send(Method::PATCH, &path, Some(body.clone())).await;
        assert_eq!((got.as_u16(), &answer["error_code"]), (status, &json!(code)), "{path} {body}: {answer}");
    }
    assert_eq!(
        app.get(&format!("{table}?principal=app")).await.1,
        json!({ "privilege_assignments": [] }),
        "nothing came of it"
    );
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_can_ask_who_it_is() {
    let world = World::new().await;
    let app = world.principal("Ingest Ünit", &[]).await;
    let (status, me) = app.get("/api/2.0/preview/scim/v2/Me").await;
    assert_eq!(status, 200, "{me}");
    let said = (&me["userName"], &me["displayName"], &me["active"], &me["groups"]);
    assert_eq!(said, (&json!(app.client_id), &json!("Ingest Ünit"), &json!(true), &json!([])));
    assert!(me["id"].as_str().unwrap().parse::<u64>().is_ok(), "{me}");
    let (_, admin) = world.admin.get("/api/2.0/preview/scim/v2/Me").await;
    assert_eq!((&admin["displayName"], &admin["groups"][0]["display"]), (&json!("administrator"), &json!("admins")));
    assert_ne!(admin["id"], me["id"]);
    assert_eq!(app.with_bearer("made-up").get("/api/2.0/preview/scim/v2/Me").await.0, 401);
    world.lakehouse.stop().await;
}
