//! `compare`: reports side by side, each measure with its change against the first.

use std::io::Write;
use std::path::PathBuf;

use super::files::{Refused, check_writable, read_reports, write};
use super::summary::paragraph;
use super::table::table;
use super::{CompareArguments, Ending};
use crate::engine::export;
use crate::model::Report;
use crate::model::compare::{Direction, MeasureDelta, SideBySide, Worth, WriterDelta, compare as side_by_side};
use crate::model::number::percent_change;

/// Reads the reports, prints what changed, writes what was asked for.
///
/// # Errors
/// [`Refused`] when a file is not a report that this program reads, or the HTML file cannot be written there.
pub fn compare(arguments: &CompareArguments) -> Result<Ending, Refused> {
    let reports = read_reports(arguments.reports.iter().map(PathBuf::as_path))?;
    if let Some(path) = &arguments.html {
        check_writable(path)?;
        write(path, &export::comparison_html(&reports)).map_err(Refused::because)?;
    }
    // Whoever closed the other end does not want to read on.
    let _ = writeln!(std::io::stdout().lock(), "{}", text(&reports));
    Ok(Ending::Held)
}

fn text(reports: &[Report]) -> String {
    let sides = side_by_side(reports);
    let heads = sides.reports.iter().enumerate();
    let mut text: String = heads
        .map(|(index, head)| format!("{}  {} · {} · {}\n", letter(index), head.name, head.started_at, head.id))
        .collect();
    for difference in &sides.differences {
        paragraph(&mut text, "!  ", difference);
    }
    for writer in &sides.writers {
        text.push_str(&format!("\n{}\n", writer_table(&sides, writer)));
        for note in &writer.notes {
            paragraph(&mut text, "!  ", note);
        }
    }
    text.trim_end().to_owned()
}

/// `A`, `B`, ...: reports may have the same name.
fn letter(index: usize) -> String {
    char::from(b'A' + u8::try_from(index % 26).unwrap_or(0)).to_string()
}

fn writer_table(sides: &SideBySide, writer: &WriterDelta) -> String {
    let mut head = vec![writer.writer.clone()];
    for index in 0..sides.reports.len() {
        head.push(letter(index));
        if index > 0 {
            head.push("Change".to_owned());
        }
    }
    let states = writer.states.iter().map(|state| state.map_or("–", |state| state.name()).to_owned());
    let mut rows = vec![row("State", states.map(|state| (state, String::new())))];
    rows.extend(writer.measures.iter().map(measure_row));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(&head, &[], rows)
}

/// A row of values, each but the first with its change.
fn row(name: &str, cells: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let mut row = vec![name.to_owned()];
    for (index, (value, change)) in cells.enumerate() {
        row.push(value);
        if index > 0 {
            row.push(change);
        }
    }
    row
}

fn measure_row(delta: &MeasureDelta) -> Vec<String> {
    let measure = delta.measure;
    let cell = |(value, change): (&Option<f64>, &Option<f64>)| {
        let text = value.map_or_else(|| "–".to_owned(), |value| measure.text(value));
        (text, change_text(delta, *value, *change))
    };
    row(measure.title(), delta.values.iter().zip(&delta.changes).map(cell))
}

fn change_text(delta: &MeasureDelta, now: Option<f64>, change: Option<f64>) -> String {
    let (Some(before), Some(now)) = (delta.values[0], now) else {
        return "–".to_owned();
    };
    let percent = match change {
        _ if before == now => percent_change(0.0),
        Some(change) => percent_change(change),
        None => String::new(),
    };
    let word = match delta.measure.direction() {
        Direction::Neither => "",
        _ => Worth::of(delta.measure, before, now).word(),
    };
    format!("{percent} {word}").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::example;

    #[test]
    fn changes_are_in_words() {
        let before = example::report();
        let mut now = before.clone();
        now.name = "again".to_owned();
        now.runs[0].throughput.rows_per_s *= 1.5;
        now.runs[0].records.missing = 1;
        now.runs.remove(2);
        now.machine.cpus = 64;
        let text = text(&[before, now]);
        for part in
            ["+50.0 % better", "±0 % same", "sql json-parameter is missing in 'again'.", "!  Machine: 2 processors"]
        {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        let missing = text.lines().find(|line| line.starts_with("Rows missing")).unwrap();
        assert_eq!(missing.split_whitespace().collect::<Vec<_>>(), ["Rows", "missing", "0", "1", "worse"]);
    }
}
