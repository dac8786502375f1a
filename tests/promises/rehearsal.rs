//! The package as Databricks Apps runs it: its permissions lost, the command of `app.yaml`, the injected environment and nothing else.
//! The local lakehouse stands in for the workspace.
//!
//! These need a package and are run by `make package-check`, which makes it and names it in `DIRECT_WRITE_PACKAGE`.

mod place;
mod readme;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING};
use serde_json::json;

use crate::bundle::{App, Bundle, Entry, file, given};
use crate::support::caller::Caller;
use crate::support::front::Front;
use crate::support::{smart_watch, structured};
use place::{Place, StandIn, package};

/// Gives each setting its value: those of the app, with the stand-in's warehouse behind the resource and its Zerobus address.
fn settings(app: &App, workspace: &StandIn) -> BTreeMap<String, String> {
    let value = |entry: &Entry| match entry {
        Entry::Value(text) => text.clone(),
        Entry::From(resource) if resource == "warehouse" => "local".to_owned(),
        Entry::From(resource) => panic!("the stand-in has no resource {resource}"),
    };
    let mut settings: BTreeMap<_, _> = app.env.iter().map(|(name, entry)| (name.clone(), value(entry))).collect();
    settings.insert("DIRECT_WRITE_ZEROBUS_ENDPOINT".to_owned(), workspace.url.clone());
    settings
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a package: make package-check"]
async fn it_starts_serves_the_page_writes_and_drains_at_sigterm() {
    let workspace = StandIn::start().await;
    let principal = workspace.admin.create("app-direct-write").await;
    for grant in readme::GRANTS {
        workspace.admin.rows(&grant.replace("{}", &principal.client_id)).await;
    }
    let app = App::of_app_yaml(&file("app.yaml"));
    let place = Place::unpack();
    let running = place.start(&app.command, &settings(&app, &workspace), &workspace.url, &principal);
    page_and_files(&running.url, &place.folder).await;
    let (status, health) = running.get("/health").await;
    assert_eq!((status, health["status"].as_str()), (200, Some("healthy")), "{health}");

    // One is on its way when the platform asks the program to end.
    workspace.slow(Duration::from_millis(1500)).await;
    let request = running.post("/api/v1/process-structured", structured("zerobus", &[smart_watch()]));
    let under_way = tokio::spawn(request);
    running.until_metric("direct_write_accepted_records_total{writer=\"zerobus\"} 1").await;
    let ended = running.terminate(Duration::from_secs(15)).await;
    let (status, answer) = under_way.await.unwrap();
    assert_eq!((status, &answer["status"]), (200, &json!("success")), "{answer}");
    assert_eq!(ended.code(), Some(0), "{}", place.log());
    assert!(!place.log().contains(place::secret_of(&principal)), "the secret is in the log");
}

/// The page names its files with their hashes, and they come compressed as they were packed.
async fn page_and_files(url: &str, folder: &Path) {
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = http.get(url).header("x-forwarded-email", "you@example.com").send().await.unwrap();
    assert_eq!(page.status(), 200);
    let page = page.text().await.unwrap();
    assert!(page.contains("Direct Write"), "{page}");
    let hashes = std::fs::read_to_string(folder.join("hash.txt")).unwrap();
    let names: Vec<String> = hashes
        .lines()
        .filter_map(|line| line.split_once(": "))
        .map(|(kind, hash)| format!("/pkg/direct-write.{hash}.{kind}"))
        .collect();
    assert_eq!(names.len(), 3, "{hashes}");
    for name in names {
        assert!(page.contains(&name), "{name} is not in the page");
        for (encoding, suffix) in [("br", ".br"), ("gzip", ".gz"), ("identity", "")] {
            let asked = http.get(format!("{url}{name}")).header(ACCEPT_ENCODING, encoding).send().await.unwrap();
            assert_eq!(asked.status(), 200, "{name}");
            let encoded = asked.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(encoded.unwrap_or_else(|| "identity".to_owned()), encoding, "{name}");
            assert!(asked.headers()[CACHE_CONTROL].to_str().unwrap().contains("immutable"), "{name}");
            let packed = std::fs::read(folder.join(format!("site{name}{suffix}"))).unwrap();
            assert!(asked.bytes().await.unwrap() == packed, "{name} in {encoding} is not what was packed");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a package: make package-check"]
async fn the_tutorial_word_by_word() {
    let tutorial = readme::Tutorial::read();
    let workspace = StandIn::start().await;

    // 1. The platform makes the app's principal; here SQL does.
    let made = workspace.admin.rows("CREATE SERVICE PRINCIPAL `app-direct-write`").await;
    let (client_id, secret) = (made[0][1].as_str().unwrap(), made[0][2].as_str().unwrap());
    // 2. Table and grants, as written.
    for statement in tutorial.grants(client_id) {
        workspace.admin.rows(&statement).await;
    }
    // 3. What is exported is what the bundle asks for.
    let mut variables = given();
    variables.extend(tutorial.exports());
    let bundle = Bundle::read(&[]);
    for name in tutorial.exports().keys() {
        assert!(bundle.tree["variables"][name].is_object(), "the bundle has no variable {name}");
    }
    // 4. Deployed: the settings of that target go with the folder.
    let app = bundle.app(tutorial.target(), &variables);
    let place = Place::unpack();
    let principal = Caller::new(&workspace.url, client_id, secret.to_owned().into()).await;
    let running = place.start(&app.command, &settings(&app, &workspace), &workspace.url, &principal);
    let front = Front::open(&running.url, "token-of-you", &variables["administrators"]).await;

    // The submission and the look at the writer, as a shell runs them.
    let answers = tutorial.run_requests(&front.url, "token-of-you").await;
    let [submitted, probed] = answers.as_slice() else { panic!("two answers: {answers:?}") };
    assert_eq!(submitted["status"], "success", "{submitted}");
    assert_eq!(submitted["processed_count"], 1, "{submitted}");
    assert_eq!(submitted["zerobus_integration"]["writer_name"], "zerobus", "{submitted}");
    assert_eq!(probed["zerobus_writer_available"], true, "{probed}");
    // The row, once it is visible.
    let select = tutorial.select();
    let rows = workspace.rows_when_there(&select).await;
    assert_eq!(rows[0][0], "PROD005", "{rows}");

    let ended = running.terminate(Duration::from_secs(15)).await;
    assert_eq!(ended.code(), Some(0), "{}", place.log());
    for planted in [secret, "token-of-you"] {
        assert!(!place.log().contains(planted), "a secret is in the log");
        assert!(answers.iter().all(|answer| !answer.to_string().contains(planted)), "a secret is in an answer");
    }
}

#[test]
#[ignore = "needs a package: make package-check"]
fn the_launcher_refuses_what_is_not_whole_in_one_sentence() {
    type Spoil = fn(&Path);
    let cases: [(&str, Spoil); 4] = [
        ("is not what", |folder| {
            let sum = folder.join("direct-write.sha256");
            std::fs::write(sum, format!("{}  direct-write\n", "0".repeat(64))).unwrap();
        }),
        ("could not be started", |folder| {
            let part = folder.join("direct-write.gz.00");
            let mut bytes = std::fs::read(&part).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle..middle + 64].fill(0);
            std::fs::write(part, bytes).unwrap();
        }),
        ("is missing", |folder| {
            let part = folder.join("direct-write.gz.00");
            let bytes = std::fs::read(&part).unwrap();
            std::fs::write(part, &bytes[..bytes.len() / 2]).unwrap();
            // The other parts, where there are any.
            for number in 1..10 {
                let _ = std::fs::remove_file(folder.join(format!("direct-write.gz.{number:02}")));
            }
        }),
        ("there is no", |folder| {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_name().to_string_lossy().starts_with("direct-write.gz.") {
                    std::fs::remove_file(entry.path()).unwrap();
                }
            }
        }),
    ];
    for (words, spoil) in cases {
        let place = Place::unpack();
        spoil(&place.folder);
        let output = Command::new("python3").arg("launcher.py").current_dir(&place.folder).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words}: {said}");
        assert!(said.starts_with("launcher: ") && said.contains(words), "{words}: {said}");
        assert_eq!(said.trim_end().lines().count(), 1, "{said}");
        assert!(!place.folder.join("direct-write").exists(), "{words}: nothing is left that could be started");
    }
}

#[test]
#[ignore = "needs a package: make package-check"]
fn the_package_names_no_machine_and_no_secret() {
    let home = std::env::var("HOME").unwrap();
    let folders = [format!("{home}/.cargo"), concat!(env!("CARGO_MANIFEST_DIR"), "/src/").to_owned()];
    for path in place::files(&package()) {
        let mut bytes = std::fs::read(&path).unwrap();
        if path.to_string_lossy().contains(".gz.") {
            continue;
        }
        bytes.retain(|byte| *byte != 0);
        let text = String::from_utf8_lossy(&bytes);
        for folder in &folders {
            assert!(!text.contains(folder), "{} names {folder}", path.display());
        }
        assert!(!text.contains("client_secret="), "{}", path.display());
    }
    let place = Place::unpack();
    let unpacked =
        Command::new("python3").args(["launcher.py", "--version"]).current_dir(&place.folder).output().unwrap();
    assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
    let mut program = Vec::new();
    std::fs::File::open(place.folder.join("direct-write")).unwrap().read_to_end(&mut program).unwrap();
    let holds = |needle: &str| program.windows(needle.len()).any(|window| window == needle.as_bytes());
    for folder in &folders {
        assert!(!holds(folder), "the program names {folder}");
    }
    assert!(holds("/health"), "the search finds what is there");
}
