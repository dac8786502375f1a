//! One statement from text to result: parse, bind, and whichever of query, INSERT, COPY INTO, CREATE, DROP, DESCRIBE,
//! SHOW it is.

use std::sync::Arc;

use deltalake::datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectType, Statement};
use deltalake::datafusion::sql::sqlparser::keywords::Keyword;
use deltalake::datafusion::sql::sqlparser::parser::Parser;
use deltalake::datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use futures::StreamExt;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::copy::{self, Copies, Copy};
use super::ddl::{Ddl, parse_ddl};
use super::dialect::Spark;
use super::explode;
use super::failure::Failure;
use super::history::QueryTag;
use super::insert;
use super::labels;
use super::names;
use super::output::{Output, RESULT_BYTES};
use super::parameters::{Parameter, bind};
use super::session::{Engine, Session};
use super::show::shown_in;
use super::values::{render, result_columns};
use crate::lakehouse::files::{FileError, Volumes};
use crate::lakehouse::grants::{Grants, Privilege, Securable};
use crate::lakehouse::store::Store;
use crate::model::TableName;

/// More operators than this in one statement are refused.
const MAX_OPERATORS: usize = 4096;
/// Longer texts are parsed in a thread of their own: it takes long, and acknowledgements do not wait for it.
const SHORT_TEXT: usize = 64 << 10;
/// Bytes of long texts that are parsed at the same time. A token takes a hundred bytes and may stand for one blank.
pub(super) const PARSED_AT_ONCE: usize = super::STATEMENT_BYTES;

/// What a statement needs to run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) statement: String,
    pub(super) parameters: Vec<Parameter>,
    /// Of names with less than three parts.
    pub(super) catalog: String,
    pub(super) schema: String,
    /// The most rows and bytes of the result that are wanted; the rest is cut off.
    pub(super) row_limit: usize,
    pub(super) byte_limit: usize,
    /// Who asks: what `current_user()` gives.
    pub(super) user: String,
    /// Where it was to run, and how it was tagged: for the query history.
    pub(super) warehouse: String,
    pub(super) tags: Vec<QueryTag>,
}

impl Job {
    /// What it holds in memory.
    pub(super) fn bytes(&self) -> usize {
        self.statement.len() + self.parameters.iter().map(Parameter::bytes).sum::<usize>()
    }
}

/// Runs statements.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) store: Store,
    pub(super) volumes: Volumes,
    pub(super) grants: Grants,
    pub(super) engine: Engine,
    pub(super) copies: Copies,
    /// Room for long texts being parsed, in bytes: [`PARSED_AT_ONCE`].
    pub(super) parsing: Arc<Semaphore>,
}

/// A parsed statement.
enum Parsed {
    Ddl(Ddl),
    Copy(Copy),
    Other(Box<Statement>),
}

impl Runner {
    /// Runs a statement to its end. Cancelling stops it unless it has begun to change something: then its end is waited
    /// for, and it is never called cancelled when it happened.
    pub(super) async fn run(&self, job: &Job, cancel: &CancellationToken) -> Result<Output, Failure> {
        if cancel.is_cancelled() {
            return Err(Failure::Canceled);
        }
        match self.parse(&job.statement).await? {
            Parsed::Ddl(ddl) => self.ddl(job, ddl).await,
            Parsed::Copy(copy) => copy::run(self, job, copy, cancel).await,
            Parsed::Other(mut statement) => {
                bind(&mut statement, &job.parameters, &job.user)?;
                explode::translate(&mut statement)?;
                names::spell_columns(self, job, &mut statement).await?;
                let session = self.session(job);
                explode::expand_stars(&session, &mut statement).await?;
                labels::label(&mut statement);
                self.run_parsed(job, &session, *statement, cancel).await
            }
        }
    }

    async fn parse(&self, text: &str) -> Result<Parsed, Failure> {
        if text.len() <= SHORT_TEXT {
            return parse(text);
        }
        let bytes = text.len().min(PARSED_AT_ONCE) as u32;
        let _room = self.parsing.acquire_many(bytes).await.map_err(Failure::internal)?;
        let text = text.to_owned();
        blocking(move || parse(&text)).await
    }

    async fn run_parsed(
        &self,
        job: &Job,
        session: &Session,
        statement: Statement,
        cancel: &CancellationToken,
    ) -> Result<Output, Failure> {
        match statement {
            Statement::Explain { statement, .. } if matches!(*statement, Statement::Insert(_)) => {
                insert::explain(self, job, session, *statement).await
            }
            Statement::Query(_) | Statement::Explain { .. } => {
                unless_canceled(cancel, query(session, statement, job)).await
            }
            Statement::Insert(insert) => insert::run(self, job, session, insert, cancel).await,
            Statement::Drop {
                object_type: ObjectType::Table, if_exists, names, temporary: false, table: None, ..
            } => {
                let [name] = &names[..] else { return Err(Failure::unsupported("Dropping several tables at once")) };
                let name = self.table_name(job, name)?;
                let on = Securable::Table(name.clone());
                self.check_drop(job, &on)?;
                if self.store.drop_table(&name, if_exists).await? {
                    self.record_dropped(&on)?;
                }
                Ok(Output::default())
            }
            Statement::ShowTables { show_options, .. } => self.show_tables(job, &show_options),
            Statement::ShowSchemas { show_options, .. } | Statement::ShowDatabases { show_options, .. } => {
                let catalog =
                    shown_in(&show_options)?.map_or_else(|| Ok(job.catalog.clone()), |name| one_part(&name))?;
                self.grants.check(&job.user, Privilege::UseCatalog, &Securable::Catalog(catalog.clone()))?;
                let mut schemas = self.store.schemas(&catalog)?;
                schemas.retain(|name| {
                    let schema = Securable::Schema(catalog.clone(), name.clone());
                    self.grants.may(&job.user, Privilege::UseSchema, &schema)
                });
                Ok(Output::names("databaseName", schemas))
            }
            Statement::ShowCatalogs { .. } => {
                let mut catalogs = self.store.catalogs()?;
                catalogs.retain(|name| {
                    self.grants.may(&job.user, Privilege::UseCatalog, &Securable::Catalog(name.clone()))
                });
                Ok(Output::names("catalog", catalogs))
            }
            other => {
                let text = other.to_string();
                let words: Vec<&str> = text.split_whitespace().take(2).collect();
                Err(Failure::unsupported(format_args!("The statement {}", words.join(" "))))
            }
        }
    }

    async fn ddl(&self, job: &Job, ddl: Ddl) -> Result<Output, Failure> {
        match ddl {
            Ddl::Access(access) => return self.access(job, access),
            Ddl::Describe { name, extended } => return self.describe(job, &name, extended).await,
            Ddl::Table { name, fields, options } => {
                let name = self.table_name(job, &name)?;
                self.check_schema(job, Privilege::CreateTable, name.catalog(), name.schema())?;
                if self.store.create_table(&name, fields, options).await? {
                    self.record_created(job, &Securable::Table(name))?;
                }
            }
            Ddl::SetProperties { name, properties } => {
                let name = self.table_name(job, &name)?;
                self.grants.check_owner(&job.user, &Securable::Table(name.clone()))?;
                self.store.set_properties(&name, properties).await?;
            }
            Ddl::Schema { name, if_not_exists } => {
                let (catalog, schema) = match &parts(&name)?[..] {
                    [schema] => (job.catalog.clone(), schema.clone()),
                    [catalog, schema] => (catalog.clone(), schema.clone()),
                    _ => return Err(bad_name(&name)),
                };
                let on = Securable::Catalog(catalog.clone());
                self.grants.check(&job.user, Privilege::CreateSchema, &on)?;
                let exists = self.store.has_schema(&catalog, &schema);
                if !if_not_exists && exists {
                    let message = format_args!("Schema '{catalog}.{schema}' already exists.");
                    return Err(Failure::bad("SCHEMA_ALREADY_EXISTS", message));
                }
                self.store.create_schema(&catalog, &schema)?;
                if !exists {
                    self.record_created(job, &Securable::Schema(catalog, schema))?;
                }
            }
            Ddl::Catalog { name, if_not_exists } => {
                let catalog = one_part(&name)?;
                self.grants.check_administrator(&job.user, "make catalogs")?;
                let exists = self.store.has_catalog(&catalog);
                if !if_not_exists && exists {
                    let message = format_args!("Catalog '{catalog}' already exists.");
                    return Err(Failure::bad("CATALOG_ALREADY_EXISTS", message));
                }
                self.store.create_catalog(&catalog)?;
                if !exists {
                    self.record_created(job, &Securable::Catalog(catalog))?;
                }
            }
            Ddl::Volume { name, if_not_exists } => {
                let name = self.table_name(job, &name)?;
                self.check_schema(job, Privilege::CreateVolume, name.catalog(), name.schema())?;
                if self.volumes.create(&name, &self.store)? {
                    self.record_created(job, &Securable::Volume(name))?;
                } else if !if_not_exists {
                    let message = format_args!("Volume '{name}' already exists; nothing was changed.");
                    return Err(Failure::bad("VOLUME_ALREADY_EXISTS", message));
                }
            }
            Ddl::DropVolume { name, if_exists } => {
                let name = self.table_name(job, &name)?;
                let on = Securable::Volume(name.clone());
                self.check_drop(job, &on)?;
                let (volumes, dropped) = (self.volumes.clone(), name.clone());
                if blocking(move || Ok(volumes.drop_volume(&dropped)?)).await? {
                    self.record_dropped(&on)?;
                } else if !if_exists {
                    return Err(FileError::VolumeNotFound(name).into());
                }
            }
            Ddl::ShowVolumes { schema } => return self.show_volumes(job, schema.as_ref()),
        }
        Ok(Output::default())
    }

    /// A session that reads what the statement's user may read.
    fn session(&self, job: &Job) -> Session {
        self.engine.session(&job.catalog, &job.schema, self.grants.clone(), &job.user)
    }

    /// The full name of a table that may be written with one to three parts.
    pub(super) fn table_name(&self, job: &Job, name: &ObjectName) -> Result<TableName, Failure> {
        let full = match &parts(name)?[..] {
            [table] => format!("{}.{}.{table}", job.catalog, job.schema),
            [schema, table] => format!("{}.{schema}.{table}", job.catalog),
            [catalog, schema, table] => format!("{catalog}.{schema}.{table}"),
            _ => return Err(bad_name(name)),
        };
        TableName::parse(&full).map_err(|error| Failure::bad("INVALID_IDENTIFIER", error))
    }
}

/// Runs `work` until it ends or the statement is cancelled; only for work that changes nothing.
pub(super) async fn unless_canceled<T>(
    cancel: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = cancel.cancelled() => Err(Failure::Canceled),
        result = work => result,
    }
}

/// Runs work that reads or changes files where it may block.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::internal(error)))
}

fn parse(text: &str) -> Result<Parsed, Failure> {
    let tokens = Tokenizer::new(&Spark, text).tokenize_with_location()?;
    check_depth(&tokens)?;
    let mut parser = Parser::new(&Spark).with_tokens_with_locations(tokens);
    if parser.peek_token_ref().token == Token::EOF {
        return Err(Failure::bad("PARSE_EMPTY_STATEMENT", "Syntax error, unexpected empty statement."));
    }
    let parsed = if let Some(ddl) = parse_ddl(&mut parser)? {
        Parsed::Ddl(ddl)
    } else if let Some(copy) = copy::parse_copy(&mut parser)? {
        Parsed::Copy(copy)
    } else {
        Parsed::Other(Box::new(parser.parse_statement()?))
    };
    while parser.consume_token(&Token::SemiColon) {}
    let rest = parser.next_token();
    if rest.token != Token::EOF {
        return parser.expected("the end of the one statement", rest).map_err(Failure::from);
    }
    Ok(parsed)
}

/// `1 + 1 + 1 ...` becomes a tree as deep as it is long, and freeing a tree of a million levels ends the process. Each
/// operator adds at most one level; signs in front of numbers add none that matter.
fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), Failure> {
    let mut operators = 0;
    let mut after_operand = false;
    for TokenWithSpan { token, .. } in tokens {
        let joins = match token {
            Token::Whitespace(_) => continue,
            Token::Word(word) => matches!(
                word.keyword,
                Keyword::AND
                    | Keyword::OR
                    | Keyword::NOT
                    | Keyword::UNION
                    | Keyword::INTERSECT
                    | Keyword::EXCEPT
                    | Keyword::IS
                    | Keyword::LIKE
                    | Keyword::BETWEEN
                    | Keyword::JOIN
            ),
            Token::Comma
            | Token::LParen
            | Token::RParen
            | Token::LBracket
            | Token::RBracket
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::HexStringLiteral(_)
            | Token::SemiColon
            | Token::Period
            | Token::Colon
            | Token::EOF => false,
            Token::Minus | Token::Plus => after_operand,
            _ => true,
        };
        operators += usize::from(joins);
        after_operand = matches!(
            token,
            Token::RParen | Token::Number(..) | Token::Word(_) | Token::RBracket | Token::Minus | Token::Plus
        );
    }
    if operators > MAX_OPERATORS {
        let message =
            format_args!("The statement has {operators} operators, more than {MAX_OPERATORS}. Use IN (...) or VALUES.");
        return Err(Failure::bad("STATEMENT_TOO_COMPLEX", message));
    }
    Ok(())
}

async fn query(session: &Session, statement: Statement, job: &Job) -> Result<Output, Failure> {
    let mut stream = session.query(statement).await?;
    let columns = result_columns(&stream.schema());
    let byte_limit = job.byte_limit.min(RESULT_BYTES);
    let (mut rows, mut bytes, mut truncated) = (Vec::new(), 0, false);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let wanted = batch.num_rows().min(job.row_limit - rows.len());
        let (rendered, size) = render(&batch.slice(0, wanted), byte_limit - bytes)?;
        if rendered.len() < wanted && job.byte_limit > RESULT_BYTES {
            return Err(Failure::inline_limit(RESULT_BYTES));
        }
        truncated = rendered.len() < batch.num_rows();
        bytes += size;
        rows.extend(rendered);
        if truncated {
            break;
        }
    }
    Ok(Output::new(columns, rows, truncated))
}

/// The parts of a name, in lower case as Unity Catalog keeps them.
pub(super) fn parts(name: &ObjectName) -> Result<Vec<String>, Failure> {
    let idents: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
    let idents = idents.ok_or_else(|| bad_name(name))?;
    Ok(idents.into_iter().map(|ident| ident.value.to_ascii_lowercase()).collect())
}

pub(super) fn one_part(name: &ObjectName) -> Result<String, Failure> {
    match &parts(name)?[..] {
        [part] => Ok(part.clone()),
        _ => Err(bad_name(name)),
    }
}

pub(super) fn bad_name(name: &ObjectName) -> Failure {
    Failure::bad("INVALID_IDENTIFIER", format_args!("'{name}' has the wrong number of parts for a name."))
}
