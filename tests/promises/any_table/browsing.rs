//! A principal sees the catalogs, schemas and tables that it was granted, on as many pages as there are.

use direct_write::engine::Engine;
use direct_write::engine::tables::{LatestRows, Place};
use direct_write::model::TableName;
use direct_write::workspace::{Credentials, Grant, Workspace, WorkspaceError};
use std::sync::Arc;

use super::World;
use crate::support::workspace_of;

fn names<T>(items: &[T], name: impl Fn(&T) -> &str) -> Vec<&str> {
    items.iter().map(name).collect()
}

/// The workspace as another principal sees it.
fn as_principal(world: &World, id: &str, secret: secrecy::SecretString) -> Arc<Workspace> {
    let mut config = workspace_of(&world.lakehouse);
    config.credentials = Some(Credentials { client_id: id.to_owned(), client_secret: secret });
    Arc::new(Workspace::new(config).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn listings_are_whole_and_hold_what_may_be_seen() {
    let world = World::start().await;
    world.caller.rows("CREATE CATALOG other").await;
    world.caller.rows("CREATE SCHEMA other.many").await;
    for number in 0..55 {
        world.caller.rows(&format!("CREATE TABLE other.many.t{number:02} (a INT)")).await;
    }
    let catalogs = world.workspace.catalogs().await.unwrap();
    assert_eq!((names(&catalogs.items, |one| &one.name), catalogs.more), (vec!["main", "other"], false));
    let schemas = world.workspace.schemas("main").await.unwrap();
    assert_eq!(names(&schemas.items, |one| &one.name), ["default", "direct_write"]);
    let tables = world.workspace.tables_of("other", "many").await.unwrap();
    assert_eq!((tables.items.len(), tables.items[54].name.as_str(), tables.more), (55, "t54", false));
    assert_eq!((tables.items[0].table_type.as_str(), tables.items[0].format.as_str()), ("MANAGED", "DELTA"));

    let reader = world.caller.create("reader").await;
    let theirs = as_principal(&world, &reader.client_id, reader.client_secret.clone());
    assert_eq!(theirs.catalogs().await.unwrap().items, []);
    assert!(matches!(theirs.schemas("other").await, Err(WorkspaceError::PermissionDenied(_))));
    for grant in ["USE CATALOG ON CATALOG other", "USE SCHEMA ON SCHEMA other.many", "SELECT ON TABLE other.many.t07"] {
        world.caller.rows(&format!("GRANT {grant} TO `{}`", reader.client_id)).await;
    }
    assert_eq!(names(&theirs.catalogs().await.unwrap().items, |one| &one.name), ["other"]);
    assert_eq!(names(&theirs.tables_of("other", "many").await.unwrap().items, |one| &one.name), ["t07"]);
    let name = TableName::parse("other.many.t07").unwrap();
    let grants = theirs.grants_on(&name).await.unwrap();
    let own = |privilege: &str| Grant { privilege: privilege.to_owned(), inherited_from: None };
    assert!(grants.contains(&own("SELECT")) && !grants.contains(&own("MODIFY")), "{grants:?}");
    assert!(grants.iter().any(|grant| grant.inherited_from.as_deref() == Some("SCHEMA other.many")), "{grants:?}");
    let hidden = TableName::parse("other.many.t08").unwrap();
    assert!(matches!(theirs.table_detail(&hidden).await, Err(WorkspaceError::PermissionDenied(_))));
    world.lakehouse.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_says_what_it_is_and_what_the_principal_lacks() {
    let world = World::start().await;
    world
        .caller
        .rows(
            "CREATE TABLE main.default.seen (id BIGINT NOT NULL COMMENT 'the key', l ARRAY<ARRAY<INT>>) USING DELTA \
             COMMENT 'for looking at' TBLPROPERTIES ('delta.appendOnly' = 'true')",
        )
        .await;
    world.caller.rows("INSERT INTO main.default.seen VALUES (7, array(array(1)))").await;
    let place = |table: &str| {
        let [catalog, schema, table] = ["main", "default", table].map(str::to_owned);
        Place { catalog, schema, table }
    };
    let engine = Engine::new(Arc::clone(&world.workspace));
    let view = engine.look_around(&place("seen"), "").await.table.unwrap().unwrap();
    assert_eq!((view.detail.table_type.as_str(), view.detail.format.as_str()), ("MANAGED", "DELTA"));
    assert_eq!(view.detail.comment, "for looking at");
    assert_eq!(view.detail.properties["delta.appendOnly"], "true");
    assert_eq!((view.obstacles.len(), view.missing.len()), (0, 0));
    assert_eq!(
        (view.columns[0].comment.as_str(), view.columns[0].carried.protobuf.as_deref()),
        ("the key", Ok("int64"))
    );
    assert!(view.columns[1].carried.protobuf.is_err() && view.columns[1].carried.json.is_ok());
    let LatestRows::Read(rows) = view.rows else { panic!("{:?}", view.rows) };
    assert_eq!(rows.rows, [[Some("7".to_owned()), Some("[[1]]".to_owned())]]);

    let reader = world.caller.create("looker").await;
    let id = &reader.client_id;
    let theirs = Engine::new(as_principal(&world, id, reader.client_secret.clone()));
    let seen = theirs.look_around(&place("seen"), "").await;
    assert_eq!(seen.table.unwrap().unwrap_err().error_code, "PERMISSION_DENIED");
    let error = seen.tables.unwrap().unwrap_err();
    assert!(
        error.message.contains("GRANT USE SCHEMA") && !error.message.contains("Nothing was written"),
        "{}",
        error.message
    );
    for grant in ["USE CATALOG, USE SCHEMA, SELECT, MODIFY ON CATALOG main"] {
        world.caller.rows(&format!("GRANT {grant} TO `{id}`")).await;
    }
    let view = theirs.look_around(&place("seen"), "").await.table.unwrap().unwrap();
    assert_eq!(view.missing.len(), 1, "what it has is inherited: {:?}", view.missing);
    world.caller.rows(&view.missing[0].text).await;
    assert_eq!(theirs.look_around(&place("seen"), "").await.table.unwrap().unwrap().missing, []);
    let nowhere = engine.look_around(&place("nowhere"), "").await.table.unwrap().unwrap_err();
    assert_eq!(nowhere.error_code, "TABLE_DOES_NOT_EXIST");
    world.lakehouse.stop().await;
}
