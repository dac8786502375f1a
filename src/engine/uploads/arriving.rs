//! An upload that arrives: counted, written as it comes, gone when it does not become whole.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::fs::File;
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;
use uuid::Uuid;

use super::UploadError;
use super::store::Store;
use crate::model::Upload;

/// A file that is being written; dropped before [`Self::finish`] it is thrown away.
pub struct Arriving {
    store: Arc<Store>,
    /// Where it is written; `None` once it has its place.
    folder: Option<PathBuf>,
    file: File,
    upload: Upload,
    most_bytes: u64,
    _place: OwnedSemaphorePermit,
}

impl Arriving {
    pub(super) async fn begin(
        store: Arc<Store>,
        most_bytes: u64,
        name: String,
        place: OwnedSemaphorePermit,
    ) -> Result<Self, UploadError> {
        let id = Uuid::now_v7().to_string();
        let folder = store.arriving(&id);
        tokio::fs::create_dir_all(&folder).await?;
        let file = match File::create_new(folder.join(&name)).await {
            Ok(file) => file,
            Err(error) => {
                // Nothing is in it yet.
                let _ = std::fs::remove_dir(&folder);
                return Err(error.into());
            }
        };
        let upload = Upload { id, name, bytes: 0 };
        Ok(Self { store, folder: Some(folder), file, upload, most_bytes, _place: place })
    }

    /// Writes what has come.
    ///
    /// # Errors
    /// [`UploadError::TooLarge`] at the first byte too many, [`UploadError::Disk`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), UploadError> {
        self.upload.bytes += bytes.len() as u64;
        if self.upload.bytes > self.most_bytes {
            return Err(UploadError::TooLarge(self.most_bytes));
        }
        Ok(self.file.write_all(bytes).await?)
    }

    /// It is whole: gives it its place.
    ///
    /// # Errors
    /// [`UploadError::Empty`], [`UploadError::Busy`] when all that may be kept are in use, [`UploadError::Disk`].
    pub async fn finish(mut self) -> Result<Upload, UploadError> {
        if self.upload.bytes == 0 {
            return Err(UploadError::Empty);
        }
        self.file.flush().await?;
        if let Some(folder) = &self.folder {
            let (store, id, folder) = (self.store.clone(), self.upload.id.clone(), folder.clone());
            let kept = tokio::task::spawn_blocking(move || store.keep(&id, &folder)).await;
            kept.map_err(std::io::Error::other)??;
            self.folder = None;
        }
        Ok(self.upload.clone())
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        // What cannot be removed now is when the program starts the next time.
        if let Some(folder) = self.folder.take() {
            let _ = std::fs::remove_dir_all(folder);
        }
    }
}
