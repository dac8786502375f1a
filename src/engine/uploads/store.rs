//! The folder of uploads: what is in it, who uses it, what goes. Blocking; every method leaves whole uploads or none.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::Uuid;

use super::{UploadError, UploadLimits};
use crate::model::{Upload, is_upload_id};

const ARRIVING: &str = "arriving-";
const GOING: &str = "going-";

/// One folder.
pub(super) struct Store {
    folder: PathBuf,
    limits: UploadLimits,
    /// How many hold an upload; held while one is looked for or goes, so that none goes that was just found.
    in_use: Mutex<HashMap<String, usize>>,
}

impl Store {
    pub(super) fn new(folder: PathBuf, limits: UploadLimits) -> Self {
        Self { folder, limits, in_use: Mutex::default() }
    }

    /// Where an upload is written before it is whole.
    pub(super) fn arriving(&self, id: &str) -> PathBuf {
        self.folder.join(format!("{ARRIVING}{id}"))
    }

    /// Gives what has arrived its place; the oldest that nobody uses makes room.
    pub(super) fn keep(&self, id: &str, arrived: &Path) -> Result<(), UploadError> {
        let in_use = self.lock();
        let mut kept = self.ids();
        while kept.len() >= self.limits.kept {
            let oldest = kept.iter().position(|id| !in_use.contains_key(id)).ok_or(UploadError::Busy)?;
            self.remove(&kept.remove(oldest));
        }
        Ok(fs::rename(arrived, self.folder.join(id))?)
    }

    /// An upload and its file.
    pub(super) fn find(&self, id: &str) -> Option<(Upload, PathBuf)> {
        if !is_upload_id(id) {
            return None;
        }
        let file = fs::read_dir(self.folder.join(id)).ok()?.next()?.ok()?;
        let name = file.file_name().to_string_lossy().into_owned();
        let bytes = file.metadata().ok()?.len();
        Some((Upload { id: id.to_owned(), name, bytes }, file.path()))
    }

    pub(super) fn hold(&self, id: &str) -> Option<(Upload, PathBuf)> {
        let mut in_use = self.lock();
        let found = self.find(id)?;
        *in_use.entry(id.to_owned()).or_default() += 1;
        Some(found)
    }

    /// One that held it lets go; the last one takes it along when its run is over.
    pub(super) fn let_go(&self, id: &str, is_done: bool) {
        let mut in_use = self.lock();
        let left = in_use.get(id).map_or(0, |count| count.saturating_sub(1));
        if left > 0 {
            in_use.insert(id.to_owned(), left);
            return;
        }
        in_use.remove(id);
        if is_done {
            self.remove(id);
        }
    }

    pub(super) fn forget(&self, id: &str) {
        let in_use = self.lock();
        if is_upload_id(id) && !in_use.contains_key(id) {
            self.remove(id);
        }
    }

    pub(super) fn forget_old(&self, now: SystemTime) {
        let in_use = self.lock();
        let is_old = |id: &String| age(id, now).is_some_and(|age| age > self.limits.age);
        for id in self.ids().into_iter().filter(|id| is_old(id) && !in_use.contains_key(id)) {
            self.remove(&id);
        }
    }

    /// What was arriving, or going, when the program ended the last time.
    pub(super) fn forget_unfinished(&self) {
        for name in self.names().filter(|name| name.starts_with(ARRIVING) || name.starts_with(GOING)) {
            self.throw_away(&self.folder.join(name));
        }
    }

    /// By age, the oldest first: that is how ids of version 7 are ordered.
    fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = self.names().filter(|name| is_upload_id(name)).collect();
        ids.sort();
        ids
    }

    fn names(&self) -> impl Iterator<Item = String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.filter_map(|entry| entry.file_name().into_string().ok())
    }

    /// Out of sight first, so that nobody finds half of it.
    fn remove(&self, id: &str) {
        let going = self.folder.join(format!("{GOING}{id}"));
        if fs::rename(self.folder.join(id), &going).is_ok() {
            self.throw_away(&going);
        }
    }

    fn throw_away(&self, folder: &Path) {
        if let Err(error) = fs::remove_dir_all(folder) {
            tracing::warn!(%error, folder = %folder.display(), "an upload could not be deleted");
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.in_use.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How long ago an id was made.
fn age(id: &str, now: SystemTime) -> Option<Duration> {
    let (seconds, nanos) = Uuid::parse_str(id).ok()?.get_timestamp()?.to_unix();
    now.duration_since(UNIX_EPOCH + Duration::new(seconds, nanos)).ok()
}
