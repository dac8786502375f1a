//! `DESCRIBE` and `SHOW`: what the catalog knows, as rows.

use deltalake::datafusion::sql::sqlparser::ast::{ObjectName, ShowStatementFilterPosition, ShowStatementOptions};
use deltalake::kernel::MetadataValue;

use super::failure::Failure;
use super::output::Output;
use super::run::{Job, Runner, bad_name, parts};
use super::values::{ResultColumn, Row};
use crate::lakehouse::columns::type_text;
use crate::lakehouse::grants::{Privilege, Securable, SecurableKind};

impl Runner {
    pub(super) async fn describe(&self, job: &Job, name: &ObjectName, extended: bool) -> Result<Output, Failure> {
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
        Ok(Output::strings(&["col_name", "data_type", "comment"], rows))
    }

    pub(super) fn show_tables(&self, job: &Job, options: &ShowStatementOptions) -> Result<Output, Failure> {
        let (catalog, schema) = self.schema_name(job, shown_in(options)?.as_ref())?;
        let tables = self.store.tables()?.into_iter();
        let here = tables.filter(|table| {
            let visible = || self.grants.may(&job.user, Privilege::Select, &Securable::Table(table.clone()));
            table.catalog() == catalog && table.schema() == schema && visible()
        });
        let rows =
            here.map(|table| vec![Some(schema.clone()), Some(table.table().to_owned()), Some("false".to_owned())]);
        let mut output = Output::strings(&["database", "tableName", "isTemporary"], rows.collect());
        output.columns[2] = ResultColumn::new("isTemporary", "BOOLEAN", "BOOLEAN");
        Ok(output)
    }

    pub(super) fn show_volumes(&self, job: &Job, schema: Option<&ObjectName>) -> Result<Output, Failure> {
        let (catalog, schema) = self.schema_name(job, schema)?;
        let volumes = self.volumes.list(&catalog, &schema)?.into_iter();
        let visible = volumes.filter(|volume| {
            let full_name = format!("{catalog}.{schema}.{volume}");
            Securable::parse(SecurableKind::Volume, &full_name)
                .is_some_and(|volume| self.grants.may(&job.user, Privilege::ReadVolume, &volume))
        });
        let rows = visible.map(|volume| vec![Some(schema.clone()), Some(volume)]).collect();
        Ok(Output::strings(&["database", "volume_name"], rows))
    }

    /// Catalog and schema of a schema that is there and that the statement's user may look into; the statement's own
    /// where none is named.
    fn schema_name(&self, job: &Job, name: Option<&ObjectName>) -> Result<(String, String), Failure> {
        let (catalog, schema) = match name {
            None => (job.catalog.clone(), job.schema.clone()),
            Some(name) => match &parts(name)?[..] {
                [schema] => (job.catalog.clone(), schema.clone()),
                [catalog, schema] => (catalog.clone(), schema.clone()),
                _ => return Err(bad_name(name)),
            },
        };
        self.check_schema(job, Privilege::UseSchema, &catalog, &schema)?;
        Ok((catalog, schema))
    }
}

/// What is named after IN or FROM.
pub(super) fn shown_in(options: &ShowStatementOptions) -> Result<Option<ObjectName>, Failure> {
    let filter = matches!(
        options.filter_position,
        Some(ShowStatementFilterPosition::Infix(_) | ShowStatementFilterPosition::Suffix(_))
    );
    if filter || options.starts_with.is_some() || options.limit.is_some() {
        return Err(Failure::unsupported("SHOW with a filter"));
    }
    Ok(options.show_in.as_ref().and_then(|show_in| show_in.parent_name.clone()))
}
