//! JSON text, one token at a time: numbers keep all their digits, and every token knows where it stands.
//!
//! The grammar is what Spark reads by default: JSON, also with single quotes, and with the bare words NaN, INF and
//! Infinity where a number can be. Bounded: nesting deeper than [`MAX_DEPTH`] is malformed, and nothing is held but one
//! text's escapes.

use std::borrow::Cow;

use super::super::scalars::special_float;

/// Arrays and objects in one another, as Spark's own reader allows.
const MAX_DEPTH: usize = 1000;

/// Text that is not JSON, from this byte on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub(in super::super) struct Malformed {
    /// Bytes before the place.
    pub(in super::super) at: usize,
    problem: &'static str,
}

/// The beginning of a value. After `Array` and `Object` its inside is still to be read.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token<'a> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'a str),
    /// NaN and the infinities.
    SpecialFloat(f64),
    Text(Cow<'a, str>),
    Array,
    Object,
}

/// A text and how far it was read.
#[derive(Clone, Debug)]
pub(in super::super) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(in super::super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Whether there is nothing but white space left.
    pub(in super::super) fn is_at_end(&mut self) -> bool {
        self.space();
        self.at == self.text.len()
    }

    /// Whether the text was read as a whole.
    pub(super) fn expect_end(&mut self) -> Result<(), Malformed> {
        if self.is_at_end() { Ok(()) } else { Err(self.malformed("there is something after the value")) }
    }

    /// What was written from there to here.
    pub(super) fn written_since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// The beginning of the next value, and where it begins.
    pub(super) fn value(&mut self) -> Result<(Token<'a>, usize), Malformed> {
        self.space();
        let start = self.at;
        let token = match self.peek() {
            Some(b'{') => self.take(Token::Object),
            Some(b'[') => self.take(Token::Array),
            Some(quote @ (b'"' | b'\'')) => Token::Text(self.quoted(quote)?),
            Some(b'0'..=b'9') => self.number(start)?,
            Some(b'-') if self.bytes().get(self.at + 1).is_some_and(u8::is_ascii_digit) => {
                self.at += 1;
                self.number(start)?
            }
            Some(_) => self.word(start)?,
            None => return Err(self.malformed("the text ends where a value should be")),
        };
        Ok((token, start))
    }

    /// Whether there is another element in the array whose inside is being read; `first` is true before the first.
    pub(super) fn next_element(&mut self, first: &mut bool) -> Result<bool, Malformed> {
        self.next_item(first, b']', "there is no ',' or ']' after an element")
    }

    /// The next key of the object whose inside is being read, up to its value.
    pub(super) fn next_key(&mut self, first: &mut bool) -> Result<Option<Cow<'a, str>>, Malformed> {
        if !self.next_item(first, b'}', "there is no ',' or '}' after a value")? {
            return Ok(None);
        }
        let key = match self.peek() {
            Some(quote @ (b'"' | b'\'')) => self.quoted(quote)?,
            _ => return Err(self.malformed("a key is not in quotes")),
        };
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.malformed("there is no ':' after a key"));
        }
        self.at += 1;
        Ok(Some(key))
    }

    /// Reads the rest of a value whose beginning was read.
    pub(super) fn skip_rest(&mut self, token: &Token<'_>) -> Result<(), Malformed> {
        match token {
            Token::Array => self.skip_inside(b']'),
            Token::Object => self.skip_inside(b'}'),
            _ => Ok(()),
        }
    }

    /// Reads the next value without looking at it.
    pub(super) fn skip(&mut self) -> Result<(), Malformed> {
        let (token, _) = self.value()?;
        self.skip_rest(&token)
    }

    /// Reads up to the end of the array or object that `close` ends. A loop, so that depth costs no stack.
    fn skip_inside(&mut self, close: u8) -> Result<(), Malformed> {
        let mut open = vec![(close, true)];
        while let Some((close, first)) = open.last_mut() {
            let more = match *close {
                b']' => self.next_element(first)?,
                _ => self.next_key(first)?.is_some(),
            };
            if !more {
                open.pop();
                continue;
            }
            let inner = match self.value()?.0 {
                Token::Array => b']',
                Token::Object => b'}',
                _ => continue,
            };
            if open.len() == MAX_DEPTH {
                return Err(self.malformed("it is nested too deeply"));
            }
            open.push((inner, true));
        }
        Ok(())
    }

    fn next_item(&mut self, first: &mut bool, close: u8, problem: &'static str) -> Result<bool, Malformed> {
        self.space();
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(false);
        }
        if !std::mem::replace(first, false) {
            if self.peek() != Some(b',') {
                return Err(self.malformed(problem));
            }
            self.at += 1;
            self.space();
            if self.peek() == Some(close) {
                return Err(self.malformed("there is nothing after a ','"));
            }
        }
        Ok(true)
    }

    fn number(&mut self, start: usize) -> Result<Token<'a>, Malformed> {
        if self.peek() == Some(b'0') && self.bytes().get(self.at + 1).is_some_and(u8::is_ascii_digit) {
            return Err(self.malformed("a number begins with a zero"));
        }
        self.digits()?;
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(Token::Number(self.written_since(start)))
    }

    fn digits(&mut self) -> Result<(), Malformed> {
        let count = self.bytes()[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        if count == 0 {
            return Err(self.malformed("a number lacks a digit"));
        }
        self.at += count;
        Ok(())
    }

    fn word(&mut self, start: usize) -> Result<Token<'a>, Malformed> {
        let rest = &self.bytes()[start..];
        let length = rest.iter().take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-')).count();
        self.at += length;
        let word = self.written_since(start);
        let token = match word {
            "null" => Some(Token::Null),
            "true" => Some(Token::Bool(true)),
            "false" => Some(Token::Bool(false)),
            _ => special_float(word).map(Token::SpecialFloat),
        };
        token.ok_or_else(|| {
            self.at = start;
            self.malformed("there is no value where one should be")
        })
    }

    /// The text between quotes; the opening one is next.
    fn quoted(&mut self, quote: u8) -> Result<Cow<'a, str>, Malformed> {
        self.at += 1;
        let mut start = self.at;
        let mut unescaped = String::new();
        loop {
            match self.peek() {
                None => return Err(self.malformed("a text has no closing quote")),
                Some(byte) if byte == quote => {
                    let last = self.written_since(start);
                    self.at += 1;
                    return Ok(if unescaped.is_empty() { Cow::Borrowed(last) } else { Cow::Owned(unescaped + last) });
                }
                Some(b'\\') => {
                    unescaped.push_str(self.written_since(start));
                    self.at += 1;
                    unescaped.push(self.escaped()?);
                    start = self.at;
                }
                Some(0..=0x1f) => return Err(self.malformed("a control character in a text is not escaped")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Malformed> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(b'"') => '"',
            Some(b'\'') => '\'',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.escaped_code(),
            _ => {
                self.at -= 1;
                return Err(self.malformed("a backslash is followed by no escape"));
            }
        })
    }

    fn escaped_code(&mut self) -> Result<char, Malformed> {
        let high = self.hex()?;
        let mut code = Some(high);
        if (0xd800..0xdc00).contains(&high) && self.bytes()[self.at..].starts_with(b"\\u") {
            self.at += 2;
            let low = self.hex()?.checked_sub(0xdc00).filter(|low| *low < 0x400);
            code = low.map(|low| 0x10000 + ((high - 0xd800) << 10) + low);
        }
        code.and_then(char::from_u32).ok_or_else(|| self.malformed("a \\u escape is half of a character"))
    }

    fn hex(&mut self) -> Result<u32, Malformed> {
        let digits = self.bytes().get(self.at..self.at + 4).and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let code = code.ok_or_else(|| self.malformed("a \\u escape has four hexadecimal digits"))?;
        self.at += 4;
        Ok(code)
    }

    fn take(&mut self, token: Token<'a>) -> Token<'a> {
        self.at += 1;
        token
    }

    fn space(&mut self) {
        self.at += self.bytes()[self.at..].iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
    }

    fn peek(&self) -> Option<u8> {
        self.bytes().get(self.at).copied()
    }

    fn bytes(&self) -> &'a [u8] {
        self.text.as_bytes()
    }

    fn malformed(&self, problem: &'static str) -> Malformed {
        Malformed { at: self.at, problem }
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn whole(text: &str) -> Result<(), Malformed> {
        let mut reader = Reader::new(text);
        reader.skip()?;
        reader.expect_end()
    }

    /// Two readers agree on what is JSON, for texts that both could read: no single quotes and no special floats.
    #[test]
    fn what_is_json_is_what_serde_says() {
        const PIECES: [&str; 34] = [
            "{",
            "}",
            "[",
            "]",
            ",",
            ":",
            "\"",
            "\"a\"",
            "\"\\n\"",
            "\"\\u00e9\"",
            "\"\\ud83d\\ude00\"",
            "\"\\ud83d\"",
            "\"\\x\"",
            "\\",
            "0",
            "-",
            "1",
            "12",
            "1.5",
            "1.",
            ".5",
            "01",
            "1e5",
            "1E+",
            "-0",
            "true",
            "false",
            "null",
            "nul",
            "tru e",
            " ",
            "\n",
            "ü",
            "\u{1}",
        ];
        let mut random = StdRng::seed_from_u64(11);
        let (mut good, mut bad) = (0, 0);
        for round in 0..60_000 {
            let length = random.random_range(1..if round % 2 == 0 { 4 } else { 12 });
            let text: String = (0..length).map(|_| PIECES[random.random_range(0..PIECES.len())]).collect();
            let theirs = match serde_json::from_str::<serde_json::Value>(&text) {
                // A number that is too large for a float is JSON nevertheless; what follows it is not looked at there.
                Err(error) if error.to_string().contains("number out of range") => continue,
                other => other.is_ok(),
            };
            assert_eq!(whole(&text).is_ok(), theirs, "{text:?}: {:?}", whole(&text));
            if theirs { good += 1 } else { bad += 1 }
        }
        assert!(good > 1000 && bad > 1000, "{good} good and {bad} bad texts say little");
    }

    #[test]
    fn any_text_ends_in_a_value_or_a_place() {
        const LETTERS: [char; 20] =
            ['{', '}', '[', ']', ',', ':', '"', '\'', '\\', 'u', 'd', '8', '0', '-', '+', 'e', 'N', 'ü', '😀', '\0'];
        let mut random = StdRng::seed_from_u64(13);
        for _ in 0..60_000 {
            let length = random.random_range(0..16);
            let text: String = (0..length).map(|_| LETTERS[random.random_range(0..LETTERS.len())]).collect();
            if let Err(malformed) = whole(&text) {
                assert!(malformed.at <= text.len(), "{text:?}: {malformed:?}");
            }
        }
    }

    #[test]
    fn texts_and_numbers_arrive_as_written() {
        for (text, token) in [
            (r#""a\"b\\c\/\n\u00e9\ud83d\ude00""#, Token::Text("a\"b\\c/\né😀".into())),
            ("'it\"s'", Token::Text("it\"s".into())),
            (r"'it\'s'", Token::Text("it's".into())),
            ("-0.10e+05", Token::Number("-0.10e+05")),
            ("12345678901234567890.123456789", Token::Number("12345678901234567890.123456789")),
            ("-INF", Token::SpecialFloat(f64::NEG_INFINITY)),
            (" null ", Token::Null),
        ] {
            assert_eq!(Reader::new(text).value().map(|(token, _)| token), Ok(token), "{text}");
        }
        assert!(
            Reader::new("\"plain\"").value().is_ok_and(|(token, _)| matches!(token, Token::Text(Cow::Borrowed(_))))
        );
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(whole(&nested(1000)), Ok(()));
        assert!(whole(&nested(1001)).is_err());
        assert!(whole(&"[".repeat(10_000_000)).is_err());
    }
}
