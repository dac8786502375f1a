//! The beginning of a file: what it is written in.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use crate::model::{EdgeError, FileFormat};

/// What records are read from.
pub(super) type Input = BufReader<Box<dyn Read + Send>>;

/// Opens a file; its ending may tell how it is written.
///
/// # Errors
/// `NOT_FOUND` for a file that cannot be opened.
pub(super) fn open(path: &Path) -> Result<(File, Option<FileFormat>), EdgeError> {
    let file = File::open(path).map_err(|error| {
        let message = format!("{} cannot be read: {error}. Nothing was written. Check the path.", path.display());
        EdgeError::new("NOT_FOUND", message)
    })?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok((file, format_by_name(&name)))
}

/// The format that a file's ending stands for; `.json` may be either kind of JSON, so that its first byte decides.
pub(super) fn format_by_name(name: &str) -> Option<FileFormat> {
    match name.rsplit_once('.')?.1.to_ascii_lowercase().as_str() {
        "csv" => Some(FileFormat::Csv),
        "ndjson" | "jsonl" => Some(FileFormat::Ndjson),
        _ => None,
    }
}

/// The format of a file that begins with this byte.
pub(super) fn format_by_first_byte(first: u8) -> FileFormat {
    match first {
        b'[' => FileFormat::JsonArray,
        b'{' => FileFormat::Ndjson,
        _ => FileFormat::Csv,
    }
}

/// Skips a byte order mark and white space, and tells the first byte that is neither and its line; it is still to be read.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when nothing can be read or there is nothing else.
pub(super) fn begin(input: &mut Input) -> Result<(u8, u64), EdgeError> {
    const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
    let mut line = 1;
    for (at, mark) in BYTE_ORDER_MARK.iter().enumerate() {
        match peek(input)? {
            Some(byte) if byte == *mark => input.consume(1),
            _ if at == 0 => break,
            _ => return Err(refuse("The file is no text in UTF-8.")),
        }
    }
    loop {
        match peek(input)? {
            None => return Err(refuse("The file is empty.")),
            Some(byte) if byte.is_ascii_whitespace() => {
                line += u64::from(byte == b'\n');
                input.consume(1);
            }
            Some(byte) => return Ok((byte, line)),
        }
    }
}

fn peek(input: &mut Input) -> Result<Option<u8>, EdgeError> {
    input.fill_buf().map(|bytes| bytes.first().copied()).map_err(|error| unreadable(&error))
}

/// The file cannot be a source.
pub(super) fn refuse(problem: &str) -> EdgeError {
    EdgeError::new("INVALID_PARAMETER_VALUE", format!("{problem} Nothing of it was written. Choose another file."))
}

/// The file cannot be read on.
pub(super) fn unreadable(error: &io::Error) -> EdgeError {
    let message = format!("The file cannot be read on: {error}. Records before this point were taken. Check the file.");
    EdgeError::new("INVALID_PARAMETER_VALUE", message)
}
