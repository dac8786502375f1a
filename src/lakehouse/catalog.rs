//! Unity Catalog's REST API, as far as a writer and a browser of tables need it: tables, volumes, schemas, catalogs.
//!
//! Read-only: tables are made with SQL. Answers have the field names and error codes of the real API, and show what the
//! caller may see: catalogs with USE CATALOG, schemas with USE SCHEMA, tables with SELECT.

use axum::extract::{Extension, Path, Query, State};
use axum::routing::get;
use axum::{Json, Router, middleware};
use deltalake::kernel::MetadataValue;
use serde::Deserialize;
use serde_json::{Value, json};

use super::error::{ApiError, LakehouseError};
use super::grants::{Grants, Privilege, Securable};
use super::oidc::{Oidc, TokenInfo, require_bearer};
use super::store::Store;
use super::table::Table;
use crate::model::TableName;

mod page;

use page::page;

/// The catalog's routes; each needs a bearer token.
pub fn router(store: Store, oidc: Oidc) -> Router {
    let grants = oidc.grants().clone();
    Router::new()
        .route("/api/2.1/unity-catalog/tables", get(list_tables))
        .route("/api/2.1/unity-catalog/tables/{full_name}", get(get_table))
        .route("/api/2.1/unity-catalog/volumes/{full_name}", get(get_volume))
        .route("/api/2.1/unity-catalog/schemas", get(list_schemas))
        .route("/api/2.1/unity-catalog/schemas/{full_name}", get(get_schema))
        .route("/api/2.1/unity-catalog/catalogs", get(list_catalogs))
        .route("/api/2.1/unity-catalog/catalogs/{name}", get(get_catalog))
        .route_layer(middleware::from_fn_with_state(oidc, require_bearer))
        .with_state(Catalog { store, grants })
}

#[derive(Clone)]
struct Catalog {
    store: Store,
    grants: Grants,
}

#[derive(Deserialize)]
struct Scope {
    catalog_name: Option<String>,
    schema_name: Option<String>,
    max_results: Option<i64>,
    page_token: Option<String>,
    /// Whether tables come without their columns.
    #[serde(default)]
    omit_columns: bool,
}

async fn get_table(
    State(catalog): State<Catalog>,
    Extension(caller): Extension<TokenInfo>,
    Path(full_name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let name = TableName::parse(&full_name).map_err(|error| ApiError::invalid(error.to_string()))?;
    catalog.grants.check(&caller.client_id, Privilege::Select, &Securable::Table(name.clone()))?;
    let table = catalog.store.table(&name).await?;
    Ok(Json(catalog.table_json(&table, false)))
}

async fn get_volume(
    State(catalog): State<Catalog>,
    Extension(caller): Extension<TokenInfo>,
    Path(full_name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let name = TableName::parse(&full_name).map_err(|error| ApiError::invalid(error.to_string()))?;
    let volume = Securable::Volume(name.clone());
    catalog.grants.check(&caller.client_id, Privilege::ReadVolume, &volume)?;
    Ok(Json(json!({
        "name": name.table(),
        "catalog_name": name.catalog(),
        "schema_name": name.schema(),
        "full_name": name.to_string(),
        "owner": catalog.grants.owner(&volume),
        "volume_type": "MANAGED",
    })))
}

async fn get_schema(
    State(catalog): State<Catalog>,
    Extension(caller): Extension<TokenInfo>,
    Path(full_name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let Some((parent, name)) = full_name.split_once('.') else {
        return Err(ApiError::invalid(format!("'{full_name}' is not the full name of a schema")));
    };
    let schema = Securable::Schema(parent.to_ascii_lowercase(), name.to_ascii_lowercase());
    catalog.grants.check(&caller.client_id, Privilege::UseSchema, &schema)?;
    Ok(Json(catalog.container_json(&schema)))
}

async fn get_catalog(
    State(catalog): State<Catalog>,
    Extension(caller): Extension<TokenInfo>,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let name = Securable::Catalog(name.to_ascii_lowercase());
    catalog.grants.check(&caller.client_id, Privilege::UseCatalog, &name)?;
    Ok(Json(catalog.container_json(&name)))
}

async fn list_tables(
    State(catalog): State<Catalog>,
    Extension(caller): Extension<TokenInfo>,
    Query(scope): Query<Scope>,
) -> Result<Json<Value>, ApiError> {
    match (&scope.catalog_name, &scope.schema_name) {
        (Some(parent), Some(schema)) => {
            let schema = Securable::Schema(parent.clone(), schema.clone());
            catalog.grants.check(&caller.client_id, Privilege::UseSchema, &schema)?;
        }
        (Some(parent), None) => {
            catalog.grants.check(&caller.client_id, Privilege::UseCatalog, &Securable::Catalog(parent.clone()))?;
        }
        (None, _) => {}
    }
    let wanted = |name: &TableName| {
        scope.catalog_name.as_deref().is_none_or(|catalog| catalog == name.catalog())
            && scope.schema_name.as_deref().is_none_or(|schema| schema == name.schema())
            && catalog.grants.may(&caller.client_id, Privilege::Select, &Securable::Table(name.clone()))
    };
    let mut names = catalog.store.tables()?;
    names.retain(wanted);
    names.sort_by_key(TableName::to_string);
    let page = page(names, TableName::to_string, scope.max_results, scope.page_token.as_deref())?;
    let mut tables = Vec::new();
    for name in &page.items {
        match catalog.store.table(name).await {
            Ok(table) => tables.push(catalog.table_json(&table, scope.omit_columns)),
            // Dropped since it was listed, or damaged: the others are still worth showing.
            Err(LakehouseError::NotFound(_)) => {}
            Err(error) => tracing::warn!(table = %name, %error, "a table was left out of a listing"),
        }
    }
    Ok(listing("tables", tables, page.next_page_token))
}

async fn list_schemas(
    State(catalog): State<Catalog>,
    Extension(caller): Extension<TokenInfo>,
    Query(scope): Query<Scope>,
) -> Result<Json<Value>, ApiError> {
    let parent = scope.catalog_name.ok_or_else(|| ApiError::invalid("catalog_name is required"))?;
    catalog.grants.check(&caller.client_id, Privilege::UseCatalog, &Securable::Catalog(parent.clone()))?;
    let schemas = catalog.store.schemas(&parent)?.into_iter().map(|name| Securable::Schema(parent.clone(), name));
    let visible = schemas.filter(|schema| catalog.grants.may(&caller.client_id, Privilege::UseSchema, schema));
    let page = page(visible, Securable::to_string, scope.max_results, scope.page_token.as_deref())?;
    let schemas = page.items.iter().map(|schema| catalog.container_json(schema)).collect();
    Ok(listing("schemas", schemas, page.next_page_token))
}

async fn list_catalogs(
    State(catalog): State<Catalog>,
    Extension(caller): Extension<TokenInfo>,
    Query(scope): Query<Scope>,
) -> Result<Json<Value>, ApiError> {
    let catalogs = catalog.store.catalogs()?.into_iter().map(Securable::Catalog);
    let visible = catalogs.filter(|name| catalog.grants.may(&caller.client_id, Privilege::UseCatalog, name));
    let page = page(visible, Securable::to_string, scope.max_results, scope.page_token.as_deref())?;
    let catalogs = page.items.iter().map(|name| catalog.container_json(name)).collect();
    Ok(listing("catalogs", catalogs, page.next_page_token))
}

/// The columns, with their comments.
fn columns_json(table: &Table) -> Value {
    let fields = table.fields();
    let columns = table.uc_columns().into_iter().map(|column| {
        let field = fields.iter().find(|field| *field.name() == column.name);
        let mut answer = json!(column);
        if let Some(MetadataValue::String(comment)) = field.and_then(|field| field.metadata().get("comment")) {
            answer["comment"] = comment.as_str().into();
        }
        answer
    });
    columns.collect()
}

/// The last page has no token.
fn listing(kind: &str, items: Vec<Value>, next_page_token: Option<String>) -> Json<Value> {
    let mut answer = json!({ kind: items });
    if let Some(token) = next_page_token {
        answer["next_page_token"] = token.into();
    }
    Json(answer)
}

impl Catalog {
    /// A catalog or schema.
    fn container_json(&self, on: &Securable) -> Value {
        let mut answer = json!({
            "full_name": on.to_string(),
            "owner": self.grants.owner(on),
            "securable_type": on.kind(),
        });
        match on {
            Securable::Schema(catalog, name) => {
                answer["name"] = name.as_str().into();
                answer["catalog_name"] = catalog.as_str().into();
            }
            other => {
                answer["name"] = other.to_string().into();
                answer["catalog_type"] = "MANAGED_CATALOG".into();
            }
        }
        answer
    }

    fn table_json(&self, table: &Table, omit_columns: bool) -> Value {
        let name = table.name();
        let details = table.details();
        let mut answer = json!({
            "name": name.table(),
            "catalog_name": name.catalog(),
            "schema_name": name.schema(),
            "full_name": name.to_string(),
            "owner": self.grants.owner(&Securable::Table(name.clone())),
            "table_type": "MANAGED",
            "data_source_format": "DELTA",
            "storage_location": format!("file://{}", table.folder().display()),
            "comment": details.comment,
            "properties": details.properties,
            "created_at": details.created_at,
            "table_id": details.id,
            "securable_type": "TABLE",
        });
        if !omit_columns {
            answer["columns"] = columns_json(table);
        }
        answer
    }
}
