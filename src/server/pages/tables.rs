//! The form for a new table: columns from a sample, the statements, and running them.

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::show;
use crate::api::caller::{Caller, Permission};
use crate::api::http::status_of;
use crate::model::{EdgeError, FieldError, columns_from_sample};
use crate::server::router::AppState;
use crate::ui::tables_page::create::{NEW, NewTableSheet, printed};

/// `POST /tables/create`: what the pressed button says, `print` when the Enter key was pressed in a field.
pub(super) async fn create(
    State(state): State<AppState>,
    caller: Caller,
    Form(pairs): Form<Vec<(String, String)>>,
) -> Response {
    let (mut sheet, sent) = NewTableSheet::of(pairs);
    sheet.refusal = caller.require(Permission::Administer).err();
    if sent.action == "infer" {
        match columns_from_sample(&sheet.sample) {
            Ok(columns) => {
                sheet.draft.columns = columns;
                sheet.told = "The columns were read from the sample. Look them over.".to_owned();
            }
            Err(problem) => sheet.errors.push(FieldError::new("sample", "json", problem, None)),
        }
        return answer(&state, &caller, sheet).await;
    }
    let Some(table) = sheet.table() else { return answer(&state, &caller, sheet).await };
    sheet.draft.name = table.name.to_string();
    if sent.action != "run" {
        sheet.statements = state.engine.table_statements(&table).await;
        return answer(&state, &caller, sheet).await;
    }
    if let Some(refusal) = sheet.refusal.clone() {
        sheet.statements = state.engine.table_statements(&table).await;
        sheet.problem = Some(refusal);
        return answer(&state, &caller, sheet).await;
    }
    let statements = state.engine.table_statements(&table).await;
    if printed(&statements) != sent.printed {
        // Nobody runs what they have not seen.
        sheet.statements = statements;
        sheet.told = "What is typed has changed since the statements were printed. Nothing was run. Look at them again, then run them."
            .to_owned();
        return answer(&state, &caller, sheet).await;
    }
    match state.engine.run_statements(statements.clone(), &caller.actor()).await {
        Ok(outcomes) => sheet.outcomes = outcomes,
        Err(problem) => (sheet.statements, sheet.problem) = (statements, Some(problem)),
    }
    answer(&state, &caller, sheet).await
}

async fn answer(state: &AppState, caller: &Caller, sheet: NewTableSheet) -> Response {
    let status = match (&sheet.problem, sheet.errors.is_empty()) {
        (Some(problem), _) => status_of(problem),
        (None, false) => status_of(&EdgeError::invalid(sheet.errors.clone())),
        (None, true) => StatusCode::OK,
    };
    show(state, caller, NEW, sheet, status).await
}
