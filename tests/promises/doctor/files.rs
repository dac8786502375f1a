//! The volume that `copy-into` needs.

use direct_write::model::doctor::CheckState;

use super::paste;
use super::ward::{LANDING, Ward};

#[tokio::test(flavor = "multi_thread")]
async fn volumes() {
    let mut ward = Ward::open().await;
    let id = ward.app.client_id.clone();
    ward.set("DIRECT_WRITE_VOLUME", "main.direct_write.files");
    let create = format!(
        "CREATE VOLUME main.direct_write.files;\nGRANT READ VOLUME, WRITE VOLUME ON VOLUME main.direct_write.files TO `{id}`;"
    );
    ward.heals("a volume that does not exist", &["volume"], &create, &[]).await;
    ward.set("DIRECT_WRITE_VOLUME", LANDING);
    ward.run("REVOKE WRITE VOLUME ON VOLUME main.direct_write.landing FROM {}").await;
    let give = |privileges: &str| format!("GRANT {privileges} ON VOLUME {LANDING} TO `{id}`;");
    ward.heals("no WRITE VOLUME", &["volume"], &give("WRITE VOLUME"), &[]).await;
    ward.run("REVOKE READ VOLUME ON VOLUME main.direct_write.landing FROM {}").await;
    ward.heals("no READ VOLUME", &["volume"], &give("READ VOLUME"), &[]).await;

    // Nobody has to have a volume.
    ward.unset("DIRECT_WRITE_VOLUME");
    let report = ward.examine().await;
    let volume = report.check("volume").unwrap();
    assert_eq!((volume.state, paste(volume)), (CheckState::Skipped, "DIRECT_WRITE_VOLUME=main.direct_write.landing"));
    assert_eq!(report.count(CheckState::Failed), 0, "{report:#?}");
    ward.close(3).await;
}
