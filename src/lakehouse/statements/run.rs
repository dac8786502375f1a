//! One statement from text to result: parse, bind, and whichever of query, INSERT, CREATE, DROP, DESCRIBE, SHOW it is.

use deltalake::datafusion::sql::sqlparser::ast::{
    Ident, ObjectName, ObjectType, ShowStatementFilterPosition, ShowStatementOptions, Statement,
};
use deltalake::datafusion::sql::sqlparser::keywords::Keyword;
use deltalake::datafusion::sql::sqlparser::parser::Parser;
use deltalake::datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};
use deltalake::kernel::MetadataValue;
use futures::StreamExt;
use tokio_util::sync::CancellationToken;

use super::ddl::{Ddl, parse_ddl};
use super::dialect::Spark;
use super::failure::Failure;
use super::insert;
use super::names;
use super::parameters::{Parameter, bind};
use super::session::{Engine, Session};
use super::values::{ResultColumn, Row, render, result_columns};
use crate::lakehouse::columns::type_text;
use crate::lakehouse::grants::{Grants, Privilege, Securable};
use crate::lakehouse::store::Store;
use crate::model::TableName;

/// An inline result holds at most this much, as on the real API.
pub(super) const RESULT_BYTES: usize = 25 << 20;

/// More operators than this in one statement are refused.
const MAX_OPERATORS: usize = 4096;

/// What a statement needs to run.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) statement: String,
    pub(super) parameters: Vec<Parameter>,
    /// Of names with less than three parts.
    pub(super) catalog: String,
    pub(super) schema: String,
    pub(super) row_limit: Option<usize>,
    /// Who asks: what `current_user()` gives.
    pub(super) user: String,
}

/// A finished statement's result.
#[derive(Clone, Debug, Default)]
pub(super) struct Output {
    pub(super) columns: Vec<ResultColumn>,
    pub(super) rows: Vec<Row>,
    /// Whether rows were left out.
    pub(super) truncated: bool,
    /// Bytes of the rows.
    pub(super) bytes: usize,
    /// Whether it is forgotten as soon as it was handed out, because a secret is in it.
    pub(super) once: bool,
}

impl Output {
    /// The same, to be handed out once.
    pub(super) fn once(self) -> Self {
        Self { once: true, ..self }
    }
}

/// Runs statements.
#[derive(Clone)]
pub(super) struct Runner {
    pub(super) store: Store,
    pub(super) grants: Grants,
    pub(super) engine: Engine,
}

/// A parsed statement.
enum Parsed {
    Ddl(Ddl),
    Other(Box<Statement>),
}

impl Runner {
    /// Runs a statement to its end. Cancelling stops it unless it has begun to change something: then its end is waited
    /// for, and it is never called cancelled when it happened.
    pub(super) async fn run(&self, job: &Job, cancel: &CancellationToken) -> Result<Output, Failure> {
        if cancel.is_cancelled() {
            return Err(Failure::Canceled);
        }
        match parse(&job.statement)? {
            Parsed::Ddl(ddl) => self.ddl(job, ddl).await,
            Parsed::Other(mut statement) => {
                bind(&mut statement, &job.parameters, &job.user)?;
                names::spell_columns(self, job, &mut statement).await?;
                self.run_parsed(job, *statement, cancel).await
            }
        }
    }

    async fn run_parsed(&self, job: &Job, statement: Statement, cancel: &CancellationToken) -> Result<Output, Failure> {
        match statement {
            Statement::Query(_) | Statement::Explain { .. } => {
                let session = self.session(job);
                unless_canceled(cancel, query(&session, statement, job.row_limit)).await
            }
            Statement::Insert(insert) => insert::run(self, job, insert, cancel).await,
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
                Ok(listing("databaseName", schemas))
            }
            Statement::ShowCatalogs { .. } => {
                let mut catalogs = self.store.catalogs()?;
                catalogs.retain(|name| {
                    self.grants.may(&job.user, Privilege::UseCatalog, &Securable::Catalog(name.clone()))
                });
                Ok(listing("catalog", catalogs))
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
        }
        Ok(Output::default())
    }

    async fn describe(&self, job: &Job, name: &ObjectName, extended: bool) -> Result<Output, Failure> {
        let name = self.table_name(job, name)?;
        self.check_table(job, Privilege::Select, &name)?;
        let table = self.store.table(&name).await?;
        let text = |value: &str| Some(value.to_owned());
        let mut rows: Vec<Row> = table
            .fields()
            .iter()
            .map(|field| {
                let comment = match field.metadata().get("comment") {
                    Some(MetadataValue::String(comment)) => Some(comment.clone()),
                    _ => None,
                };
                vec![text(field.name()), Some(type_text(field.data_type())), comment]
            })
            .collect();
        if extended {
            let details = table.details();
            let properties: Vec<String> =
                details.properties.iter().map(|(key, value)| format!("{key}={value}")).collect();
            let name = table.name();
            rows.push(vec![text(""), text(""), text("")]);
            rows.push(vec![text("# Detailed Table Information"), text(""), text("")]);
            for (key, value) in [
                ("Catalog", name.catalog().to_owned()),
                ("Database", name.schema().to_owned()),
                ("Table", name.table().to_owned()),
                ("Type", "MANAGED".to_owned()),
                ("Provider", "delta".to_owned()),
                ("Comment", details.comment.unwrap_or_default()),
                ("Location", format!("file://{}", table.folder().display())),
                ("Table Properties", format!("[{}]", properties.join(","))),
            ] {
                rows.push(vec![text(key), Some(value), text("")]);
            }
        }
        Ok(strings(&["col_name", "data_type", "comment"], rows))
    }

    fn show_tables(&self, job: &Job, options: &ShowStatementOptions) -> Result<Output, Failure> {
        let (catalog, schema) = match shown_in(options)? {
            None => (job.catalog.clone(), job.schema.clone()),
            Some(name) => match &parts(&name)?[..] {
                [schema] => (job.catalog.clone(), schema.clone()),
                [catalog, schema] => (catalog.clone(), schema.clone()),
                _ => return Err(bad_name(&name)),
            },
        };
        self.check_schema(job, Privilege::UseSchema, &catalog, &schema)?;
        let tables = self.store.tables()?.into_iter();
        let here = tables.filter(|table| {
            let visible = || self.grants.may(&job.user, Privilege::Select, &Securable::Table(table.clone()));
            table.catalog() == catalog && table.schema() == schema && visible()
        });
        let rows =
            here.map(|table| vec![Some(schema.clone()), Some(table.table().to_owned()), Some("false".to_owned())]);
        let mut output = strings(&["database", "tableName", "isTemporary"], rows.collect());
        output.columns[2] = ResultColumn::new("isTemporary", "BOOLEAN", "BOOLEAN");
        Ok(output)
    }

    /// A session that reads what the statement's user may read.
    pub(super) fn session(&self, job: &Job) -> Session {
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

fn parse(text: &str) -> Result<Parsed, Failure> {
    let tokens = Tokenizer::new(&Spark, text).tokenize_with_location()?;
    check_depth(&tokens)?;
    let mut parser = Parser::new(&Spark).with_tokens_with_locations(tokens);
    if parser.peek_token_ref().token == Token::EOF {
        return Err(Failure::bad("PARSE_EMPTY_STATEMENT", "Syntax error, unexpected empty statement."));
    }
    let parsed = match parse_ddl(&mut parser)? {
        Some(ddl) => Parsed::Ddl(ddl),
        None => Parsed::Other(Box::new(parser.parse_statement()?)),
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

async fn query(session: &Session, statement: Statement, row_limit: Option<usize>) -> Result<Output, Failure> {
    let mut stream = session.query(statement).await?;
    let mut output = Output { columns: result_columns(&stream.schema()), ..Default::default() };
    let row_limit = row_limit.unwrap_or(usize::MAX);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let wanted = batch.num_rows().min(row_limit - output.rows.len());
        let (rows, bytes) = render(&batch.slice(0, wanted), RESULT_BYTES - output.bytes)?;
        output.truncated = rows.len() < batch.num_rows();
        output.bytes += bytes;
        output.rows.extend(rows);
        if output.truncated {
            break;
        }
    }
    Ok(output)
}

fn shown_in(options: &ShowStatementOptions) -> Result<Option<ObjectName>, Failure> {
    let filter = matches!(
        options.filter_position,
        Some(ShowStatementFilterPosition::Infix(_) | ShowStatementFilterPosition::Suffix(_))
    );
    if filter || options.starts_with.is_some() || options.limit.is_some() {
        return Err(Failure::unsupported("SHOW with a filter"));
    }
    Ok(options.show_in.as_ref().and_then(|show_in| show_in.parent_name.clone()))
}

/// The parts of a name, in lower case as Unity Catalog keeps them.
pub(super) fn parts(name: &ObjectName) -> Result<Vec<String>, Failure> {
    let idents: Option<Vec<&Ident>> = name.0.iter().map(|part| part.as_ident()).collect();
    let idents = idents.ok_or_else(|| bad_name(name))?;
    Ok(idents.into_iter().map(|ident| ident.value.to_ascii_lowercase()).collect())
}

fn one_part(name: &ObjectName) -> Result<String, Failure> {
    match &parts(name)?[..] {
        [part] => Ok(part.clone()),
        _ => Err(bad_name(name)),
    }
}

pub(super) fn bad_name(name: &ObjectName) -> Failure {
    Failure::bad("INVALID_IDENTIFIER", format_args!("'{name}' has the wrong number of parts for a name."))
}

fn listing(column: &str, names: Vec<String>) -> Output {
    strings(&[column], names.into_iter().map(|name| vec![Some(name)]).collect())
}

pub(super) fn strings(columns: &[&str], rows: Vec<Row>) -> Output {
    let columns = columns.iter().map(|name| ResultColumn::new(name, "STRING", "STRING")).collect();
    let bytes = rows.iter().flatten().flatten().map(String::len).sum();
    Output { columns, rows, bytes, ..Default::default() }
}
