//! A file as a source of records: what the upload page shows before anything is written.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::FieldError;

/// A file that was handed in to be a source of records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// Its id, a UUID of version 7; what plans name.
    pub id: String,
    /// The name it came with, as far as it is harmless.
    pub name: String,
    /// Its size.
    pub bytes: u64,
}

/// Whether that is the id of an upload as [`Upload::id`] is written: lower-case hexadecimal digits in groups of 8, 4, 4, 4 and 12.
pub fn is_upload_id(text: &str) -> bool {
    const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    let mut groups = text.split('-');
    let fits = |size: &usize| groups.next().is_some_and(|group| group.len() == *size && group.bytes().all(is_digit));
    GROUPS.iter().all(fits) && groups.next().is_none()
}

/// How records are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileFormat {
    /// A header line with the names of the fields, then a line for each record.
    Csv,
    /// A JSON object in each line.
    Ndjson,
    /// One JSON array of objects.
    JsonArray,
}

impl FileFormat {
    /// The name people read.
    pub fn title(self) -> &'static str {
        match self {
            Self::Csv => "CSV",
            Self::Ndjson => "NDJSON",
            Self::JsonArray => "JSON array",
        }
    }
}

/// A field of a file, and the column it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldMapping {
    /// The field's name in the file.
    pub field: String,
    /// The column; `None` when none fits, and empty when the field is left out on purpose.
    pub column: Option<String>,
    /// What the field has in the first record that has it, shortened.
    pub sample: String,
}

/// What a file holds for a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilePreview {
    /// How it is written.
    pub format: FileFormat,
    /// Its fields in the order they are met, each with the column that was asked for, has the same name, or is proposed.
    pub fields: Vec<FieldMapping>,
    /// Columns that must have a value and get none.
    pub missing_columns: Vec<String>,
    /// The first good records, by column, with typed values.
    pub rows: Vec<Map<String, Value>>,
    /// Records in the file.
    pub records: u64,
    /// Of these, records that break a rule.
    pub bad: u64,
    /// Every broken rule with its line, `line 7.price`; at most 100.
    pub errors: Vec<FieldError>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_are_ids() {
        assert!(is_upload_id("0190f3a2-0000-7000-8000-00000000000f"));
        for other in
            ["", "..", "0190f3a2", "0190F3A2-0000-7000-8000-00000000000F", "0190f3a2-0000-7000-8000-00000000000f-"]
        {
            assert!(!is_upload_id(other), "{other}");
        }
        assert!(!is_upload_id("0190f3a2/0000-7000-8000-00000000000f"));
    }
}
