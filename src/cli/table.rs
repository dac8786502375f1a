//! Tables on a terminal: the first column to the left, numbers to the right, nothing but a line below the head.

use comfy_table::{CellAlignment, Table, TableComponent, presets};

/// A table from its head and its rows; columns named in `left` hold words.
pub(super) fn table(head: &[&str], left: &[usize], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_style(TableComponent::HeaderLines, '─').set_header(head.iter().copied());
    table.add_rows(rows);
    for (index, column) in table.column_iter_mut().enumerate() {
        let words = index == 0 || left.contains(&index);
        column.set_cell_alignment(if words { CellAlignment::Left } else { CellAlignment::Right });
        column.set_padding((if index == 0 { 0 } else { 1 }, 1));
    }
    table.trim_fmt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_to_the_right() {
        let rows = [vec!["zerobus".to_owned(), "7".to_owned()], vec!["sql".to_owned(), "12 000".to_owned()]];
        let text = table(&["Writer", "Rows"], &[], rows);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("Writer"), "{text}");
        assert!(lines[2].starts_with("zerobus") && lines[2].ends_with(" 7"), "{text}");
        assert!(lines[3].ends_with("12 000"), "{text}");
    }
}
