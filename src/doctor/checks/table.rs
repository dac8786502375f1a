//! The table: whether it is there, and is one that Zerobus writes to (ZEROBUS facts, section 4).

use super::super::finding::{Finding, trouble};
use super::super::names::{self, REFUSED_FEATURES};
use super::super::{Patient, Room};
use super::{Early, grants};
use crate::model::{Column, TableName};
use crate::workspace::{TableFacts, WorkspaceError};

/// Columns that a table written through Zerobus may have.
const MOST_COLUMNS: usize = 2000;
/// Types that the service documents.
const TYPES: [&str; 22] = [
    "STRING",
    "VARCHAR",
    "CHAR",
    "BOOLEAN",
    "BYTE",
    "TINYINT",
    "SHORT",
    "SMALLINT",
    "INT",
    "INTEGER",
    "LONG",
    "BIGINT",
    "FLOAT",
    "DOUBLE",
    "DECIMAL",
    "DATE",
    "TIMESTAMP",
    "TIMESTAMP_NTZ",
    "BINARY",
    "ARRAY",
    "MAP",
    "STRUCT",
];

/// Looks the table up and compares it with what Zerobus takes.
pub(super) async fn table(room: &Room<'_>) -> Early {
    let patient = room.patient()?;
    let name = &patient.table;
    let facts = match patient.workspace.table_facts(name).await {
        Ok(facts) => facts,
        Err(WorkspaceError::NotFound(said)) => return Err(not_there(patient, &said)),
        Err(WorkspaceError::PermissionDenied(_)) => return Err(hidden(patient).await),
        Err(error) => return Err(trouble(&error, "what the table is like")),
    };
    let kind = check_kind(name, &facts);
    let columns = match kind {
        Ok(()) => check_columns(patient, &facts).await,
        Err(finding) => Err(finding),
    };
    let count = facts.info.columns.len();
    let warned = features(name, &facts);
    // Set once: this check is made once.
    let _ = room.table.set(facts);
    columns?;
    let found = format!("{name} is a managed Delta table with {count} columns, each of a type that Zerobus takes.");
    Ok(warned.unwrap_or_else(|| Finding::passed(found, "Every writer can write to it, grants allowing.")))
}

fn not_there(patient: &Patient, said: &str) -> Finding {
    let table = &patient.table;
    let mut paste = Vec::new();
    if said.contains("atalog '") {
        paste.push(format!("CREATE CATALOG IF NOT EXISTS {};", names::part(table.catalog())));
    }
    if said.contains("atalog '") || said.contains("chema '") {
        paste.push(format!("CREATE SCHEMA IF NOT EXISTS {};", names::schema(table)));
    }
    paste.push(names::create_table(table, names::usual_columns(table)));
    paste.push(names::all_grants(table, patient.principal()));
    let meaning = "No writer creates a table; the name is misspelt, or it has still to be made.";
    // Only what the sentence does not say already: that the schema or the catalog is not there.
    let why = said.split(". ").next().unwrap_or_default().trim_end_matches('.');
    let found = match why.contains(&table.to_string()) {
        true => format!("There is no table {table}."),
        false => format!("There is no table {table} ({why})."),
    };
    Finding::failed(found, meaning)
        .sql("Make it with the columns you need, or correct DIRECT_WRITE_TABLE.", paste.join("\n"))
}

/// The table is there, or may be: the principal does not see it.
async fn hidden(patient: &Patient) -> Finding {
    let (table, principal) = (&patient.table, patient.principal());
    let found = format!("{principal} may not see {table}.");
    let finding =
        Finding::failed(found, "Without USE CATALOG, USE SCHEMA and SELECT a table is hidden, and cannot be written.");
    let paste = match grants::missing(patient).await {
        Ok(missing) if !missing.is_empty() => grants::statements(&missing, principal),
        // Whoever may not reach a table does not learn that it is not there; who asks for grants on it does.
        Err(WorkspaceError::NotFound(said)) => return not_there(patient, &said),
        _ => names::all_grants(table, principal),
    };
    finding.sql("Let the owner run this.", paste)
}

fn check_kind(name: &TableName, facts: &TableFacts) -> Result<(), Finding> {
    let (table_type, format) = (facts.table_type.as_str(), facts.format.as_str());
    let is_delta = format.is_empty() || format == "DELTA";
    match table_type {
        "" | "MANAGED" if is_delta => Ok(()),
        "EXTERNAL" if is_delta => {
            let found = format!("{name} is an EXTERNAL Delta table.");
            Err(Finding::failed(found, "Zerobus writes to managed Delta tables only; SQL can write to it.").sql(
                "Make it a managed one; its name, grants and history stay.",
                format!("ALTER TABLE {} SET MANAGED;", names::full(name)),
            ))
        }
        _ => {
            let found = format!("{name} is {table_type} {format}, not a managed Delta table.").replace("  ", " ");
            let other = another(name, "managed");
            let paste = format!("CREATE TABLE {} AS SELECT * FROM {};", names::full(&other), names::full(name));
            Err(Finding::failed(found, "Zerobus writes to managed Delta tables only.")
                .sql(format!("Make a managed copy, then set DIRECT_WRITE_TABLE={other}."), paste))
        }
    }
}

/// A name beside this one.
fn another(name: &TableName, end: &str) -> TableName {
    let text = format!("{}.{}.{}_{end}", name.catalog(), name.schema(), name.table());
    // Only a name that is as long as a name may be becomes too long.
    TableName::parse(&text).unwrap_or_else(|_| name.clone())
}

async fn check_columns(patient: &Patient, facts: &TableFacts) -> Result<(), Finding> {
    let (name, columns) = (&patient.table, &facts.info.columns);
    if columns.len() > MOST_COLUMNS {
        let found = format!("{name} has {} columns, more than {MOST_COLUMNS}.", columns.len());
        let paste = match fitting_table(patient).await {
            Some(other) => format!("DIRECT_WRITE_TABLE={other}"),
            None => "DIRECT_WRITE_TABLE=<catalog.schema.table>".to_owned(),
        };
        return Err(Finding::failed(found, "Zerobus takes no table with so many.")
            .setting("Name a table that has fewer and start again.", paste));
    }
    let unfit: Vec<String> = columns.iter().filter(|column| !fits(column)).map(described).collect();
    if unfit.is_empty() {
        return Ok(());
    }
    let found = format!("{name} has columns that Zerobus does not take: {}.", unfit.join(", "));
    let other = another(name, "zerobus");
    let lines: Vec<String> = columns.iter().filter(|column| takes_type(column)).map(line).collect();
    let words = format!("Make a table without them beside it, then set DIRECT_WRITE_TABLE={other}.");
    let paste = [
        names::create_table(&other, &format!("{}\n", lines.join(",\n"))),
        names::all_grants(&other, patient.principal()),
    ];
    Err(Finding::failed(found, "Column names have to be ASCII, and types those that the service documents.")
        .sql(words, paste.join("\n")))
}

/// The column of a table made for Zerobus.
fn line(column: &Column) -> String {
    let kind = if column.type_text.is_empty() { &column.type_name } else { &column.type_text };
    format!("  {} {}", names::part(&names::ascii(&column.name)), kind.to_uppercase())
}

fn described(column: &Column) -> String {
    format!("{} {}", column.name, if column.type_text.is_empty() { &column.type_name } else { &column.type_text })
}

fn fits(column: &Column) -> bool {
    column.name.is_ascii() && takes_type(column)
}

fn takes_type(column: &Column) -> bool {
    let name = column.type_name.to_ascii_uppercase();
    name == "VARIANT" || TYPES.contains(&name.as_str())
}

/// A table of the same schema that Zerobus would take.
async fn fitting_table(patient: &Patient) -> Option<TableName> {
    let tables = patient.workspace.tables().await.ok()?;
    let fitting = tables.into_iter().find(|table| {
        table.name != patient.table && table.columns.len() <= MOST_COLUMNS && table.columns.iter().all(fits)
    });
    fitting.map(|table| table.name)
}

/// Features that Zerobus refused once; whether it still does was not tried on a workspace, so this is no failure.
fn features(name: &TableName, facts: &TableFacts) -> Option<Finding> {
    let is_on = |key: &str| facts.properties.get(key).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    let on: Vec<(&str, &str)> = REFUSED_FEATURES.into_iter().filter(|(key, _)| is_on(key)).collect();
    if on.is_empty() {
        return None;
    }
    let words: Vec<&str> = on.iter().map(|(_, words)| *words).collect();
    let off: Vec<String> = on.iter().map(|(key, _)| format!("'{key}' = 'false'")).collect();
    let found = format!("{name} has {} switched on.", words.join(" and "));
    let meaning = "Zerobus refused tables with it when this was written; the stream below shows whether it does here.";
    let paste = format!("ALTER TABLE {} SET TBLPROPERTIES ({});", names::full(name), off.join(", "));
    Some(Finding::warned(found, meaning).sql("If the stream is refused, switch it off.", paste))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::TableInfo;
    use crate::model::doctor::{CheckGroup, CheckState};

    fn facts(table_type: &str, format: &str) -> TableFacts {
        TableFacts {
            info: TableInfo { name: name(), columns: Vec::new() },
            table_type: table_type.to_owned(),
            format: format.to_owned(),
            properties: BTreeMap::new(),
        }
    }

    fn name() -> TableName {
        TableName::parse("main.s.t").unwrap()
    }

    fn paste(finding: Finding) -> (CheckState, String) {
        let step = super::super::Step {
            id: "table",
            title: "Table",
            group: CheckGroup::Workspace,
            stands_on: &[],
            make: |_| unreachable!("only its names are asked for"),
        };
        let check = finding.into_check(&step, std::time::Duration::ZERO);
        (check.state, check.advice.and_then(|advice| advice.paste).unwrap())
    }

    #[test]
    fn only_managed_delta_tables_pass_and_the_others_are_told_what_to_become() {
        assert!(check_kind(&name(), &facts("MANAGED", "DELTA")).is_ok());
        let external = paste(check_kind(&name(), &facts("EXTERNAL", "DELTA")).unwrap_err());
        assert_eq!(external, (CheckState::Failed, "ALTER TABLE main.s.t SET MANAGED;".to_owned()));
        let view = paste(check_kind(&name(), &facts("VIEW", "")).unwrap_err()).1;
        assert_eq!(view, "CREATE TABLE main.s.t_managed AS SELECT * FROM main.s.t;");
    }

    #[test]
    fn features_that_are_on_are_named_with_the_statement_that_switches_them_off() {
        let mut some = facts("MANAGED", "DELTA");
        assert!(features(&name(), &some).is_none());
        some.properties.insert("delta.enableDeletionVectors".to_owned(), "TRUE".to_owned());
        let (state, paste) = paste(features(&name(), &some).unwrap());
        assert_eq!(state, CheckState::Warned);
        assert_eq!(paste, "ALTER TABLE main.s.t SET TBLPROPERTIES ('delta.enableDeletionVectors' = 'false');");
    }
}
