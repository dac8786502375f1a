//! What uploads promise: bounded, whole or not there, never outside their folder, gone when they are of no use.

use std::fs;

use super::*;

const LIMITS: UploadLimits = UploadLimits { bytes: 10, kept: 3, age: Duration::from_secs(60) };

async fn opened(folder: &Path) -> Uploads {
    Uploads::open(folder, LIMITS).await
}

async fn uploaded(uploads: &Uploads, name: &str, text: &str) -> Result<Upload, UploadError> {
    let mut arriving = uploads.begin(name).await?;
    for byte in text.as_bytes().chunks(3) {
        arriving.write(byte).await?;
    }
    arriving.finish().await
}

fn entries(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder.join(FOLDER))
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_whole_upload_is_found_with_its_name_and_size() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = opened(folder.path()).await;
    let upload = uploaded(&uploads, "devices.csv", "a,b\n1,2\n").await.unwrap();
    assert_eq!((upload.name.as_str(), upload.bytes), ("devices.csv", 8));
    assert_eq!(uploads.find(&upload.id).await.unwrap(), upload);
    let held = uploads.hold(&upload.id).await.unwrap();
    assert_eq!(fs::read_to_string(held.path()).unwrap(), "a,b\n1,2\n");
    assert_eq!(entries(folder.path()), [upload.id]);
}

#[tokio::test]
async fn nothing_stays_of_an_upload_that_is_too_large_empty_or_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = opened(folder.path()).await;
    assert!(matches!(uploaded(&uploads, "a", "12345678901").await, Err(UploadError::TooLarge(10))));
    assert!(uploaded(&uploads, "a", "1234567890").await.is_ok(), "the limit itself is allowed");
    assert!(matches!(uploaded(&uploads, "a", "").await, Err(UploadError::Empty)));
    let mut broken_off = uploads.begin("a").await.unwrap();
    broken_off.write(b"1").await.unwrap();
    assert_eq!(entries(folder.path()).len(), 2, "one is kept, one arrives");
    drop(broken_off);
    assert_eq!(entries(folder.path()).len(), 1);
    let error = EdgeError::from(UploadError::TooLarge(100_000_000));
    assert!(
        error.message.starts_with("The upload is larger than 100 MB. Nothing of it was kept."),
        "{}",
        error.message
    );
}

#[tokio::test]
async fn what_arrived_when_the_program_ended_is_thrown_away() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = opened(folder.path()).await;
    let kept = uploaded(&uploads, "a", "1").await.unwrap();
    let mut killed = uploads.begin("b").await.unwrap();
    killed.write(b"1").await.unwrap();
    std::mem::forget(killed);
    assert_eq!(entries(folder.path()).len(), 2);
    opened(folder.path()).await;
    assert_eq!(entries(folder.path()), [kept.id]);
}

#[tokio::test]
async fn names_and_ids_never_lead_out_of_the_folder() {
    let cases = [
        ("../../etc/passwd", "passwd"),
        ("C:\\data\\März 1.csv", "März 1.csv"),
        ("..", "records"),
        (".hidden", "hidden"),
        ("", "records"),
        ("a\0b\n.csv", "a_b_.csv"),
        ("/", "records"),
    ];
    for (name, expected) in cases {
        assert_eq!(harmless(name), expected, "{name:?}");
    }
    let long = harmless(&format!("{}.ndjson", "ä".repeat(300)));
    assert!(long.len() <= 120 && long.ends_with("ä.ndjson"));

    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "x").unwrap();
    let uploads = opened(folder.path()).await;
    uploaded(&uploads, "../../secret", "1").await.unwrap();
    for id in ["..", ".", "", "../..", "/etc", "arriving-x"] {
        assert!(matches!(uploads.find(id).await, Err(UploadError::Unknown)), "{id}");
        assert!(uploads.hold(id).await.is_err(), "{id}");
        uploads.forget(id).await;
    }
    assert_eq!(fs::read_to_string(folder.path().join("secret")).unwrap(), "x");
    assert_eq!(entries(folder.path()).len(), 1);
}

#[tokio::test]
async fn the_oldest_that_nobody_uses_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = opened(folder.path()).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(uploaded(&uploads, "a", "1").await.unwrap().id);
    }
    let first = uploads.hold(&ids[0]).await.unwrap();
    let fourth = uploaded(&uploads, "a", "1").await.unwrap().id;
    assert_eq!(entries(folder.path()), [ids[0].clone(), ids[2].clone(), fourth.clone()]);
    let others = [uploads.hold(&ids[2]).await.unwrap(), uploads.hold(&fourth).await.unwrap()];
    assert!(matches!(uploaded(&uploads, "a", "1").await, Err(UploadError::Busy)));
    drop((first, others));
    assert!(uploaded(&uploads, "a", "1").await.is_ok());
}

#[tokio::test]
async fn an_upload_goes_with_the_last_run_that_needs_it() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = opened(folder.path()).await;
    let id = uploaded(&uploads, "a", "1").await.unwrap().id;
    uploads.hold(&id).await.unwrap().done();
    assert!(matches!(uploads.find(&id).await, Err(UploadError::Unknown)));

    let id = uploaded(&uploads, "a", "1").await.unwrap().id;
    let (one, other) = (uploads.hold(&id).await.unwrap(), uploads.hold(&id).await.unwrap());
    one.done();
    assert!(uploads.find(&id).await.is_ok(), "the other run still reads it");
    other.done();
    assert!(uploads.find(&id).await.is_err());

    let id = uploaded(&uploads, "a", "1").await.unwrap().id;
    drop(uploads.hold(&id).await.unwrap());
    assert!(uploads.find(&id).await.is_ok(), "no run came of it");
}

#[tokio::test]
async fn old_uploads_go_unless_somebody_uses_them() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = opened(folder.path()).await;
    let id = uploaded(&uploads, "a", "1").await.unwrap().id;
    let later = SystemTime::now() + Duration::from_secs(120);
    uploads.sweep(SystemTime::now()).await;
    assert!(uploads.find(&id).await.is_ok());
    let held = uploads.hold(&id).await.unwrap();
    uploads.sweep(later).await;
    assert!(uploads.find(&id).await.is_ok(), "in use");
    drop(held);
    uploads.sweep(later).await;
    assert!(uploads.find(&id).await.is_err());
}

#[tokio::test]
async fn only_so_many_arrive_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let uploads = opened(folder.path()).await;
    let mut arriving = Vec::new();
    for _ in 0..MOST_ARRIVING {
        arriving.push(uploads.begin("a").await.unwrap());
    }
    assert!(matches!(uploads.begin("a").await, Err(UploadError::Busy)));
    arriving.pop();
    assert!(uploads.begin("a").await.is_ok());
}
