//! Column types as people write them in SQL, read into [`FieldType`].

use super::table::ColumnType;
use super::{FieldType, Part};

/// Nesting deeper than this is refused; workspaces take about as much.
const MOST_LEVELS: usize = 32;

/// The words for types, for who wrote another one.
const WORDS: &str = "STRING, VARCHAR(n), BOOLEAN, TINYINT, SMALLINT, INT, BIGINT, FLOAT, DOUBLE, DECIMAL(p,s), DATE, \
    TIMESTAMP, TIMESTAMP_NTZ, BINARY, VARIANT, ARRAY<...>, MAP<key, value> or STRUCT<name: type, ...>";

/// A text that is being read; every method leaves out white space before what it reads.
pub(super) struct SqlText<'a> {
    rest: &'a str,
    levels: usize,
}

impl<'a> SqlText<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text, levels: 0 }
    }

    /// What is left.
    pub(super) fn rest(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    /// Takes a sign when it is next.
    pub(super) fn sign(&mut self, sign: char) -> bool {
        let after = self.rest().strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    /// Takes a word, in any case, when it is next.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let before = self.rest();
        if self.word().eq_ignore_ascii_case(word) {
            return true;
        }
        self.rest = before;
        false
    }

    /// The next word; empty when there is none.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        self.rest = after;
        word
    }

    /// A name: a word, or anything in backticks.
    pub(super) fn name(&mut self) -> Result<String, String> {
        if !self.sign('`') {
            let name = self.word();
            return if name.is_empty() {
                Err(format!("a name is missing before '{}'", start(self.rest)))
            } else {
                Ok(name.to_owned())
            };
        }
        let mut name = String::new();
        loop {
            let Some(end) = self.rest.find('`') else { return Err("a name in backticks does not end".to_owned()) };
            name.push_str(&self.rest[..end]);
            self.rest = &self.rest[end + 1..];
            match self.rest.strip_prefix('`') {
                Some(after) => {
                    name.push('`');
                    self.rest = after;
                }
                None => return Ok(name),
            }
        }
    }

    /// A text in single quotes, in which a backslash escapes.
    pub(super) fn quoted_text(&mut self) -> Result<String, String> {
        if !self.sign('\'') {
            return Err(format!("a text in quotes is missing before '{}'", start(self.rest)));
        }
        let mut text = String::new();
        let mut letters = self.rest.char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\'' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => text.extend(letters.next().map(|(_, escaped)| escaped)),
                _ => text.push(letter),
            }
        }
        Err("a text in quotes does not end".to_owned())
    }

    /// A type; VARCHAR and CHAR come with their length.
    pub(super) fn field_type(&mut self) -> Result<(FieldType, Option<u32>), String> {
        self.levels += 1;
        if self.levels > MOST_LEVELS {
            return Err(format!("a type is nested more than {MOST_LEVELS} levels deep"));
        }
        let before = self.rest();
        let word = self.word().to_ascii_uppercase();
        let mut length = None;
        let kind = match word.as_str() {
            "STRING" => ColumnType::String,
            "VARCHAR" | "CHAR" => {
                let numbers = self.numbers()?;
                let [one] = numbers[..] else { return Err(format!("{word} takes its length, as in {word}(20)")) };
                length = Some(one);
                ColumnType::String
            }
            "BOOLEAN" => ColumnType::Boolean,
            "TINYINT" | "BYTE" => ColumnType::Byte,
            "SMALLINT" | "SHORT" => ColumnType::Short,
            "INT" | "INTEGER" => ColumnType::Int,
            "BIGINT" | "LONG" => ColumnType::Long,
            "FLOAT" | "REAL" => ColumnType::Float,
            "DOUBLE" => ColumnType::Double,
            "DECIMAL" | "DEC" | "NUMERIC" => self.decimal()?,
            "DATE" => ColumnType::Date,
            "TIMESTAMP" | "TIMESTAMP_LTZ" => ColumnType::Timestamp,
            "TIMESTAMP_NTZ" => ColumnType::TimestampNtz,
            "BINARY" => ColumnType::Binary,
            "VARIANT" => ColumnType::Variant,
            "ARRAY" | "MAP" | "STRUCT" => {
                let nested = self.nested(&word)?;
                self.levels -= 1;
                return Ok((nested, None));
            }
            _ => return Err(format!("'{}' is no column type; write {WORDS}", start(before))),
        };
        self.levels -= 1;
        Ok((FieldType::Scalar(kind), length))
    }

    fn nested(&mut self, word: &str) -> Result<FieldType, String> {
        self.expect('<', word)?;
        let kind = match word {
            "ARRAY" => FieldType::Array(Box::new(self.part()?)),
            "MAP" => {
                let (key, _) = self.field_type()?;
                if key.is_nested() || key == FieldType::Scalar(ColumnType::Variant) {
                    return Err("the key of a MAP must be a plain type".to_owned());
                }
                self.expect(',', word)?;
                FieldType::Map(Box::new(key), Box::new(self.part()?))
            }
            _ => FieldType::Struct(self.fields()?),
        };
        self.expect('>', word)?;
        Ok(kind)
    }

    fn part(&mut self) -> Result<Part, String> {
        self.field_type().map(|(kind, _)| Part { kind, nullable: true })
    }

    fn fields(&mut self) -> Result<Vec<(String, Part)>, String> {
        let mut fields: Vec<(String, Part)> = Vec::new();
        loop {
            let name = self.name()?;
            let _ = self.sign(':');
            let mut part = self.part()?;
            if self.keyword("NOT") {
                if !self.keyword("NULL") {
                    return Err("NOT is followed by NULL".to_owned());
                }
                part.nullable = false;
            }
            if self.keyword("COMMENT") {
                self.quoted_text()?;
            }
            if fields.iter().any(|(other, _)| other.eq_ignore_ascii_case(&name)) {
                return Err(format!("the field '{name}' is there twice"));
            }
            fields.push((name, part));
            if !self.sign(',') {
                return Ok(fields);
            }
        }
    }

    fn decimal(&mut self) -> Result<ColumnType, String> {
        let (precision, scale) = match self.numbers()?[..] {
            [] => (10, 0),
            [precision] => (precision, 0),
            [precision, scale] => (precision, scale),
            _ => return Err("DECIMAL takes a precision and a scale, as in DECIMAL(10,2)".to_owned()),
        };
        match (u8::try_from(precision), u8::try_from(scale)) {
            (Ok(precision @ 1..=38), Ok(scale)) if scale <= precision => Ok(ColumnType::Decimal { precision, scale }),
            _ => {
                Err(format!("DECIMAL({precision},{scale}): the precision is 1 to 38, the scale at most the precision"))
            }
        }
    }

    /// `(1, 2)`; nothing without the bracket.
    fn numbers(&mut self) -> Result<Vec<u32>, String> {
        let mut numbers = Vec::new();
        if !self.sign('(') {
            return Ok(numbers);
        }
        loop {
            let word = self.word();
            numbers.push(word.parse().map_err(|_| format!("'{word}' is no whole number"))?);
            if !self.sign(',') {
                self.expect(')', "a bracket")?;
                return Ok(numbers);
            }
        }
    }

    fn expect(&mut self, sign: char, of: &str) -> Result<(), String> {
        if self.sign(sign) { Ok(()) } else { Err(format!("{of}: '{sign}' is missing before '{}'", start(self.rest))) }
    }
}

/// The beginning of a text, for an error.
fn start(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let mut reader = SqlText::new(text);
        let (kind, length) = reader.field_type()?;
        assert_eq!(reader.rest(), "");
        Ok(length.map_or_else(|| kind.ddl(), |length| format!("{} {length}", kind.ddl())))
    }

    #[test]
    fn types_are_read_as_sql_writes_them() {
        for (text, expected) in [
            ("string", "STRING"),
            ("varchar( 20 )", "STRING 20"),
            ("long", "BIGINT"),
            ("numeric", "DECIMAL(10,0)"),
            ("decimal(38, 18)", "DECIMAL(38,18)"),
            ("timestamp_ntz", "TIMESTAMP_NTZ"),
            ("array<array<int>>", "ARRAY<ARRAY<INT>>"),
            ("map<string,array<double>>", "MAP<STRING, ARRAY<DOUBLE>>"),
            (
                "struct<a: int, `b c` STRING NOT NULL COMMENT 'it\\'s', c:array<struct<d:date>>>",
                "STRUCT<`a`: INT, `b c`: STRING NOT NULL, `c`: ARRAY<STRUCT<`d`: DATE>>>",
            ),
        ] {
            assert_eq!(read(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_type_says_what_is() {
        let deep = format!("{}INT{}", "ARRAY<".repeat(40), ">".repeat(40));
        for (text, word) in [
            ("blob", "'blob' is no column type; write STRING"),
            ("", "is no column type"),
            ("array<int", "'>' is missing"),
            ("array", "'<' is missing"),
            ("decimal(39)", "precision is 1 to 38"),
            ("decimal(2,3)", "scale at most"),
            ("decimal(x)", "'x' is no whole number"),
            ("varchar", "takes its length"),
            ("map<array<int>, int>", "plain type"),
            ("map<string>", "',' is missing"),
            ("struct<>", "a name is missing"),
            ("struct<a int, A int>", "twice"),
            ("struct<a int not>", "followed by NULL"),
            (deep.as_str(), "levels deep"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(word), "{text}: {error}");
        }
    }
}
