//! Zerobus Ingest: its address, its streams, its REST door.

use direct_write::lakehouse::Forecast;

use super::ward::{PRODUCTS, Ward};

#[tokio::test(flavor = "multi_thread")]
async fn addresses_streams_and_the_rest_door() {
    let mut ward = Ward::open().await;
    let url = ward.url();
    let right = format!("DIRECT_WRITE_ZEROBUS_ENDPOINT={url}");
    ward.unset("DIRECT_WRITE_ZEROBUS_ENDPOINT");
    ward.heals("no Zerobus address", &["zerobus"], &right, &[]).await;
    for (staged, wrong) in [
        ("https to Zerobus in clear text", url.replace("http:", "https:")),
        ("a Zerobus host that does not exist", "https://127.zerobus.nowhere.invalid".to_owned()),
        ("a Zerobus port that nobody has", "http://127.0.0.1:1".to_owned()),
        ("a Zerobus address of another scheme", "ftp://127.0.0.1:1".to_owned()),
    ] {
        ward.set("DIRECT_WRITE_ZEROBUS_ENDPOINT", wrong);
        ward.heals(staged, &["zerobus"], &right, &[]).await;
    }
    let knock = format!(
        "curl -i -X POST {url}/zerobus/v1/tables/{PRODUCTS}/insert -H 'content-type: application/json' -d '[]'"
    );
    ward.forecast(Forecast { rest_door_closed: true, ..Forecast::default() });
    ward.heals("a REST door that is closed", &["rest"], &knock, &[]).await;
    ward.forecast(Forecast { refuse_streams: true, ..Forecast::default() });
    ward.heals("streams that are refused", &["stream"], &format!("curl -sv --max-time 10 {url}"), &[]).await;
    ward.close(7).await;
}
