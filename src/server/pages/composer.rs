//! The composer's form: starts the comparison, or shows the form again with what is wrong, or with another row.

use axum::Json;
use axum::extract::{Form, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::show;
use crate::api::caller::Caller;
use crate::api::http::status_of;
use crate::engine::plan_file;
use crate::model::{EdgeError, Plan, PlanPreview, WriterKind};
use crate::server::router::AppState;
use crate::ui::composer::{self, Sheet, news_of, plan_of};
use crate::ui::sources::Source;

type Pairs = Vec<(String, String)>;

/// `POST /workbench/run`: what the pressed button says, `run` when the Enter key was pressed in a field.
pub(super) async fn run(State(state): State<AppState>, caller: Caller, Form(pairs): Form<Pairs>) -> Response {
    let mut form: composer::Form = pairs.into_iter().collect();
    let action = form.take("action").unwrap_or_default();
    match action.split_once(':') {
        Some(("add", kind)) => {
            let row = WriterKind::parse(kind).map(|kind| form.add_writer(kind));
            let focus = row.map_or_else(String::new, |row| format!("f-writer-{row}-on"));
            return again(&state, &caller, form, &focus).await;
        }
        Some(("remove", row)) => {
            if let Ok(row) = row.parse() {
                form.remove_row(row);
            }
            return again(&state, &caller, form, "f-writer").await;
        }
        _ if action == "check" => return again(&state, &caller, form, "preview").await,
        _ => {}
    }
    let plan = match plan_of(&state.engine, &form).await {
        Ok(plan) => plan,
        Err(errors) => return refuse(&state, &caller, form, EdgeError::invalid(errors)).await,
    };
    if action == "plan" {
        return download(&plan).unwrap_or_else(IntoResponse::into_response);
    }
    match state.engine.start_comparison(plan, caller.actor()).await {
        Ok(id) => Redirect::to(&format!("/runs/{id}")).into_response(),
        Err(error) => refuse(&state, &caller, form, error).await,
    }
}

/// `POST /workbench/preview`: the summary and the plan file of what is typed.
pub(super) async fn preview(State(state): State<AppState>, Form(pairs): Form<Pairs>) -> Json<PlanPreview> {
    Json(news_of(&state.engine, &pairs.into_iter().collect()).await)
}

async fn again(state: &AppState, caller: &Caller, form: composer::Form, focus: &str) -> Response {
    let mut sheet = Sheet::again(&state.engine, form).await;
    sheet.focus = focus.to_owned();
    show_sheet(state, caller, sheet, StatusCode::OK).await
}

async fn refuse(state: &AppState, caller: &Caller, form: composer::Form, error: EdgeError) -> Response {
    let status = status_of(&error);
    let mut sheet = Sheet::again(&state.engine, form).await;
    sheet.refuse(error);
    show_sheet(state, caller, sheet, status).await
}

async fn show_sheet(state: &AppState, caller: &Caller, sheet: Sheet, status: StatusCode) -> Response {
    let source = if sheet.is_upload() { Source::Upload } else { Source::Generator };
    show(state, caller, source.address(), sheet, status).await
}

fn download(plan: &Plan) -> Result<Response, EdgeError> {
    let text = plan_file::to_toml(plan)?;
    let headers = [
        (header::CONTENT_TYPE, "application/toml"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"direct-write-plan.toml\""),
    ];
    Ok((headers, text).into_response())
}
