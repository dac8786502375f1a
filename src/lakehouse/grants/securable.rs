//! What can be granted, on what: Unity Catalog's privileges and securables, in SQL's words and in the REST API's.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::TableName;

/// What a principal may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Privilege {
    /// Everything the object allows, now and later. Stays what it is: Zerobus does not take it for SELECT and MODIFY.
    AllPrivileges,
    /// Make schemas in a catalog.
    CreateSchema,
    /// Make tables in a schema.
    CreateTable,
    /// Make volumes in a schema.
    CreateVolume,
    /// Add rows.
    Modify,
    /// Read a volume's files.
    ReadVolume,
    /// Read rows.
    Select,
    /// Reach what is in a catalog.
    UseCatalog,
    /// Reach what is in a schema.
    UseSchema,
    /// Write and delete a volume's files.
    WriteVolume,
}

impl Privilege {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::AllPrivileges,
        Self::CreateSchema,
        Self::CreateTable,
        Self::CreateVolume,
        Self::Modify,
        Self::ReadVolume,
        Self::Select,
        Self::UseCatalog,
        Self::UseSchema,
        Self::WriteVolume,
    ];

    /// As SQL writes it: `USE CATALOG`.
    pub fn sql(self) -> &'static str {
        match self {
            Self::AllPrivileges => "ALL PRIVILEGES",
            Self::CreateSchema => "CREATE SCHEMA",
            Self::CreateTable => "CREATE TABLE",
            Self::CreateVolume => "CREATE VOLUME",
            Self::Modify => "MODIFY",
            Self::ReadVolume => "READ VOLUME",
            Self::Select => "SELECT",
            Self::UseCatalog => "USE CATALOG",
            Self::UseSchema => "USE SCHEMA",
            Self::WriteVolume => "WRITE VOLUME",
        }
    }

    /// Reads `USE CATALOG` or `USE_CATALOG`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.replace('_', " ");
        Self::ALL.into_iter().find(|privilege| privilege.sql().eq_ignore_ascii_case(&text))
    }

    /// Whether it means anything on objects of that kind: there, or by inheritance in what they hold.
    pub fn applies_to(self, kind: SecurableKind) -> bool {
        use SecurableKind::{Catalog, Schema, Table, Volume};
        match self {
            Self::AllPrivileges => true,
            Self::UseCatalog | Self::CreateSchema => kind == Catalog,
            Self::UseSchema | Self::CreateTable | Self::CreateVolume => matches!(kind, Catalog | Schema),
            Self::Select | Self::Modify => matches!(kind, Catalog | Schema | Table),
            Self::ReadVolume | Self::WriteVolume => matches!(kind, Catalog | Schema | Volume),
        }
    }
}

/// The kinds of things that privileges are granted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum SecurableKind {
    /// A catalog.
    Catalog,
    /// A schema.
    Schema,
    /// A table.
    Table,
    /// A volume.
    Volume,
}

impl SecurableKind {
    /// As SQL and the REST API write it: `TABLE`.
    pub fn sql(self) -> &'static str {
        match self {
            Self::Catalog => "CATALOG",
            Self::Schema => "SCHEMA",
            Self::Table => "TABLE",
            Self::Volume => "VOLUME",
        }
    }

    /// Reads `TABLE`, in any case.
    pub fn parse(text: &str) -> Option<Self> {
        let kinds = [Self::Catalog, Self::Schema, Self::Table, Self::Volume];
        kinds.into_iter().find(|kind| kind.sql().eq_ignore_ascii_case(text))
    }

    /// As sentences write it: `Table`.
    fn word(self) -> &'static str {
        match self {
            Self::Catalog => "Catalog",
            Self::Schema => "Schema",
            Self::Table => "Table",
            Self::Volume => "Volume",
        }
    }
}

/// One thing that privileges are granted on. Names are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Securable {
    /// A catalog.
    Catalog(String),
    /// A schema: its catalog and its own name.
    Schema(String, String),
    /// A table.
    Table(TableName),
    /// A volume; its name has the parts and the rules of a table's.
    Volume(TableName),
}

impl Securable {
    /// From its kind and its full name; `None` when the name has other parts than such a thing has.
    pub fn parse(kind: SecurableKind, full_name: &str) -> Option<Self> {
        // The rules for the parts are those of table names.
        let filled = match kind {
            SecurableKind::Catalog => format!("{full_name}.s.t"),
            SecurableKind::Schema => format!("{full_name}.t"),
            SecurableKind::Table | SecurableKind::Volume => full_name.to_owned(),
        };
        let name = TableName::parse(&filled).ok()?;
        Some(match kind {
            SecurableKind::Catalog => Self::Catalog(name.catalog().to_owned()),
            SecurableKind::Schema => Self::schema_of(&name),
            SecurableKind::Table => Self::Table(name),
            SecurableKind::Volume => Self::Volume(name),
        })
    }

    /// The catalog of a table or volume.
    pub fn catalog_of(name: &TableName) -> Self {
        Self::Catalog(name.catalog().to_owned())
    }

    /// The schema of a table or volume.
    pub fn schema_of(name: &TableName) -> Self {
        Self::Schema(name.catalog().to_owned(), name.schema().to_owned())
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> SecurableKind {
        match self {
            Self::Catalog(_) => SecurableKind::Catalog,
            Self::Schema(..) => SecurableKind::Schema,
            Self::Table(_) => SecurableKind::Table,
            Self::Volume(_) => SecurableKind::Volume,
        }
    }

    /// It, then what holds it, up to the catalog: where a privilege on it can come from.
    pub fn lineage(&self) -> Vec<Self> {
        let mut lineage = vec![self.clone()];
        match self {
            Self::Catalog(_) => {}
            Self::Schema(catalog, _) => lineage.push(Self::Catalog(catalog.clone())),
            Self::Table(name) | Self::Volume(name) => lineage.extend([Self::schema_of(name), Self::catalog_of(name)]),
        }
        lineage
    }

    /// The full name for SQL text, each part in backticks.
    pub fn quoted(&self) -> String {
        self.to_string().split('.').map(quoted).collect::<Vec<_>>().join(".")
    }

    /// `Table 'main.shop.orders'`
    pub fn described(&self) -> String {
        format!("{} '{self}'", self.kind().word())
    }
}

impl fmt::Display for Securable {
    /// The full name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Catalog(name) => f.write_str(name),
            Self::Schema(catalog, name) => write!(f, "{catalog}.{name}"),
            Self::Table(name) | Self::Volume(name) => name.fmt(f),
        }
    }
}

/// An identifier for SQL text.
pub(super) fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// The statement that grants `privileges` on `on`, ready to paste.
pub(super) fn grant_statement(privileges: &[Privilege], on: &Securable, principal: &str) -> String {
    let privileges: Vec<&str> = privileges.iter().map(|privilege| privilege.sql()).collect();
    let (privileges, kind) = (privileges.join(", "), on.kind().sql());
    format!("GRANT {privileges} ON {kind} {} TO {};", on.quoted(), quoted(principal))
}
