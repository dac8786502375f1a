//! The Files API over its routes, and what must not be reachable through it.

use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::lakehouse::statements::tests::api::Api;

const LANDING: &str = "/Volumes/main/direct_write/landing";

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, 64 << 20).await.expect("body").to_vec();
        Self { status: parts.status, headers: parts.headers, body }
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("text"))
    }

    /// Status, error code and reason.
    fn error(&self) -> (u16, String, String) {
        let json = self.json();
        assert!(json["message"].as_str().is_some_and(|message| message.len() > 10), "{json}");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), text(&json["error_code"]), text(&json["details"][0]["reason"]))
    }
}

async fn call_with(api: &Api, method: Method, path: &str, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header(header::AUTHORIZATION, &api.bearer);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(body.into()).expect("request");
    Answer::of(api.lakehouse.router().oneshot(request).await.expect("infallible")).await
}

async fn call(api: &Api, method: Method, path: &str) -> Answer {
    call_with(api, method, path, &[], Body::empty()).await
}

async fn put(api: &Api, name: &str, content: impl Into<Body>) -> StatusCode {
    call_with(api, Method::PUT, &format!("/api/2.0/fs/files{LANDING}/{name}"), &[], content).await.status
}

fn error(status: u16, code: &str, reason: &str) -> (u16, String, String) {
    (status, code.to_owned(), reason.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_put_read_described_and_removed() {
    let api = Api::new().await;
    let path = format!("/api/2.0/fs/files{LANDING}/in/side/a%20b.bin");
    let content: Vec<u8> = (0..=255).cycle().take(700_000).collect();
    let sent = call_with(&api, Method::PUT, &path, &[], content.clone()).await;
    assert_eq!((sent.status, sent.body.len()), (StatusCode::NO_CONTENT, 0));
    let read = call(&api, Method::GET, &path).await;
    assert_eq!(read.status, StatusCode::OK);
    assert!(read.body == content, "other bytes came back");
    assert_eq!(read.header(header::CONTENT_LENGTH), "700000");
    assert_eq!(read.header(header::CONTENT_TYPE), "application/octet-stream");
    let modified = read.header(header::LAST_MODIFIED).to_owned();
    assert!(chrono::DateTime::parse_from_rfc2822(&modified).is_ok(), "{modified}");
    let head = call(&api, Method::HEAD, &path).await;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(
        (head.header(header::CONTENT_LENGTH), head.header(header::LAST_MODIFIED)),
        ("700000", modified.as_str())
    );

    let part = call_with(&api, Method::GET, &path, &[("range", "bytes=256-259")], Body::empty()).await;
    assert_eq!((part.status, &part.body[..]), (StatusCode::PARTIAL_CONTENT, &[0, 1, 2, 3][..]));
    assert_eq!(
        (part.header(header::CONTENT_RANGE), part.header(header::CONTENT_LENGTH)),
        ("bytes 256-259/700000", "4")
    );
    let end = call_with(&api, Method::GET, &path, &[("range", "bytes=699998-")], Body::empty()).await;
    assert_eq!(end.body, &content[699_998..]);
    let beyond = call_with(&api, Method::GET, &path, &[("range", "bytes=700000-")], Body::empty()).await;
    assert_eq!(
        (beyond.status, beyond.header(header::CONTENT_RANGE)),
        (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */700000")
    );
    let same = call_with(&api, Method::GET, &path, &[("if-unmodified-since", &modified)], Body::empty()).await;
    assert_eq!(same.status, StatusCode::OK);
    let older = [("if-unmodified-since", "Thu, 01 Jan 1970 00:00:00 GMT")];
    assert_eq!(
        call_with(&api, Method::GET, &path, &older, Body::empty()).await.status,
        StatusCode::PRECONDITION_FAILED
    );

    assert_eq!(call(&api, Method::DELETE, &path).await.status, StatusCode::NO_CONTENT);
    for method in [Method::GET, Method::DELETE] {
        let gone = call(&api, method, &path).await;
        assert_eq!(gone.error(), error(404, "NOT_FOUND", "FILES_API_FILE_NOT_FOUND"));
    }
    assert_eq!(call(&api, Method::HEAD, &path).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_replaced_unless_it_may_be() {
    let api = Api::new().await;
    let path = format!("/api/2.0/fs/files{LANDING}/a.txt");
    let keep = format!("{path}?overwrite=false");
    assert_eq!(call_with(&api, Method::PUT, &keep, &[], "one").await.status, StatusCode::NO_CONTENT);
    assert_eq!(call_with(&api, Method::PUT, &keep, &[], "two").await.error(), error(409, "ALREADY_EXISTS", ""));
    assert_eq!(call(&api, Method::GET, &path).await.body, b"one");
    assert_eq!(call_with(&api, Method::PUT, &path, &[], "three").await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        call_with(&api, Method::PUT, &format!("{path}?overwrite=true"), &[], "").await.status,
        StatusCode::NO_CONTENT
    );
    assert_eq!(call(&api, Method::GET, &path).await.body, b"");
    let wrong = call_with(&api, Method::PUT, &format!("{path}?overwrite=maybe"), &[], "x").await;
    assert_eq!(wrong.error(), error(400, "INVALID_PARAMETER_VALUE", ""));
    // Of many at once, one is first.
    let both = format!("/api/2.0/fs/files{LANDING}/race.txt?overwrite=false");
    let answers = futures::future::join_all((0..8).map(|_| call_with(&api, Method::PUT, &both, &[], "x"))).await;
    let count = |status: StatusCode| answers.iter().filter(|answer| answer.status == status).count();
    assert_eq!((count(StatusCode::NO_CONTENT), count(StatusCode::CONFLICT)), (1, 7));
    // A file is no folder and a folder no file.
    assert_eq!(put(&api, "folder/in.txt", "x").await, StatusCode::NO_CONTENT);
    assert_eq!(put(&api, "folder", "x").await, StatusCode::CONFLICT);
    assert_eq!(put(&api, "a.txt/b", "x").await, StatusCode::CONFLICT);
    assert_eq!(
        call_with(&api, Method::PUT, &format!("/api/2.0/fs/files{LANDING}"), &[], "x").await.error(),
        error(409, "ALREADY_EXISTS", "")
    );
    for path in [format!("/api/2.0/fs/files{LANDING}/folder"), format!("/api/2.0/fs/files{LANDING}/a.txt/b")] {
        for method in [Method::GET, Method::DELETE] {
            assert_eq!(
                call(&api, method, &path).await.error(),
                error(404, "NOT_FOUND", "FILES_API_FILE_NOT_FOUND"),
                "{path}"
            );
        }
    }
    let no_volume =
        call_with(&api, Method::PUT, "/api/2.0/fs/files/Volumes/main/direct_write/nothing/a", &[], "x").await;
    assert_eq!(no_volume.error(), error(404, "NOT_FOUND", ""));
    assert!(staged(&api).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn directories_are_made_listed_page_by_page_and_removed_when_empty() {
    let api = Api::new().await;
    let folder = format!("/api/2.0/fs/directories{LANDING}/d");
    assert_eq!(call(&api, Method::HEAD, &folder).await.status, StatusCode::NOT_FOUND);
    assert_eq!(
        call(&api, Method::GET, &folder).await.error(),
        error(404, "NOT_FOUND", "FILES_API_DIRECTORY_IS_NOT_FOUND")
    );
    for path in [&format!("{folder}/e/f"), &folder, &format!("{folder}/")] {
        assert_eq!(call(&api, Method::PUT, path).await.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(call(&api, Method::HEAD, path).await.status, StatusCode::OK, "{path}");
    }
    for name in ["a.txt", "b.txt", "ü.txt"] {
        assert_eq!(put(&api, &format!("d/{}", name.replace('ü', "%C3%BC")), "four").await, StatusCode::NO_CONTENT);
    }
    let listing = call(&api, Method::GET, &folder).await.json();
    let contents = listing["contents"].as_array().expect("contents");
    let names: Vec<&str> = contents.iter().map(|entry| entry["name"].as_str().expect("name")).collect();
    assert_eq!(names, ["a.txt", "b.txt", "e", "ü.txt"]);
    let mut first = contents[0].clone();
    assert!(first["last_modified"].as_i64().is_some_and(|time| time > 1_600_000_000_000), "{first}");
    first["last_modified"] = json!(0);
    assert_eq!(
        first,
        json!({ "path": format!("{LANDING}/d/a.txt"), "name": "a.txt", "is_directory": false, "file_size": 4, "last_modified": 0 })
    );
    assert_eq!((&contents[2]["is_directory"], contents[2].get("file_size")), (&json!(true), None));
    assert!(listing.get("next_page_token").is_none());
    let mut paged = Vec::new();
    let mut token = String::new();
    loop {
        let page = call(&api, Method::GET, &format!("{folder}?page_size=3&page_token={token}")).await.json();
        let contents = page["contents"].as_array().expect("contents");
        assert!((1..=3).contains(&contents.len()));
        paged.extend(contents.iter().map(|entry| entry["name"].as_str().expect("name").to_owned()));
        let Some(next) = page["next_page_token"].as_str() else { break };
        token = next.to_owned();
    }
    assert_eq!(paged, names);
    assert_eq!(
        call(&api, Method::GET, &format!("{folder}?page_token=!")).await.error(),
        error(400, "INVALID_PARAMETER_VALUE", "")
    );

    assert_eq!(
        call(&api, Method::DELETE, &folder).await.error(),
        error(400, "INVALID_PARAMETER_VALUE", "FILES_API_DIRECTORY_IS_NOT_EMPTY")
    );
    assert_eq!(call(&api, Method::DELETE, &format!("{folder}/e/f")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(
        call(&api, Method::DELETE, &format!("{folder}/e/f")).await.error(),
        error(404, "NOT_FOUND", "FILES_API_DIRECTORY_IS_NOT_FOUND")
    );
    let file = format!("{folder}/a.txt");
    assert_eq!(call(&api, Method::PUT, &file).await.error(), error(409, "ALREADY_EXISTS", ""));
    for method in [Method::GET, Method::DELETE] {
        assert_eq!(
            call(&api, method, &file).await.error(),
            error(404, "NOT_FOUND", "FILES_API_DIRECTORY_IS_NOT_FOUND")
        );
    }
    assert_eq!(call(&api, Method::HEAD, &file).await.status, StatusCode::NOT_FOUND);
    // The volume itself is a directory that stays.
    let volume = format!("/api/2.0/fs/directories{LANDING}");
    assert_eq!(call(&api, Method::HEAD, &volume).await.status, StatusCode::OK);
    assert_eq!(call(&api, Method::GET, &volume).await.json()["contents"][0]["path"], format!("{LANDING}/d"));
    assert_eq!(call(&api, Method::DELETE, &volume).await.error(), error(400, "INVALID_PARAMETER_VALUE", ""));
    let missing = call(&api, Method::GET, "/api/2.0/fs/directories/Volumes/main/direct_write/nothing").await;
    assert_eq!(missing.error(), error(404, "NOT_FOUND", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_path_leads_out_of_a_volume() {
    let api = Api::new().await;
    let outside = api.folder.path().join("outside.txt");
    std::fs::write(&outside, "secret").expect("write");
    let before = tree(api.folder.path());
    for tail in [
        "..",
        "../x",
        "../../../../outside.txt",
        "%2e%2e/%2e%2e/%2e%2e/%2e%2e/outside.txt",
        "..%2f..%2f..%2f..%2foutside.txt",
        "a/../../../../../outside.txt",
        ".",
        "./x",
        "%2e/x",
        "a//b",
        "%2f%2fetc/passwd",
        "a%00b",
        "a%0ab",
        "..%5c..%5coutside.txt",
        "a%5cb",
        "%ff",
    ] {
        for kind in ["files", "directories"] {
            for method in [Method::PUT, Method::GET, Method::DELETE, Method::HEAD] {
                let path = format!("/api/2.0/fs/{kind}{LANDING}/{tail}");
                let answer = call_with(&api, method.clone(), &path, &[], "x").await;
                assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{method} {path}");
                if method != Method::HEAD {
                    assert_eq!(answer.error(), error(400, "INVALID_PARAMETER_VALUE", ""), "{method} {path}");
                }
            }
        }
    }
    for path in [
        "/etc/passwd",
        "/Volumes",
        "/Volumes/main",
        "/Volumes/main/direct_write",
        "/Volumes/main/../direct_write/landing/x",
        "/Volumes/.staging/a/b/c",
    ] {
        let answer = call(&api, Method::GET, &format!("/api/2.0/fs/files{path}")).await;
        assert_eq!(answer.error(), error(400, "INVALID_PARAMETER_VALUE", ""), "{path}");
    }
    assert_eq!(tree(api.folder.path()), before);
    // What is decoded twice nowhere is a name, and a slash by another name is a slash.
    assert_eq!(put(&api, "%252e%252e", "x").await, StatusCode::NO_CONTENT);
    let whole =
        format!("/api/2.0/fs/files/{}", format!("{LANDING}/by/cli.txt").trim_start_matches('/').replace('/', "%2F"));
    assert_eq!(call_with(&api, Method::PUT, &whole, &[], "x").await.status, StatusCode::NO_CONTENT);
    let names: Vec<String> = std::fs::read_dir(api.folder.path().join("volumes/main/direct_write/landing"))
        .expect("listing")
        .map(|entry| entry.expect("entry").file_name().into_string().expect("text"))
        .collect();
    assert!(names.len() == 2 && names.contains(&"%2e%2e".to_owned()) && names.contains(&"by".to_owned()), "{names:?}");
}

/// Links that somebody with access to the disk has put into a volume.
#[tokio::test(flavor = "multi_thread")]
async fn symbolic_links_are_nothing() {
    use std::os::unix::fs::symlink;
    let api = Api::new().await;
    let outside = tempfile::tempdir().expect("temporary folder");
    std::fs::write(outside.path().join("secret.json"), "{\"product_id\": \"secret\"}").expect("write");
    let volume = api.folder.path().join("volumes/main/direct_write/landing");
    symlink(outside.path(), volume.join("folder")).expect("link");
    symlink(outside.path().join("secret.json"), volume.join("file.json")).expect("link");
    symlink("..", volume.join("up")).expect("link");
    symlink("loop", volume.join("loop")).expect("link");
    for name in ["file.json", "folder/secret.json", "up/landing/file.json", "loop", "loop/x"] {
        for method in [Method::GET, Method::DELETE, Method::HEAD] {
            let answer = call(&api, method.clone(), &format!("/api/2.0/fs/files{LANDING}/{name}")).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method} {name}");
        }
    }
    for name in ["folder", "up", "loop", "folder/x"] {
        let path = format!("/api/2.0/fs/directories{LANDING}/{name}");
        for method in [Method::GET, Method::DELETE, Method::HEAD] {
            assert_eq!(call(&api, method.clone(), &path).await.status, StatusCode::NOT_FOUND, "{method} {name}");
        }
        assert_eq!(call(&api, Method::PUT, &path).await.status, StatusCode::CONFLICT, "{name}");
    }
    assert_eq!(put(&api, "folder/new.txt", "x").await, StatusCode::CONFLICT);
    // A file in the place of a link takes its name and leaves alone what it points to.
    assert_eq!(put(&api, "file.json", "mine").await, StatusCode::NO_CONTENT);
    assert_eq!(
        std::fs::read_to_string(outside.path().join("secret.json")).expect("read"),
        "{\"product_id\": \"secret\"}"
    );
    let listing = call(&api, Method::GET, &format!("/api/2.0/fs/directories{LANDING}")).await.json();
    assert_eq!(listing["contents"].as_array().map(Vec::len), Some(1), "{listing}");
    for path in ["folder", "folder/secret.json", "up"] {
        let copy = format!("COPY INTO main.direct_write.products FROM '{LANDING}/{path}' FILEFORMAT = JSON");
        assert!(api.failure(&copy, json!({})).await.starts_with("[PATH_NOT_FOUND]"), "{path}");
    }
    assert_eq!(std::fs::read_dir(outside.path()).expect("listing").count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_breaks_off_or_is_too_large_leaves_nothing() {
    let api = Api::new().await;
    assert_eq!(put(&api, "a.txt", "old").await, StatusCode::NO_CONTENT);
    let broken = || {
        let parts: Vec<Result<&str, std::io::Error>> =
            vec![Ok("half"), Err(std::io::ErrorKind::ConnectionReset.into())];
        Body::from_stream(futures::stream::iter(parts))
    };
    let path = format!("/api/2.0/fs/files{LANDING}/a.txt");
    assert_eq!(call_with(&api, Method::PUT, &path, &[], broken()).await.error(), error(400, "MALFORMED_REQUEST", ""));
    let declared = [("content-length", "5368709121")];
    assert_eq!(call_with(&api, Method::PUT, &path, &declared, "x").await.error(), error(413, "REQUEST_TOO_LARGE", ""));
    assert_eq!(call(&api, Method::GET, &path).await.body, b"old");
    assert!(staged(&api).is_empty());

    let volumes = Volumes::with_limit(api.folder.path(), 4).expect("volumes");
    let router = routes::router(volumes.clone(), api.lakehouse.oidc().clone());
    for (content, status) in [("four", StatusCode::NO_CONTENT), ("fives", StatusCode::PAYLOAD_TOO_LARGE)] {
        // Without a length, as a stream has none.
        let body = Body::from_stream(futures::stream::iter([Ok::<_, std::io::Error>(content)]));
        let request = Request::put(format!("/api/2.0/fs/files{LANDING}/limited"));
        let request = request.header(header::AUTHORIZATION, &api.bearer);
        let answer = router.clone().oneshot(request.body(body).expect("request")).await.expect("infallible");
        assert_eq!(answer.status(), status, "{content}");
    }
    let path = VolumePath::parse(&format!("{LANDING}/limited")).expect("path");
    assert_eq!(std::io::read_to_string(volumes.read(&path).expect("file")).expect("read"), "four");
}

#[tokio::test(flavor = "multi_thread")]
async fn leftovers_of_a_crash_are_gone_after_a_start_and_files_are_not() {
    let api = Api::new().await;
    assert_eq!(put(&api, "a.txt", "kept").await, StatusCode::NO_CONTENT);
    std::fs::write(api.folder.path().join("volumes/.staging/half"), "half").expect("write");
    std::fs::create_dir_all(api.folder.path().join("volumes/.dropped/old/folder")).expect("folder");
    let api = api.restart().await;
    assert!(staged(&api).is_empty());
    assert!(!api.folder.path().join("volumes/.dropped/old").exists());
    assert_eq!(call(&api, Method::GET, &format!("/api/2.0/fs/files{LANDING}/a.txt")).await.body, b"kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_needs_a_token() {
    let api = Api::new().await;
    for kind in ["files", "directories"] {
        for method in [Method::PUT, Method::GET, Method::DELETE, Method::HEAD] {
            let request = Request::builder().method(method.clone()).uri(format!("/api/2.0/fs/{kind}{LANDING}/a"));
            let request = request.body(Body::from("x")).expect("request");
            let answer = api.lakehouse.router().oneshot(request).await.expect("infallible");
            assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {kind}");
        }
    }
}

fn staged(api: &Api) -> Vec<std::path::PathBuf> {
    tree(&api.folder.path().join("volumes/.staging"))
}

/// Every path below a folder.
fn tree(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut all = Vec::new();
    for entry in folder.read_dir().expect("listing") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            all.extend(tree(&path));
        }
        all.push(path);
    }
    all.sort();
    all
}
