//! Files written in whole pages from memory that is aligned as direct I/O wants it, around the page cache.
//!
//! What is written once, synced at once and seldom read back has nothing from the cache, which costs a second copy and a page
//! to be found for each 4 KiB (docs/decisions/0004-direct-io.md). Where the file system has no direct I/O the same pages go
//! through the cache.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use deltalake::arrow::buffer::Buffer;

/// What positions, lengths and memory are multiples of.
pub(crate) const PAGE: usize = 4096;
/// Bytes that are put together for one write, at most.
const LARGEST: usize = 4 << 20;

/// Makes an empty file; with `direct` its pages go around the page cache where the file system can.
///
/// # Errors
/// What the disk says.
pub(crate) fn create(path: &Path, direct: bool) -> io::Result<File> {
    if !direct {
        return open(path, false);
    }
    match open(path, true).and_then(|file| probe(&file).map(|()| file)) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => open(path, false),
        opened => opened,
    }
}

/// A whole file that nobody writes to; around the page cache where the file system can, since what was written so is not in it.
///
/// # Errors
/// What the disk says.
pub(crate) fn read(path: &Path) -> io::Result<Buffer> {
    match open_to_read(path, true).and_then(|file| read_from(&file)) {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => read_from(&open_to_read(path, false)?),
        read => read,
    }
}

fn read_from(file: &File) -> io::Result<Buffer> {
    let length = usize::try_from(file.metadata()?.len()).map_err(io::Error::other)?;
    let whole = length.next_multiple_of(PAGE);
    let mut bytes = vec![0; whole + PAGE];
    let start = first_aligned(&bytes);
    let mut filled = 0;
    while filled < length {
        let until = whole.min(filled + LARGEST);
        match file.read_at(&mut bytes[start + filled..start + until], filled as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    Ok(Buffer::from_vec(bytes).slice_with_length(start, length))
}

/// Where a page begins in memory that is a page longer than what it is for: at most a page in, since a byte can be aligned anywhere.
fn first_aligned(bytes: &[u8]) -> usize {
    bytes.as_ptr().align_offset(PAGE).min(PAGE)
}

/// Some file systems refuse direct I/O when the file is opened, some at the first write only.
fn probe(file: &File) -> io::Result<()> {
    let mut buffer = PageBuffer::default();
    let mut pages = Pages::at(file, 0, PAGE, &mut buffer);
    pages.push(&[0; PAGE])?;
    pages.finish()?;
    file.set_len(0)
}

fn open(path: &Path, direct: bool) -> io::Result<File> {
    open_with(path, File::options().create(true).truncate(true).read(true).write(true), direct)
}

fn open_to_read(path: &Path, direct: bool) -> io::Result<File> {
    open_with(path, File::options().read(true), direct)
}

fn open_with(path: &Path, options: &mut OpenOptions, direct: bool) -> io::Result<File> {
    #[cfg(target_os = "linux")]
    if direct {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::DIRECT.bits().cast_signed());
    }
    #[cfg(not(target_os = "linux"))]
    let _ = direct;
    options.open(path)
}

/// A place in a file and what is to be written there next.
pub(crate) struct Pages<'a> {
    file: &'a File,
    /// Where the buffer's content goes; a multiple of [`PAGE`].
    position: u64,
    buffer: &'a mut PageBuffer,
}

/// Aligned memory that is used again and again.
#[derive(Default)]
pub(crate) struct PageBuffer {
    bytes: Vec<u8>,
    /// The first aligned byte.
    start: usize,
    filled: usize,
}

impl PageBuffer {
    fn room(&self) -> usize {
        self.bytes.len().saturating_sub(PAGE)
    }

    /// Makes room for so many bytes, or for the most that is written at once.
    fn reserve(&mut self, bytes: usize) {
        let wanted = bytes.clamp(16 * PAGE, LARGEST).next_multiple_of(PAGE);
        if self.room() < wanted {
            self.bytes = vec![0; wanted + PAGE];
            self.start = first_aligned(&self.bytes);
        }
    }
}

impl<'a> Pages<'a> {
    /// Begins to write at `position`, a multiple of [`PAGE`], about `bytes` bytes.
    pub(crate) fn at(file: &'a File, position: u64, bytes: usize, buffer: &'a mut PageBuffer) -> Self {
        buffer.reserve(bytes);
        buffer.filled = 0;
        Self { file, position, buffer }
    }

    /// Adds bytes, and writes what makes whole pages when there is no more room.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let PageBuffer { start, filled, .. } = *self.buffer;
            let count = bytes.len().min(self.buffer.room() - filled);
            let (now, later) = bytes.split_at(count);
            self.buffer.bytes[start + filled..start + filled + count].copy_from_slice(now);
            self.buffer.filled += count;
            bytes = later;
            if self.buffer.filled == self.buffer.room() {
                self.write_whole()?;
            }
        }
        Ok(())
    }

    /// Writes the whole pages there are.
    pub(crate) fn write_whole(&mut self) -> io::Result<()> {
        let PageBuffer { start, filled, .. } = *self.buffer;
        let whole = filled - filled % PAGE;
        self.file.write_all_at(&self.buffer.bytes[start..start + whole], self.position)?;
        self.position += whole as u64;
        self.buffer.bytes.copy_within(start + whole..start + filled, start);
        self.buffer.filled = filled - whole;
        Ok(())
    }

    /// Writes the whole pages there are; answers where the file goes on, and what has to be written there first.
    pub(crate) fn write_whole_and_keep_rest(mut self) -> io::Result<(u64, Vec<u8>)> {
        self.write_whole()?;
        let PageBuffer { start, filled, .. } = *self.buffer;
        Ok((self.position, self.buffer.bytes[start..start + filled].to_vec()))
    }

    /// Writes the rest; where it does not end with a page, zeros follow it.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let missing = self.buffer.filled.next_multiple_of(PAGE) - self.buffer.filled;
        self.push(&[0; PAGE][..missing])?;
        self.write_whole()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_pushed_in_any_pieces_is_in_the_file() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let bytes: Vec<u8> = (0..3 * LARGEST + 5 * PAGE).map(|place| (place * 31 % 251) as u8).collect();
        for direct in [true, false] {
            let path = folder.path().join(format!("direct-{direct}"));
            let file = match open(&path, direct) {
                Ok(file) => file,
                Err(error) if direct && error.kind() == io::ErrorKind::InvalidInput => continue,
                Err(error) => panic!("{error}"),
            };
            let mut buffer = PageBuffer::default();
            for (piece, until) in [(977, 5 * PAGE), (LARGEST + 1, bytes.len())] {
                let from = file.metadata().expect("metadata").len();
                let mut pages = Pages::at(&file, from, until - from as usize, &mut buffer);
                for piece in bytes[from as usize..until].chunks(piece) {
                    pages.push(piece).expect("push");
                }
                pages.finish().expect("finish");
            }
            assert!(std::fs::read(&path).expect("read") == bytes, "direct: {direct}");
        }
    }

    #[test]
    fn files_of_any_length_are_read_whole() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("file");
        for length in [0, 1, PAGE - 1, PAGE, PAGE + 1, LARGEST, LARGEST + PAGE + 7, 2 * LARGEST + 1] {
            let bytes: Vec<u8> = (0..length).map(|place| (place * 31 % 251) as u8).collect();
            std::fs::write(&path, &bytes).expect("write");
            let came = read(&path).expect("read");
            assert!(came.as_slice() == bytes, "{length}");
            assert_eq!(came.as_ptr().align_offset(8), 0, "frames are read in place");
        }
        assert_eq!(read(&folder.path().join("nowhere")).err().map(|error| error.kind()), Some(io::ErrorKind::NotFound));
    }
}
