//! Files with secrets in them: only their owner may read them, and a crash leaves the old content or the new one.
//!
//! Knows nothing of what is inside.

use std::io::{self, Write};
use std::path::Path;

use super::disk::sync_folder;

/// Writes or replaces the file so that nobody else can ever read it; returns when it would survive a power cut.
pub(super) fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    let staging = path.with_extension("json.tmp");
    match std::fs::remove_file(&staging) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut out = options.open(&staging)?;
    out.write_all(content)?;
    out.sync_all()?;
    std::fs::rename(&staging, path)?;
    path.parent().map_or(Ok(()), sync_folder)
}
