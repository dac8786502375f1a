//! Rows as the texts of their fields: Spark's `primitivesAsString`, where no value has a type of its own.

use std::borrow::Cow;

use super::{Malformed, Misfit, Reader, Token};

/// The fields of a row, in its order.
pub(in super::super) type TextFields<'a> = Vec<(Cow<'a, str>, Option<Cow<'a, str>>)>;

/// Reads the rest of a value that should be an object of primitive values.
pub(super) fn read<'a>(
    reader: &mut Reader<'a>,
    token: &Token<'a>,
) -> Result<Result<TextFields<'a>, Misfit>, Malformed> {
    let misfit = |field: &str, problem: &str| Misfit { field: field.to_owned(), problem: problem.to_owned() };
    if *token != Token::Object {
        reader.skip_rest(token)?;
        return Ok(Err(misfit("", "a row is an object")));
    }
    let mut fields: TextFields<'a> = Vec::new();
    let mut misfits = None;
    let mut first = true;
    while let Some(key) = reader.next_key(&mut first)? {
        let (token, start) = reader.value()?;
        if fields.iter().any(|(name, _)| *name == key) {
            misfits.get_or_insert_with(|| misfit(&key, "the field is there twice"));
        }
        let text = match token {
            Token::Null => None,
            Token::Text(text) => Some(text),
            Token::Array | Token::Object => {
                reader.skip_rest(&token)?;
                let problem = "with 'primitivesAsString' the local lakehouse reads no arrays and objects";
                misfits.get_or_insert_with(|| misfit(&key, problem));
                None
            }
            Token::Bool(_) | Token::Number(_) | Token::SpecialFloat(_) => {
                Some(Cow::Borrowed(reader.written_since(start)))
            }
        };
        fields.push((key, text));
    }
    Ok(misfits.map_or(Ok(fields), Err))
}
