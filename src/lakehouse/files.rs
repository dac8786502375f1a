//! Volumes: folders of files beside the tables, for the Files API and for `COPY INTO`.
//!
//! A volume `c.s.v` is the folder `<data>/volumes/c/s/v`. A file is there as a whole or not at all: it is written to a
//! staging folder, brought to the disk, and then renamed. What callers write as paths is checked by [`path`] and walked
//! by [`folder`], which follows no symbolic link, so that nothing outside of a volume can be read or written through it.
//! Here is no HTTP ([`routes`]) and no SQL.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use super::disk::{create_folders, sync_folder};
use super::error::LakehouseError;
use super::store::Store;
use crate::model::TableName;

mod folder;
mod path;
mod routes;

pub(crate) use folder::Entry;
use folder::Folder;
pub use path::VolumePath;
pub use routes::router;

/// The largest file, as on the real API.
pub const FILE_BYTES: u64 = 5 << 30;

/// Uploads on their way. No catalog can have these names: names have no dots.
const STAGING: &str = ".staging";
/// Dropped volumes wait here for their removal.
const TRASH: &str = ".dropped";

/// What can go wrong with a file.
#[derive(Clone, Debug, thiserror::Error)]
pub enum FileError {
    /// Text that is no path of a volume.
    #[error("'{path}' is not a path of a volume: {problem}.")]
    BadPath {
        /// What came, shortened.
        path: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// There is no such volume.
    #[error("Volume '{0}' does not exist. Create it with CREATE VOLUME, or check the name with SHOW VOLUMES.")]
    VolumeNotFound(TableName),
    /// There is no such file.
    #[error("The file '{0}' does not exist.")]
    FileNotFound(VolumePath),
    /// There is no such folder.
    #[error("The directory '{0}' does not exist.")]
    FolderNotFound(VolumePath),
    /// Something is already there under that name.
    #[error("'{0}' already exists; nothing was changed. Set overwrite=true to replace a file.")]
    AlreadyExists(VolumePath),
    /// A folder is not empty.
    #[error("The directory '{0}' is not empty; nothing was removed. Remove what is in it first.")]
    NotEmpty(VolumePath),
    /// A file is larger than [`FILE_BYTES`].
    #[error("A file has at most {0} bytes; nothing was kept of '{1}'. Split it.")]
    TooLarge(u64, VolumePath),
    /// The connection ended before the file did.
    #[error("The upload of '{0}' broke off; nothing was kept. Send it again.")]
    Broken(VolumePath),
    /// The disk is full.
    #[error("There is no room for '{0}'; nothing was kept. Free some space and send it again.")]
    NoRoom(VolumePath),
    /// Anything else that the operating system said.
    #[error("Using '{path}' failed: {cause}.")]
    Io {
        /// The file or folder.
        path: VolumePath,
        /// What the operating system said.
        cause: Arc<std::io::Error>,
    },
}

/// All volumes of one data folder. Clones share them.
#[derive(Clone, Debug)]
pub struct Volumes {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: PathBuf,
    /// The most bytes of one file.
    limit: u64,
    /// Held for writing while a volume goes away, so that no file is put into one that is going.
    dropping: RwLock<()>,
}

/// A file that was sent but is not in its place yet; dropped, it is gone.
#[derive(Debug)]
pub(crate) struct Upload {
    staging: Folder,
    name: String,
    moved: bool,
}

impl Volumes {
    /// Opens the volumes of a data folder and removes what an earlier process left half done. The store is opened before:
    /// it sees to it that no other process works in the folder.
    ///
    /// # Errors
    /// [`LakehouseError::Io`] when the folder cannot be used.
    pub fn open(data: &Path) -> Result<Self, LakehouseError> {
        Self::with_limit(data, FILE_BYTES)
    }

    fn with_limit(data: &Path, limit: u64) -> Result<Self, LakehouseError> {
        let root = data.join("volumes");
        let staging = root.join(STAGING);
        let prepare = || {
            match std::fs::remove_dir_all(&staging) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            create_folders(&staging)?;
            root.canonicalize()
        };
        let root = prepare().map_err(LakehouseError::io(&root, "Preparing"))?;
        empty(&root.join(TRASH));
        Ok(Self { inner: Arc::new(Inner { root, limit, dropping: RwLock::default() }) })
    }

    /// The most bytes of one file.
    pub fn limit(&self) -> u64 {
        self.inner.limit
    }

    /// Whether there is such a volume.
    pub fn exists(&self, name: &TableName) -> bool {
        self.volume_folder(name).is_dir()
    }

    /// Creates a volume in an existing schema. Returns whether it is new.
    ///
    /// # Errors
    /// [`LakehouseError::SchemaNotFound`], [`LakehouseError::Io`].
    pub fn create(&self, name: &TableName, store: &Store) -> Result<bool, LakehouseError> {
        if !store.has_schema(name.catalog(), name.schema()) {
            return Err(LakehouseError::SchemaNotFound(format!("{}.{}", name.catalog(), name.schema())));
        }
        let _nothing_goes = self.inner.dropping.read().unwrap_or_else(PoisonError::into_inner);
        if self.exists(name) {
            return Ok(false);
        }
        let folder = self.volume_folder(name);
        create_folders(&folder).map_err(LakehouseError::io(&folder, "Creating the folder"))?;
        Ok(true)
    }

    /// Drops a volume with its files. Returns whether it was there.
    ///
    /// # Errors
    /// [`LakehouseError::Io`].
    pub fn drop_volume(&self, name: &TableName) -> Result<bool, LakehouseError> {
        let trash = self.inner.root.join(TRASH);
        let folder = self.volume_folder(name);
        let alone = self.inner.dropping.write().unwrap_or_else(PoisonError::into_inner);
        if !self.exists(name) {
            return Ok(false);
        }
        let rename = || {
            create_folders(&trash)?;
            std::fs::rename(&folder, trash.join(uuid::Uuid::new_v4().to_string()))?;
            sync_folder(&trash)?;
            folder.parent().map_or(Ok(()), sync_folder)
        };
        rename().map_err(LakehouseError::io(&folder, "Dropping the volume in"))?;
        drop(alone);
        empty(&trash);
        Ok(true)
    }

    /// The volumes of a schema, sorted.
    ///
    /// # Errors
    /// [`LakehouseError::Io`].
    pub fn list(&self, catalog: &str, schema: &str) -> Result<Vec<String>, LakehouseError> {
        let is_volume = |name: &String| {
            TableName::parse(&format!("{catalog}.{schema}.{name}"))
                .is_ok_and(|full| full.table() == name && self.exists(&full))
        };
        let parent = self.inner.root.join(catalog).join(schema);
        match Folder::open(&parent).and_then(|folder| folder.names()) {
            Ok(names) => Ok(names.into_iter().filter(is_volume).collect()),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(LakehouseError::io(&parent, "Listing")(error)),
        }
    }

    /// What a path stands for; `None` for the volume itself.
    pub(crate) fn entry(&self, path: &VolumePath) -> Result<Option<Entry>, FileError> {
        let Some((parent, name)) = path.split_last() else {
            return self.walk(path).map(|_there| None);
        };
        let missing = || FileError::FileNotFound(path.clone());
        let folder = self.walk(&parent).map_err(|error| not_there(error, missing))?;
        folder.entry(name).map(Some).map_err(|error| not_there(failed(path)(error), missing))
    }

    /// Opens a file for reading.
    pub(crate) fn read(&self, path: &VolumePath) -> Result<File, FileError> {
        let missing = || FileError::FileNotFound(path.clone());
        let Some((parent, name)) = path.split_last() else { return Err(missing()) };
        let folder = self.walk(&parent).map_err(|error| not_there(error, missing))?;
        folder.file(name).map_err(|error| match error.kind() {
            // The real API has no file where a directory is.
            ErrorKind::IsADirectory => missing(),
            _ => not_there(failed(path)(error), missing),
        })
    }

    /// The files and folders in a folder, sorted by name.
    pub(crate) fn entries(&self, path: &VolumePath) -> Result<Vec<Entry>, FileError> {
        let folder = self.walk(path)?;
        let names = folder.names().map_err(failed(path))?;
        // What is neither, and what went away since, is left out.
        Ok(names.iter().filter_map(|name| folder.entry(name).ok()).collect())
    }

    /// Makes a folder with its parents.
    pub(crate) fn create_folder(&self, path: &VolumePath) -> Result<(), FileError> {
        let _nothing_goes = self.inner.dropping.read().unwrap_or_else(PoisonError::into_inner);
        self.make(path).map(|_folder| ())
    }

    /// Removes an empty folder.
    pub(crate) fn remove_folder(&self, path: &VolumePath) -> Result<(), FileError> {
        let missing = || FileError::FolderNotFound(path.clone());
        let Some((parent, name)) = path.split_last() else {
            let problem = "a volume is removed with DROP VOLUME";
            return Err(FileError::BadPath { path: path.to_string(), problem });
        };
        let folder = self.walk(&parent).map_err(|error| not_there(error, missing))?;
        folder.remove_folder(name).map_err(|error| match error.kind() {
            ErrorKind::DirectoryNotEmpty => FileError::NotEmpty(path.clone()),
            _ => not_there(failed(path)(error), missing),
        })
    }

    /// Removes a file.
    pub(crate) fn remove_file(&self, path: &VolumePath) -> Result<(), FileError> {
        let missing = || FileError::FileNotFound(path.clone());
        let Some((parent, name)) = path.split_last() else { return Err(missing()) };
        let folder = self.walk(&parent).map_err(|error| not_there(error, missing))?;
        folder.remove_file(name).map_err(|error| match error.kind() {
            ErrorKind::IsADirectory => missing(),
            _ => not_there(failed(path)(error), missing),
        })
    }

    /// Begins a file: what is written to it gets its name with [`Volumes::finish`].
    pub(crate) fn begin(&self, path: &VolumePath, overwrite: bool) -> Result<(Upload, File), FileError> {
        if !self.exists(path.volume()) {
            return Err(FileError::VolumeNotFound(path.volume().clone()));
        }
        match self.entry(path) {
            // Known before gigabytes are sent; whoever comes in between is met by `finish`.
            Ok(None) => return Err(FileError::AlreadyExists(path.clone())),
            Ok(Some(entry)) if entry.is_folder || !overwrite => return Err(FileError::AlreadyExists(path.clone())),
            Ok(Some(_)) | Err(FileError::FileNotFound(_)) => {}
            Err(error) => return Err(error),
        }
        let name = uuid::Uuid::new_v4().to_string();
        let staging = Folder::open(&self.inner.root.join(STAGING)).map_err(failed(path))?;
        let file = staging.new_file(&name).map_err(failed(path))?;
        Ok((Upload { staging, name, moved: false }, file))
    }

    /// Gives a file, already on the disk, its name; makes the folders it is in.
    pub(crate) fn finish(&self, mut upload: Upload, path: &VolumePath, overwrite: bool) -> Result<(), FileError> {
        let _nothing_goes = self.inner.dropping.read().unwrap_or_else(PoisonError::into_inner);
        let Some((parent, name)) = path.split_last() else { return Err(FileError::AlreadyExists(path.clone())) };
        let folder = self.make(&parent)?;
        let moved = upload.staging.move_file(&upload.name, &folder, name, overwrite);
        upload.moved = moved.is_ok();
        moved.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists | ErrorKind::IsADirectory => FileError::AlreadyExists(path.clone()),
            _ => failed(path)(error),
        })
    }

    /// Opens the folder of a path.
    fn walk(&self, path: &VolumePath) -> Result<Folder, FileError> {
        let missing = || FileError::FolderNotFound(path.clone());
        let mut folder = self.open_volume(path)?;
        for name in path.names() {
            folder = folder.child(name).map_err(|error| not_there(failed(path)(error), missing))?;
        }
        Ok(folder)
    }

    /// Opens the folder of a path and makes what is missing of it below the volume.
    fn make(&self, path: &VolumePath) -> Result<Folder, FileError> {
        let mut folder = self.open_volume(path)?;
        for name in path.names() {
            folder = folder.child_or_new(name).map_err(|error| {
                let is_no_folder = error.kind() == ErrorKind::NotADirectory || is_link(&error);
                if is_no_folder { FileError::AlreadyExists(path.clone()) } else { failed(path)(error) }
            })?;
        }
        Ok(folder)
    }

    fn open_volume(&self, path: &VolumePath) -> Result<Folder, FileError> {
        let missing = || FileError::VolumeNotFound(path.volume().clone());
        let opened = Folder::open(&self.volume_folder(path.volume()));
        opened.map_err(|error| not_there(failed(path)(error), missing))
    }

    fn volume_folder(&self, name: &TableName) -> PathBuf {
        self.inner.root.join(name.catalog()).join(name.schema()).join(name.table())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.moved {
            self.staging.discard(&self.name);
        }
    }
}

/// What the operating system said, in this module's words.
pub(crate) fn failed(path: &VolumePath) -> impl Fn(std::io::Error) -> FileError {
    move |cause| match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FileError::NoRoom(path.clone()),
        _ => FileError::Io { path: path.clone(), cause: Arc::new(cause) },
    }
}

/// Nothing of that name, a file in place of a folder and a symbolic link are all the same to a caller.
fn not_there(error: FileError, missing: impl FnOnce() -> FileError) -> FileError {
    match &error {
        FileError::FolderNotFound(_) => missing(),
        FileError::Io { cause, .. } => match cause.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => missing(),
            _ if is_link(cause) => missing(),
            _ => error,
        },
        _ => error,
    }
}

/// What opening a symbolic link without following it gives.
fn is_link(error: &std::io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Removes what was dropped; what cannot be removed now is tried again at the next start.
fn empty(trash: &Path) {
    for entry in trash.read_dir().into_iter().flatten().flatten() {
        if let Err(error) = std::fs::remove_dir_all(entry.path()) {
            tracing::warn!(path = %entry.path().display(), %error, "a dropped volume's files were not removed");
        }
    }
}

#[cfg(test)]
#[path = "files/tests.rs"]
mod tests;
