//! What the doctor is told of the settings: those that cannot be used, with lines that would be right.

use super::config::{
    Config, ConfigError, ENV_ADDR, ENV_ADMINISTRATORS, ENV_APP_PORT, ENV_COMMIT_INTERVAL, ENV_DATA_DIR,
    ENV_LAKEHOUSE_ADDR, ENV_LOG_BYTES, ENV_RUNNERS, ENV_SEGMENT_BYTES, ENV_STREAM_ROTATION, ENV_TABLE, ENV_VOLUME,
    ENV_WORKSPACE_ID, Strings,
};
use crate::doctor::{Proxies, SettingProblem, Surroundings};

/// What stands around the program, from its settings and from how reading them ended.
pub fn surroundings(strings: &dyn Strings, loaded: Result<&Config, &ConfigError>) -> Surroundings {
    let problems = loaded.err().map(|ConfigError(sentences)| sentences.iter());
    let problems = problems.into_iter().flatten().map(|words| problem(strings, words)).collect();
    let told = strings.get(ENV_DATA_DIR).unwrap_or_else(|| "data".to_owned()).into();
    Surroundings {
        problems,
        proxies: Proxies::read(|name| strings.get(name)),
        data_dir: Some(loaded.map_or(told, |config| config.data_dir.clone())),
        history_problem: None,
        workspace_id: strings.get(ENV_WORKSPACE_ID),
    }
}

/// A sentence of [`ConfigError`] begins with the settings that it is about.
fn problem(strings: &dyn Strings, words: &str) -> SettingProblem {
    let missing = words.split_once(" is set but ").and_then(|(_, rest)| rest.split_once(" is not"));
    let paste = match missing {
        Some((missing, _)) => {
            let lines: Vec<String> = missing.split(" and ").map(|name| format!("{name}={}", example(name))).collect();
            lines.join("\n")
        }
        None => {
            let name = words.split([' ', ':']).next().unwrap_or_default();
            format!("{name}={}", repaired(name, &strings.get(name).unwrap_or_default()))
        }
    };
    SettingProblem { words: words.to_owned(), paste }
}

/// A value that can be used, as near to what was written as can be.
fn repaired(name: &str, written: &str) -> String {
    if name != ENV_TABLE && name != ENV_VOLUME {
        return example(name).to_owned();
    }
    let plain = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let parts: Vec<&str> = written
        .trim_start_matches("/Volumes/")
        .split(|letter: char| !plain(letter))
        .filter(|part| !part.is_empty())
        .collect();
    match parts[..] {
        [table] => format!("main.direct_write.{table}"),
        [schema, table] => format!("main.{schema}.{table}"),
        [catalog, schema, table] => format!("{catalog}.{schema}.{table}"),
        _ => example(name).to_owned(),
    }
}

fn example(name: &str) -> &'static str {
    match name {
        ENV_ADDR => "127.0.0.1:3000",
        ENV_APP_PORT => "8000",
        ENV_LAKEHOUSE_ADDR => "127.0.0.1:7077",
        ENV_COMMIT_INTERVAL => "1s",
        ENV_SEGMENT_BYTES => "67108864",
        ENV_LOG_BYTES => "4294967296",
        ENV_STREAM_ROTATION => "15m",
        ENV_TABLE => "main.direct_write.products",
        ENV_VOLUME => "main.direct_write.landing",
        ENV_RUNNERS | ENV_ADMINISTRATORS => "<e-mail addresses and group:<name>, separated by commas>",
        "DATABRICKS_HOST" => "https://<your workspace>.cloud.databricks.com",
        "DATABRICKS_CLIENT_ID" => "<client id of the service principal>",
        "DATABRICKS_CLIENT_SECRET" => "<its secret>",
        _ => "<a value that can be used>",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn every_bad_setting_comes_with_a_line_that_would_be_right() {
        let lines = |pairs: &[(&'static str, &'static str)]| {
            let strings: BTreeMap<&str, &str> = pairs.iter().copied().collect();
            let error = Config::load(&strings).unwrap_err();
            let problems = surroundings(&strings, Err(&error)).problems;
            problems.into_iter().map(|problem| problem.paste).collect::<Vec<_>>()
        };
        assert_eq!(
            lines(&[(ENV_ADDR, "here"), (ENV_TABLE, "sales.orders"), (ENV_VOLUME, "/Volumes/a/b/c")]),
            ["DIRECT_WRITE_ADDR=127.0.0.1:3000", "DIRECT_WRITE_TABLE=main.sales.orders", "DIRECT_WRITE_VOLUME=a.b.c"]
        );
        assert_eq!(
            lines(&[("DATABRICKS_HOST", "h")]),
            ["DATABRICKS_CLIENT_ID=<client id of the service principal>\nDATABRICKS_CLIENT_SECRET=<its secret>"]
        );
    }
}
