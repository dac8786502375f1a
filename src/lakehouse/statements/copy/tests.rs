//! What becomes of a `COPY INTO` when the table has some of its files by the time of its commit.

use std::sync::atomic::{AtomicUsize, Ordering};

use deltalake::datafusion::prelude::SessionContext;
use deltalake::datafusion::sql::sqlparser::parser::Parser;
use deltalake::kernel::{PrimitiveType, StructField};

use super::*;
use crate::lakehouse::statements::dialect::Spark;
use crate::lakehouse::store::{Store, TableOptions};

const VOLUME: &str = "/Volumes/main/default/landing";

struct Room {
    table: Arc<Table>,
    volumes: Volumes,
    _folder: tempfile::TempDir,
}

impl Room {
    /// A table `id BIGINT`, and a volume with the files `1.json`, `2.json`, ... of one row each.
    async fn new(files: i64) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(folder.path(), Default::default(), Default::default()).expect("store");
        store.create_catalog("main").and_then(|()| store.create_schema("main", "default")).expect("schema");
        let name = TableName::parse("main.default.t").expect("name");
        let fields = vec![StructField::nullable("id", PrimitiveType::Long)];
        store.create_table(&name, fields, TableOptions::default()).await.expect("table");
        let volumes = Volumes::open(folder.path()).expect("volumes");
        volumes.create(&TableName::parse("main.default.landing").expect("name"), &store).expect("volume");
        for id in 1..=files {
            let path = VolumePath::parse(&format!("{VOLUME}/{id}.json")).expect("path");
            let (upload, mut file) = volumes.begin(&path, false).expect("begin");
            std::io::Write::write_all(&mut file, format!("{{\"id\": {id}}}").as_bytes()).expect("write");
            volumes.finish(upload, &path, false).expect("finish");
        }
        Self { table: store.table(&name).await.expect("open"), volumes, _folder: folder }
    }

    async fn read(&self, more: &str) -> Result<Loading, Failure> {
        let sql = format!("COPY INTO t FROM '{VOLUME}' FILEFORMAT = JSON {more}");
        let copy = parse_copy(&mut Parser::new(&Spark).try_with_sql(&sql).expect("tokens"));
        let copy = Arc::new(copy.expect("good").expect("a COPY INTO"));
        let path = source_path(&copy.path)?;
        read(&self.table, self.volumes.clone(), copy, path, CancellationToken::new()).await
    }

    /// Loads what is to be loaded while somebody else loads these files between the reading and the commit, once.
    async fn load_against(&self, others: &str, more: &str) -> Result<usize, Failure> {
        let reads = AtomicUsize::new(0);
        load(&self.table, || async {
            let loading = self.read(more).await?;
            if reads.fetch_add(1, Ordering::Relaxed) == 0 {
                let Loading { batches, versions, .. } = self.read(others).await?;
                self.table.load(batches, versions).await?;
            }
            Ok(loading)
        })
        .await
    }

    async fn ids(&self) -> Vec<i64> {
        let context = SessionContext::new();
        let frame = context.read_table(self.table.provider().await.expect("provider")).expect("table");
        let batches = frame.collect().await.expect("rows");
        let ids = batches.iter().flat_map(|batch| {
            let column = batch.column(0).as_any().downcast_ref::<deltalake::arrow::array::Int64Array>();
            column.expect("BIGINT").values().to_vec()
        });
        let mut ids: Vec<i64> = ids.collect();
        ids.sort_unstable();
        ids
    }
}

#[tokio::test]
async fn a_file_that_was_loaded_meanwhile_is_left_out_and_the_others_are_loaded() {
    let room = Room::new(3).await;
    let rows = room.load_against("FILES = ('2.json')", "").await.expect("loaded");
    assert_eq!((rows, room.ids().await), (2, vec![1, 2, 3]));
}

#[tokio::test]
async fn nothing_is_left_to_do_when_all_files_were_loaded_meanwhile() {
    let room = Room::new(2).await;
    let rows = room.load_against("", "").await.expect("nothing to do");
    assert_eq!((rows, room.ids().await), (0, vec![1, 2]));
}

#[tokio::test]
async fn force_loads_what_was_loaded_meanwhile_too() {
    let room = Room::new(2).await;
    let rows = room.load_against("FILES = ('2.json')", "COPY_OPTIONS ('force' = 'true')").await.expect("loaded");
    assert_eq!((rows, room.ids().await), (2, vec![1, 2, 2]));
}

#[tokio::test]
async fn a_plan_that_is_overtaken_again_and_again_ends_and_writes_nothing() {
    let room = Room::new(2).await;
    let reads = AtomicUsize::new(0);
    let failure = load(&room.table, || async {
        let loading = room.read("COPY_OPTIONS ('force' = 'true')").await?;
        let Loading { batches, versions, .. } = room.read("FILES = ('2.json') COPY_OPTIONS ('force' = 'true')").await?;
        room.table.load(batches, versions).await?;
        reads.fetch_add(1, Ordering::Relaxed);
        Ok(loading)
    });
    let failure = failure.await.expect_err("overtaken").to_string();
    assert!(failure.contains("has this already") && failure.contains("nothing was written"), "{failure}");
    let attempts = reads.load(Ordering::Relaxed);
    assert_eq!(u32::try_from(attempts), Ok(ATTEMPTS));
    assert_eq!(room.ids().await, vec![2; attempts], "nothing of its own");
}
