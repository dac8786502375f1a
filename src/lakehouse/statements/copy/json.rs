//! JSON files: an object in each line, or one text of an object or an array of objects.

use deltalake::arrow::datatypes::DataType;

use super::{BATCH_ROWS, Loading, Problem, without_mark};
use crate::lakehouse::statements::cells::{self, Cell};
use crate::lakehouse::statements::failure::Failure;
use crate::lakehouse::statements::json::{Converted, Malformed, Rows};

/// Reads a whole file.
pub(super) fn read(text: &str, multi_line: bool, loading: &mut Loading) -> Result<(), Problem> {
    let text = without_mark(text);
    let mut rows = Batcher { cells: Vec::new(), row: DataType::Struct(loading.schema.fields().clone()), loading };
    if multi_line {
        rows.text(text, |at| 1 + text[..at].bytes().filter(|byte| *byte == b'\n').count())?;
    } else {
        for (index, line) in text.split('\n').enumerate() {
            rows.text(line, |_| index + 1)?;
        }
    }
    rows.finish()
}

struct Batcher<'a, 'l> {
    cells: Vec<Cell<'a>>,
    /// The type of a row.
    row: DataType,
    loading: &'l mut Loading,
}

impl<'a> Batcher<'a, '_> {
    /// Reads the rows in a text; an empty one has none. `line` says on which line of the file a byte of the text is.
    fn text(&mut self, text: &'a str, line: impl Fn(usize) -> usize) -> Result<(), Problem> {
        let mut rows = Rows::new(text);
        let malformed = |malformed: Malformed| Problem::line(line(malformed.at), format_args!("not JSON: {malformed}"));
        while let Some((at, row)) = rows.next_row(&self.row).map_err(malformed)? {
            match row {
                Converted::Whole(Cell::Null) => return Err(Problem::line(line(at), "null is no row")),
                Converted::Whole(cell) => self.cells.push(cell),
                Converted::Partial(_, misfit) | Converted::Bad(misfit) => return Err(Problem::line(line(at), misfit)),
            }
            if self.cells.len() == BATCH_ROWS {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Problem> {
        let batch = cells::batch(&self.loading.schema, &self.cells).map_err(Failure::from)?;
        self.cells.clear();
        Ok(self.loading.push(batch)?)
    }

    fn finish(mut self) -> Result<(), Problem> {
        if self.cells.is_empty() { Ok(()) } else { self.flush() }
    }
}
