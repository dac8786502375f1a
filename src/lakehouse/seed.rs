//! What a new lakehouse starts with: the product form's table, the generator's, and a volume for files to load.

use deltalake::kernel::{PrimitiveType, StructField};

use super::error::LakehouseError;
use super::files::Volumes;
use super::store::{Store, TableOptions};
use crate::model::TableName;

/// The product form's table.
pub const PRODUCTS: &str = "main.direct_write.products";
/// The generator's table.
pub const TELEMETRY: &str = "main.direct_write.telemetry";
/// The volume for files that `COPY INTO` loads.
pub const LANDING: &str = "main.direct_write.landing";

const PRODUCT_FIELDS: [(&str, PrimitiveType); 10] = [
    ("record_id", PrimitiveType::String),
    ("product_id", PrimitiveType::String),
    ("product_name", PrimitiveType::String),
    ("product_price", PrimitiveType::Double),
    ("category", PrimitiveType::String),
    ("sale_start_date", PrimitiveType::String),
    ("sale_stop_date", PrimitiveType::String),
    ("processed_at", PrimitiveType::String),
    ("batch_id", PrimitiveType::String),
    ("source", PrimitiveType::String),
];

const TELEMETRY_FIELDS: [(&str, PrimitiveType); 9] = [
    ("device_id", PrimitiveType::String),
    ("site", PrimitiveType::String),
    ("metric", PrimitiveType::String),
    ("value", PrimitiveType::Double),
    ("unit", PrimitiveType::String),
    ("event_time", PrimitiveType::Timestamp),
    ("record_id", PrimitiveType::String),
    ("run_id", PrimitiveType::String),
    ("sequence", PrimitiveType::Long),
];

/// Creates the catalog, its schemas, the two tables and the volume in a store that has no catalog yet. A lakehouse whose owner has
/// dropped them does not get them back.
///
/// # Errors
/// What kept a folder or table from being made; the next start tries again.
pub async fn seed(store: &Store, volumes: &Volumes) -> Result<(), LakehouseError> {
    if store.has_schema("main", "default") {
        return Ok(());
    }
    store.create_catalog("main")?;
    store.create_schema("main", "direct_write")?;
    create(store, PRODUCTS, "Products from the form, one row for each", &PRODUCT_FIELDS).await?;
    create(store, TELEMETRY, "Telemetry from the generator, one row for each reading", &TELEMETRY_FIELDS).await?;
    volumes.create(&table_name(LANDING)?, store)?;
    // Made last: it says that all of the above is there.
    store.create_schema("main", "default")
}

async fn create(
    store: &Store,
    name: &str,
    comment: &str,
    fields: &[(&str, PrimitiveType)],
) -> Result<(), LakehouseError> {
    let name = table_name(name)?;
    let fields = fields.iter().map(|(name, data_type)| StructField::nullable(*name, data_type.clone())).collect();
    let options = TableOptions { comment: Some(comment.to_owned()), if_not_exists: true, ..Default::default() };
    store.create_table(&name, fields, options).await.map(|_new| ())
}

fn table_name(name: &str) -> Result<TableName, LakehouseError> {
    TableName::parse(name).map_err(|error| LakehouseError::InvalidArgument(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PRODUCT_COLUMNS;

    #[tokio::test]
    async fn a_new_lakehouse_has_the_product_columns_in_order_and_dropped_tables_stay_dropped() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(folder.path(), Default::default(), Default::default()).expect("open");
        let volumes = Volumes::open(folder.path()).expect("volumes");
        seed(&store, &volumes).await.expect("seed");
        assert_eq!(volumes.list("main", "direct_write").expect("list"), ["landing"]);
        let name = TableName::parse(PRODUCTS).expect("name");
        let table = store.table(&name).await.expect("products");
        let names: Vec<_> = table.uc_columns().into_iter().map(|column| column.name).collect();
        assert_eq!(names, PRODUCT_COLUMNS);
        drop(table);
        store.drop_table(&name, false).await.expect("drop");
        seed(&store, &volumes).await.expect("seed again");
        assert!(matches!(store.table(&name).await, Err(LakehouseError::NotFound(_))));
    }
}
