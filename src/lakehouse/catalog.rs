//! Unity Catalog's REST API, as far as a writer and a browser of tables need it: tables, schemas, catalogs.
//!
//! Read-only: tables are made with SQL. Answers have the field names and error codes of the real API.

use axum::extract::{Path, Query, State};
use axum::routing::get;
use axum::{Json, Router, middleware};
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, LakehouseError};
use super::oidc::{Oidc, require_bearer};
use super::store::Store;
use super::table::Table;
use crate::model::TableName;

/// The catalog's routes; each needs a bearer token.
pub fn router(store: Store, oidc: Oidc) -> Router {
    Router::new()
        .route("/api/2.1/unity-catalog/tables", get(list_tables))
        .route("/api/2.1/unity-catalog/tables/{full_name}", get(get_table))
        .route("/api/2.1/unity-catalog/schemas", get(list_schemas))
        .route("/api/2.1/unity-catalog/catalogs", get(list_catalogs))
        .route_layer(middleware::from_fn_with_state(oidc, require_bearer))
        .with_state(store)
}

#[derive(Deserialize)]
struct Scope {
    catalog_name: Option<String>,
    schema_name: Option<String>,
}

async fn get_table(State(store): State<Store>, Path(full_name): Path<String>) -> Result<Json<Value>, ApiError> {
    let name = TableName::parse(&full_name).map_err(|error| ApiError::invalid(error.to_string()))?;
    let table = store.table(&name).await?;
    Ok(Json(table_json(&table)))
}

async fn list_tables(State(store): State<Store>, Query(scope): Query<Scope>) -> Result<Json<Value>, ApiError> {
    if let (Some(catalog), Some(schema)) = (&scope.catalog_name, &scope.schema_name)
        && store.has_catalog(catalog)
        && !store.has_schema(catalog, schema)
    {
        return Err(LakehouseError::SchemaNotFound(format!("{catalog}.{schema}")).into());
    }
    if let Some(catalog) = scope.catalog_name.as_deref().filter(|catalog| !store.has_catalog(catalog)) {
        return Err(LakehouseError::CatalogNotFound(catalog.to_owned()).into());
    }
    let wanted = |name: &TableName| {
        scope.catalog_name.as_deref().is_none_or(|catalog| catalog == name.catalog())
            && scope.schema_name.as_deref().is_none_or(|schema| schema == name.schema())
    };
    let mut tables = Vec::new();
    for name in store.tables()?.iter().filter(|name| wanted(name)) {
        match store.table(name).await {
            Ok(table) => tables.push(table_json(&table)),
            // Dropped since it was listed, or damaged: the others are still worth showing.
            Err(LakehouseError::NotFound(_)) => {}
            Err(error) => tracing::warn!(table = %name, %error, "a table was left out of a listing"),
        }
    }
    Ok(Json(json!({ "tables": tables })))
}

async fn list_schemas(State(store): State<Store>, Query(scope): Query<Scope>) -> Result<Json<Value>, ApiError> {
    let catalog = scope.catalog_name.ok_or_else(|| ApiError::invalid("catalog_name is required"))?;
    let schemas: Vec<Value> = store
        .schemas(&catalog)?
        .iter()
        .map(|schema| json!({ "name": schema, "catalog_name": catalog, "full_name": format!("{catalog}.{schema}") }))
        .collect();
    Ok(Json(json!({ "schemas": schemas })))
}

async fn list_catalogs(State(store): State<Store>) -> Result<Json<Value>, ApiError> {
    let catalogs: Vec<Value> = store
        .catalogs()?
        .iter()
        .map(|catalog| json!({ "name": catalog, "full_name": catalog, "catalog_type": "MANAGED_CATALOG" }))
        .collect();
    Ok(Json(json!({ "catalogs": catalogs })))
}

fn table_json(table: &Table) -> Value {
    let name = table.name();
    let details = table.details();
    json!({
        "name": name.table(),
        "catalog_name": name.catalog(),
        "schema_name": name.schema(),
        "full_name": name.to_string(),
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "columns": table.uc_columns(),
        "storage_location": format!("file://{}", table.folder().display()),
        "comment": details.comment,
        "properties": details.properties,
        "created_at": details.created_at,
        "table_id": details.id,
        "securable_type": "TABLE",
    })
}
