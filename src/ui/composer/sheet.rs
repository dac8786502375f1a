//! Everything the composer's page shows: what is typed, what is wrong with it, the upload it is about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::form::Form;
use super::read::at_its_field;
use super::summary;
use crate::engine::Engine;
use crate::engine::run::fitting_kind;
use crate::model::{
    EdgeError, FieldError, FilePreview, Plan, PlanPreview, SourceKind, TableName, Upload, WorkbenchInfo,
};

/// What the page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sheet {
    /// The workspace with its tables and writers.
    pub info: WorkbenchInfo,
    /// What is typed.
    pub form: Form,
    /// What is wrong, by the names of fields.
    pub errors: Vec<FieldError>,
    /// Why nothing was started or kept, when it is not about a field.
    pub problem: Option<EdgeError>,
    /// The upload that the records come from.
    pub uploaded: Option<Uploaded>,
    /// The id of the element that gets the focus; empty for none.
    pub focus: String,
    /// The summary and the plan file.
    pub news: PlanPreview,
}

/// An upload and what it holds for the table that is chosen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Uploaded {
    /// The file.
    pub upload: Upload,
    /// What it holds.
    pub preview: FilePreview,
}

impl Sheet {
    /// A fresh form for made records, or that of the comparison `from`.
    pub async fn generator(engine: &Engine, from: &str, table: &str) -> Self {
        let mut sheet = Self::about(engine, table).await;
        let table = sheet.info.asked.as_ref().or(first_choice(&sheet.info)).cloned();
        sheet.form = Form::fresh(table.as_ref(), &sheet.info.writers);
        if !from.is_empty() {
            match plan_that_ran(engine, from).await {
                Ok(plan) if plan.source.kind == SourceKind::File => {
                    let message =
                        "That comparison read a file, and files are not kept. Nothing was started. Upload it again.";
                    sheet.problem = Some(EdgeError::new("NOT_FOUND", message));
                }
                Ok(plan) => {
                    let known = engine.add_table(&mut sheet.info, &plan.table).await;
                    sheet
                        .errors
                        .extend(known.err().map(|error| FieldError::new("table", "unknown", error.message, None)));
                    sheet.form = Form::of(&plan, &sheet.info.writers);
                }
                Err(error) => sheet.problem = Some(error),
            }
        }
        sheet.tell();
        sheet
    }

    /// The page that takes a file, or with an upload's id the form for its records.
    pub async fn upload(engine: &Engine, id: &str, table: &str) -> Self {
        let mut sheet = Self::about(engine, table).await;
        let chosen = first_choice(&sheet.info).map(TableName::to_string).unwrap_or_default();
        let table = if table.is_empty() { chosen } else { table.to_owned() };
        sheet.form.set("table", &table);
        if id.is_empty() {
            return sheet;
        }
        match engine.uploads() {
            Ok(uploads) => match uploads.find(id).await {
                Ok(upload) => {
                    sheet.form = Form::fresh_upload(id, &table, &upload.name, &sheet.info.writers);
                    sheet.look_into_upload(engine).await;
                }
                Err(error) => sheet.problem = Some(error.into()),
            },
            Err(error) => sheet.problem = Some(error),
        }
        sheet.tell();
        sheet
    }

    /// What was sent, shown again.
    pub async fn again(engine: &Engine, form: Form) -> Self {
        let mut sheet = Self::about(engine, form.text("table")).await;
        sheet.form = form;
        if sheet.is_upload() {
            sheet.look_into_upload(engine).await;
        }
        sheet.tell();
        sheet
    }

    /// The page that takes a file, with why it did not take one.
    pub async fn refused_upload(engine: &Engine, table: &str, problem: EdgeError) -> Self {
        let mut sheet = Self::upload(engine, "", table).await;
        sheet.problem = Some(problem);
        sheet
    }

    /// Shows why a comparison did not start.
    pub fn refuse(&mut self, error: EdgeError) {
        let rows: Vec<usize> =
            self.form.rows().into_iter().filter(|row| self.form.has(&format!("writer.{row}.on"))).collect();
        let EdgeError { error_code, message, details } = error;
        if details.is_empty() {
            self.problem = Some(EdgeError::new(&error_code, message));
        }
        for error in details.into_iter().map(|error| at_its_field(error, &rows)) {
            if !self.errors.contains(&error) {
                self.errors.push(error);
            }
        }
    }

    /// Whether the records come from an upload.
    pub fn is_upload(&self) -> bool {
        !self.form.text("upload").is_empty()
    }

    /// Nothing typed; with `table` among the tables, wherever it is, and its trouble among the errors. What is no table's name is
    /// left for who reads the form.
    async fn about(engine: &Engine, table: &str) -> Self {
        let mut sheet = Self::new(engine.workbench_info().await);
        if let Ok(name) = TableName::parse(table)
            && let Err(error) = engine.add_table(&mut sheet.info, &name).await
        {
            sheet.errors.push(FieldError::new("table", "unknown", error.message, Some(&table.into())));
        }
        sheet
    }

    fn new(info: WorkbenchInfo) -> Self {
        Self {
            info,
            form: Form::new(),
            errors: Vec::new(),
            problem: None,
            uploaded: None,
            focus: String::new(),
            news: PlanPreview::default(),
        }
    }

    /// Brings the summary and the plan file up to date.
    fn tell(&mut self) {
        self.news = summary::news(&self.form, &self.info.tables);
    }

    /// Reads the upload for the table and the mapping that are typed; what is proposed is typed in.
    async fn look_into_upload(&mut self, engine: &Engine) {
        if self.form.text("mapped") != self.form.text("table") {
            self.form.forget_mapping();
        }
        let id = self.form.text("upload").to_owned();
        let table = match TableName::parse(self.form.text("table")) {
            Ok(table) => table,
            Err(error) => {
                self.errors.push(FieldError::new("table", "type", format!("{error}."), None));
                return;
            }
        };
        let map = |form: &Form| form.mapped().map(|(field, column)| (field.to_owned(), column.to_owned())).collect();
        let mut looked = engine.preview_upload(&id, map(&self.form), &table).await;
        if let Err(error) = &mut looked
            && !error.details.is_empty()
        {
            // A mapping that cannot be: the rest is shown with the one that is proposed.
            let details = std::mem::take(&mut error.details);
            self.errors.extend(details.into_iter().map(|error| at_its_field(error, &[])));
            looked = engine.preview_upload(&id, BTreeMap::new(), &table).await;
        }
        match looked {
            Ok((upload, mut preview)) => {
                // Fields without a column are left out, and the form says so.
                preview.errors.retain(|error| !error.path.starts_with("header."));
                for field in &preview.fields {
                    let name = format!("map.{}", field.field);
                    if !self.form.has(&name) {
                        self.form.set(name, field.column.clone().unwrap_or_default());
                    }
                }
                self.form.set("mapped", table.to_string());
                self.uploaded = Some(Uploaded { upload, preview });
            }
            Err(error) => {
                // No records can be read out of it, whatever is chosen.
                if error.error_code == "INVALID_PARAMETER_VALUE"
                    && let Ok(uploads) = engine.uploads()
                {
                    uploads.forget(&id).await;
                }
                self.problem = Some(error);
            }
        }
    }
}

/// The summary and the plan file of what is typed.
pub async fn news_of(engine: &Engine, form: &Form) -> PlanPreview {
    summary::news(form, &Sheet::about(engine, form.text("table")).await.info.tables)
}

/// The plan that is typed.
///
/// # Errors
/// Every broken rule, by the names of fields.
pub async fn plan_of(engine: &Engine, form: &Form) -> Result<Plan, Vec<FieldError>> {
    form.plan(summary::fitting(form, &Sheet::about(engine, form.text("table")).await.info.tables))
}

/// A table for telemetry if there is one, else the first.
fn first_choice(info: &WorkbenchInfo) -> Option<&TableName> {
    let telemetry = info.tables.iter().find(|table| fitting_kind(table) == SourceKind::Telemetry);
    telemetry.or(info.tables.first()).map(|table| &table.name)
}

async fn plan_that_ran(engine: &Engine, id: &str) -> Result<Plan, EdgeError> {
    match engine.follow_comparison(id) {
        Ok(live) => Ok(live.borrow().plan.clone()),
        Err(_ended) => engine.report(id).await.map(|report| report.plan),
    }
}
