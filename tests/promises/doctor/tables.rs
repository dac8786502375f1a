//! The table and the grants on it.

use std::fmt::Write;

use super::ward::{PRODUCTS, Ward};

const FEATURES: &str = "TBLPROPERTIES ('delta.enableRowTracking' = 'false', 'delta.enableDeletionVectors' = 'false', \
                        'delta.enableChangeDataFeed' = 'false');";
const COLUMNS: &str = "  record_id STRING,\n  product_id STRING,\n  product_name STRING,\n  product_price DOUBLE,\n  \
                       category STRING,\n  sale_start_date STRING,\n  sale_stop_date STRING,\n  processed_at STRING,\n  \
                       batch_id STRING,\n  source STRING\n";

fn grants(schema: &str, table: &str, principal: &str) -> String {
    format!(
        "GRANT USE CATALOG ON CATALOG main TO `{principal}`;\nGRANT USE SCHEMA ON SCHEMA main.{schema} TO `{principal}`;\n\
         GRANT MODIFY, SELECT ON TABLE main.{schema}.{table} TO `{principal}`;"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn tables() {
    let mut ward = Ward::open().await;
    let id = ward.app.client_id.clone();

    let mut columns = String::from("c0 STRING");
    (1..2001).for_each(|index| write!(columns, ", c{index} INT").unwrap());
    ward.run(&format!("CREATE TABLE main.direct_write.wide ({columns})")).await;
    ward.run("GRANT SELECT, MODIFY ON TABLE main.direct_write.wide TO {}").await;
    ward.set("DIRECT_WRITE_TABLE", "main.direct_write.wide");
    ward.heals("2001 columns", &["table"], &format!("DIRECT_WRITE_TABLE={PRODUCTS}"), &[]).await;

    ward.set("DIRECT_WRITE_TABLE", "main.direct_write.offers");
    let create = format!("CREATE TABLE main.direct_write.offers (\n{COLUMNS}) USING DELTA\n{FEATURES}");
    let paste = format!("{create}\n{}", grants("direct_write", "offers", &id));
    ward.heals("a table that does not exist", &["table"], &paste, &[]).await;

    ward.set("DIRECT_WRITE_TABLE", "main.shop.orders");
    let create = format!("CREATE TABLE main.shop.orders (\n{COLUMNS}) USING DELTA\n{FEATURES}");
    let paste = format!("CREATE SCHEMA IF NOT EXISTS main.shop;\n{create}\n{}", grants("shop", "orders", &id));
    ward.heals("a schema that does not exist", &["table"], &paste, &[]).await;

    ward.run("CREATE TABLE main.direct_write.sizes (id STRING, `größe` DOUBLE)").await;
    ward.run("GRANT SELECT, MODIFY ON TABLE main.direct_write.sizes TO {}").await;
    ward.set("DIRECT_WRITE_TABLE", "main.direct_write.sizes");
    let columns = "  id STRING,\n  groesse DOUBLE\n";
    let create = format!("CREATE TABLE main.direct_write.sizes_zerobus (\n{columns}) USING DELTA\n{FEATURES}");
    let paste = format!("{create}\n{}", grants("direct_write", "sizes_zerobus", &id));
    ward.heals("a column name that is not ASCII", &["table"], &paste, &[]).await;

    ward.run("CREATE TABLE main.direct_write.fed (id STRING) TBLPROPERTIES ('delta.enableChangeDataFeed' = 'true')")
        .await;
    ward.run("GRANT SELECT, MODIFY ON TABLE main.direct_write.fed TO {}").await;
    ward.set("DIRECT_WRITE_TABLE", "main.direct_write.fed");
    let off = "ALTER TABLE main.direct_write.fed SET TBLPROPERTIES ('delta.enableChangeDataFeed' = 'false');";
    ward.soothes("a change data feed", "table", off).await;
    ward.close(5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn grants_on_the_table() {
    let mut ward = Ward::open().await;
    let id = ward.app.client_id.clone();
    let on_table = |privileges: &str| format!("GRANT {privileges} ON TABLE {PRODUCTS} TO `{id}`;");

    ward.run("REVOKE USE CATALOG ON CATALOG main FROM {}").await;
    let reach = format!("GRANT USE CATALOG ON CATALOG main TO `{id}`;");
    ward.heals("no USE CATALOG", &["table", "volume"], &reach, &[]).await;
    ward.run("REVOKE USE SCHEMA ON SCHEMA main.direct_write FROM {}").await;
    let reach = format!("GRANT USE SCHEMA ON SCHEMA main.direct_write TO `{id}`;");
    ward.heals("no USE SCHEMA", &["table", "volume"], &reach, &[]).await;

    ward.run("REVOKE SELECT ON TABLE main.direct_write.products FROM {}").await;
    ward.heals("no SELECT", &["table"], &on_table("SELECT"), &[]).await;
    ward.run("REVOKE MODIFY ON TABLE main.direct_write.products FROM {}").await;
    ward.heals("no MODIFY", &["grants", "sql"], &on_table("MODIFY"), &[]).await;

    ward.run("REVOKE SELECT, MODIFY ON TABLE main.direct_write.products FROM {}").await;
    ward.run("GRANT SELECT, MODIFY ON SCHEMA main.direct_write TO {}").await;
    ward.heals("only what the schema passes on", &["grants"], &on_table("MODIFY, SELECT"), &[]).await;
    ward.run("REVOKE SELECT, MODIFY ON SCHEMA main.direct_write FROM {}").await;

    ward.run("REVOKE SELECT, MODIFY ON TABLE main.direct_write.products FROM {}").await;
    ward.run("GRANT ALL PRIVILEGES ON TABLE main.direct_write.products TO {}").await;
    ward.heals("only ALL PRIVILEGES", &["grants"], &on_table("MODIFY, SELECT"), &[]).await;
    ward.close(6).await;
}
