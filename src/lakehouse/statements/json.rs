//! JSON values to the cells of columns, by Spark's rules for reading JSON.
//!
//! | column | JSON |
//! |---|---|
//! | STRING | text; anything else as it is written |
//! | BOOLEAN | true, false |
//! | integers | a number without point and exponent, in range |
//! | FLOAT, DOUBLE | a number; NaN, INF, Infinity, -INF, -Infinity, also in quotes |
//! | DECIMAL | a number, or text that is one |
//! | DATE | text `YYYY-MM-DD` |
//! | TIMESTAMP | text in ISO 8601, UTC without a zone; for `from_json` also whole seconds since 1970 |
//! | TIMESTAMP_NTZ | text in ISO 8601 without a zone |
//! | BINARY | text in base64 |
//! | ARRAY, STRUCT, MAP | array, object, object (keys are text) |
//!
//! A field that is missing or null is NULL. What else happens is the reader's [`Rules`]: `from_json` is lenient as Spark
//! is, `COPY INTO` takes a row as it is or not at all.

use std::borrow::Cow;
use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use deltalake::arrow::datatypes::{DataType, Field, FieldRef, Fields, TimeUnit};

use super::cells::Cell;
use super::scalars::{self, Digits};

mod reader;
mod texts;

use reader::Token;
pub(super) use reader::{Malformed, Reader};
pub(super) use texts::TextFields;

/// How strictly values are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rules {
    /// `from_json`: fields that are not asked for are skipped, decimals are rounded, numbers are timestamps in seconds.
    Lenient,
    /// `COPY INTO`: every field has a column and every required column a value, and no digit is lost.
    Strict,
}

/// A value that does not fit its column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("field '{field}': {problem}")]
pub(super) struct Misfit {
    /// Dotted path of the field; empty for the value as a whole.
    field: String,
    problem: String,
}

/// A value as far as it could be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Converted<'a> {
    Whole(Cell<'a>),
    /// With NULL for each field that did not fit; the first of them is told.
    Partial(Cell<'a>, Misfit),
    /// Nothing of it fits.
    Bad(Misfit),
}

impl<'a> Converted<'a> {
    /// The cell, with NULL for all that did not fit, which is added to `misfits` if it is the first.
    fn lenient(self, misfits: &mut Option<Misfit>) -> Option<Cell<'a>> {
        let (cell, misfit) = match self {
            Self::Whole(cell) => return Some(cell),
            Self::Partial(cell, misfit) => (Some(cell), misfit),
            Self::Bad(misfit) => (None, misfit),
        };
        misfits.get_or_insert(misfit);
        cell
    }

    fn of(cell: Cell<'a>, misfits: Option<Misfit>) -> Self {
        match misfits {
            None => Self::Whole(cell),
            Some(misfit) => Self::Partial(cell, misfit),
        }
    }
}

/// Reads the next value of `reader` for a column of that type.
///
/// # Errors
/// [`Malformed`] where the text stops being JSON.
pub(super) fn convert<'a>(reader: &mut Reader<'a>, kind: &DataType, rules: Rules) -> Result<Converted<'a>, Malformed> {
    let (token, start) = reader.value()?;
    convert_from(reader, token, start, kind, &Place { rules, path: None })
}

/// Reads the elements of an array, or one object as the only element of one, as Spark does for an array of structs.
///
/// # Errors
/// As [`convert`].
pub(super) fn convert_array<'a>(
    reader: &mut Reader<'a>,
    item: &FieldRef,
    rules: Rules,
) -> Result<Converted<'a>, Malformed> {
    let (token, start) = reader.value()?;
    let place = Place { rules, path: None };
    if token != Token::Object || !matches!(item.data_type(), DataType::Struct(_)) {
        let list = DataType::List(FieldRef::clone(item));
        return convert_from(reader, token, start, &list, &place);
    }
    Ok(match convert_from(reader, token, start, item.data_type(), &place)? {
        Converted::Whole(cell) => Converted::Whole(Cell::List(vec![cell])),
        Converted::Partial(cell, misfit) => Converted::Partial(Cell::List(vec![cell]), misfit),
        bad @ Converted::Bad(_) => bad,
    })
}

/// A row and where it begins; `None` at the end.
type Placed<T> = Option<(usize, T)>;

/// The rows in a text: one object, or the elements of one array of objects.
pub(super) struct Rows<'a> {
    reader: Reader<'a>,
    state: RowsState,
}

#[derive(Clone, Copy)]
enum RowsState {
    Start,
    /// Inside an array; whether no element was read yet.
    Array(bool),
    /// One row or the whole array was read.
    End,
}

impl<'a> Rows<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { reader: Reader::new(text), state: RowsState::Start }
    }

    /// The next row, strictly, and where it begins; `None` at the end, after which there is nothing but white space.
    pub(super) fn next_row(&mut self, row: &DataType) -> Result<Placed<Converted<'a>>, Malformed> {
        let place = Place { rules: Rules::Strict, path: None };
        self.next(|reader, token, start| convert_from(reader, token, start, row, &place))
    }

    /// Like [`Self::next_row`], with the texts of the row's fields.
    pub(super) fn next_texts(&mut self) -> Result<Placed<Result<TextFields<'a>, Misfit>>, Malformed> {
        self.next(|reader, token, _| texts::read(reader, &token))
    }

    fn next<T>(
        &mut self,
        read: impl FnOnce(&mut Reader<'a>, Token<'a>, usize) -> Result<T, Malformed>,
    ) -> Result<Placed<T>, Malformed> {
        if let RowsState::Start = self.state {
            if self.reader.is_at_end() {
                return Ok(None);
            }
            let (token, start) = self.reader.value()?;
            if token != Token::Array {
                self.state = RowsState::End;
                return Ok(Some((start, read(&mut self.reader, token, start)?)));
            }
            self.state = RowsState::Array(true);
        }
        if let RowsState::Array(mut first) = self.state {
            if self.reader.next_element(&mut first)? {
                self.state = RowsState::Array(first);
                let (token, start) = self.reader.value()?;
                return Ok(Some((start, read(&mut self.reader, token, start)?)));
            }
            self.state = RowsState::End;
        }
        self.reader.expect_end().map(|()| None)
    }
}

/// Where a value stands, for messages; borrowed from frame to frame, so that good values cost nothing.
struct Place<'p> {
    rules: Rules,
    path: Option<(&'p Place<'p>, &'p str)>,
}

impl Place<'_> {
    fn inside<'p>(&'p self, name: &'p str) -> Place<'p> {
        Place { rules: self.rules, path: Some((self, name)) }
    }

    fn name(&self) -> String {
        match self.path {
            None => String::new(),
            Some((outer, name)) => match outer.name() {
                outer if outer.is_empty() || name == "[]" => outer + name,
                outer => format!("{outer}.{name}"),
            },
        }
    }

    fn misfit(&self, problem: impl Into<String>) -> Misfit {
        Misfit { field: self.name(), problem: problem.into() }
    }
}

fn convert_from<'a>(
    reader: &mut Reader<'a>,
    token: Token<'a>,
    start: usize,
    kind: &DataType,
    place: &Place<'_>,
) -> Result<Converted<'a>, Malformed> {
    match (&token, kind) {
        (Token::Null, _) => Ok(Converted::Whole(Cell::Null)),
        (Token::Object, DataType::Struct(fields)) => object(reader, fields, place),
        (Token::Object, DataType::Map(entry, _)) => map(reader, entry, place),
        (Token::Array, DataType::List(item)) => array(reader, item, place),
        _ => {
            reader.skip_rest(&token)?;
            let written = reader.written_since(start);
            Ok(match scalar(token, written, kind, place.rules) {
                Some(cell) => Converted::Whole(cell),
                None => {
                    let written: String = written.chars().take(60).collect();
                    Converted::Bad(place.misfit(format!("{written} does not fit the type {}", name(kind))))
                }
            })
        }
    }
}

fn object<'a>(reader: &mut Reader<'a>, fields: &Fields, place: &Place<'_>) -> Result<Converted<'a>, Malformed> {
    let mut cells = vec![Cell::Null; fields.len()];
    let mut seen = vec![false; fields.len()];
    let mut misfits = None;
    let mut first = true;
    // Objects mostly name their fields in the order of the columns.
    let mut expected = 0;
    while let Some(key) = reader.next_key(&mut first)? {
        let Some((index, field)) = find(fields, expected, &key, place.rules) else {
            if place.rules == Rules::Strict {
                misfits.get_or_insert_with(|| place.inside(&key).misfit("there is no such column"));
            }
            reader.skip()?;
            continue;
        };
        expected = index + 1;
        if std::mem::replace(&mut seen[index], true) && place.rules == Rules::Strict {
            misfits.get_or_insert_with(|| place.inside(&key).misfit("the field is there twice"));
        }
        let (token, start) = reader.value()?;
        let converted = convert_from(reader, token, start, field.data_type(), &place.inside(field.name()))?;
        if let Some(cell) = converted.lenient(&mut misfits) {
            cells[index] = cell;
        }
    }
    if place.rules == Rules::Strict && misfits.is_none() {
        let empty = fields.iter().zip(&cells).find(|(field, cell)| !field.is_nullable() && **cell == Cell::Null);
        misfits = empty.map(|(field, _)| place.inside(field.name()).misfit("the column must have a value"));
    }
    Ok(Converted::of(Cell::Struct(cells), misfits))
}

/// The field of that name: exactly, or where nothing may be lost silently, in any case.
fn find<'f>(fields: &'f Fields, expected: usize, name: &str, rules: Rules) -> Option<(usize, &'f FieldRef)> {
    if let Some(field) = fields.get(expected).filter(|field| field.name() == name) {
        return Some((expected, field));
    }
    fields.find(name).or_else(|| {
        let mut same = fields.iter().enumerate().filter(|(_, field)| field.name().eq_ignore_ascii_case(name));
        same.next().filter(|_| rules == Rules::Strict)
    })
}

fn array<'a>(reader: &mut Reader<'a>, item: &Field, place: &Place<'_>) -> Result<Converted<'a>, Malformed> {
    let place = place.inside("[]");
    let mut cells = Vec::new();
    let (mut misfits, mut bad) = (None, false);
    let mut first = true;
    while reader.next_element(&mut first)? {
        let (token, start) = reader.value()?;
        match convert_from(reader, token, start, item.data_type(), &place)?.lenient(&mut misfits) {
            Some(Cell::Null) if place.rules == Rules::Strict && !item.is_nullable() => {
                misfits.get_or_insert_with(|| place.misfit("an element must have a value"));
            }
            Some(cell) => cells.push(cell),
            None => bad = true,
        }
    }
    Ok(match misfits {
        // One element that is nothing leaves no array: its place in it would be lost.
        Some(misfit) if bad => Converted::Bad(misfit),
        misfits => Converted::of(Cell::List(cells), misfits),
    })
}

fn map<'a>(reader: &mut Reader<'a>, entry: &Field, place: &Place<'_>) -> Result<Converted<'a>, Malformed> {
    let value_field = match entry.data_type() {
        DataType::Struct(pair) if pair.len() == 2 && pair[0].data_type() == &DataType::Utf8 => &pair[1],
        _ => {
            reader.skip_rest(&Token::Object)?;
            return Ok(Converted::Bad(place.misfit("a map whose keys are not text cannot be read from JSON")));
        }
    };
    let mut cells: Vec<(Cell<'a>, Cell<'a>)> = Vec::new();
    let mut keys = HashSet::new();
    let (mut misfits, mut bad) = (None, false);
    let mut first = true;
    while let Some(key) = reader.next_key(&mut first)? {
        let (token, start) = reader.value()?;
        let converted = convert_from(reader, token, start, value_field.data_type(), &place.inside(&key))?;
        if place.rules == Rules::Strict && !keys.insert(key.clone()) {
            misfits.get_or_insert_with(|| place.inside(&key).misfit("the key is there twice"));
        }
        match converted.lenient(&mut misfits) {
            Some(Cell::Null) if place.rules == Rules::Strict && !value_field.is_nullable() => {
                misfits.get_or_insert_with(|| place.inside(&key).misfit("a value must not be null"));
            }
            Some(cell) => cells.push((Cell::Text(key), cell)),
            None => bad = true,
        }
    }
    Ok(match misfits {
        Some(misfit) if bad => Converted::Bad(misfit),
        misfits => Converted::of(Cell::Map(cells), misfits),
    })
}

fn scalar<'a>(token: Token<'a>, written: &'a str, kind: &DataType, rules: Rules) -> Option<Cell<'a>> {
    let integer = |text: &str, low: i64, high: i64| {
        text.parse().ok().filter(|number| (low..=high).contains(number)).map(Cell::Int)
    };
    let number = match token {
        Token::Text(text) => return from_text(text, kind, rules),
        Token::Number(number) => number,
        Token::SpecialFloat(value) if kind.is_floating() => return Some(Cell::Float(value)),
        Token::Bool(value) if *kind == DataType::Boolean => return Some(Cell::Bool(value)),
        _ if *kind == DataType::Utf8 => return Some(Cell::Text(Cow::Borrowed(written))),
        _ => return None,
    };
    match kind {
        DataType::Utf8 => Some(Cell::Text(Cow::Borrowed(number))),
        DataType::Int8 => integer(number, i8::MIN.into(), i8::MAX.into()),
        DataType::Int16 => integer(number, i16::MIN.into(), i16::MAX.into()),
        DataType::Int32 => integer(number, i32::MIN.into(), i32::MAX.into()),
        DataType::Int64 => integer(number, i64::MIN, i64::MAX),
        DataType::Float32 | DataType::Float64 => float(number, kind, rules),
        DataType::Decimal128(precision, scale) => decimal(number, *precision, *scale, rules),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) if rules == Rules::Lenient => {
            number.parse::<i64>().ok()?.checked_mul(1_000_000).map(Cell::Int)
        }
        _ => None,
    }
}

fn from_text<'a>(text: Cow<'a, str>, kind: &DataType, rules: Rules) -> Option<Cell<'a>> {
    match kind {
        DataType::Utf8 => Some(Cell::Text(text)),
        DataType::Float32 | DataType::Float64 => scalars::special_float(&text).map(Cell::Float),
        DataType::Decimal128(precision, scale) => decimal(&text, *precision, *scale, rules),
        DataType::Date32 => scalars::date(&text).map(|days| Cell::Int(days.into())),
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => scalars::instant(&text).map(Cell::Int),
        DataType::Timestamp(TimeUnit::Microsecond, None) => scalars::local_time(&text).map(Cell::Int),
        DataType::Binary => STANDARD.decode(text.as_bytes()).ok().map(Cell::Bytes),
        _ => None,
    }
}

/// A number as the nearest float; one that is beyond all floats is infinite in Spark and nothing where it would be lost.
fn float<'a>(number: &str, kind: &DataType, rules: Rules) -> Option<Cell<'a>> {
    let value = match kind {
        DataType::Float32 => f64::from(number.parse::<f32>().ok()?),
        _ => number.parse::<f64>().ok()?,
    };
    (value.is_finite() || rules == Rules::Lenient).then_some(Cell::Float(value))
}

fn decimal<'a>(number: &str, precision: u8, scale: i8, rules: Rules) -> Option<Cell<'a>> {
    let digits = if rules == Rules::Strict { Digits::Exact } else { Digits::Round };
    scalars::decimal(number, precision, scale, digits).map(Cell::Decimal)
}

/// A type by its SQL name.
pub(super) fn name(kind: &DataType) -> String {
    super::values::text(kind)
}

#[cfg(test)]
#[path = "json/tests.rs"]
mod tests;
