//! A table that is to be made: what is typed, checked into what SQL says, with every error at once.

use super::sql_type::SqlText;
use super::table::ColumnType;
use super::{FieldError, FieldType, TableName, quoted};

/// Zerobus takes no more.
const MOST_COLUMNS: usize = 2000;

/// What is typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewTableDraft {
    /// `catalog.schema.table`
    pub name: String,
    /// One column in each line: `name type [NOT NULL] [COMMENT 'text']`.
    pub columns: String,
    /// A comment; may be empty.
    pub comment: String,
    /// Names of columns with commas between them; may be empty.
    pub cluster_by: String,
    /// One property in each line: `name = value`; may be empty.
    pub properties: String,
}

/// A table that can be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTable {
    /// Its name.
    pub name: TableName,
    /// At least one.
    columns: Vec<NewColumn>,
    comment: String,
    cluster_by: Vec<String>,
    properties: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct NewColumn {
    name: String,
    /// For SQL text.
    type_text: String,
    nullable: bool,
    comment: String,
}

/// What a statement is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DdlKind {
    /// What holds the table, or the table: those behind it need it.
    Create,
    /// A grant: the others can do without it.
    Grant,
}

/// A statement that makes a table or lets it be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DdlStatement {
    /// What it is for.
    pub kind: DdlKind,
    /// SQL, without a semicolon.
    pub text: String,
}

impl DdlStatement {
    fn new(kind: DdlKind, text: String) -> Self {
        Self { kind, text }
    }
}

impl NewTableDraft {
    /// The table that is typed.
    ///
    /// # Errors
    /// Every broken rule: paths are the fields' names, of columns with the line, `columns[2]`.
    pub fn validate(&self) -> Result<NewTable, Vec<FieldError>> {
        let mut errors = Vec::new();
        let mut fail = |path: &str, rule: &str, message: String, came: &str| {
            errors.push(FieldError::new(path, rule, message, (!came.is_empty()).then(|| came.into()).as_ref()));
        };
        let name = match TableName::parse(self.name.trim()) {
            Ok(name) => Some(name),
            Err(error) => {
                fail("name", "type", format!("{error}."), self.name.trim());
                None
            }
        };
        let mut columns: Vec<NewColumn> = Vec::new();
        for (index, line) in self.columns.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty()) {
            let path = format!("columns[{}]", index + 1);
            match column(line) {
                Err(problem) => fail(&path, "type", format!("Line {}: {problem}.", index + 1), line),
                Ok(column) if columns.iter().any(|other| other.name.eq_ignore_ascii_case(&column.name)) => {
                    fail(
                        &path,
                        "exclusive",
                        format!("Line {}: the column '{}' is there twice.", index + 1, column.name),
                        line,
                    );
                }
                Ok(column) => columns.push(column),
            }
        }
        if self.columns.trim().is_empty() {
            fail("columns", "required", "Write at least one column, such as: id BIGINT NOT NULL.".to_owned(), "");
        }
        if columns.len() > MOST_COLUMNS {
            let message = format!("A table that Zerobus writes has at most {MOST_COLUMNS} columns.");
            fail("columns", "count", message, &columns.len().to_string());
        }
        let listed =
            self.cluster_by.split(',').map(|name| name.trim().trim_matches('`')).filter(|name| !name.is_empty());
        let cluster_by: Vec<String> = listed.map(str::to_owned).collect();
        for name in &cluster_by {
            if !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name)) {
                fail("cluster_by", "unknown", format!("There is no column '{name}'."), name);
            }
        }
        let mut properties = Vec::new();
        for line in self.properties.lines().map(str::trim).filter(|line| !line.is_empty()) {
            match line.split_once('=').map(|(key, value)| (bare(key), bare(value))) {
                Some((key, value)) if is_property(key) => properties.push((key.to_owned(), value.to_owned())),
                _ => fail("properties", "type", "Write a line such as delta.appendOnly = true.".to_owned(), line),
            }
        }
        let comment = self.comment.trim().to_owned();
        match name {
            Some(name) if errors.is_empty() => Ok(NewTable { name, columns, comment, cluster_by, properties }),
            _ => Err(errors),
        }
    }
}

/// A key or value without the quotes and the comma that people copy along.
fn bare(text: &str) -> &str {
    text.trim().trim_end_matches(',').trim_matches(['\'', '"'])
}

fn is_property(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
}

fn column(line: &str) -> Result<NewColumn, String> {
    let mut text = SqlText::new(line.trim_end_matches(','));
    let name = text.name()?;
    check_name(&name)?;
    let _ = text.sign(':');
    let (kind, length) = text.field_type()?;
    check_names(&kind)?;
    let mut column = NewColumn {
        name,
        type_text: length.map_or_else(|| kind.ddl(), |length| format!("VARCHAR({length})")),
        nullable: true,
        comment: String::new(),
    };
    loop {
        if text.keyword("NOT") {
            if !text.keyword("NULL") {
                return Err("NOT is followed by NULL".to_owned());
            }
            column.nullable = false;
        } else if text.keyword("COMMENT") {
            column.comment = text.quoted_text()?;
        } else {
            break;
        }
    }
    match text.rest() {
        "" => Ok(column),
        rest => {
            Err(format!("'{rest}' is too much; a line is: name type, then NOT NULL and COMMENT 'text' where wanted"))
        }
    }
}

/// Names that a protobuf field can have, as Zerobus' descriptors need them.
fn check_name(name: &str) -> Result<(), String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.len() <= 255 && name.bytes().all(good) && !name.starts_with(|first: char| first.is_ascii_digit()) {
        return Ok(());
    }
    Err(format!("'{name}' is no name that Zerobus takes: use ASCII letters, digits and '_', and begin with no digit"))
}

fn check_names(kind: &FieldType) -> Result<(), String> {
    match kind {
        FieldType::Scalar(_) => Ok(()),
        FieldType::Array(item) => check_names(&item.kind),
        FieldType::Map(_, value) => check_names(&value.kind),
        FieldType::Struct(fields) => fields.iter().try_for_each(|(name, part)| {
            check_name(name)?;
            // It would be a column that nothing fills.
            if part.kind == FieldType::Scalar(ColumnType::Variant) {
                return Err(format!("'{name}': a VARIANT must be a column of its own"));
            }
            check_names(&part.kind)
        }),
    }
}

impl NewTable {
    /// The statements that make the table and let `principal` write to it, in order. A catalog and a schema that are not there
    /// are made first.
    pub fn statements(&self, principal: &str, make_catalog: bool, make_schema: bool) -> Vec<DdlStatement> {
        let (catalog, schema) = (quoted(self.name.catalog()), quoted(self.name.schema()));
        let mut statements = Vec::new();
        if make_catalog {
            statements.push(DdlStatement::new(DdlKind::Create, format!("CREATE CATALOG IF NOT EXISTS {catalog}")));
        }
        if make_catalog || make_schema {
            let text = format!("CREATE SCHEMA IF NOT EXISTS {catalog}.{schema}");
            statements.push(DdlStatement::new(DdlKind::Create, text));
        }
        statements.push(DdlStatement::new(DdlKind::Create, self.ddl()));
        statements.extend(grants(&self.name, principal));
        statements
    }

    /// The `CREATE TABLE`.
    pub fn ddl(&self) -> String {
        let column = |column: &NewColumn| {
            let NewColumn { name, type_text, nullable, comment } = column;
            let need = if *nullable { "" } else { " NOT NULL" };
            let comment = if comment.is_empty() { String::new() } else { format!(" COMMENT {}", sql_text(comment)) };
            format!("  {} {type_text}{need}{comment}", quoted(name))
        };
        let columns: Vec<String> = self.columns.iter().map(column).collect();
        let mut ddl = format!("CREATE TABLE {} (\n{}\n) USING DELTA", self.name.quoted(), columns.join(",\n"));
        if !self.comment.is_empty() {
            ddl.push_str(&format!("\nCOMMENT {}", sql_text(&self.comment)));
        }
        if !self.cluster_by.is_empty() {
            let names: Vec<String> = self.cluster_by.iter().map(|name| quoted(name)).collect();
            ddl.push_str(&format!("\nCLUSTER BY ({})", names.join(", ")));
        }
        if !self.properties.is_empty() {
            let pair = |(key, value): &(String, String)| format!("{} = {}", sql_text(key), sql_text(value));
            let pairs: Vec<String> = self.properties.iter().map(pair).collect();
            ddl.push_str(&format!("\nTBLPROPERTIES ({})", pairs.join(", ")));
        }
        ddl
    }
}

/// What a principal needs to write to a table through Zerobus and to read it, on the table first: these it must have by name.
pub fn grants(table: &TableName, principal: &str) -> Vec<DdlStatement> {
    let (catalog, schema, principal) = (quoted(table.catalog()), quoted(table.schema()), quoted(principal));
    let grant = |what: String| DdlStatement::new(DdlKind::Grant, format!("GRANT {what} TO {principal}"));
    vec![
        grant(format!("SELECT, MODIFY ON TABLE {}", table.quoted())),
        grant(format!("USE SCHEMA ON SCHEMA {catalog}.{schema}")),
        grant(format!("USE CATALOG ON CATALOG {catalog}")),
    ]
}

/// A STRING literal of Databricks SQL, in which a backslash escapes.
fn sql_text(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 2);
    literal.push('\'');
    for letter in text.chars() {
        if matches!(letter, '\'' | '\\') {
            literal.push('\\');
        }
        literal.push(letter);
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft() -> NewTableDraft {
        NewTableDraft {
            name: " Main.Sales.orders ".to_owned(),
            columns: "id BIGINT NOT NULL COMMENT 'the key',\n\nlines: array<struct<sku: string, n int not null>>\nnote varchar(20)"
                .to_owned(),
            comment: "it's new".to_owned(),
            cluster_by: "id, `note`".to_owned(),
            properties: "delta.appendOnly = true\n'a' = 'b c',".to_owned(),
        }
    }

    #[test]
    fn what_is_typed_becomes_sql() {
        let table = draft().validate().unwrap();
        let expected = "CREATE TABLE `main`.`sales`.`orders` (\n  `id` BIGINT NOT NULL COMMENT 'the key',\n  \
            `lines` ARRAY<STRUCT<`sku`: STRING, `n`: INT NOT NULL>>,\n  `note` VARCHAR(20)\n) USING DELTA\n\
            COMMENT 'it\\'s new'\nCLUSTER BY (`id`, `note`)\nTBLPROPERTIES ('delta.appendOnly' = 'true', 'a' = 'b c')";
        assert_eq!(table.ddl(), expected);
        let texts = |catalog, schema| -> Vec<String> {
            let all = table.statements("it`s me", catalog, schema).into_iter();
            all.map(|one| one.text.lines().next().unwrap_or_default().to_owned()).collect()
        };
        let grants = [
            "GRANT SELECT, MODIFY ON TABLE `main`.`sales`.`orders` TO `it``s me`",
            "GRANT USE SCHEMA ON SCHEMA `main`.`sales` TO `it``s me`",
            "GRANT USE CATALOG ON CATALOG `main` TO `it``s me`",
        ];
        assert_eq!(texts(false, false)[1..], grants);
        assert_eq!(
            texts(true, false)[..2],
            ["CREATE CATALOG IF NOT EXISTS `main`", "CREATE SCHEMA IF NOT EXISTS `main`.`sales`"]
        );
        assert_eq!(texts(false, true).len(), 5);
    }

    #[test]
    fn every_error_is_named_at_once() {
        let draft = NewTableDraft {
            name: "sales.orders".to_owned(),
            columns: "id BLOB\nid INT\nID STRING\n2nd INT\na INT DEFAULT 7\ns STRUCT<v: VARIANT>\nü STRING\nb INT NOT"
                .to_owned(),
            comment: String::new(),
            cluster_by: "nothing".to_owned(),
            properties: "x".to_owned(),
        };
        let errors = draft.validate().unwrap_err();
        let paths: Vec<&str> = errors.iter().map(|error| error.path.as_str()).collect();
        let lines = ["columns[1]", "columns[3]", "columns[4]", "columns[5]", "columns[6]", "columns[7]", "columns[8]"];
        assert_eq!(paths, [&["name"][..], &lines, &["cluster_by", "properties"]].concat());
        assert!(errors[4].message.contains("'DEFAULT 7' is too much"), "{}", errors[4].message);
        assert_eq!(NewTableDraft::default().validate().unwrap_err().len(), 2);
    }
}
