//! A file under another name until it is whole: written, synced, then given its own name, which survives a power cut.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use deltalake::logstore::object_store::PutPayload;

use super::pages::{self, PageBuffer, Pages};
use super::{create_folders, sync_folder};

const BEGIN: &str = ".";
const END: &str = ".tmp";

/// A file that is not whole yet. Dropped, it is gone.
pub(super) struct Staging {
    path: PathBuf,
    file: File,
    /// Up to where whole pages are in the file.
    position: u64,
    /// What comes behind them.
    rest: Vec<u8>,
    buffer: PageBuffer,
}

impl Staging {
    /// Begins a file beside `target`; with `direct` around the page cache, which suits what is large and seldom read.
    pub(super) fn begin(target: &Path, direct: bool) -> io::Result<Self> {
        let folder = target.parent().ok_or(io::ErrorKind::InvalidInput)?;
        create_folders(folder)?;
        let path = folder.join(format!("{BEGIN}{}{END}", uuid::Uuid::new_v4().simple()));
        let file = pages::create(&path, direct)?;
        Ok(Self { path, file, position: 0, rest: Vec::new(), buffer: PageBuffer::default() })
    }

    pub(super) fn append(&mut self, part: &PutPayload) -> io::Result<()> {
        let bytes = self.rest.len() + part.content_length();
        let mut pages = Pages::at(&self.file, self.position, bytes, &mut self.buffer);
        pages.push(&self.rest)?;
        part.iter().try_for_each(|piece| pages.push(piece))?;
        (self.position, self.rest) = pages.write_whole_and_keep_rest()?;
        Ok(())
    }

    /// Gives the file its name. With `create_only` it fails when there is one already: that is Delta's mutual exclusion
    /// between writers of one version.
    pub(super) fn complete(mut self, target: &Path, create_only: bool) -> io::Result<()> {
        let mut pages = Pages::at(&self.file, self.position, self.rest.len(), &mut self.buffer);
        pages.push(&self.rest)?;
        pages.finish()?;
        self.file.set_len(self.position + self.rest.len() as u64)?;
        self.file.sync_all()?;
        if create_only {
            std::fs::hard_link(&self.path, target)?;
        } else {
            std::fs::rename(&self.path, target)?;
        }
        target.parent().map_or(Ok(()), sync_folder)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        // Only a name is at stake: the data has its own by now, or writing it has failed anyway.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Removes what a crash has left half written in a folder that nobody writes to now; VACUUM does not see hidden files.
pub(crate) fn remove_leftovers(folder: &Path) -> io::Result<()> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(BEGIN)?.strip_suffix(END));
        if id.is_some_and(|id| uuid::Uuid::try_parse(id).is_ok()) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
