//! NDJSON: a JSON object in each line. A line that is too long or no JSON is one bad record; the next line is read as ever.

use std::io::{self, BufRead, Read};

use super::LONGEST_RECORD;
use super::input::unreadable;
use super::rows::{Row, broken, json_row};
use crate::model::EdgeError;

/// The lines of a file.
pub(super) struct JsonLines<R> {
    reader: R,
    /// The line that comes next, from 1.
    line: u64,
    text: Vec<u8>,
}

impl<R: BufRead> JsonLines<R> {
    pub(super) fn new(reader: R, line: u64) -> Self {
        Self { reader, line, text: Vec::new() }
    }

    /// The next line that is not blank.
    pub(super) fn next(&mut self) -> Result<Option<Row>, EdgeError> {
        loop {
            let is_whole = self.read_line().map_err(|error| unreadable(&error))?;
            if self.text.is_empty() {
                return Ok(None);
            }
            let line = self.line;
            self.line += 1;
            if !is_whole {
                self.skip_line().map_err(|error| unreadable(&error))?;
                let message = format!("A record may have at most {} MiB.", LONGEST_RECORD >> 20);
                let fields = Err(broken("length", message, &self.text));
                return Ok(Some(Row { line, bytes: self.text.len(), fields }));
            }
            let text = self.text.trim_ascii();
            if !text.is_empty() {
                return Ok(Some(json_row(line, text)));
            }
        }
    }

    /// Reads up to the longest record; whether that was the line as a whole.
    fn read_line(&mut self) -> io::Result<bool> {
        self.text.clear();
        let most = LONGEST_RECORD as u64 + 1;
        let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.text)?;
        Ok((read as u64) < most || self.text.ends_with(b"\n"))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        self.reader.skip_until(b'\n').map(|_skipped| ())
    }
}
