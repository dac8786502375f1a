//! Who may read and write files, load them and make volumes.

use reqwest::Method;
use serde_json::{Value, json};

use super::sql::heals;
use super::{PRODUCTS, World, statements};
use crate::support::RunningLakehouse;
use crate::support::caller::Caller;

const LANDING: &str = "/Volumes/main/direct_write/landing";
/// What reaches the landing volume.
const REACH: [&str; 2] =
    ["GRANT USE CATALOG ON CATALOG main TO {}", "GRANT USE SCHEMA ON SCHEMA main.direct_write TO {}"];

/// Status and body of a request to the Files API.
async fn files(caller: &Caller, method: Method, path: &str) -> (u16, String) {
    let request = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = request.request(method.clone(), format!("{}/api/2.0/fs/{path}", caller.url));
    let request = if method == Method::PUT { request.body("{\"record_id\": \"1\"}") } else { request };
    let answer = request.bearer_auth(caller.bearer()).send().await.unwrap();
    (answer.status().as_u16(), answer.text().await.unwrap())
}

/// The GRANT statements of a refusal.
fn refusal(answer: &(u16, String)) -> Vec<String> {
    let body: Value = serde_json::from_str(&answer.1).unwrap();
    assert_eq!((answer.0, &body["error_code"]), (403, &json!("PERMISSION_DENIED")), "{body}");
    statements(body["message"].as_str().unwrap())
}

/// A file in the landing volume, and an empty folder.
async fn fill(world: &World) {
    assert_eq!(files(&world.admin, Method::PUT, &format!("files{LANDING}/a.json")).await.0, 204);
    assert_eq!(files(&world.admin, Method::PUT, &format!("directories{LANDING}/folder")).await.0, 204);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_of_the_files_api_asks_for_its_privilege_and_names_what_is_missing() {
    let world = World::new().await;
    fill(&world).await;
    for (number, (method, path, privilege, status)) in [
        (Method::GET, format!("files{LANDING}/a.json"), "READ VOLUME", 200),
        (Method::GET, format!("directories{LANDING}"), "READ VOLUME", 200),
        (Method::PUT, format!("files{LANDING}/new/b.json"), "WRITE VOLUME", 204),
        (Method::PUT, format!("directories{LANDING}/made/here"), "WRITE VOLUME", 204),
        (Method::DELETE, format!("directories{LANDING}/folder"), "WRITE VOLUME", 204),
        (Method::DELETE, format!("files{LANDING}/a.json"), "WRITE VOLUME", 204),
    ]
    .into_iter()
    .enumerate()
    {
        let caller = world.principal(&format!("caller {number}"), &[]).await;
        let healing = refusal(&files(&caller, method.clone(), &path).await);
        let id = &caller.client_id;
        let expected = [
            format!("GRANT USE CATALOG ON CATALOG `main` TO `{id}`"),
            format!("GRANT USE SCHEMA ON SCHEMA `main`.`direct_write` TO `{id}`"),
            format!("GRANT {privilege} ON VOLUME `main`.`direct_write`.`landing` TO `{id}`"),
        ];
        assert_eq!(healing, expected, "{method} {path}");
        for grant in &healing {
            world.admin.rows(grant).await;
        }
        let healed = files(&caller, method.clone(), &path).await;
        assert_eq!(healed.0, status, "{method} {path}: {}", healed.1);
    }
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_is_not_writing_and_what_is_refused_changes_nothing() {
    let world = World::new().await;
    fill(&world).await;
    let (file, folder) = (format!("files{LANDING}/a.json"), format!("directories{LANDING}/folder"));
    let reader = world.principal("reader", &REACH).await;
    world.admin.rows("GRANT READ VOLUME ON VOLUME main.direct_write.landing TO reader").await;
    for (method, path) in [
        (Method::PUT, format!("files{LANDING}/other.json")),
        (Method::PUT, format!("files{LANDING}/a.json?overwrite=false")),
        (Method::PUT, format!("directories{LANDING}/other")),
        (Method::DELETE, file.clone()),
        (Method::DELETE, folder.clone()),
    ] {
        let healing = refusal(&files(&reader, method.clone(), &path).await);
        assert!(matches!(&healing[..], [one] if one.starts_with("GRANT WRITE VOLUME ON VOLUME ")), "{healing:?}");
    }
    let (_, listed) = files(&reader, Method::GET, &format!("directories{LANDING}")).await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let names: Vec<&Value> = listed["contents"].as_array().unwrap().iter().map(|entry| &entry["name"]).collect();
    assert_eq!(names, ["a.json", "folder"]);
    for path in [&file, &folder] {
        assert_eq!(files(&reader, Method::HEAD, path).await.0, 200, "{path}");
    }

    let writer = world.principal("writer", &REACH).await;
    world.admin.rows("GRANT WRITE VOLUME ON VOLUME main.direct_write.landing TO writer").await;
    assert_eq!(files(&writer, Method::PUT, &file).await.0, 204);
    for path in [&file, &folder] {
        assert_eq!(files(&writer, Method::HEAD, path).await.0, 403, "{path}");
        let healing = refusal(&files(&writer, Method::GET, path).await);
        assert!(matches!(&healing[..], [one] if one.starts_with("GRANT READ VOLUME ON VOLUME ")), "{healing:?}");
    }
    // As with tables: it is inherited, and taken away at once.
    world.admin.rows("GRANT READ VOLUME ON SCHEMA main.direct_write TO writer").await;
    assert_eq!(files(&writer, Method::GET, &file).await.0, 200);
    world.admin.rows("REVOKE READ VOLUME ON SCHEMA main.direct_write FROM writer").await;
    assert_eq!(files(&writer, Method::GET, &file).await.0, 403);
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_reach_a_volume_does_not_learn_whether_it_exists() {
    let world = World::new().await;
    let nobody = world.principal("nobody", &[]).await;
    let there = files(&nobody, Method::GET, &format!("directories{LANDING}")).await;
    let nowhere = files(&nobody, Method::GET, "directories/Volumes/main/direct_write/nowhere").await;
    assert_eq!(nowhere.0, 403);
    assert_eq!(nowhere.1, there.1.replace("landing", "nowhere"));
    let near = world.principal("near", &REACH).await;
    let (status, body) = files(&near, Method::GET, "directories/Volumes/main/direct_write/nowhere").await;
    assert_eq!(status, 404, "{body}");
    assert!(body.contains("\"NOT_FOUND\"") && body.contains("main.direct_write.nowhere"), "{body}");
    let loading = format!("COPY INTO {PRODUCTS} FROM '{LANDING}' FILEFORMAT = JSON");
    assert!(nobody.failure(&loading).await.starts_with("[INSUFFICIENT_PERMISSIONS]"));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loading_files_needs_modify_on_the_table_and_read_volume_on_the_volume() {
    let world = World::new().await;
    world.admin.rows("CREATE TABLE main.default.t (record_id STRING)").await;
    fill(&world).await;
    let copy = format!("COPY INTO main.default.t FROM '{LANDING}' FILEFORMAT = JSON");
    let loader = world.principal("loader", &[]).await;
    let refused = statements(&loader.failure(&copy).await);
    let begins =
        ["GRANT USE CATALOG ON CATALOG", "GRANT USE SCHEMA ON SCHEMA `main`.`default`", "GRANT MODIFY ON TABLE"];
    assert_eq!(refused.len(), 3, "{refused:?}");
    for (grant, begin) in refused.iter().zip(begins) {
        assert!(grant.starts_with(begin), "{grant}");
        world.admin.rows(grant).await;
    }
    let loaded = heals(&world, &loader, &copy, &["USE SCHEMA", "READ VOLUME"]).await;
    assert_eq!(loaded, json!([["1", "1", "0"]]));
    assert_eq!(world.admin.rows("SELECT * FROM main.default.t").await, json!([["1"]]), "refusals loaded nothing");

    // MODIFY is asked for as well when the files may be read.
    world.admin.rows("REVOKE MODIFY ON TABLE main.default.t FROM loader").await;
    let again = format!("{copy} COPY_OPTIONS ('force' = 'true')");
    assert_eq!(heals(&world, &loader, &again, &["MODIFY"]).await, json!([["1", "1", "0"]]));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_are_made_with_create_volume_and_belong_to_who_made_them() {
    let world = World::new().await;
    let maker = world.principal("maker", &[]).await;
    heals(&world, &maker, "CREATE VOLUME main.direct_write.own", &["USE CATALOG", "USE SCHEMA, CREATE VOLUME"]).await;
    let file = "files/Volumes/main/direct_write/own/a";
    assert_eq!(files(&maker, Method::PUT, file).await.0, 204);
    assert_eq!(files(&maker, Method::GET, file).await.0, 200);
    let other = world.principal("other", &REACH).await;
    assert_eq!(files(&other, Method::GET, file).await.0, 403);
    let shown = |caller: &Caller| {
        let caller = caller.with_bearer(caller.bearer());
        async move { caller.rows("SHOW VOLUMES IN main.direct_write").await }
    };
    assert_eq!(shown(&maker).await, json!([["direct_write", "own"]]), "landing is not its to read");
    assert_eq!(shown(&other).await, json!([]));
    assert_eq!(shown(&world.admin).await, json!([["direct_write", "landing"], ["direct_write", "own"]]));
    maker.rows("GRANT READ VOLUME ON VOLUME main.direct_write.own TO other").await;
    assert_eq!(files(&other, Method::GET, file).await.0, 200);
    assert_eq!(shown(&other).await, json!([["direct_write", "own"]]));
    for statement in
        ["DROP VOLUME main.direct_write.own", "GRANT WRITE VOLUME ON VOLUME main.direct_write.own TO other"]
    {
        let message = other.failure(statement).await;
        assert!(message.contains("not an owner of Volume 'main.direct_write.own'"), "{statement}: {message}");
    }

    // A restart forgets none of it.
    world.lakehouse.stop().await;
    let lakehouse = RunningLakehouse::start(world.data.path(), "127.0.0.1:0").await;
    let (maker, other, admin) = (maker.at(&lakehouse.url), other.at(&lakehouse.url), world.admin.at(&lakehouse.url));
    assert_eq!(files(&other, Method::GET, file).await.0, 200);
    maker.rows("DROP VOLUME main.direct_write.own").await;
    // A volume of the same name is another volume.
    admin.rows("CREATE VOLUME main.direct_write.own").await;
    for caller in [&maker, &other] {
        let healing = refusal(&files(caller, Method::GET, file).await);
        assert!(matches!(&healing[..], [one] if one.starts_with("GRANT READ VOLUME ON VOLUME ")), "{healing:?}");
    }
    assert!(maker.failure("DROP VOLUME main.direct_write.own").await.contains("not an owner"));
    let nobody = admin.create("nobody").await;
    for statement in ["SHOW VOLUMES IN main.direct_write", "DROP VOLUME IF EXISTS main.direct_write.nothing"] {
        let message = nobody.failure(statement).await;
        assert!(message.contains("USE SCHEMA on Schema 'main.direct_write'"), "{statement}: {message}");
    }
    lakehouse.stop().await;
}
