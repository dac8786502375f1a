//! An upload in use: it stays while somebody holds it, and goes with the last of those whose run was its purpose.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::store::Store;
use crate::model::Upload;

/// Keeps an upload where it is.
pub struct HeldUpload {
    store: Arc<Store>,
    upload: Upload,
    path: PathBuf,
    is_done: bool,
}

impl HeldUpload {
    pub(super) fn take(store: Arc<Store>, id: &str) -> Option<Self> {
        let (upload, path) = store.hold(id)?;
        Some(Self { store, upload, path, is_done: false })
    }

    /// What is held.
    pub fn upload(&self) -> &Upload {
        &self.upload
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its run is over: nobody needs it any more.
    pub fn done(mut self) {
        self.is_done = true;
    }
}

impl Drop for HeldUpload {
    fn drop(&mut self) {
        self.store.let_go(&self.upload.id, self.is_done);
    }
}
