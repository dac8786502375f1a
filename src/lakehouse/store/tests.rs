//! Promises of the store, on real Delta tables in a temporary folder.

use deltalake::arrow::array::{AsArray, Int64Array, RecordBatch, StringArray};
use deltalake::arrow::datatypes::{DataType, Int64Type, Schema};
use deltalake::kernel::PrimitiveType;

use super::*;

fn name(text: &str) -> TableName {
    TableName::parse(text).expect("table name")
}

async fn store_with_table(folder: &Path) -> (Store, TableName) {
    let store = Store::open(folder, StoreOptions::default(), Weather::default()).expect("open");
    store.create_catalog("main").expect("catalog");
    store.create_schema("main", "s").expect("schema");
    let name = name("main.s.t");
    store.create_table(&name, fields(), TableOptions::default()).await.expect("create");
    (store, name)
}

fn fields() -> Vec<StructField> {
    vec![StructField::nullable("id", PrimitiveType::Long), StructField::nullable("text", PrimitiveType::String)]
}

fn rows(table: &Table, ids: std::ops::Range<i64>) -> RecordBatch {
    let texts: StringArray = ids.clone().map(|id| Some(format!("row {id}"))).collect();
    let ids = Int64Array::from_iter_values(ids);
    RecordBatch::try_new(table.arrow_schema(), vec![Arc::new(ids), Arc::new(texts)]).expect("batch")
}

/// The ids in the table as a reader that knows nothing of this process finds them.
async fn ids_on_disk(folder: &Path) -> Vec<i64> {
    let url = ensure_table_uri(folder.to_string_lossy()).expect("url");
    let table = deltalake::open_table(url).await.expect("a fresh reader opens the table");
    let context = deltalake::datafusion::prelude::SessionContext::new();
    context.register_table("t", table.table_provider().await.expect("provider")).expect("register");
    let query = context.sql("SELECT id FROM t ORDER BY id").await.expect("plan");
    let batches = query.collect().await.expect("read");
    batches.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_on_disk_when_load_returns_and_survive_a_reopening() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    table.load(vec![rows(&table, 0..3)], Vec::new()).await.expect("append");
    assert_eq!(ids_on_disk(table.folder()).await, [0, 1, 2]);
    drop(table);
    store.close().await;
    drop(store);

    let store = Store::open(folder.path(), StoreOptions::default(), Weather::default()).expect("open again");
    let table = store.table(&name).await.expect("table");
    table.load(vec![rows(&table, 3..5)], Vec::new()).await.expect("append");
    assert_eq!(ids_on_disk(table.folder()).await, [0, 1, 2, 3, 4]);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_share_commits_and_every_row_is_there_once() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    let appends = (0..200_i64).map(|call| {
        let table = Arc::clone(&table);
        tokio::spawn(async move { table.load(vec![rows(&table, call * 5..call * 5 + 5)], Vec::new()).await })
    });
    for append in futures::future::join_all(appends).await {
        append.expect("task").expect("append");
    }
    assert_eq!(ids_on_disk(table.folder()).await, (0..1000).collect::<Vec<_>>());
    let commits = table.latest.borrow().version().expect("version");
    assert!(commits < 200, "{commits} commits for 200 calls: nothing was grouped");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_checkpoint_is_made_and_the_table_still_opens() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    for id in 0..105 {
        table.load(vec![rows(&table, id..id + 1)], Vec::new()).await.expect("append");
    }
    assert!(table.folder().join("_delta_log/_last_checkpoint").is_file());
    assert_eq!(ids_on_disk(table.folder()).await.len(), 105);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_another_shape_is_refused_and_does_not_spoil_the_group() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    let one_column = Schema::new(vec![deltalake::arrow::datatypes::Field::new("id", DataType::Int64, true)]);
    let bad = RecordBatch::try_new(Arc::new(one_column), vec![Arc::new(Int64Array::from(vec![9]))]).expect("batch");
    let (bad, good) = tokio::join!(table.load(vec![bad], Vec::new()), table.load(vec![rows(&table, 0..1)], Vec::new()));
    assert!(matches!(bad, Err(LakehouseError::InvalidArgument(_))), "{bad:?}");
    good.expect("good rows");
    assert_eq!(ids_on_disk(table.folder()).await, [0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_by_another_process_does_not_stop_ours() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    let url = ensure_table_uri(table.folder().to_string_lossy()).expect("url");
    let other = deltalake::open_table(url).await.expect("open");
    other.write(vec![rows(&table, 10..12)]).await.expect("the other's commit");
    table.load(vec![rows(&table, 0..1)], Vec::new()).await.expect("ours");
    assert_eq!(ids_on_disk(table.folder()).await, [0, 10, 11]);
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failed_commit_the_table_goes_on() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    // A file where the log folder was: nothing can be committed, not even by root.
    let (log, aside) = (table.folder().join("_delta_log"), table.folder().join("aside"));
    std::fs::rename(&log, &aside).expect("rename");
    std::fs::write(&log, b"").expect("file");
    let failed = table.load(vec![rows(&table, 0..1)], Vec::new()).await;
    let refused = matches!(failed, Err(LakehouseError::NotWritten { .. } | LakehouseError::Unknown { .. }));
    assert!(refused, "{failed:?}");
    std::fs::remove_file(&log).expect("remove");
    std::fs::rename(&aside, &log).expect("rename back");
    table.load(vec![rows(&table, 1..2)], Vec::new()).await.expect("append after the failure");
    assert_eq!(ids_on_disk(table.folder()).await, [1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn creating_and_dropping() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, t) = store_with_table(folder.path()).await;
    assert_eq!(store.tables().expect("list"), std::slice::from_ref(&t));
    let again = store.create_table(&t, fields(), TableOptions::default()).await;
    assert!(matches!(again, Err(LakehouseError::AlreadyExists(_))), "{again:?}");
    let options = TableOptions { if_not_exists: true, ..Default::default() };
    assert!(!store.create_table(&t, fields(), options).await.expect("if not exists"));
    let nowhere = store.create_table(&name("main.nowhere.t"), fields(), TableOptions::default()).await;
    assert!(matches!(nowhere, Err(LakehouseError::SchemaNotFound(_))), "{nowhere:?}");

    let table = store.table(&t).await.expect("table");
    table.load(vec![rows(&table, 0..2)], Vec::new()).await.expect("append");
    assert!(store.drop_table(&t, false).await.expect("drop"));
    assert!(matches!(store.table(&t).await, Err(LakehouseError::NotFound(_))));
    let late = table.load(vec![rows(&table, 2..3)], Vec::new()).await;
    assert!(matches!(late, Err(LakehouseError::Closed(_))), "{late:?}");
    assert!(!table.folder().exists(), "a late append must not bring the folder back");
    assert!(!store.drop_table(&t, true).await.expect("if exists"));
    assert!(matches!(store.drop_table(&t, false).await, Err(LakehouseError::NotFound(_))));

    assert!(store.create_table(&t, fields(), TableOptions::default()).await.expect("create again"));
    let table = store.table(&t).await.expect("table");
    table.load(vec![rows(&table, 7..8)], Vec::new()).await.expect("append");
    assert_eq!(ids_on_disk(table.folder()).await, [7]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_in_use_and_a_folder_that_cannot_be_made_are_said_in_a_sentence() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let _store = Store::open(folder.path(), StoreOptions::default(), Weather::default()).expect("open");
    let error =
        Store::open(folder.path(), StoreOptions::default(), Weather::default()).expect_err("locked").to_string();
    assert!(error.contains("already used by another running process"), "{error}");
    std::fs::write(folder.path().join("file"), b"").expect("file");
    let error = Store::open(&folder.path().join("file"), StoreOptions::default(), Weather::default())
        .expect_err("no folder")
        .to_string();
    assert!(error.contains("Creating the folder"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_type_makes_the_arrow_schema_that_rows_come_in() {
    use deltalake::arrow::datatypes::TimeUnit;
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, _) = store_with_table(folder.path()).await;
    let types = name("main.s.types");
    let fields = vec![
        StructField::nullable("at", PrimitiveType::Timestamp),
        StructField::nullable("local", PrimitiveType::TimestampNtz),
        StructField::nullable("day", PrimitiveType::Date),
        StructField::nullable("price", PrimitiveType::decimal(10, 2).expect("decimal")),
        StructField::not_null("raw", PrimitiveType::Binary),
    ];
    store.create_table(&types, fields, TableOptions::default()).await.expect("create");
    let table = store.table(&types).await.expect("table");
    let schema = table.arrow_schema();
    let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().clone()).collect();
    assert_eq!(
        types,
        [
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Date32,
            DataType::Decimal128(10, 2),
            DataType::Binary,
        ]
    );
    assert!(!table.uc_columns()[4].nullable);
}

/// Rows through the log, as a stream sends them.
async fn append(table: &Table, ids: std::ops::Range<i64>) {
    let entry = table.encoder().expect("encoder").encode(&rows(table, ids), None).expect("entry");
    table.append(entry).await.expect("queued").durable().await.expect("durable");
}

fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("folder");
    for entry in from.read_dir().expect("list") {
        let entry = entry.expect("entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("copy");
        }
    }
}

fn log_files(table: &Path) -> usize {
    log::folder(table).read_dir().map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_in_the_log_become_visible_and_the_log_is_emptied() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut options = StoreOptions::default();
    options.log.interval = Duration::from_millis(10);
    let store = Store::open(folder.path(), options, Weather::default()).expect("open");
    store.create_catalog("main").expect("catalog");
    store.create_schema("main", "s").expect("schema");
    store.create_table(&name("main.s.t"), fields(), TableOptions::default()).await.expect("create");
    let table = store.table(&name("main.s.t")).await.expect("table");
    let mut latest = table.latest.clone();
    for id in 0..5 {
        append(&table, id * 10..id * 10 + 10).await;
    }
    // Each commit is news; the last of them has all rows.
    while ids_on_disk(table.folder()).await.len() < 50 {
        latest.changed().await.expect("the table is open");
    }
    assert_eq!(ids_on_disk(table.folder()).await, (0..50).collect::<Vec<_>>());
    store.close().await;
    assert_eq!(log_files(table.folder()), 0);
}

/// What a kill leaves: a log with rows, some of them committed already.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_stores_log_is_committed_once_by_the_next() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    append(&table, 0..20).await;
    append(&table, 20..30).await;
    let killed = tempfile::tempdir().expect("temporary folder");
    copy_folder(folder.path(), killed.path());
    store.close().await;
    // Killed between the commit and the removal of the log's file: Delta has the rows, the log still too.
    let after_commit = tempfile::tempdir().expect("temporary folder");
    copy_folder(folder.path(), after_commit.path());
    let in_table = |base: &Path| base.join("tables/main/s/t");
    copy_folder(&log::folder(&in_table(killed.path())), &log::folder(&in_table(after_commit.path())));
    assert_eq!(log_files(&in_table(after_commit.path())), 1);

    for base in [killed.path(), after_commit.path()] {
        let store = Store::open(base, StoreOptions::default(), Weather::default()).expect("open");
        store.recover().await;
        let table = store.table(&name).await.expect("table");
        append(&table, 30..31).await;
        store.close().await;
        assert_eq!(ids_on_disk(table.folder()).await, (0..31).collect::<Vec<_>>());
        assert_eq!(log_files(table.folder()), 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_applied_once_even_by_two_at_the_same_time() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let (store, name) = store_with_table(folder.path()).await;
    let table = store.table(&name).await.expect("table");
    let load = || table.load(vec![rows(&table, 0..3)], vec![("file-a".to_owned(), 7)]);
    let (one, other) = tokio::join!(load(), load());
    let refused =
        [&one, &other].iter().filter(|result| matches!(result, Err(LakehouseError::AlreadyApplied { .. }))).count();
    assert!(refused == 1 && (one.is_ok() || other.is_ok()), "{one:?} {other:?}");
    assert_eq!(table.version_of("file-a").await.expect("read"), Some(7));
    assert_eq!(ids_on_disk(table.folder()).await, [0, 1, 2]);
    table.load(vec![rows(&table, 3..4)], vec![("file-a".to_owned(), 8)]).await.expect("a newer version");
}
