//! What is typed into the composer: names and texts, as a browser sends them. Keeps everything, judges nothing.
//!
//! Names are the plan's own paths (`source.records`), but for the writers: their rows are numbered (`writer.2.batch`), because
//! rows that are not chosen are in the form and not in the plan.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The field for a table that is not among those to choose from.
pub const OTHER_TABLE: &str = "table.other";

/// What is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Form {
    pairs: Vec<(String, String)>,
}

impl Form {
    /// Nothing typed.
    pub fn new() -> Self {
        Self::default()
    }

    /// The text of a field, without white space around it; empty when there is no such field.
    pub fn text(&self, name: &str) -> &str {
        self.pairs.iter().find(|(known, _)| known == name).map_or("", |(_, text)| text.trim())
    }

    /// Whether a field was sent: boxes that are not ticked are not.
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| known == name)
    }

    /// Sets a field.
    pub fn set(&mut self, name: impl Into<String>, text: impl Into<String>) {
        let (name, text) = (name.into(), text.into());
        match self.pairs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = text,
            None => self.pairs.push((name, text)),
        }
    }

    /// Takes a field out and answers its text.
    pub fn take(&mut self, name: &str) -> Option<String> {
        let at = self.pairs.iter().position(|(known, _)| known == name)?;
        Some(self.pairs.remove(at).1)
    }

    /// The numbers of the writers' rows, in order.
    pub fn rows(&self) -> Vec<usize> {
        let number = |name: &str| name.strip_prefix("writer.")?.strip_suffix(".kind")?.parse().ok();
        let rows: BTreeSet<usize> = self.pairs.iter().filter_map(|(name, _)| number(name)).collect();
        rows.into_iter().collect()
    }

    /// Adds a chosen row for a writer of that name and answers its number.
    pub fn add_row(&mut self, kind: &str) -> usize {
        let row = self.rows().last().map_or(0, |last| last + 1);
        self.set(format!("writer.{row}.kind"), kind);
        self.set(format!("writer.{row}.on"), "on");
        row
    }

    /// Takes a row out.
    pub fn remove_row(&mut self, row: usize) {
        let prefix = format!("writer.{row}.");
        self.pairs.retain(|(name, _)| !name.starts_with(&prefix));
    }

    /// Fields of an upload and the columns they were mapped to, in the order they came.
    pub fn mapped(&self) -> impl Iterator<Item = (&str, &str)> {
        self.pairs.iter().filter_map(|(name, column)| Some((name.strip_prefix("map.")?, column.as_str())))
    }

    /// Forgets the mapping: another table has other columns.
    pub fn forget_mapping(&mut self) {
        self.pairs.retain(|(name, _)| !name.starts_with("map."));
    }
}

impl FromIterator<(String, String)> for Form {
    /// Of fields that come twice the first counts.
    fn from_iter<T: IntoIterator<Item = (String, String)>>(pairs: T) -> Self {
        let mut form = Self::new();
        for (name, text) in pairs {
            if !form.has(&name) {
                form.pairs.push((name, text));
            }
        }
        // A name that was typed counts more than one that was chosen.
        if let Some(other) = form.take(OTHER_TABLE).filter(|other| !other.trim().is_empty()) {
            form.set("table", other.trim());
        }
        form
    }
}
