//! The lakehouses that the clients talk to, and what is in their tables afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use direct_write::lakehouse::{LakehouseOptions, LogOptions, StoreOptions, TlsFiles};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use tonic::transport::{Channel, Endpoint};

use super::sheet::Sheet;
use crate::support::caller::Caller;
use crate::support::{RunningLakehouse, python};

/// Columns of the tables that most cases write to.
pub const COLUMNS: &str = "id STRING, price DECIMAL(10,2), amount INT";
/// How long a stream of a rotating lakehouse lives.
const ROTATION: Duration = Duration::from_millis(300);
/// Ids of the records that mark the end of what a case has written.
const END: &str = "~end";

/// A lakehouse, its administrator and a principal without a grant.
pub struct Place {
    pub url: String,
    pub lakehouse: RunningLakehouse,
    pub admin: Caller,
    pub nobody: Caller,
    /// The certificate that vouches for it, when it is served with TLS.
    pub root: Option<PathBuf>,
    data: TempDir,
    /// What SQL said was in each table, with the client that wrote it.
    seen: Mutex<BTreeMap<String, (String, Vec<String>)>>,
}

/// One that leaves streams alone and one that ends them all the time; both again with TLS.
pub struct Places {
    pub calm: Place,
    pub rotating: Place,
    pub calm_tls: Place,
    pub rotating_tls: Place,
}

impl Places {
    pub async fn start() -> Self {
        let calm = LakehouseOptions::default().stream_rotation;
        Self {
            calm: Place::start(options(calm), false).await,
            rotating: Place::start(options(ROTATION), false).await,
            calm_tls: Place::start(options(calm), true).await,
            rotating_tls: Place::start(options(ROTATION), true).await,
        }
    }

    /// Stops all of them and lets an independent Delta reader say what is in their tables.
    pub async fn read_by_others(self, sheet: &mut Sheet) {
        let mut verdicts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for place in [self.calm, self.rotating, self.calm_tls, self.rotating_tls] {
            let Place { lakehouse, data, seen, .. } = place;
            lakehouse.stop().await;
            let seen = seen.into_inner().unwrap_or_else(PoisonError::into_inner);
            let tables = data.path().join("tables");
            let tables = seen.keys().map(|table| tables.join(table.replace('.', "/")).to_string_lossy().into_owned());
            let tables: Vec<String> = tables.collect();
            let tables: Vec<&str> = tables.iter().map(String::as_str).collect();
            let said: Vec<Vec<String>> = serde_json::from_str(&python("read_ids.py", &tables).await).unwrap();
            for ((table, (client, ids)), others) in seen.into_iter().zip(said) {
                let others: Vec<String> = others.into_iter().filter(|id| !id.starts_with(END)).collect();
                let differs = (others != ids).then(|| format!("{table}: SQL said {ids:?}, the reader {others:?}"));
                verdicts.entry(client).or_default().extend(differs);
            }
        }
        for (client, problems) in verdicts {
            let verdict = if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) };
            sheet.enter(&client, "an independent Delta reader finds the same", verdict);
        }
    }
}

fn options(stream_rotation: Duration) -> LakehouseOptions {
    let log = LogOptions { interval: Duration::from_millis(20), ..LogOptions::default() };
    LakehouseOptions { store: StoreOptions { log, ..StoreOptions::default() }, stream_rotation, ..Default::default() }
}

impl Place {
    pub async fn start(options: LakehouseOptions, with_tls: bool) -> Self {
        let data = tempfile::tempdir().unwrap();
        let tls = with_tls.then(|| certificate(&data));
        let options = LakehouseOptions { tls: tls.as_ref().map(|(files, _)| files.clone()), ..options };
        let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", options).await;
        let root = tls.map(|(_, root)| root);
        let (mut http, mut url) = (reqwest::Client::builder().no_proxy(), lakehouse.url.clone());
        if let Some(root) = &root {
            let pem = std::fs::read(root).unwrap();
            http = http.add_root_certificate(reqwest::Certificate::from_pem(&pem).unwrap());
            url = url.replace("http://", "https://");
        }
        let http = http.build().unwrap();
        let admin = Caller::through(http, &url, &lakehouse.client_id, lakehouse.client_secret.clone()).await;
        admin.rows("CREATE SCHEMA main.conformance").await;
        let nobody = admin.create("nobody").await;
        Self { url, lakehouse, admin, nobody, root, data, seen: Mutex::default() }
    }

    /// Makes a table of that name for one cell and returns its full name.
    pub async fn table(&self, name: &str, columns: &str) -> String {
        let name = format!("main.conformance.{}", slug(name));
        self.admin.rows(&format!("CREATE TABLE {name} ({columns})")).await;
        name
    }

    /// A token for writing to that table, as the value of an `authorization` header.
    pub async fn bearer(&self, table: &str) -> String {
        let (status, answer) = self.admin.zerobus_token(table).await;
        assert_eq!(status, 200, "{answer}");
        format!("Bearer {}", answer["access_token"].as_str().unwrap())
    }

    /// The headers of a well-behaved client.
    pub async fn headers(&self, table: &str) -> Vec<(&'static str, String)> {
        vec![("authorization", self.bearer(table).await), ("x-databricks-zerobus-table-name", table.to_owned())]
    }

    /// A connection of its own.
    pub async fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url.clone()).unwrap().connect().await.unwrap()
    }

    /// Waits until everything that was durable before this call is visible: the log goes into Delta in its own order, so
    /// that is when a later record is there.
    pub async fn settled(&self, table: &str) {
        let end = format!("{END}-{}", uuid::Uuid::new_v4());
        let bearer = self.bearer(table).await;
        let writer = self.admin.with_bearer(bearer.trim_start_matches("Bearer "));
        let path = format!("/zerobus/v1/tables/{table}/insert");
        let (status, answer) = writer.send(Method::POST, &path, Some(json!([{ "id": end }]))).await;
        assert_eq!(status, 200, "{answer}");
        let deadline = Instant::now() + Duration::from_secs(60);
        let count = format!("SELECT count(*) FROM {table} WHERE id = '{end}'");
        while self.admin.rows(&count).await[0][0] != "1" {
            assert!(Instant::now() < deadline, "what was durable in {table} did not become visible");
        }
    }

    /// The ids in a table, sorted, when nothing more is to come; `NULL` for those that have none. Remembers them for
    /// [`Places::read_by_others`].
    pub async fn ids(&self, client: &str, table: &str) -> Vec<String> {
        self.settled(table).await;
        let select = format!("SELECT coalesce(id, 'NULL') FROM {table} WHERE id IS NULL OR id NOT LIKE '{END}%'");
        let rows = self.admin.rows(&select).await;
        let mut ids: Vec<String> =
            rows.as_array().unwrap().iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
        ids.sort_unstable();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.insert(table.to_owned(), (client.to_owned(), ids.clone()));
        ids
    }

    /// Asserts that exactly these are there.
    pub async fn holds(&self, client: &str, table: &str, expected: &[impl AsRef<str>]) {
        let mut expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
        expected.sort_unstable();
        let found = self.ids(client, table).await;
        assert!(
            found == expected,
            "{} rows were expected, {} are there: {:?}",
            expected.len(),
            found.len(),
            found.iter().take(20).collect::<Vec<_>>()
        );
    }
}

/// A name in letters, digits and underscores.
fn slug(text: &str) -> String {
    let clean = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    text.chars().map(clean).collect()
}

/// A certificate for this machine, and the file of the authority that signed it.
fn certificate(folder: &TempDir) -> (TlsFiles, PathBuf) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "Authority of one test");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    server.use_authority_key_identifier_extension = true;
    let server = server.signed_by(&key, &authority).unwrap();
    let file = |name: &str, pem: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let files =
        TlsFiles { certificates: file("server.pem", server.pem()), key: file("server.key", key.serialize_pem()) };
    (files, file("authority.pem", authority.pem()))
}
