//! The token endpoint, asked over its router.

use axum::body::Body;
use axum::http::Request;
use tower::ServiceExt;

use super::*;

fn oidc() -> Oidc {
    Oidc::new(Credentials { client_id: "the-client".to_owned(), client_secret: "the-secret".to_owned().into() })
}

async fn post_form(oidc: &Oidc, basic: Option<(&str, &str)>, form: &str) -> (StatusCode, serde_json::Value) {
    let mut request = Request::post("/oidc/v1/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if let Some((id, secret)) = basic {
        let encoded = STANDARD.encode(format!("{id}:{secret}"));
        request = request.header(header::AUTHORIZATION, format!("Basic {encoded}"));
    }
    let request = request.body(Body::from(form.to_owned())).expect("request");
    let response = router(oidc.clone()).oneshot(request).await.expect("infallible");
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("body");
    (status, serde_json::from_slice(&body).expect("JSON"))
}

const CLIENT: Option<(&str, &str)> = Some(("the-client", "the-secret"));

#[tokio::test]
async fn a_token_is_given_and_is_good() {
    let oidc = oidc();
    let (status, body) = post_form(&oidc, CLIENT, "grant_type=client_credentials&scope=all-apis").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (&"Bearer".into(), &3600.into(), &"all-apis".into())
    );
    let token = body["access_token"].as_str().expect("token");
    let info = oidc.check_bearer(Some(&format!("Bearer {token}"))).expect("good");
    assert_eq!((info.client_id.as_str(), info.table), ("the-client", None));
}

#[tokio::test]
async fn client_id_and_secret_may_come_in_the_form() {
    let form = "grant_type=client_credentials&client_id=the-client&client_secret=the-secret";
    assert_eq!(post_form(&oidc(), None, form).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_token_remembers_the_table_it_was_asked_for() {
    let oidc = oidc();
    // As the official SDK sends it, with the fields of the entries in different orders.
    let details = json!([
        { "type": "unity_catalog_privileges", "privileges": ["USE CATALOG"], "object_type": "CATALOG", "object_full_path": "main" },
        { "object_type": "SCHEMA", "type": "unity_catalog_privileges", "object_full_path": "main.s", "privileges": ["USE SCHEMA"] },
        { "type": "unity_catalog_privileges", "privileges": ["SELECT", "MODIFY"], "object_type": "TABLE",
          "object_full_path": "main.s.t", "operations": ["zerobuswrite"] },
    ]);
    let details: String = details.to_string().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let form = format!("grant_type=client_credentials&scope=all-apis&authorization_details={details}");
    let (status, body) = post_form(&oidc, CLIENT, &form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let info = oidc.check_bearer(Some(&format!("Bearer {}", body["access_token"].as_str().expect("token"))));
    assert_eq!(info.expect("good").table.expect("bound").to_string(), "main.s.t");
}

#[tokio::test]
async fn refusals_are_oauth_errors_and_name_no_secret() {
    for (client, form, status, error) in [
        (Some(("the-client", "planted-wrong")), "grant_type=client_credentials", 401, "invalid_client"),
        (Some(("planted-other", "the-secret")), "grant_type=client_credentials", 401, "invalid_client"),
        (Some(("the-client", "")), "grant_type=client_credentials", 401, "invalid_client"),
        (None, "grant_type=client_credentials", 401, "invalid_client"),
        (CLIENT, "grant_type=password", 400, "unsupported_grant_type"),
        (CLIENT, "scope=all-apis", 400, "invalid_request"),
        (CLIENT, "grant_type=client_credentials&authorization_details=x", 400, "invalid_request"),
        (CLIENT, "grant_type=client_credentials&authorization_details=[{}]", 400, "invalid_request"),
        (CLIENT, "grant_type=a&grant_type=b", 400, "invalid_request"),
    ] {
        let (got, body) = post_form(&oidc(), client, form).await;
        assert_eq!((got.as_u16(), &body["error"]), (status, &error.into()), "{form}: {body}");
        let text = body.to_string();
        assert!(!text.contains("planted") && !text.contains("the-secret"), "{text}");
    }
}

#[test]
fn a_token_ends_and_outlives_a_restart() {
    let bearer = |expires_at| format!("Bearer {}", oidc().issue(None, expires_at));
    assert!(oidc().check_bearer(Some(&bearer(now() + 60))).is_ok(), "another instance with the same secret takes it");
    assert_eq!(oidc().check_bearer(Some(&bearer(now()))).err(), Some(AuthError::Unknown));
}

#[test]
fn a_changed_token_is_refused() {
    let token = oidc().issue(None, now() + 60);
    let (claims, signature) = token.split_once('.').expect("two parts");
    let longer = URL_SAFE_NO_PAD.encode(json!({"client_id": "the-client", "expires_at": u64::MAX}).to_string());
    for forged in [format!("{longer}.{signature}"), format!("{claims}."), claims.to_owned(), format!("{token}AA")] {
        assert_eq!(oidc().check_bearer(Some(&format!("Bearer {forged}"))).err(), Some(AuthError::Unknown), "{forged}");
    }
    let other =
        Oidc::new(Credentials { client_id: "the-client".to_owned(), client_secret: "another".to_owned().into() });
    assert_eq!(other.check_bearer(Some(&format!("Bearer {token}"))).err(), Some(AuthError::Unknown));
}

#[test]
fn what_is_no_good_bearer_is_refused() {
    let oidc = oidc();
    for (header, error) in [
        (None, AuthError::Missing),
        (Some("Basic abc"), AuthError::Missing),
        (Some("Bearer"), AuthError::Missing),
        (Some("Bearer "), AuthError::Unknown),
        (Some("Bearer abc"), AuthError::Unknown),
    ] {
        assert_eq!(oidc.check_bearer(header).err(), Some(error), "{header:?}");
    }
}

#[test]
fn credentials_are_made_once_kept_private_and_never_shown() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let first = Credentials::load_or_create(folder.path()).expect("made");
    let second = Credentials::load_or_create(folder.path()).expect("read");
    assert_eq!(first.client_id, second.client_id);
    assert_eq!(first.client_secret.expose_secret(), second.client_secret.expose_secret());
    assert_eq!(first.client_secret.expose_secret().len(), 43);
    assert!(!format!("{first:?}").contains(first.client_secret.expose_secret()));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(folder.path().join("credentials.json")).expect("file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(folder.path().join("credentials.json"), "{\"client_secret\": \"planted").expect("write");
    let error = Credentials::load_or_create(folder.path()).expect_err("damaged").to_string();
    assert!(!error.contains("planted"), "{error}");
}
