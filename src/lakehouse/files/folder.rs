//! Folders by their descriptors: every step from a volume's root down is one `openat` that follows no symbolic link.
//!
//! Paths are never put together as text and handed to the system, so nothing that happens to the tree between two steps
//! can lead outside of it: a folder that is swapped for a link is refused, and one that is moved away is still itself.
//! A link inside a volume, wherever it points, is nothing: it is not listed, opened, written through or removed.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Error, ErrorKind, Result};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    descriptor: OwnedFd,
}

/// What a folder holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its name in the folder.
    pub(crate) name: String,
    /// A folder; otherwise a file.
    pub(crate) is_folder: bool,
    /// Of a file.
    pub(crate) bytes: u64,
    /// Milliseconds since 1970.
    pub(crate) modified: i64,
}

impl Folder {
    /// Opens a folder by its path, which must not come from a caller.
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self { descriptor: rustix::fs::open(path, FOLDER, Mode::empty())? })
    }

    /// The folder of that name in this one.
    pub(super) fn child(&self, name: &str) -> Result<Self> {
        Ok(Self { descriptor: rustix::fs::openat(&self.descriptor, name, FOLDER, Mode::empty())? })
    }

    /// The folder of that name in this one, made when it is not there.
    pub(super) fn child_or_new(&self, name: &str) -> Result<Self> {
        match rustix::fs::mkdirat(&self.descriptor, name, Mode::from_raw_mode(0o755)) {
            Ok(()) => self.sync()?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        self.child(name)
    }

    /// A file of that name, for reading.
    pub(super) fn file(&self, name: &str) -> Result<File> {
        // Without NONBLOCK, opening a pipe that somebody put there would wait for ever.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(rustix::fs::openat(&self.descriptor, name, flags, Mode::empty())?);
        let kind = file.metadata()?.file_type();
        if kind.is_dir() {
            return Err(ErrorKind::IsADirectory.into());
        }
        if kind.is_file() { Ok(file) } else { Err(ErrorKind::NotFound.into()) }
    }

    /// A new file of that name, for writing.
    pub(super) fn new_file(&self, name: &str) -> Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        Ok(File::from(rustix::fs::openat(&self.descriptor, name, flags, Mode::from_raw_mode(0o644))?))
    }

    /// What is there under that name; a link is not.
    pub(super) fn entry(&self, name: &str) -> Result<Entry> {
        let stat = rustix::fs::statat(&self.descriptor, name, AtFlags::SYMLINK_NOFOLLOW)?;
        let is_folder = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => true,
            FileType::RegularFile => false,
            _ => return Err(ErrorKind::NotFound.into()),
        };
        let bytes = if is_folder { 0 } else { u64::try_from(stat.st_size).unwrap_or(0) };
        let modified = whole(stat.st_mtime).saturating_mul(1000) + whole(stat.st_mtime_nsec) / 1_000_000;
        Ok(Entry { name: name.to_owned(), is_folder, bytes, modified })
    }

    /// The names of everything here, sorted; also of what is neither a file nor a folder.
    pub(super) fn names(&self) -> Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.descriptor)? {
            let entry = entry?;
            // A name that is not UTF-8 was not made here and cannot be asked for.
            match OsStr::from_bytes(entry.file_name().to_bytes()).to_str() {
                Some("." | "..") | None => {}
                Some(name) => names.push(name.to_owned()),
            }
        }
        names.sort();
        Ok(names)
    }

    /// Moves a file of this folder into another under that name, over what is there only if `overwrite`; when it returns,
    /// a power cut leaves either the old state or the new one.
    pub(super) fn move_file(&self, name: &str, target: &Self, target_name: &str, overwrite: bool) -> Result<()> {
        if overwrite {
            rustix::fs::renameat(&self.descriptor, name, &target.descriptor, target_name)?;
        } else {
            // Unlike a rename, a link fails when the name is taken.
            rustix::fs::linkat(&self.descriptor, name, &target.descriptor, target_name, AtFlags::empty())?;
            self.discard(name);
        }
        target.sync()
    }

    /// Removes a file.
    pub(super) fn remove_file(&self, name: &str) -> Result<()> {
        if self.entry(name)?.is_folder {
            return Err(ErrorKind::IsADirectory.into());
        }
        rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty())?;
        self.sync()
    }

    /// Removes a staged file. One that stays, because of a power cut or an error, is removed at the next start.
    pub(super) fn discard(&self, name: &str) {
        let _ = rustix::fs::unlinkat(&self.descriptor, name, AtFlags::empty());
    }

    /// Removes an empty folder.
    pub(super) fn remove_folder(&self, name: &str) -> Result<()> {
        rustix::fs::unlinkat(&self.descriptor, name, AtFlags::REMOVEDIR).map_err(|error| match error {
            // POSIX lets a system say either.
            Errno::EXIST => Error::from(Errno::NOTEMPTY),
            other => other.into(),
        })?;
        self.sync()
    }

    /// Puts this folder's entries on the disk.
    fn sync(&self) -> Result<()> {
        Ok(rustix::fs::fsync(&self.descriptor)?)
    }
}

/// The numbers of `stat` have other types on every system.
fn whole(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(0)
}
