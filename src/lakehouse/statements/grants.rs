//! The SQL of principals and grants: `CREATE`, `DROP` and `SHOW SERVICE PRINCIPAL(S)`, `GRANT`, `REVOKE`, `SHOW GRANTS`,
//! and what the other statements ask of the grants.
//!
//! sqlparser's own GRANT knows neither Unity Catalog's privileges nor its securables; service principals are not made
//! with SQL on Databricks, so those statements are ours.

use deltalake::datafusion::sql::sqlparser::ast::ObjectName;
use deltalake::datafusion::sql::sqlparser::keywords::Keyword;
use deltalake::datafusion::sql::sqlparser::parser::{Parser, ParserError};
use deltalake::datafusion::sql::sqlparser::tokenizer::Token;
use secrecy::ExposeSecret;

use super::failure::Failure;
use super::output::Output;
use super::run::{Job, Runner, bad_name, parts};
use crate::lakehouse::error::LakehouseError;
use crate::lakehouse::grants::{ADMINISTRATOR, Change, Privilege, Securable, SecurableKind};
use crate::model::TableName;

/// A statement about principals and grants.
#[derive(Debug)]
pub(super) enum Access {
    /// CREATE SERVICE PRINCIPAL
    CreatePrincipal {
        name: String,
        /// Whether an existing one is no error.
        if_not_exists: bool,
    },
    /// DROP SERVICE PRINCIPAL
    DropPrincipal {
        /// Or client id.
        name: String,
        /// Whether a missing one is no error.
        if_exists: bool,
    },
    /// SHOW SERVICE PRINCIPALS
    ShowPrincipals,
    /// GRANT
    Grant { privileges: Vec<Privilege>, on: Target, principal: String },
    /// REVOKE
    Revoke { privileges: Vec<Privilege>, on: Target, principal: String },
    /// SHOW GRANTS
    ShowGrants { principal: Option<String>, on: Target },
}

/// An object as it was written.
#[derive(Debug)]
pub(super) struct Target {
    kind: SecurableKind,
    name: ObjectName,
}

/// Reads the statement when it is one of these; `None` leaves the parser where it was.
pub(super) fn parse_access(parser: &mut Parser<'_>) -> Result<Option<Access>, ParserError> {
    if parser.parse_keywords(&[Keyword::CREATE, Keyword::SERVICE]) {
        expect_word(parser, "PRINCIPAL")?;
        let if_not_exists = parser.parse_keywords(&[Keyword::IF, Keyword::NOT, Keyword::EXISTS]);
        return Ok(Some(Access::CreatePrincipal { name: principal(parser)?, if_not_exists }));
    }
    if parser.parse_keywords(&[Keyword::DROP, Keyword::SERVICE]) {
        expect_word(parser, "PRINCIPAL")?;
        let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
        return Ok(Some(Access::DropPrincipal { name: principal(parser)?, if_exists }));
    }
    if parser.parse_keywords(&[Keyword::SHOW, Keyword::SERVICE]) {
        expect_word(parser, "PRINCIPALS")?;
        return Ok(Some(Access::ShowPrincipals));
    }
    let shows_grants = parser.parse_keywords(&[Keyword::SHOW, Keyword::GRANTS])
        || parser.parse_keywords(&[Keyword::SHOW, Keyword::GRANT]);
    if shows_grants {
        let principal = if parser.peek_keyword(Keyword::ON) { None } else { Some(principal(parser)?) };
        parser.expect_keyword(Keyword::ON)?;
        return Ok(Some(Access::ShowGrants { principal, on: target(parser)? }));
    }
    if parser.parse_keyword(Keyword::GRANT) {
        let (privileges, on) = granted(parser)?;
        parser.expect_keyword(Keyword::TO)?;
        return Ok(Some(Access::Grant { privileges, on, principal: principal(parser)? }));
    }
    if parser.parse_keyword(Keyword::REVOKE) {
        let (privileges, on) = granted(parser)?;
        parser.expect_keyword(Keyword::FROM)?;
        return Ok(Some(Access::Revoke { privileges, on, principal: principal(parser)? }));
    }
    Ok(None)
}

fn granted(parser: &mut Parser<'_>) -> Result<(Vec<Privilege>, Target), ParserError> {
    let mut privileges = vec![privilege(parser)?];
    while parser.consume_token(&Token::Comma) {
        privileges.push(privilege(parser)?);
    }
    parser.expect_keyword(Keyword::ON)?;
    Ok((privileges, target(parser)?))
}

/// One or more words up to the comma or ON.
fn privilege(parser: &mut Parser<'_>) -> Result<Privilege, ParserError> {
    let mut words: Vec<String> = Vec::new();
    while let Token::Word(word) = &parser.peek_token_ref().token {
        if word.quote_style.is_some() || word.keyword == Keyword::ON {
            break;
        }
        words.push(word.value.to_ascii_uppercase());
        parser.next_token();
    }
    let text = words.join(" ");
    if text.is_empty() {
        let found = parser.peek_token_ref().clone();
        return parser.expected("a privilege", found);
    }
    Privilege::parse(&text).ok_or_else(|| {
        let known: Vec<&str> = Privilege::ALL.into_iter().map(Privilege::sql).collect();
        ParserError::ParserError(format!("'{text}' is not a privilege; write one of {}", known.join(", ")))
    })
}

/// `[CATALOG | SCHEMA | DATABASE | [TABLE] | VOLUME] name`
fn target(parser: &mut Parser<'_>) -> Result<Target, ParserError> {
    let kinds = [Keyword::CATALOG, Keyword::SCHEMA, Keyword::DATABASE, Keyword::TABLE, Keyword::VOLUME];
    let kind = match parser.parse_one_of_keywords(&kinds) {
        Some(Keyword::CATALOG) => SecurableKind::Catalog,
        Some(Keyword::SCHEMA | Keyword::DATABASE) => SecurableKind::Schema,
        Some(Keyword::VOLUME) => SecurableKind::Volume,
        _ => SecurableKind::Table,
    };
    Ok(Target { kind, name: parser.parse_object_name(false)? })
}

fn principal(parser: &mut Parser<'_>) -> Result<String, ParserError> {
    parser.parse_identifier().map(|ident| ident.value)
}

/// A word that sqlparser has no keyword for.
fn expect_word(parser: &mut Parser<'_>, expected: &str) -> Result<(), ParserError> {
    let found = parser.next_token();
    match &found.token {
        Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(expected) => Ok(()),
        _ => parser.expected(expected, found),
    }
}

impl Runner {
    /// Runs a statement about principals and grants.
    pub(super) fn access(&self, job: &Job, access: Access) -> Result<Output, Failure> {
        match access {
            Access::CreatePrincipal { name, if_not_exists } => return self.create_principal(job, &name, if_not_exists),
            Access::DropPrincipal { name, if_exists } => {
                self.grants.check_administrator(&job.user, "drop service principals")?;
                match self.grants.drop_principal(&name) {
                    Err(LakehouseError::PrincipalNotFound(_)) if if_exists => {}
                    other => other?,
                }
            }
            Access::ShowPrincipals => return Ok(self.show_principals()),
            Access::Grant { privileges, on, principal } => {
                self.change_grants(job, &on, Change { principal, add: privileges, remove: Vec::new() })?;
            }
            Access::Revoke { privileges, on, principal } => {
                self.change_grants(job, &on, Change { principal, add: Vec::new(), remove: privileges })?;
            }
            Access::ShowGrants { principal, on } => return self.show_grants(job, principal.as_deref(), &on),
        }
        Ok(Output::default())
    }

    fn create_principal(&self, job: &Job, name: &str, if_not_exists: bool) -> Result<Output, Failure> {
        self.grants.check_administrator(&job.user, "make service principals")?;
        let (client_id, secret) = match self.grants.create_principal(name) {
            Ok(new) => (new.client_id, Some(new.client_secret.expose_secret().to_owned())),
            // Its secret was told once and is not known any more.
            Err(LakehouseError::PrincipalExists(_)) if if_not_exists => (self.grants.principal(name)?.client_id, None),
            Err(error) => return Err(error.into()),
        };
        let row = vec![Some(name.to_owned()), Some(client_id), secret];
        Ok(Output::strings(&["name", "client_id", "client_secret"], vec![row]).once())
    }

    fn show_principals(&self) -> Output {
        let principals = self.grants.principals().into_iter();
        let rows = principals.map(|principal| vec![Some(principal.name), Some(principal.client_id)]);
        Output::strings(&["name", "client_id"], rows.collect())
    }

    fn change_grants(&self, job: &Job, on: &Target, change: Change) -> Result<(), Failure> {
        let on = self.securable(job, on)?;
        self.grants.check_owner(&job.user, &on)?;
        Ok(self.grants.change(&on, &[change])?)
    }

    fn show_grants(&self, job: &Job, principal: Option<&str>, on: &Target) -> Result<Output, Failure> {
        let on = self.securable(job, on)?;
        let mut rows = Vec::new();
        for assignment in self.grants.assignments(&job.user, &on, principal, true)? {
            for (privilege, from) in assignment.privileges {
                let key = from.to_string();
                let texts = [assignment.principal.as_str(), privilege.sql(), from.kind().sql(), &key];
                rows.push(texts.into_iter().map(|text| Some(text.to_owned())).collect());
            }
        }
        Ok(Output::strings(&["Principal", "ActionType", "ObjectType", "ObjectKey"], rows))
    }

    fn securable(&self, job: &Job, on: &Target) -> Result<Securable, Failure> {
        let parts = parts(&on.name)?;
        let full_name = match (on.kind, &parts[..]) {
            (SecurableKind::Table, _) => return Ok(Securable::Table(self.table_name(job, &on.name)?)),
            (SecurableKind::Volume, _) => return Ok(Securable::Volume(self.table_name(job, &on.name)?)),
            (SecurableKind::Catalog, [name]) => name.clone(),
            (SecurableKind::Schema, [schema]) => format!("{}.{schema}", job.catalog),
            (SecurableKind::Schema, [catalog, schema]) => format!("{catalog}.{schema}"),
            _ => return Err(bad_name(&on.name)),
        };
        Securable::parse(on.kind, &full_name).ok_or_else(|| {
            let message = format_args!("'{full_name}' is not the name of a {}.", on.kind.sql());
            Failure::bad("INVALID_IDENTIFIER", message)
        })
    }

    /// Checks that the statement's user may use `privilege` on a table.
    pub(super) fn check_table(&self, job: &Job, privilege: Privilege, name: &TableName) -> Result<(), Failure> {
        Ok(self.grants.check(&job.user, privilege, &Securable::Table(name.clone()))?)
    }

    /// Checks that the statement's user may use `privilege` on a volume.
    pub(super) fn check_volume(&self, job: &Job, privilege: Privilege, name: &TableName) -> Result<(), Failure> {
        Ok(self.grants.check(&job.user, privilege, &Securable::Volume(name.clone()))?)
    }

    /// Checks that the statement's user may use `privilege` on a schema.
    pub(super) fn check_schema(
        &self,
        job: &Job,
        privilege: Privilege,
        catalog: &str,
        schema: &str,
    ) -> Result<(), Failure> {
        let schema = Securable::Schema(catalog.to_owned(), schema.to_owned());
        Ok(self.grants.check(&job.user, privilege, &schema)?)
    }

    /// Checks that the statement's user may drop something; what is not there is left to the drop to complain about.
    pub(super) fn check_drop(&self, job: &Job, on: &Securable) -> Result<(), Failure> {
        match self.grants.check_owner(&job.user, on) {
            Ok(()) | Err(LakehouseError::NotFound(_) | LakehouseError::VolumeNotFound(_)) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Records that the statement's user made something.
    pub(super) fn record_created(&self, job: &Job, on: &Securable) -> Result<(), Failure> {
        self.grants.created(on, &job.user).map_err(|error| {
            Failure::internal(format_args!(
                "{} was created, but not its owner and grants: it is the {ADMINISTRATOR}'s. {error}",
                on.described()
            ))
        })
    }

    /// Records that something is gone.
    pub(super) fn record_dropped(&self, on: &Securable) -> Result<(), Failure> {
        self.grants.dropped(on).map_err(|error| {
            Failure::internal(format_args!(
                "{} was dropped, but its grants are kept until the next start. {error}",
                on.described()
            ))
        })
    }
}
