//! `COPY INTO`: files of a volume become rows of a table, each file once.
//!
//! All files of a statement are read and checked first and are then one Delta commit, so a file that cannot be loaded, a
//! crash or a cancellation leaves the table as it was. The same commit records each file as a Delta transaction (`txn`)
//! of the application `copy-into:<hash of its path>`, whose version counts how often it was loaded; a file whose path is
//! recorded is skipped, also when it has changed since, as on the real one, unless `'force' = 'true'`. Delta keeps
//! transactions through checkpoints and log clean-ups, and they go with the table.
//!
//! One `COPY INTO` at a time reads for a table. The commit has the last word all the same: it is refused when a file was
//! recorded since it was looked up (an earlier commit whose fate was not known at that time may turn up so), and then
//! the files are looked up and read again.
//!
//! With a SELECT in FROM the files' fields are texts and the SELECT makes columns of them ([`select`]).
//!
//! Stricter than the real one, because nothing is to be changed silently: a row that does not fit its table as it is
//! fails the statement with the file and the line, whatever the mode; a field without a column is refused.

use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use deltalake::arrow::array::RecordBatch;
use deltalake::arrow::datatypes::SchemaRef;
use tokio_util::sync::CancellationToken;

use super::failure::Failure;
use super::output::Output;
use super::run::{Job, Runner, blocking, unless_canceled};
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::files::{FileError, VolumePath, Volumes, failed};
use crate::lakehouse::grants::Privilege;
use crate::lakehouse::table::Table;
use crate::model::TableName;

mod csv;
mod json;
mod parquet;
mod parse;
mod pattern;
mod select;

pub(super) use parse::{Copy, parse_copy};
use parse::{Format, Selection};
use select::Texts;

/// A `COPY INTO` is one commit, so its rows are in memory at once; this is the most they may take.
const LOAD_BYTES: usize = 256 << 20;
/// A JSON or CSV file is read as a whole; this is the most it may have.
const TEXT_BYTES: u64 = 256 << 20;
/// The most files of one statement.
const MAX_FILES: usize = 10_000;
/// How often the files are read when commits are refused because some were loaded meanwhile.
const ATTEMPTS: u32 = 5;
/// Rows that become columns together.
const BATCH_ROWS: usize = 8192;

/// One `COPY INTO` at a time for each table: two at once would both find that a file was not loaded.
#[derive(Clone, Default)]
pub(super) struct Copies {
    running: Arc<Mutex<HashMap<TableName, Arc<tokio::sync::Mutex<()>>>>>,
}

impl Copies {
    fn of(&self, table: &TableName) -> Arc<tokio::sync::Mutex<()>> {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        running.retain(|_, turn| Arc::strong_count(turn) > 1);
        Arc::clone(running.entry(table.clone()).or_default())
    }
}

/// Runs the `COPY INTO`. It can be cancelled until its rows enter the table's queue and not after.
pub(super) async fn run(runner: &Runner, job: &Job, copy: Copy, cancel: &CancellationToken) -> Result<Output, Failure> {
    let name = runner.table_name(job, &copy.target)?;
    runner.check_table(job, Privilege::Modify, &name)?;
    let path = source_path(&copy.path)?;
    runner.check_volume(job, Privilege::ReadVolume, path.volume())?;
    let table = runner.store.table(&name).await?;
    let turn = runner.copies.of(table.name());
    let turn = unless_canceled(cancel, async { Ok(turn.lock().await) }).await?;
    let copy = Arc::new(copy);
    let rows = load(&table, || async {
        let (volumes, copy) = (runner.volumes.clone(), Arc::clone(&copy));
        let select = copy.select.clone();
        let reading = read(&table, volumes, copy, path.clone(), cancel.clone());
        let mut loading = unless_canceled(cancel, reading).await?;
        if let Some(select) = select {
            unless_canceled(cancel, select::run(runner, job, &table, *select, &mut loading)).await?;
        }
        Ok(loading)
    });
    let rows = rows.await?;
    drop(turn);
    Ok(Output::counts(&[("num_affected_rows", rows), ("num_inserted_rows", rows), ("num_skipped_corrupt_files", 0)]))
}

/// Puts what `read` gives into the table, and lets it read again while the table turns out to have some of it. Returns
/// the rows that were loaded.
async fn load<R>(table: &Table, mut read: impl FnMut() -> R) -> Result<usize, Failure>
where
    R: Future<Output = Result<Loading, Failure>>,
{
    let mut attempt = 1;
    loop {
        let Loading { batches, rows, versions, .. } = read().await?;
        if versions.is_empty() {
            return Ok(0);
        }
        match table.load(batches, versions).await {
            Err(error @ LakehouseError::AlreadyApplied { .. }) if attempt < ATTEMPTS => {
                tracing::info!(table = %table.name(), %error, "a file was loaded meanwhile; looking for the others again");
                attempt += 1;
            }
            ended => return ended.map(|()| rows).map_err(Failure::from),
        }
    }
}

/// Reads all files that are to be loaded.
async fn read(
    table: &Table,
    volumes: Volumes,
    copy: Arc<Copy>,
    path: VolumePath,
    cancel: CancellationToken,
) -> Result<Loading, Failure> {
    let found = {
        let (volumes, copy) = (volumes.clone(), Arc::clone(&copy));
        blocking(move || find(&volumes, &copy, &path)).await?
    };
    let sources = fresh(table, found, copy.force).await?;
    let schema = table.arrow_schema();
    blocking(move || read_all(&volumes, sources, &copy, Loading::new(schema, cancel))).await
}

fn source_path(text: &str) -> Result<VolumePath, Failure> {
    let inside = text.strip_prefix("dbfs:").unwrap_or(text);
    if !inside.starts_with('/') {
        return Err(Failure::unsupported(format_args!("Loading from '{text}', which is no path of a volume,")));
    }
    Ok(VolumePath::parse(inside)?)
}

/// The files that the statement is about, sorted.
fn find(volumes: &Volumes, copy: &Copy, path: &VolumePath) -> Result<BTreeSet<String>, Failure> {
    let mut found = BTreeSet::new();
    if let Selection::Files(names) = &copy.selection {
        for name in names {
            let file = path.join(name)?;
            if volumes.entry(&file)?.is_none_or(|entry| entry.is_folder) {
                return Err(FileError::FileNotFound(file).into());
            }
            found.insert(file.to_string());
        }
        return Ok(found);
    }
    if volumes.entry(path)?.is_some_and(|entry| !entry.is_folder) {
        found.insert(path.to_string());
        return Ok(found);
    }
    let mut folders = vec![path.clone()];
    while let Some(folder) = folders.pop() {
        // Names that begin so are nobody's data, for every reader of data lakes.
        let entries = volumes.entries(&folder)?.into_iter().filter(|entry| !entry.name.starts_with(['.', '_']));
        for entry in entries {
            let inner = folder.join(&entry.name)?;
            if entry.is_folder && copy.recursive {
                folders.push(inner);
            } else if !entry.is_folder && is_wanted(&copy.selection, path, &inner, &entry.name) {
                found.insert(inner.to_string());
            }
        }
        if found.len() + folders.len() > MAX_FILES {
            return Err(Failure::too_much(format_args!(
                "There are more than {MAX_FILES} files in '{path}'; nothing was loaded. Name some with FILES or PATTERN."
            )));
        }
    }
    Ok(found)
}

fn is_wanted(selection: &Selection, source: &VolumePath, file: &VolumePath, name: &str) -> bool {
    let Selection::Pattern(pattern) = selection else { return true };
    if !pattern.has_folders {
        return pattern.matches(name);
    }
    let below = file.names().get(source.names().len()..).unwrap_or_default().join("/");
    pattern.matches(&below)
}

/// A file to be loaded.
struct Source {
    path: VolumePath,
    application: String,
    /// How often it will have been loaded then.
    version: i64,
}

/// What the table calls the loading of a file.
fn application(path: &str) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, path.as_bytes());
    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("copy-into:{hash}")
}

/// The files that were not loaded before, or all of them.
async fn fresh(table: &Table, found: BTreeSet<String>, force: bool) -> Result<Vec<Source>, Failure> {
    let mut sources = Vec::new();
    for path in found {
        let application = application(&path);
        let before = table.version_of(&application).await?;
        if before.is_none() || force {
            let version = before.unwrap_or(0).saturating_add(1);
            sources.push(Source { path: VolumePath::parse(&path)?, application, version });
        }
    }
    Ok(sources)
}

/// The rows of all files, as far as they were read.
struct Loading {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    /// Rows that a SELECT is still to make batches of.
    texts: Texts,
    rows: usize,
    bytes: usize,
    /// What the table is to record with them: the application of each file and its version.
    versions: Vec<(String, i64)>,
    cancel: CancellationToken,
}

impl Loading {
    fn new(schema: SchemaRef, cancel: CancellationToken) -> Self {
        let (batches, texts, versions) = (Vec::new(), Texts::default(), Vec::new());
        Self { schema, batches, texts, rows: 0, bytes: 0, versions, cancel }
    }

    fn push(&mut self, batch: RecordBatch) -> Result<(), Failure> {
        if self.cancel.is_cancelled() {
            return Err(Failure::Canceled);
        }
        self.rows += batch.num_rows();
        self.bytes += batch.get_array_memory_size();
        check_bytes(self.bytes)?;
        self.batches.push(batch);
        Ok(())
    }
}

fn check_bytes(bytes: usize) -> Result<(), Failure> {
    if bytes <= LOAD_BYTES {
        return Ok(());
    }
    Err(Failure::too_much(format_args!(
        "A COPY INTO takes at most {LOAD_BYTES} bytes of rows; nothing was loaded. Name fewer files with FILES."
    )))
}

/// What keeps a file from being loaded.
enum Problem {
    /// Something in the file.
    Record {
        /// "line 3" or "row 3"
        place: String,
        message: String,
    },
    Other(Failure),
}

impl Problem {
    fn line(line: usize, message: impl std::fmt::Display) -> Self {
        Self::Record { place: format!("line {line}"), message: message.to_string() }
    }

    fn in_file(self, path: &VolumePath) -> Failure {
        match self {
            Self::Record { place, message } => {
                let message = format_args!(
                    "'{path}' {place}: {message}. Nothing was loaded; correct the file and run COPY INTO again."
                );
                Failure::bad("MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION", message)
            }
            Self::Other(failure) => failure,
        }
    }
}

impl<E: Into<Failure>> From<E> for Problem {
    fn from(error: E) -> Self {
        Self::Other(error.into())
    }
}

/// Reads files into columns, or into texts when there is a SELECT to make columns of them.
fn read_all(volumes: &Volumes, sources: Vec<Source>, copy: &Copy, mut loading: Loading) -> Result<Loading, Failure> {
    for source in sources {
        let path = &source.path;
        let file = volumes.read(path)?;
        let length = file.metadata().map_err(failed(path))?.len();
        let read = match (&copy.format, &copy.select) {
            (Format::Parquet, _) => parquet::read(file, &mut loading),
            (Format::Json { multi_line }, Some(_)) => {
                read_text(path, file, length).and_then(|text| loading.texts.read(&text, *multi_line))
            }
            (Format::Json { multi_line }, None) => {
                read_text(path, file, length).and_then(|text| json::read(&text, *multi_line, &mut loading))
            }
            (Format::Csv(options), _) => {
                read_text(path, file, length).and_then(|text| csv::read(&text, options, &copy.columns, &mut loading))
            }
        };
        read.map_err(|problem| problem.in_file(path))?;
        loading.versions.push((source.application, source.version));
    }
    Ok(loading)
}

fn read_text(path: &VolumePath, mut file: File, bytes: u64) -> Result<String, Problem> {
    if bytes > TEXT_BYTES {
        return Err(Problem::Other(Failure::too_much(format_args!(
            "'{path}' has {bytes} bytes, and a JSON or CSV file may have {TEXT_BYTES}. Nothing was loaded; split it."
        ))));
    }
    let mut content = Vec::with_capacity(usize::try_from(bytes).unwrap_or_default());
    file.read_to_end(&mut content).map_err(failed(path))?;
    match String::from_utf8(content) {
        Ok(text) => Ok(text),
        Err(error) => {
            let good = error.utf8_error().valid_up_to();
            let line = 1 + error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
            Err(Problem::line(line, "the text is not UTF-8"))
        }
    }
}

/// The text without the mark that some programs put in front of UTF-8.
fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

#[cfg(test)]
#[path = "copy/tests.rs"]
mod tests;
