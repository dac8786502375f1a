//! Files that were handed in to be sources of records, kept in the data folder until their run is over.
//!
//! `uploads/<id>/<name>` is a whole upload: one that still arrives is `uploads/arriving-<id>/` and gets its place by one rename.
//! What may be kept is bounded in size, number and age. Knows nothing of HTTP; who streams a body into an [`Arriving`] does.

mod arriving;
mod held;
mod store;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use arriving::Arriving;
pub use held::HeldUpload;
use store::Store;

use super::Engine;
use super::run::preview_file;
use crate::model::{EdgeError, FilePreview, PlanSpec, TableName, Upload, number};

/// Name of the folder in the data folder.
const FOLDER: &str = "uploads";
/// Uploads that arrive at the same time; one more is refused.
const MOST_ARRIVING: usize = 4;
/// How often old uploads are looked for.
const SWEEP: Duration = Duration::from_secs(15 * 60);
/// Good records that a preview shows.
const PREVIEWED: usize = 10;

/// What may be kept.
#[derive(Clone, Copy, Debug)]
pub struct UploadLimits {
    /// Bytes of an upload.
    pub bytes: u64,
    /// Uploads; the oldest that is not in use makes room for a new one.
    pub kept: usize,
    /// How old an upload may get.
    pub age: Duration,
}

impl Default for UploadLimits {
    /// 16 uploads of 100 MB for a day.
    fn default() -> Self {
        Self { bytes: 100_000_000, kept: 16, age: Duration::from_secs(24 * 60 * 60) }
    }
}

/// Why an upload is not there.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It has more bytes than it may have.
    #[error("The upload is larger than {}", number::bytes(*.0))]
    TooLarge(u64),
    /// It has no bytes.
    #[error("The upload is empty")]
    Empty,
    /// It ended before it was whole.
    #[error("The upload did not arrive whole: {0}")]
    Broken(String),
    /// Too many arrive, or all that may be kept are in use.
    #[error("Too many uploads are under way")]
    Busy,
    /// There is none of that id, or no longer.
    #[error("The upload is not, or no longer, kept")]
    Unknown,
    /// The disk does not take or give it.
    #[error("The upload could not be kept: {0}")]
    Disk(#[from] std::io::Error),
}

impl From<UploadError> for EdgeError {
    fn from(error: UploadError) -> Self {
        let (code, next) = match &error {
            UploadError::TooLarge(_) => (
                "REQUEST_TOO_LARGE",
                "Send a smaller file, or run it from the command line with source.path in a plan file.",
            ),
            UploadError::Empty => ("INVALID_PARAMETER_VALUE", "Choose another file, or paste records."),
            UploadError::Broken(_) => ("MALFORMED_REQUEST", "Send it again."),
            UploadError::Busy => ("RESOURCE_EXHAUSTED", "Try again in a little while."),
            UploadError::Unknown => {
                ("NOT_FOUND", "Uploads go when their run is over or after a day. Upload the file again.")
            }
            UploadError::Disk(_) => ("INTERNAL", "See to the data folder and its disk, then try again."),
        };
        let kept = if matches!(error, UploadError::Unknown) { "Nothing was started" } else { "Nothing of it was kept" };
        Self::new(code, format!("{error}. {kept}. {next}"))
    }
}

/// The uploads of one data folder. Cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    store: Arc<Store>,
    places: Arc<Semaphore>,
    limits: UploadLimits,
}

impl Uploads {
    /// The uploads in that folder; what arrived when the program ended the last time is thrown away.
    pub async fn open(data_dir: &Path, limits: UploadLimits) -> Self {
        let store = Arc::new(Store::new(data_dir.join(FOLDER), limits));
        let uploads = Self { store, places: Arc::new(Semaphore::new(MOST_ARRIVING)), limits };
        uploads.on_disk(|store| store.forget_unfinished()).await;
        uploads.sweep(SystemTime::now()).await;
        uploads
    }

    /// Begins to take a file of that name; bytes are written to what this answers.
    ///
    /// # Errors
    /// [`UploadError::Busy`], [`UploadError::Disk`].
    pub async fn begin(&self, name: &str) -> Result<Arriving, UploadError> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| UploadError::Busy)?;
        Arriving::begin(self.store.clone(), self.limits.bytes, harmless(name), place).await
    }

    /// What is known of an upload.
    ///
    /// # Errors
    /// [`UploadError::Unknown`].
    pub async fn find(&self, id: &str) -> Result<Upload, UploadError> {
        let id = id.to_owned();
        self.on_disk(move |store| store.find(&id)).await.map(|(upload, _)| upload).ok_or(UploadError::Unknown)
    }

    /// Keeps an upload from being deleted until what this answers is dropped.
    ///
    /// # Errors
    /// [`UploadError::Unknown`].
    pub async fn hold(&self, id: &str) -> Result<HeldUpload, UploadError> {
        let id = id.to_owned();
        let store = self.store.clone();
        self.on_disk(move |_| HeldUpload::take(store, &id)).await.ok_or(UploadError::Unknown)
    }

    /// Deletes an upload that nobody uses.
    pub async fn forget(&self, id: &str) {
        let id = id.to_owned();
        self.on_disk(move |store| store.forget(&id)).await;
    }

    /// Deletes what is too old at that time and not in use.
    pub async fn sweep(&self, now: SystemTime) {
        self.on_disk(move |store| store.forget_old(now)).await;
    }

    /// Looks for old uploads now and then until the program stops.
    pub async fn keep_sweeping(&self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(SWEEP)).await.is_some() {
            self.sweep(SystemTime::now()).await;
        }
    }

    /// A panic there leaves nothing half done: what counts are renames.
    async fn on_disk<T: Send + 'static>(&self, work: impl FnOnce(&Arc<Store>) -> T + Send + 'static) -> T {
        let store = self.store.clone();
        match tokio::task::spawn_blocking(move || work(&store)).await {
            Ok(done) => done,
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}

/// A name that is one part of a path and nothing else: letters, digits, `.`, `-`, `_` and spaces, at most 120 bytes, and no
/// point in front.
fn harmless(name: &str) -> String {
    const LONGEST: usize = 120;
    // Some browsers send whole paths.
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    let keep = |letter: char| if letter.is_alphanumeric() || ".-_ ".contains(letter) { letter } else { '_' };
    let mut plain: String = last.trim_start_matches('.').chars().map(keep).collect();
    while plain.len() > LONGEST {
        // From the front, so that the ending stays, which tells how the file is written.
        plain.remove(0);
    }
    let plain = plain.trim_start_matches(['.', ' ']).trim_end();
    if plain.is_empty() { "records".to_owned() } else { plain.to_owned() }
}

impl Engine {
    /// Takes uploads as sources of records.
    #[must_use]
    pub fn with_uploads(mut self, uploads: Uploads) -> Self {
        self.uploads = Some(uploads);
        self
    }

    /// Where uploads are kept.
    ///
    /// # Errors
    /// `NOT_CONFIGURED` where there is no page to upload with.
    pub fn uploads(&self) -> Result<&Uploads, EdgeError> {
        self.uploads.as_ref().ok_or_else(|| {
            let message =
                "Uploads are taken by the server of the page only. Nothing was started. Name the file as source.path.";
            EdgeError::new("NOT_CONFIGURED", message)
        })
    }

    /// What an upload holds for a table: its fields with the columns they go to, its first good records, and every broken rule.
    ///
    /// # Errors
    /// `NOT_FOUND` for the upload, `TABLE_DOES_NOT_EXIST`, `INVALID_PARAMETER_VALUE` for a file that cannot be read to its end and
    /// for a mapping to columns that there are not, or what the workspace says.
    pub async fn preview_upload(
        &self,
        id: &str,
        map: std::collections::BTreeMap<String, String>,
        table: &TableName,
    ) -> Result<(Upload, FilePreview), EdgeError> {
        let held = self.uploads()?.hold(id).await?;
        let table = self.table_of(table).await?;
        let read =
            move || preview_file(held.path(), &map, &table, PREVIEWED).map(|preview| (held.upload().clone(), preview));
        tokio::task::spawn_blocking(read).await.unwrap_or_else(|error| {
            let message = format!("The upload could not be looked at: {error}. It is kept. Try again.");
            Err(EdgeError::new("INTERNAL", message))
        })
    }

    /// Puts the upload's file where the plan has its id, and holds it; `None` for a plan without an upload.
    pub(super) async fn hold_upload(&self, spec: &mut PlanSpec) -> Result<Option<HeldUpload>, EdgeError> {
        let Some(id) = &spec.source.upload else { return Ok(None) };
        let held = self.uploads()?.hold(id).await?;
        let path: PathBuf = held.path().to_owned();
        spec.source.path = Some(path.to_string_lossy().into_owned());
        Ok(Some(held))
    }
}
