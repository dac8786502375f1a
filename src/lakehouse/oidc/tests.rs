//! The token endpoint, asked over its router.

use axum::body::Body;
use deltalake::kernel::{PrimitiveType, StructField};
use serde_json::Value;
use tower::ServiceExt;

use super::*;
use crate::lakehouse::grants::{Change, Privilege, Securable};
use crate::lakehouse::store::{Store, TableOptions};

const CLIENT: Option<(&str, &str)> = Some(("the-client", "the-secret"));
const RESOURCE: &str = "api://databricks/workspaces/127/zerobusDirectWriteApi";

/// An endpoint over a lakehouse with the table `main.s.t`.
struct Endpoint {
    oidc: Oidc,
    _folder: tempfile::TempDir,
}

impl Endpoint {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::open(folder.path(), Default::default(), Default::default()).expect("open");
        store.create_catalog("main").expect("catalog");
        store.create_schema("main", "s").expect("schema");
        let fields = vec![StructField::nullable("id", PrimitiveType::Long)];
        store.create_table(&table(), fields, TableOptions::default()).await.expect("table");
        let grants = Grants::open(folder.path(), store, "the-client").expect("grants");
        Self { oidc: oidc_with("the-secret", grants), _folder: folder }
    }

    async fn post(&self, client: Option<(&str, &str)>, form: &[(&str, &str)]) -> (u16, Value) {
        let fields: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        self.post_raw(client, &fields.join("&")).await
    }

    async fn post_raw(&self, client: Option<(&str, &str)>, form: &str) -> (u16, Value) {
        let mut request =
            Request::post("/oidc/v1/token").header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some((id, secret)) = client {
            let basic = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
            request = request.header(header::AUTHORIZATION, format!("Basic {basic}"));
        }
        let request = request.body(Body::from(form.to_owned())).expect("request");
        let response = router(self.oidc.clone()).oneshot(request).await.expect("infallible");
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.expect("body");
        (status, serde_json::from_slice(&body).expect("JSON"))
    }

    /// Asks for a Zerobus token.
    async fn zerobus(&self, client: Option<(&str, &str)>, details: &Value) -> (u16, Value) {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", "all-apis"),
            ("resource", RESOURCE),
            ("authorization_details", &details.to_string()),
        ];
        self.post(client, &form).await
    }

    fn check(&self, answer: &Value) -> Result<TokenInfo, AuthError> {
        self.oidc.check_bearer(Some(&format!("Bearer {}", answer["access_token"].as_str().expect("token"))))
    }
}

fn oidc_with(secret: &str, grants: Grants) -> Oidc {
    Oidc::new(Credentials { client_id: "the-client".to_owned(), client_secret: secret.to_owned().into() }, grants)
}

fn table() -> TableName {
    TableName::parse("main.s.t").expect("table name")
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn detail(object_type: &str, name: &str, privileges: &[&str]) -> Value {
    json!({ "type": "unity_catalog_privileges", "privileges": privileges, "object_type": object_type,
        "object_full_path": name })
}

/// As the official SDK sends them.
fn details() -> Value {
    let mut of_table = detail("TABLE", "main.s.t", &["SELECT", "MODIFY"]);
    of_table["operations"] = json!(["zerobuswrite"]);
    json!([detail("CATALOG", "main", &["USE CATALOG"]), detail("SCHEMA", "main.s", &["USE SCHEMA"]), of_table])
}

#[tokio::test]
async fn a_token_is_given_and_is_good() {
    let endpoint = Endpoint::new().await;
    let (status, answer) = endpoint.post(CLIENT, &[("grant_type", "client_credentials"), ("scope", "all-apis")]).await;
    assert_eq!(status, 200, "{answer}");
    let said = (&answer["token_type"], &answer["expires_in"], &answer["scope"]);
    assert_eq!(said, (&"Bearer".into(), &3600.into(), &"all-apis".into()));
    let info = endpoint.check(&answer).expect("good");
    assert_eq!((info.client_id.as_str(), info.table), ("the-client", None));
}

#[tokio::test]
async fn client_id_and_secret_may_come_in_the_form() {
    let form = "grant_type=client_credentials&client_id=the-client&client_secret=the-secret";
    assert_eq!(Endpoint::new().await.post_raw(None, form).await.0, 200);
}

#[tokio::test]
async fn a_token_remembers_the_table_it_was_asked_for() {
    let endpoint = Endpoint::new().await;
    // Older clients name no operation; entries, fields and privileges come in any order; new fields are no harm.
    let older = json!([
        { "object_full_path": "main.s.t", "privileges": ["MODIFY", "SELECT"], "object_type": "TABLE",
          "type": "unity_catalog_privileges" },
        { "privileges": ["USE SCHEMA"], "object_full_path": "MAIN.S", "type": "unity_catalog_privileges",
          "object_type": "SCHEMA", "since": 3 },
        { "type": "unity_catalog_privileges", "object_type": "CATALOG", "object_full_path": "main",
          "privileges": ["use_catalog"] },
    ]);
    for details in [details(), older] {
        let (status, answer) = endpoint.zerobus(CLIENT, &details).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(endpoint.check(&answer).expect("good").table, Some(table()), "{details}");
        assert!(answer["access_token"].as_str().expect("token").len() < 4096);
    }
}

#[tokio::test]
async fn refusals_are_oauth_errors_and_name_no_secret() {
    let endpoint = Endpoint::new().await;
    for (client, form, status, error) in [
        (Some(("the-client", "planted-wrong")), "grant_type=client_credentials", 401, "invalid_client"),
        (Some(("planted-other", "the-secret")), "grant_type=client_credentials", 401, "invalid_client"),
        (Some(("the-client", "")), "grant_type=client_credentials", 401, "invalid_client"),
        (None, "grant_type=client_credentials", 401, "invalid_client"),
        (CLIENT, "grant_type=password", 400, "unsupported_grant_type"),
        (CLIENT, "scope=all-apis", 400, "invalid_request"),
        (CLIENT, "grant_type=client_credentials&authorization_details=x", 400, "invalid_target"),
        (CLIENT, "grant_type=a&grant_type=b", 400, "invalid_request"),
    ] {
        let (got, answer) = endpoint.post_raw(client, form).await;
        assert_eq!((got, &answer["error"]), (status, &error.into()), "{form}: {answer}");
        let text = answer.to_string();
        assert!(!text.contains("planted") && !text.contains("the-secret"), "{text}");
    }
}

#[tokio::test]
async fn a_zerobus_token_is_for_this_workspace_and_for_no_more_and_no_less_than_writing_to_one_table() {
    let endpoint = Endpoint::new().await;
    let details = details().to_string();
    let basic = ("grant_type", "client_credentials");
    for (form, error, word) in [
        (vec![("authorization_details", details.as_str())], "invalid_target", "resource is missing"),
        (vec![("resource", RESOURCE)], "invalid_authorization_details", "missing"),
        (
            vec![
                ("resource", "api://databricks/workspaces/128/zerobusDirectWriteApi"),
                ("authorization_details", &details),
            ],
            "invalid_target",
            "workspaces/127/",
        ),
        (
            vec![("resource", "api://databricks/workspaces/127/other"), ("authorization_details", &details)],
            "invalid_target",
            "127.0.0.1",
        ),
    ] {
        let form: Vec<_> = std::iter::once(basic).chain(form).collect();
        let (status, answer) = endpoint.post(CLIENT, &form).await;
        assert_eq!((status, &answer["error"]), (400, &error.into()), "{form:?}: {answer}");
        assert!(answer["error_description"].as_str().expect("text").contains(word), "{answer}");
    }
    let (catalog, schema) = (detail("CATALOG", "main", &["USE CATALOG"]), detail("SCHEMA", "main.s", &["USE SCHEMA"]));
    let table = |privileges: &[&str]| detail("TABLE", "main.s.t", privileges);
    let writes = table(&["SELECT", "MODIFY"]);
    let mut other_type = writes.clone();
    other_type["type"] = "unity_catalog".into();
    let mut other_operation = writes.clone();
    other_operation["operations"] = json!(["zerobusread"]);
    for bad in [
        json!("x"),
        json!({}),
        json!([]),
        json!([{}]),
        json!([catalog, schema]),
        json!([writes]),
        json!([catalog, writes]),
        json!([catalog, schema, table(&["SELECT"])]),
        json!([catalog, schema, table(&["MODIFY"])]),
        json!([catalog, schema, table(&[])]),
        json!([catalog, schema, table(&["SELECT", "MODIFY", "ALL PRIVILEGES"])]),
        json!([catalog, schema, table(&["SELECT", "WRITE"])]),
        json!([catalog, detail("SCHEMA", "main.other", &["USE SCHEMA"]), writes]),
        json!([catalog, schema, writes, detail("TABLE", "main.s.u", &["SELECT", "MODIFY"])]),
        json!([catalog, schema, writes, detail("SCHEMA", "main.u", &["USE SCHEMA"])]),
        json!([catalog, schema, detail("VOLUME", "main.s.t", &["READ VOLUME"])]),
        json!([catalog, schema, detail("VIEW", "main.s.t", &["SELECT", "MODIFY"])]),
        json!([catalog, schema, detail("TABLE", "main.s", &["SELECT", "MODIFY"])]),
        json!([catalog, schema, detail("TABLE", "../s.t", &["SELECT", "MODIFY"])]),
        json!([catalog, schema, other_type]),
        json!([catalog, schema, other_operation]),
    ] {
        let (status, answer) = endpoint.zerobus(CLIENT, &bad).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_authorization_details".into()), "{bad}: {answer}");
    }
}

#[tokio::test]
async fn a_principal_gets_a_token_for_what_it_was_granted_and_for_nothing_else() {
    let endpoint = Endpoint::new().await;
    let grants = endpoint.oidc.grants();
    let made = grants.create_principal("ingest").expect("made");
    let client = Some((made.client_id.as_str(), made.client_secret.expose_secret()));
    assert_eq!(endpoint.post(client, &[("grant_type", "client_credentials")]).await.0, 200);
    let wrong = Some((made.client_id.as_str(), "planted"));
    assert_eq!(endpoint.post(wrong, &[("grant_type", "client_credentials")]).await.0, 401);
    let of_other = Some(("the-client", made.client_secret.expose_secret()));
    assert_eq!(endpoint.post(of_other, &[("grant_type", "client_credentials")]).await.0, 401);

    let (status, answer) = endpoint.zerobus(client, &details()).await;
    assert_eq!((status, &answer["error"]), (400, &"access_denied".into()), "{answer}");
    let description = answer["error_description"].as_str().expect("text");
    assert!(description.contains("Error Code: 4024, Error State: 1."), "{description}");
    assert!(description.contains("GRANT USE CATALOG ON CATALOG `main` TO"), "{description}");
    for (on, privileges) in [
        (Securable::Catalog("main".to_owned()), vec![Privilege::AllPrivileges]),
        (Securable::Table(table()), vec![Privilege::Select]),
        (Securable::Table(table()), vec![Privilege::AllPrivileges]),
    ] {
        let change = Change { principal: "ingest".to_owned(), add: privileges, remove: Vec::new() };
        grants.change(&on, &[change]).expect("granted");
        let (_, answer) = endpoint.zerobus(client, &details()).await;
        let description = answer["error_description"].as_str().expect("refused");
        assert!(description.contains("MODIFY on Table 'main.s.t'"), "not by inheritance: {description}");
    }
    let change = Change { principal: "ingest".to_owned(), add: vec![Privilege::Modify], remove: Vec::new() };
    grants.change(&Securable::Table(table()), &[change]).expect("granted");
    let (status, answer) = endpoint.zerobus(client, &details()).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(endpoint.check(&answer).expect("good").client_id, made.client_id);

    grants.drop_principal("ingest").expect("dropped");
    assert_eq!(endpoint.check(&answer).err(), Some(AuthError::Unknown), "its tokens end with it");
    assert_eq!(endpoint.zerobus(client, &details()).await.0, 401);
}

#[tokio::test]
async fn the_lifetime_of_tokens_can_be_set() {
    let mut endpoint = Endpoint::new().await;
    for (lifetime, good) in [(60, true), (0, false)] {
        endpoint.oidc = endpoint.oidc.with_token_lifetime(Duration::from_secs(lifetime));
        let (_, answer) = endpoint.post(CLIENT, &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer["expires_in"], lifetime);
        assert_eq!(endpoint.check(&answer).is_ok(), good);
    }
}

#[tokio::test]
async fn a_token_ends_and_outlives_a_restart() {
    let endpoint = Endpoint::new().await;
    let again = oidc_with("the-secret", endpoint.oidc.grants().clone());
    let bearer = |expires_at| format!("Bearer {}", endpoint.oidc.issue("the-client", None, expires_at));
    assert!(
        again.check_bearer(Some(&bearer(now().as_secs() + 60))).is_ok(),
        "another instance with the same secret takes it"
    );
    assert_eq!(again.check_bearer(Some(&bearer(now().as_secs()))).err(), Some(AuthError::Unknown));
}

#[tokio::test]
async fn a_changed_token_is_refused() {
    let endpoint = Endpoint::new().await;
    let token = endpoint.oidc.issue("the-client", None, now().as_secs() + 60);
    let (claims, signature) = token.split_once('.').expect("two parts");
    let longer = URL_SAFE_NO_PAD.encode(json!({"client_id": "the-client", "expires_at": u64::MAX}).to_string());
    for forged in [format!("{longer}.{signature}"), format!("{claims}."), claims.to_owned(), format!("{token}AA")] {
        let checked = endpoint.oidc.check_bearer(Some(&format!("Bearer {forged}")));
        assert_eq!(checked.err(), Some(AuthError::Unknown), "{forged}");
    }
    let other = oidc_with("another", endpoint.oidc.grants().clone());
    assert_eq!(other.check_bearer(Some(&format!("Bearer {token}"))).err(), Some(AuthError::Unknown));
}

#[tokio::test]
async fn what_is_no_good_bearer_is_refused() {
    let endpoint = Endpoint::new().await;
    for (header, error) in [
        (None, AuthError::Missing),
        (Some("Basic abc"), AuthError::Missing),
        (Some("Bearer"), AuthError::Missing),
        (Some("Bearer "), AuthError::Unknown),
        (Some("Bearer abc"), AuthError::Unknown),
    ] {
        assert_eq!(endpoint.oidc.check_bearer(header).err(), Some(error), "{header:?}");
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
