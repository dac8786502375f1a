use super::*;

fn options() -> CsvOptions {
    CsvOptions {
        header: true,
        delimiter: b',',
        quote: b'"',
        escape: b'\\',
        null_value: String::new(),
        multi_line: true,
    }
}

/// A record's line and values, those in quotes in brackets.
type Shown = (usize, Vec<String>);

fn records(text: &str, options: &CsvOptions) -> Result<Vec<Shown>, (String, String)> {
    let mut records = Records { text, at: 0, line: 1, options };
    let mut all = Vec::new();
    loop {
        match records.next() {
            Ok(Some(record)) => {
                let show = |value: &Value<'_>| {
                    if value.is_quoted { format!("<{}>", value.text) } else { value.text.to_string() }
                };
                all.push((record.line, record.fields.iter().map(show).collect()));
            }
            Ok(None) => return Ok(all),
            Err(Problem::Record { place, message }) => return Err((place, message)),
            Err(Problem::Other(failure)) => panic!("{failure:?}"),
        }
    }
}

#[test]
fn records_and_values_read_as_rfc_4180_and_spark_have_them() {
    for (text, expected) in [
        ("", vec![]),
        ("\n\r\n\n", vec![]),
        ("a,b", vec![(1, vec!["a", "b"])]),
        ("a,b\r\nc,d\n", vec![(1, vec!["a", "b"]), (2, vec!["c", "d"])]),
        ("a,\n,b\n,", vec![(1, vec!["a", ""]), (2, vec!["", "b"]), (3, vec!["", ""])]),
        ("\"\",\"a,b\",\"c\"\"d\"", vec![(1, vec!["<>", "<a,b>", "<c\"d>"])]),
        ("\"a\\\"b\",\"c\\\\\",\"d\\e\"", vec![(1, vec!["<a\"b>", "<c\\>", "<d\\e>"])]),
        ("\"\"\"\",\"\"\"\"\"\"", vec![(1, vec!["<\">", "<\"\">"])]),
        ("\n\"a\nb\",c\nd,e", vec![(2, vec!["<a\nb>", "c"]), (4, vec!["d", "e"])]),
        ("a\"b,c\\d", vec![(1, vec!["a\"b", "c\\d"])]),
        (" a , b ", vec![(1, vec![" a ", " b "])]),
        ("ü,\"😀\"", vec![(1, vec!["ü", "<😀>"])]),
    ] {
        let expected: Vec<Shown> = expected
            .into_iter()
            .map(|(line, values)| (line, values.into_iter().map(str::to_owned).collect()))
            .collect();
        assert_eq!(records(text, &options()), Ok(expected), "{text:?}");
    }
    let other = CsvOptions { delimiter: b'\t', quote: b'\'', escape: b'\'', ..options() };
    let row = (1, vec!["a,b".to_owned(), "<it's>".to_owned(), "\"x\"".to_owned()]);
    assert_eq!(records("a,b\t'it''s'\t\"x\"", &other), Ok(vec![row]));
}

#[test]
fn what_is_not_a_record_is_told_with_its_line() {
    for (text, line) in [("a\n\"b", "line 2"), ("a\n\"b\nc", "line 2"), ("\"a\"b", "line 1"), ("a\n\"b\" ,c", "line 2")]
    {
        assert_eq!(records(text, &options()).map_err(|(place, _)| place), Err(line.to_owned()), "{text:?}");
    }
    let single = CsvOptions { multi_line: false, ..options() };
    let error = records("a\n\"b\nc\"", &single);
    assert!(matches!(&error, Err((place, message)) if place == "line 2" && message.contains("multiLine")), "{error:?}");
}

#[test]
fn any_text_ends_in_records_or_a_line() {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    let letters = ['a', ',', '"', '\\', '\n', '\r', 'ü', ' '];
    let mut random = StdRng::seed_from_u64(5);
    for _ in 0..50_000 {
        let text: String =
            (0..random.random_range(0..12)).map(|_| letters[random.random_range(0..letters.len())]).collect();
        if let Ok(all) = records(&text, &options()) {
            assert!(
                all.iter().all(|(line, values)| !values.is_empty() && *line <= 1 + text.matches('\n').count()),
                "{text:?}"
            );
        }
    }
}
