//! TLS, by the program itself: which authorities it trusts comes from its environment.

use std::path::{Path, PathBuf};

use direct_write::lakehouse::{LakehouseOptions, TlsFiles};
use direct_write::model::doctor::{CheckState, DoctorReport};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use secrecy::ExposeSecret;

use super::paste;
use crate::program::program;
use crate::support::RunningLakehouse;

/// A certificate for `localhost` alone, and the file of the authority that signed it.
fn certificate(folder: &Path) -> (TlsFiles, PathBuf) {
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.distinguished_name.push(DnType::CommonName, "Authority of one test");
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    server.use_authority_key_identifier_extension = true;
    let server = server.signed_by(&key, &authority).unwrap();
    let file = |name: &str, pem: String| {
        let path = folder.join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let files =
        TlsFiles { certificates: file("server.pem", server.pem()), key: file("server.key", key.serialize_pem()) };
    (files, file("authority.pem", authority.pem()))
}

/// The report of `direct-write doctor --json` with these settings.
async fn examine(data: &Path, settings: &[(&str, &str)]) -> DoctorReport {
    let mut command = program(data, &["doctor", "--json"]);
    // No other authorities than those that are named, and no proxies of this machine.
    for name in ["SSL_CERT_DIR", "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
    command.envs(settings.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let report: DoctorReport = serde_json::from_str(&said).expect(&said);
    let expected = i32::from(report.count(CheckState::Failed) > 0);
    assert_eq!(output.status.code(), Some(expected), "{said}");
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_schemes_certificates_and_names() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let (tls, authority) = certificate(folder.path());
    let stranger = tempfile::tempdir().unwrap();
    let other = certificate(stranger.path()).1.display().to_string();
    let data = folder.path().join("lakehouse");
    let options = LakehouseOptions { tls: Some(tls), ..LakehouseOptions::default() };
    let lakehouse = RunningLakehouse::start_with(&data, "127.0.0.1:0", options).await;
    let port = lakehouse.addr.port();
    let (authority, kept) = (authority.display().to_string(), folder.path().join("kept"));
    std::fs::create_dir(&kept).unwrap();
    let right = format!("https://localhost:{port}");
    let cases = [
        (
            "http to a port that speaks TLS",
            format!("http://localhost:{port}"),
            true,
            format!("DATABRICKS_HOST={right}"),
        ),
        (
            "an authority that nobody trusts",
            right.clone(),
            false,
            "SSL_CERT_FILE=<file with the authority's certificate, PEM>".to_owned(),
        ),
        (
            "a certificate for another name",
            format!("https://127.0.0.1:{port}"),
            true,
            format!("DATABRICKS_HOST={right}"),
        ),
    ];
    for (staged, host, trusts, expected) in cases {
        let mut settings = vec![
            ("DATABRICKS_HOST", host.as_str()),
            ("DATABRICKS_CLIENT_ID", &lakehouse.client_id),
            ("DATABRICKS_CLIENT_SECRET", lakehouse.client_secret.expose_secret()),
            ("DATABRICKS_WAREHOUSE_ID", "local"),
            ("DIRECT_WRITE_ZEROBUS_ENDPOINT", &right),
        ];
        settings.push(("SSL_CERT_FILE", if trusts { &authority } else { &other }));
        let report = examine(&kept, &settings).await;
        let check = report.check("host").unwrap();
        assert_eq!((check.state, paste(check)), (CheckState::Failed, expected.as_str()), "{staged}: {check:#?}");
        let (name, value) = expected.split_once('=').unwrap();
        let value = if name == "SSL_CERT_FILE" { authority.as_str() } else { value };
        settings.retain(|(one, _)| *one != name);
        settings.push((name, value));
        let report = examine(&kept, &settings).await;
        let check = report.check("host").unwrap();
        assert_eq!(check.state, CheckState::Passed, "{staged}: {check:#?}");
        assert!(check.found.contains("TLS 1.3"), "{check:#?}");
        println!("{staged}: {expected}");
    }
    lakehouse.stop().await;
}
