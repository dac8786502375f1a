//! The README's way to Databricks Apps, read as it is written: what a person would paste is what is run here.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// What the app's principal needs, for tests that do not follow the README.
pub const GRANTS: [&str; 3] = [
    "GRANT USE CATALOG ON CATALOG main TO `{}`",
    "GRANT USE SCHEMA ON SCHEMA main.direct_write TO `{}`",
    "GRANT SELECT, MODIFY ON TABLE main.direct_write.products TO `{}`",
];

const HEADING: &str = "### Deploy to Databricks Apps";

/// The blocks of the chapter, in their order.
pub struct Tutorial {
    create: String,
    grants: String,
    configure: String,
    deploy: String,
    signed_in: String,
    requests: String,
    select: String,
}

impl Tutorial {
    /// Reads the chapter. Blocks that were added, taken away or turned round do not go unnoticed.
    pub fn read() -> Self {
        let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
        let chapter = readme.split_once(HEADING).expect("the README has the chapter").1;
        let chapter = chapter.split("\n## ").next().unwrap().split("\n### ").next().unwrap();
        let mut blocks = Vec::new();
        let mut rest = chapter;
        while let Some((_, after)) = rest.split_once("\n```") {
            let (block, behind) = after.split_once("\n```").expect("the block ends");
            let (language, text) = block.split_once('\n').unwrap();
            blocks.push((language.to_owned(), text.to_owned()));
            rest = behind;
        }
        let languages: Vec<&str> = blocks.iter().map(|(language, _)| language.as_str()).collect();
        assert_eq!(languages, ["sh", "sql", "sh", "sh", "sh", "sh", "sql"], "the blocks of the chapter");
        let mut texts = blocks.into_iter().map(|(_, text)| text);
        let mut next = || texts.next().unwrap();
        let tutorial = Self {
            create: next(),
            grants: next(),
            configure: next(),
            deploy: next(),
            signed_in: next(),
            requests: next(),
            select: next(),
        };
        tutorial.check_what_the_platform_does();
        tutorial
    }

    /// What only a workspace's own tools can do is not run here, but it has to be there.
    fn check_what_the_platform_does(&self) {
        for (block, words) in [
            (&self.create, "databricks apps create direct-write"),
            (&self.create, "service_principal_client_id"),
            (&self.deploy, "make package\n"),
            (&self.deploy, "databricks bundle deployment bind direct_write direct-write"),
            (&self.deploy, "databricks bundle deploy"),
            (&self.signed_in, "export APP_URL="),
            (&self.signed_in, "export TOKEN="),
        ] {
            assert!(block.contains(words), "{words} in\n{block}");
        }
    }

    /// Table and grants for the app's principal.
    pub fn grants(&self, client_id: &str) -> Vec<String> {
        assert!(self.grants.contains("<principal>"), "{}", self.grants);
        let text = self.grants.replace("<principal>", client_id);
        text.split(';').map(str::trim).filter(|statement| !statement.is_empty()).map(str::to_owned).collect()
    }

    /// The variables of the bundle that are exported.
    pub fn exports(&self) -> BTreeMap<String, String> {
        let lines = self.configure.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| {
                let (name, value) =
                    line.strip_prefix("export BUNDLE_VAR_").and_then(|rest| rest.split_once('=')).expect(line);
                (name.to_owned(), value.split_whitespace().next().unwrap_or_default().to_owned())
            })
            .collect()
    }

    /// The target that is deployed.
    pub fn target(&self) -> &str {
        let line = self.deploy.lines().find(|line| line.starts_with("databricks bundle deploy ")).unwrap();
        line.split("--target ").nth(1).unwrap().split_whitespace().next().unwrap()
    }

    /// Runs the requests in a shell, and reads what they answer.
    pub async fn run_requests(&self, app: &str, token: &str) -> Vec<Value> {
        let mut shell = Command::new("bash");
        shell.args(["-euo", "pipefail", "-c", &self.requests]);
        shell.env("APP_URL", app).env("TOKEN", token).env("NO_PROXY", "*").env("no_proxy", "*").stdin(Stdio::null());
        let output = tokio::task::spawn_blocking(move || shell.output().unwrap()).await.unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
        let answers = serde_json::Deserializer::from_str(&said).into_iter();
        answers.map(|answer| answer.expect(&said)).collect()
    }

    /// The last look.
    pub fn select(&self) -> String {
        self.select.trim().trim_end_matches(';').to_owned()
    }
}
