//! The principal, its secret and its token; the clocks; the warehouse.

use direct_write::lakehouse::Forecast;

use super::ward::Ward;

#[tokio::test(flavor = "multi_thread")]
async fn principals_secrets_and_clocks() {
    let mut ward = Ward::open().await;
    let env = "eval \"$(direct-write env)\"";
    ward.set("DATABRICKS_CLIENT_SECRET", "an-old-secret");
    ward.heals("a wrong secret", &["token"], env, &[]).await;
    ward.settings = ward.good_settings();
    ward.set("DATABRICKS_CLIENT_ID", "00000000-0000-0000-0000-000000000000");
    ward.heals("an unknown client id", &["token"], env, &[]).await;

    ward.settings = ward.good_settings();
    ward.forecast(Forecast { token_denied: true, ..Forecast::default() });
    let id = ward.app.client_id.clone();
    let list = format!("databricks service-principals list --filter 'applicationId eq \"{id}\"'");
    ward.heals("a principal that is disabled", &["token"], &list, &[]).await;
    for status in [429, 503] {
        let forecast =
            Forecast { refusals: 1000, refusal_status: Some(status), retry_after_s: 2, ..Forecast::default() };
        ward.forecast(forecast);
        ward.heals(&format!("a workspace that answers {status}"), &["token"], "direct-write doctor", &[]).await;
    }
    let set_clock = "sudo timedatectl set-ntp true";
    ward.forecast(Forecast { clock_skew_s: -900, ..Forecast::default() });
    ward.heals("a clock that is ahead by 15 min", &["clock"], set_clock, &[]).await;
    ward.forecast(Forecast { clock_skew_s: 120, ..Forecast::default() });
    ward.soothes("a clock that is behind by 2 min", "clock", set_clock).await;
    ward.close(7).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn warehouses() {
    let mut ward = Ward::open().await;
    ward.unset("DATABRICKS_WAREHOUSE_ID");
    ward.heals("no warehouse set", &["warehouse"], "DATABRICKS_WAREHOUSE_ID=local", &[]).await;
    ward.set("DATABRICKS_WAREHOUSE_ID", "1234567890abcdef");
    ward.heals("a warehouse that does not exist", &["warehouse"], "DATABRICKS_WAREHOUSE_ID=local", &[]).await;
    ward.forecast(Forecast { warehouse_denied: true, ..Forecast::default() });
    let id = &ward.app.client_id;
    let list = format!(
        "{{\"access_control_list\": [{{\"service_principal_name\": \"{id}\", \"permission_level\": \"CAN_USE\"}}]}}"
    );
    let give = format!("databricks warehouses update-permissions local --json '{list}'");
    ward.heals("a warehouse without CAN_USE", &["warehouse"], &give, &[]).await;
    ward.forecast(Forecast { cold_warehouse_ms: 600_000, ..Forecast::default() });
    ward.heals("a warehouse that is still starting", &["warehouse"], "databricks warehouses start local", &[]).await;
    ward.forecast(Forecast { cold_warehouse_ms: 50, ..Forecast::default() });
    ward.soothes("a warehouse that had to wake", "warehouse", "databricks warehouses start local").await;
    ward.close(5).await;
}
