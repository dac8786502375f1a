//! A JSON array of any length, one element at a time: an element's end is told by brackets and quotes alone, then serde_json
//! reads it. What is no JSON inside an element is one bad record; the next element is read as ever.

use std::io::{self, BufRead};

use super::LONGEST_RECORD;
use super::input::unreadable;
use super::rows::{Row, broken, json_row};
use crate::model::EdgeError;

/// The elements of an array.
pub(super) struct JsonArray<R> {
    reader: R,
    line: u64,
    place: Place,
    element: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the opening bracket, which is the next byte.
    Before,
    /// An element comes next; whether it is the first.
    Inside { first: bool },
    /// Behind the closing bracket.
    Behind,
    /// There is nothing more to be read.
    End,
}

/// What ended an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    Comma,
    Bracket,
    EndOfFile,
}

/// An element's extent; its text is in the reader's buffer, up to the longest record.
struct Element {
    line: u64,
    bytes: usize,
    stop: Stop,
}

impl<R: BufRead> JsonArray<R> {
    pub(super) fn new(reader: R, line: u64) -> Self {
        Self { reader, line, place: Place::Before, element: Vec::new() }
    }

    /// The next element; what stands behind the array is one, too, and a bad one.
    pub(super) fn next(&mut self) -> Result<Option<Row>, EdgeError> {
        self.read_next().map_err(|error| unreadable(&error))
    }

    fn read_next(&mut self) -> io::Result<Option<Row>> {
        if self.place == Place::Before {
            self.byte()?;
            self.place = Place::Inside { first: true };
        }
        if let Place::Inside { first } = self.place {
            let element = self.read_element()?;
            self.place = match element.stop {
                Stop::Comma => Place::Inside { first: false },
                Stop::Bracket => Place::Behind,
                Stop::EndOfFile => Place::End,
            };
            let is_nothing = self.element.trim_ascii().is_empty();
            if !(is_nothing && first && element.stop == Stop::Bracket) {
                return Ok(Some(self.row(&element, is_nothing)));
            }
        }
        if self.place == Place::Behind {
            self.place = Place::End;
            return self.read_behind();
        }
        Ok(None)
    }

    fn row(&self, element: &Element, is_nothing: bool) -> Row {
        let Element { line, bytes, stop } = *element;
        let text = self.element.trim_ascii();
        let problem = if stop == Stop::EndOfFile {
            ("json", "The file ends before the array does.".to_owned())
        } else if is_nothing {
            ("json", "There is no record between two commas, or behind the last.".to_owned())
        } else if bytes > LONGEST_RECORD {
            ("length", format!("A record may have at most {} MiB.", LONGEST_RECORD >> 20))
        } else {
            return json_row(line, text);
        };
        Row { line, bytes, fields: Err(broken(problem.0, problem.1, text)) }
    }

    /// Takes bytes up to the comma or bracket that is outside of quotes and of brackets opened here.
    fn read_element(&mut self) -> io::Result<Element> {
        self.element.clear();
        let (mut depth, mut in_text, mut escaped) = (0_u64, false, false);
        let (mut bytes, mut begun_in) = (0, None);
        loop {
            let line = self.line;
            let Some(byte) = self.byte()? else {
                return Ok(Element { line: begun_in.unwrap_or(line), bytes, stop: Stop::EndOfFile });
            };
            if in_text {
                in_text = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
            } else {
                match byte {
                    b',' | b']' if depth == 0 => {
                        let stop = if byte == b',' { Stop::Comma } else { Stop::Bracket };
                        return Ok(Element { line: begun_in.unwrap_or(line), bytes, stop });
                    }
                    b'"' => in_text = true,
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth = depth.saturating_sub(1),
                    _ => {}
                }
            }
            if begun_in.is_none() {
                if byte.is_ascii_whitespace() {
                    continue;
                }
                begun_in = Some(line);
            }
            bytes += 1;
            if bytes <= LONGEST_RECORD {
                self.element.push(byte);
            }
        }
    }

    fn read_behind(&mut self) -> io::Result<Option<Row>> {
        loop {
            let line = self.line;
            match self.byte()? {
                None => return Ok(None),
                Some(byte) if byte.is_ascii_whitespace() => {}
                Some(byte) => {
                    let fields = Err(broken("json", "There is something behind the end of the array.", &[byte]));
                    return Ok(Some(Row { line, bytes: 1, fields }));
                }
            }
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let Some(byte) = self.reader.fill_buf()?.first().copied() else { return Ok(None) };
        self.reader.consume(1);
        self.line += u64::from(byte == b'\n');
        Ok(Some(byte))
    }
}
