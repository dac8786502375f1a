//! Configuration: environment only, all names here, every bad variable reported at once.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::edge::EdgeSettings;
use crate::api::caller::{Roles, Whom};
use crate::model::TableName;
use crate::workspace::{Credentials, WorkspaceConfig};

/// Where the page listens; on Databricks Apps [`ENV_APP_PORT`] decides.
pub const ENV_ADDR: &str = "DIRECT_WRITE_ADDR";
/// Where the local lakehouse listens.
pub const ENV_LAKEHOUSE_ADDR: &str = "DIRECT_WRITE_LAKEHOUSE_ADDR";
/// Where the local lakehouse keeps its tables and credentials.
pub const ENV_DATA_DIR: &str = "DIRECT_WRITE_DATA_DIR";
/// How old rows in the local lakehouse's log get before they are committed to Delta, such as `1s`.
pub const ENV_COMMIT_INTERVAL: &str = "DIRECT_WRITE_COMMIT_INTERVAL";
/// Bytes of log after which they are committed before that.
pub const ENV_SEGMENT_BYTES: &str = "DIRECT_WRITE_SEGMENT_BYTES";
/// Bytes that the local lakehouse's logs may take together; writers wait beyond that.
pub const ENV_LOG_BYTES: &str = "DIRECT_WRITE_LOG_BYTES";
/// How long a Zerobus stream of the local lakehouse lives, such as `15m`.
pub const ENV_STREAM_ROTATION: &str = "DIRECT_WRITE_STREAM_ROTATION";
/// The table that is used when none is named.
pub const ENV_TABLE: &str = "DIRECT_WRITE_TABLE";
/// The volume for files on their way into a table, which the writer `copy-into` needs; the local lakehouse has one.
pub const ENV_VOLUME: &str = "DIRECT_WRITE_VOLUME";
/// Address of Zerobus Ingest.
pub const ENV_ZEROBUS_ENDPOINT: &str = "DIRECT_WRITE_ZEROBUS_ENDPOINT";
/// Region of Zerobus Ingest, from which its address follows when the workspace id is known.
pub const ENV_ZEROBUS_REGION: &str = "DIRECT_WRITE_ZEROBUS_REGION";
/// Folder of the built page.
pub const ENV_SITE_ROOT: &str = "DIRECT_WRITE_SITE_ROOT";
/// Address of the workspace; without it the local lakehouse is used. May lack its scheme.
pub const ENV_HOST: &str = "DATABRICKS_HOST";
/// Service principal.
pub const ENV_CLIENT_ID: &str = "DATABRICKS_CLIENT_ID";
/// Its secret.
pub const ENV_CLIENT_SECRET: &str = "DATABRICKS_CLIENT_SECRET";
/// Number of the workspace, part of the Zerobus address.
pub const ENV_WORKSPACE_ID: &str = "DATABRICKS_WORKSPACE_ID";
/// SQL warehouse.
pub const ENV_WAREHOUSE_ID: &str = "DATABRICKS_WAREHOUSE_ID";
/// `true`: the page's files have hashes in their names, which `hash.txt` beside the program lists. The Leptos tools use this name.
pub const ENV_HASH_FILES: &str = "LEPTOS_HASH_FILES";
/// A collector for traces and metrics. This and the next two are OpenTelemetry's own names.
pub const ENV_OTLP_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// How the collector is spoken to: `grpc` or `http/protobuf`.
pub const ENV_OTLP_PROTOCOL: &str = "OTEL_EXPORTER_OTLP_PROTOCOL";
/// What the program is called there.
pub const ENV_SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// The port Databricks Apps wants the program to listen on.
pub const ENV_APP_PORT: &str = "DATABRICKS_APP_PORT";

/// The app's name on Databricks Apps; with [`ENV_APP_PORT`] it says that the platform's proxy stands before the port.
pub const ENV_APP_NAME: &str = "DATABRICKS_APP_NAME";
/// Who may begin and change things: e-mail addresses and `group:<name>`, separated by commas.
pub const ENV_RUNNERS: &str = "DIRECT_WRITE_RUNNERS";
/// Who may administer, in the same form.
pub const ENV_ADMINISTRATORS: &str = "DIRECT_WRITE_ADMINISTRATORS";
/// What runs in the name of the person who asks, with their own token: `sql`, or nothing.
pub const ENV_ON_BEHALF_OF: &str = "DIRECT_WRITE_ON_BEHALF_OF";
/// Requests that one caller may make in a minute; 0 for as many as they like.
pub const ENV_REQUESTS_PER_MINUTE: &str = "DIRECT_WRITE_REQUESTS_PER_MINUTE";

/// Requests of one caller in a minute inside Databricks Apps: a page that polls makes 60 of them.
const USUAL_REQUESTS_PER_MINUTE: u32 = 1_200;

/// Where settings come from; a map in tests.
pub trait Strings {
    /// The value of a variable; `None` when it is not set or empty.
    fn get(&self, name: &str) -> Option<String>;
}

/// The environment of the process.
pub struct Environment;

impl Strings for Environment {
    fn get(&self, name: &str) -> Option<String> {
        std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
    }
}

impl Strings for BTreeMap<&str, &str> {
    fn get(&self, name: &str) -> Option<String> {
        Self::get(self, name).map(|value| (*value).to_owned())
    }
}

/// What the program was told.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the page listens.
    pub addr: SocketAddr,
    /// Where the local lakehouse listens.
    pub lakehouse_addr: SocketAddr,
    /// Where the local lakehouse keeps everything.
    pub data_dir: PathBuf,
    /// How it works, as far as it was told.
    pub lakehouse: LakehouseSettings,
    /// Folder of the built page.
    pub site_root: PathBuf,
    /// Whether the page's files have hashes in their names.
    pub hash_files: bool,
    /// The table that is used when none is named.
    pub default_table: TableName,
    /// The volume for files on their way into a table: [`ENV_VOLUME`], or the one that the local lakehouse has.
    pub write_volume: Option<TableName>,
    /// The workspace; `None` for the local lakehouse.
    pub workspace: Option<WorkspaceConfig>,
    /// How the page's port behaves.
    pub edge: EdgeSettings,
}

/// What the local lakehouse was told; `None` where it was told nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct LakehouseSettings {
    /// [`ENV_COMMIT_INTERVAL`]
    pub commit_interval: Option<Duration>,
    /// [`ENV_SEGMENT_BYTES`]
    pub segment_bytes: Option<u64>,
    /// [`ENV_LOG_BYTES`]
    pub log_bytes: Option<u64>,
    /// [`ENV_STREAM_ROTATION`]
    pub stream_rotation: Option<Duration>,
}

/// Settings that cannot be used, one sentence each.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join(" "))]
pub struct ConfigError(pub Vec<String>);

impl Config {
    /// Reads all settings.
    ///
    /// # Errors
    /// Every setting that cannot be used.
    pub fn load(strings: &dyn Strings) -> Result<Self, ConfigError> {
        let mut reader = Reader { strings, errors: Vec::new() };
        let app_port = reader.parse::<u16>(ENV_APP_PORT, "a port number");
        let addr = reader.parse(ENV_ADDR, "an address such as 127.0.0.1:3000");
        let addr = match (app_port, addr) {
            (Some(port), _) => SocketAddr::from(([0, 0, 0, 0], port)),
            (None, addr) => addr.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 3000))),
        };
        let lakehouse_addr = reader
            .parse(ENV_LAKEHOUSE_ADDR, "an address such as 127.0.0.1:7077")
            .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 7077)));
        let lakehouse = LakehouseSettings {
            commit_interval: reader.duration(ENV_COMMIT_INTERVAL),
            segment_bytes: reader.parse(ENV_SEGMENT_BYTES, "a number of bytes"),
            log_bytes: reader.parse(ENV_LOG_BYTES, "a number of bytes"),
            stream_rotation: reader.duration(ENV_STREAM_ROTATION),
        };
        let data_dir = strings.get(ENV_DATA_DIR).unwrap_or_else(|| "data".to_owned()).into();
        let site_root = strings.get(ENV_SITE_ROOT).unwrap_or_else(|| "target/site".to_owned()).into();
        let hash_files = reader.parse(ENV_HASH_FILES, "true or false").unwrap_or_default();
        let default_table = reader.name(ENV_TABLE, Some("main.direct_write.products"));
        let is_local = strings.get(ENV_HOST).is_none();
        let write_volume = reader.name(ENV_VOLUME, is_local.then_some("main.direct_write.landing"));
        let workspace = default_table.clone().and_then(|table| reader.workspace(table, write_volume.clone()));
        let edge = reader.edge();
        match default_table {
            Some(default_table) if reader.errors.is_empty() => Ok(Self {
                addr,
                lakehouse_addr,
                data_dir,
                lakehouse,
                site_root,
                hash_files,
                default_table,
                write_volume,
                workspace,
                edge,
            }),
            _ => Err(ConfigError(reader.errors)),
        }
    }
}

struct Reader<'a> {
    strings: &'a dyn Strings,
    errors: Vec<String>,
}

impl Reader<'_> {
    fn parse<T: std::str::FromStr>(&mut self, name: &str, what: &str) -> Option<T> {
        let text = self.strings.get(name)?;
        let parsed = text.parse().ok();
        if parsed.is_none() {
            self.errors.push(format!("{name} is '{text}', which is not {what}."));
        }
        parsed
    }

    fn duration(&mut self, name: &str) -> Option<Duration> {
        self.parse::<humantime::Duration>(name, "a time such as 500ms, 1s or 15m").map(Into::into)
    }

    /// A name of three parts; `default` when none is set.
    fn name(&mut self, setting: &str, default: Option<&str>) -> Option<TableName> {
        let text = self.strings.get(setting).or_else(|| default.map(str::to_owned))?;
        TableName::parse(&text).map_err(|error| self.errors.push(format!("{setting}: {error}."))).ok()
    }

    fn edge(&mut self) -> EdgeSettings {
        let inside_apps = [ENV_APP_NAME, ENV_APP_PORT].iter().all(|name| self.strings.get(name).is_some());
        let (runners, administrators) = (self.whom(ENV_RUNNERS), self.whom(ENV_ADMINISTRATORS));
        let sql_on_behalf = match self.strings.get(ENV_ON_BEHALF_OF).as_deref() {
            None => false,
            Some("sql") => true,
            Some(other) => {
                self.errors.push(format!("{ENV_ON_BEHALF_OF} is '{other}', which is not sql."));
                false
            }
        };
        let requests = self.parse(ENV_REQUESTS_PER_MINUTE, "a number of requests");
        // On one's own machine there is nobody to hold back.
        let usual = if inside_apps { USUAL_REQUESTS_PER_MINUTE } else { 0 };
        EdgeSettings {
            inside_apps,
            roles: Roles::new(inside_apps, runners, administrators).into(),
            sql_on_behalf,
            requests_per_minute: NonZeroU32::new(requests.unwrap_or(usual)),
            ..EdgeSettings::default()
        }
    }

    /// A list of users and groups.
    fn whom(&mut self, setting: &str) -> Option<Whom> {
        let text = self.strings.get(setting)?;
        let whom = Whom::parse(&text);
        whom.map_err(|entry| {
            let what = "neither an e-mail address nor group:<name>";
            self.errors.push(format!("{setting} has the entry '{entry}', which is {what}."));
        })
        .ok()
    }

    /// A workspace needs its host and a principal; half of it is a mistake, not a wish for the local lakehouse.
    fn workspace(&mut self, default_table: TableName, write_volume: Option<TableName>) -> Option<WorkspaceConfig> {
        let settings = [ENV_HOST, ENV_CLIENT_ID, ENV_CLIENT_SECRET];
        let values = settings.map(|name| self.strings.get(name));
        let [Some(host), Some(client_id), Some(client_secret)] = values.clone() else {
            let (set, missing): (Vec<_>, Vec<_>) = settings.iter().zip(&values).partition(|(_, value)| value.is_some());
            if !set.is_empty() {
                let names =
                    |some: Vec<(&&str, _)>| some.iter().map(|(name, _)| **name).collect::<Vec<_>>().join(" and ");
                let (set, missing) = (names(set), names(missing));
                self.errors.push(format!(
                    "{set} is set but {missing} is not: set all of {ENV_HOST}, {ENV_CLIENT_ID} and {ENV_CLIENT_SECRET} \
                     for a workspace, or none of them for the local lakehouse."
                ));
            }
            return None;
        };
        let url = with_scheme(&host);
        Some(WorkspaceConfig {
            local: false,
            zerobus_endpoint: self.zerobus_endpoint(&url),
            warehouse_id: self.strings.get(ENV_WAREHOUSE_ID),
            credentials: Some(Credentials { client_id, client_secret: SecretString::from(client_secret) }),
            default_table,
            write_volume,
            url,
        })
    }

    fn zerobus_endpoint(&self, url: &str) -> Option<String> {
        if let Some(endpoint) = self.strings.get(ENV_ZEROBUS_ENDPOINT) {
            return Some(with_scheme(&endpoint));
        }
        let workspace_id = self.strings.get(ENV_WORKSPACE_ID)?;
        let region = self.strings.get(ENV_ZEROBUS_REGION)?;
        let cloud = if url.contains(".azuredatabricks.net") { "azuredatabricks.net" } else { "cloud.databricks.com" };
        Some(format!("https://{workspace_id}.zerobus.{region}.{cloud}"))
    }
}

fn with_scheme(host: &str) -> String {
    let host = host.trim_end_matches('/');
    if host.contains("://") { host.to_owned() } else { format!("https://{host}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(pairs: &[(&'static str, &'static str)]) -> Result<Config, ConfigError> {
        Config::load(&pairs.iter().copied().collect::<BTreeMap<_, _>>())
    }

    #[test]
    fn nothing_set_means_the_local_lakehouse() {
        let config = load(&[]).unwrap();
        assert!(config.workspace.is_none());
        assert_eq!(config.addr.to_string(), "127.0.0.1:3000");
        assert_eq!(config.lakehouse_addr.to_string(), "127.0.0.1:7077");
        assert_eq!(config.default_table.to_string(), "main.direct_write.products");
        assert_eq!(config.write_volume.unwrap().to_string(), "main.direct_write.landing");
    }

    #[test]
    fn every_bad_variable_is_reported_at_once() {
        let error = load(&[
            (ENV_ADDR, "here"),
            (ENV_APP_PORT, "high"),
            (ENV_TABLE, "products"),
            (ENV_COMMIT_INTERVAL, "soon"),
            (ENV_VOLUME, "/Volumes/a/b/c"),
            (ENV_CLIENT_ID, "me"),
        ]);
        let ConfigError(sentences) = error.unwrap_err();
        assert_eq!(sentences.len(), 5, "{sentences:?}");
        assert!(sentences.iter().any(|one| one.contains(ENV_ADDR)), "{sentences:?}");
    }

    #[test]
    fn the_platform_stands_before_the_port_only_inside_apps() {
        let edge = |pairs: &[(&'static str, &'static str)]| load(pairs).unwrap().edge;
        let laptop = edge(&[]);
        assert!(!laptop.inside_apps && laptop.requests_per_minute.is_none() && !laptop.sql_on_behalf);
        assert!(!edge(&[(ENV_APP_PORT, "8000")]).inside_apps, "a port alone is no platform");
        let app = edge(&[(ENV_APP_PORT, "8000"), (ENV_APP_NAME, "direct-write"), (ENV_ON_BEHALF_OF, "sql")]);
        assert!(app.inside_apps && app.sql_on_behalf);
        assert_eq!(app.requests_per_minute.map(NonZeroU32::get), Some(USUAL_REQUESTS_PER_MINUTE));
        assert_eq!(edge(&[(ENV_REQUESTS_PER_MINUTE, "0")]).requests_per_minute, None);
    }

    #[test]
    fn roles_that_cannot_be_read_are_reported() {
        let ConfigError(sentences) =
            load(&[(ENV_RUNNERS, "a@b, role:x"), (ENV_ADMINISTRATORS, "group:"), (ENV_ON_BEHALF_OF, "zerobus")])
                .unwrap_err();
        assert_eq!(sentences.len(), 3, "{sentences:?}");
        assert!(sentences[0].contains("role:x"), "{sentences:?}");
    }

    #[test]
    fn half_a_workspace_is_a_mistake() {
        let ConfigError(sentences) = load(&[(ENV_HOST, "h"), (ENV_CLIENT_ID, "me")]).unwrap_err();
        assert!(sentences[0].contains("DATABRICKS_CLIENT_SECRET is not"), "{sentences:?}");
    }

    #[test]
    fn the_platform_decides_the_port_and_leaves_out_the_scheme() {
        let config = load(&[
            (ENV_APP_PORT, "8000"),
            (ENV_HOST, "dbc-1.cloud.databricks.com/"),
            (ENV_CLIENT_ID, "me"),
            (ENV_CLIENT_SECRET, "planted-secret"),
            (ENV_WORKSPACE_ID, "42"),
            (ENV_ZEROBUS_REGION, "us-west-2"),
        ])
        .unwrap();
        assert_eq!(config.addr.to_string(), "0.0.0.0:8000");
        assert!(!format!("{config:?}").contains("planted-secret"));
        let workspace = config.workspace.unwrap();
        assert_eq!(workspace.write_volume, None);
        assert_eq!(workspace.url, "https://dbc-1.cloud.databricks.com");
        assert_eq!(workspace.zerobus_endpoint.as_deref(), Some("https://42.zerobus.us-west-2.cloud.databricks.com"));
    }
}
