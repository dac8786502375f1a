//! A lakehouse with its weather, a principal with exactly the grants it needs, and the settings that lead there: everything
//! is well until something is staged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use direct_write::doctor::{Examination, Surroundings};
use direct_write::engine::History;
use direct_write::lakehouse::{Forecast, LakehouseOptions, Weather};
use direct_write::model::doctor::{Advice, CheckState, DoctorReport, PasteKind};
use direct_write::server::config::{Config, Strings};
use direct_write::server::surroundings::surroundings;
use direct_write::workspace::WorkspaceConfig;
use reqwest::Method;
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::{failed, paste};
use crate::support::RunningLakehouse;
use crate::support::caller::Caller;

pub const PRODUCTS: &str = "main.direct_write.products";
pub const LANDING: &str = "main.direct_write.landing";
const GRANTS: [&str; 5] = [
    "GRANT USE CATALOG ON CATALOG main TO {}",
    "GRANT USE SCHEMA ON SCHEMA main.direct_write TO {}",
    "GRANT SELECT, MODIFY ON TABLE main.direct_write.products TO {}",
    "GRANT READ VOLUME, WRITE VOLUME ON VOLUME main.direct_write.landing TO {}",
    "GRANT SELECT, MODIFY ON TABLE main.direct_write.telemetry TO {}",
];

/// Settings as a shell or an app's configuration would have them.
#[derive(Clone, Default)]
pub struct Settings(pub BTreeMap<String, String>);

impl Strings for Settings {
    fn get(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned()
    }
}

pub struct Ward {
    pub settings: Settings,
    pub admin: Caller,
    /// The principal that the settings name.
    pub app: Caller,
    weather: Weather,
    lakehouse: Option<RunningLakehouse>,
    addr: SocketAddr,
    data: TempDir,
    /// Where the program would keep its own things.
    pub kept: TempDir,
    /// What was staged, which check failed, and what was pasted.
    sheet: Vec<(String, String, String)>,
}

impl Ward {
    pub async fn open() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (data, kept) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let weather = Weather::changeable();
        let options = LakehouseOptions { weather: weather.clone(), ..LakehouseOptions::default() };
        let lakehouse = RunningLakehouse::start_with(data.path(), "127.0.0.1:0", options).await;
        let admin = Caller::administrator(&lakehouse).await;
        let app = admin.create("app").await;
        let ward = Self {
            settings: Settings::default(),
            addr: lakehouse.addr,
            lakehouse: Some(lakehouse),
            admin,
            app,
            weather,
            data,
            kept,
            sheet: Vec::new(),
        };
        for grant in GRANTS {
            ward.run(grant).await;
        }
        let settings = ward.good_settings();
        Self { settings, ..ward }
    }

    /// The settings with which everything is well.
    pub fn good_settings(&self) -> Settings {
        let url = self.url();
        let pairs = [
            ("DATABRICKS_HOST", url.clone()),
            ("DATABRICKS_CLIENT_ID", self.app.client_id.clone()),
            ("DATABRICKS_CLIENT_SECRET", self.app.client_secret.expose_secret().to_owned()),
            ("DATABRICKS_WAREHOUSE_ID", "local".to_owned()),
            ("DIRECT_WRITE_ZEROBUS_ENDPOINT", url),
            ("DIRECT_WRITE_TABLE", PRODUCTS.to_owned()),
            ("DIRECT_WRITE_VOLUME", LANDING.to_owned()),
            ("DIRECT_WRITE_DATA_DIR", self.kept.path().display().to_string()),
        ];
        Settings(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.0.insert(name.to_owned(), value.into());
    }

    pub fn unset(&mut self, name: &str) {
        self.settings.0.remove(name);
    }

    /// Runs a statement as the administrator; `{}` in it is the app's principal.
    pub async fn run(&self, statement: &str) {
        self.admin.rows(&statement.replace("{}", &format!("`{}`", self.app.client_id))).await;
    }

    pub fn forecast(&self, forecast: Forecast) {
        self.weather.set("*", Some(forecast));
    }

    pub async fn stop_lakehouse(&mut self) {
        self.lakehouse.take().unwrap().stop().await;
    }

    async fn start_lakehouse(&mut self, addr: &str) {
        let options = LakehouseOptions { weather: self.weather.clone(), ..LakehouseOptions::default() };
        self.lakehouse = Some(RunningLakehouse::start_with(self.data.path(), addr, options).await);
    }

    /// Reads the settings anew, as a start does, and makes the checks.
    pub async fn examine(&self) -> DoctorReport {
        let loaded = Config::load(&self.settings);
        let mut around: Surroundings = surroundings(&self.settings, loaded.as_ref());
        if let Ok(config) = &loaded {
            around.history_problem = History::open(&config.data_dir).await.problem().map(ToString::to_string);
        }
        // Whatever proxies this machine's own environment has, the tests' addresses are on it; staged proxies are in the map.
        let proxied = self.settings.0.keys().any(|name| name.to_lowercase().ends_with("_proxy"));
        let workspace = loaded.ok().and_then(|config| config.workspace);
        let workspace = workspace.map(|workspace| WorkspaceConfig { local: !proxied, ..workspace });
        Examination { writes: true, ..Examination::of(workspace, around) }.make(|_| ()).await
    }

    /// Expects these checks to fail, the first with this to paste; pastes it, and expects everything to be well. `answers` are
    /// what stands for `<...>` where only the reader can know.
    pub async fn heals(&mut self, staged: &str, checks: &[&str], expected: &str, answers: &[(&str, &str)]) {
        let report = self.examine().await;
        assert_eq!(failed(&report), checks, "{staged}: {report:#?}");
        let check = report.check(checks[0]).unwrap();
        assert_eq!(paste(check), expected, "{staged}: {check:#?}");
        let advice = check.advice.clone().unwrap();
        self.apply(&advice, answers).await;
        let report = self.examine().await;
        assert!(failed(&report).is_empty(), "{staged}, after {expected}: {report:#?}");
        assert_eq!(report.check(checks[0]).unwrap().state, CheckState::Passed, "{staged}: {report:#?}");
        self.note(staged, checks[0], expected);
    }

    /// The same for a check that passes with a warning.
    pub async fn soothes(&mut self, staged: &str, check: &str, expected: &str) {
        let report = self.examine().await;
        assert!(failed(&report).is_empty(), "{staged}: {report:#?}");
        let found = report.check(check).unwrap();
        assert_eq!((found.state, paste(found)), (CheckState::Warned, expected), "{staged}: {found:#?}");
        self.apply(&found.advice.clone().unwrap(), &[]).await;
        let report = self.examine().await;
        assert_eq!(report.check(check).unwrap().state, CheckState::Passed, "{staged}: {report:#?}");
        self.note(staged, check, expected);
    }

    pub fn note(&mut self, staged: &str, check: &str, pasted: &str) {
        let first = pasted.lines().next().unwrap_or_default();
        let pasted = if pasted.lines().count() > 1 { format!("{first} ...") } else { first.to_owned() };
        self.sheet.push((staged.to_owned(), check.to_owned(), pasted));
    }

    /// Does what an advice says, as its reader would.
    pub async fn apply(&mut self, advice: &Advice, answers: &[(&str, &str)]) {
        let text = advice.paste.clone().unwrap();
        match advice.paste_kind.unwrap() {
            PasteKind::Sql => {
                for statement in text.split_inclusive(';').map(str::trim).filter(|one| !one.is_empty()) {
                    self.admin.rows(statement).await;
                }
                // Some statements make another table, and the words say which setting goes with it.
                let setting = advice.words.split_once("set DIRECT_WRITE_TABLE=").map(|(_, rest)| rest);
                if let Some(table) = setting {
                    self.set("DIRECT_WRITE_TABLE", table.trim_end_matches('.'));
                }
            }
            PasteKind::Setting => {
                for line in text.lines() {
                    let (name, value) = line.split_once('=').unwrap();
                    let answer = answers.iter().find(|(one, _)| *one == name).map(|(_, answer)| *answer);
                    let value = if value.contains('<') { answer.expect("a placeholder has an answer") } else { value };
                    self.set(name, value);
                }
            }
            PasteKind::Command => self.execute(&text).await,
        }
    }

    /// What a command would do, for those whose tool is not here; the others are run.
    async fn execute(&mut self, command: &str) {
        if let Some(addr) = command.strip_prefix("direct-write lakehouse --addr ") {
            self.start_lakehouse(addr).await;
        } else if let Some(id) = command.strip_prefix("databricks warehouses start ") {
            let path = format!("/api/2.0/sql/warehouses/{id}/start");
            assert_eq!(self.admin.send(Method::POST, &path, None).await.0, 200);
        } else if command == "eval \"$(direct-write env)\"" {
            let (id, secret) = (self.admin.client_id.clone(), self.admin.client_secret.expose_secret().to_owned());
            self.set("DATABRICKS_CLIENT_ID", id);
            self.set("DATABRICKS_CLIENT_SECRET", secret);
        } else if command.starts_with("mv ") {
            assert!(Command::new("sh").args(["-c", command]).status().unwrap().success(), "{command}");
        } else {
            // The others make somebody else act: an administrator, the network, time. That is the weather's clearing up.
            let others = ["sudo timedatectl ", "databricks ", "direct-write doctor", "curl "];
            assert!(others.iter().any(|one| command.starts_with(one)), "{command}");
            self.weather.set("*", None);
        }
    }

    /// Prints what was staged, and ends.
    pub async fn close(mut self, at_least: usize) {
        let width = self.sheet.iter().map(|(staged, ..)| staged.chars().count()).max().unwrap_or_default();
        println!("{:<width$}  {:<13} pasted", "staged", "failed");
        for (staged, check, pasted) in &self.sheet {
            println!("{staged:<width$}  {check:<13} {pasted}");
        }
        assert!(self.sheet.len() >= at_least, "{} were staged", self.sheet.len());
        if let Some(lakehouse) = self.lakehouse.take() {
            lakehouse.stop().await;
        }
    }

    /// Where the lakehouse of the ward keeps its tables.
    pub fn kept_file(&self, name: &str) -> PathBuf {
        self.kept.path().join(name)
    }
}
