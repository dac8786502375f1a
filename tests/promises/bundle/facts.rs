//! What the platform takes, after the schema of Databricks CLI 1.13 (`bundle/schema/jsonschema.json`) and the documentation of
//! Databricks Apps. Every check answers with what is wrong.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::yaml::Bundle;

const TOP: [&str; 13] = [
    "artifacts",
    "bundle",
    "environments",
    "experimental",
    "include",
    "permissions",
    "presets",
    "resources",
    "run_as",
    "sync",
    "targets",
    "variables",
    "workspace",
];
const BUNDLE: [&str; 6] = ["name", "databricks_cli_version", "engine", "git", "cluster_id", "deployment"];
const APP: [&str; 15] = [
    "budget_policy_id",
    "compute_max_instances",
    "compute_min_instances",
    "compute_size",
    "config",
    "description",
    "forward_user_access_token",
    "git_source",
    "lifecycle",
    "name",
    "permissions",
    "resources",
    "source_code_path",
    "telemetry_export_destinations",
    "user_api_scopes",
];
const TARGET: [&str; 8] = ["bundle", "default", "mode", "permissions", "resources", "sync", "variables", "workspace"];
/// Kinds of resources that the app uses, with what must be in them, and the permissions that there are.
const KINDS: [(&str, &[&str], &[&str]); 3] = [
    ("sql_warehouse", &["id", "permission"], &["CAN_MANAGE", "CAN_USE", "IS_OWNER"]),
    ("secret", &["scope", "key", "permission"], &["READ", "WRITE", "MANAGE"]),
    (
        "uc_securable",
        &["securable_full_name", "securable_type", "permission"],
        &["READ_VOLUME", "WRITE_VOLUME", "SELECT", "EXECUTE", "USE_CONNECTION", "MODIFY"],
    ),
];
const OF_TABLES: [&str; 2] = ["SELECT", "MODIFY"];
const OF_VOLUMES: [&str; 2] = ["READ_VOLUME", "WRITE_VOLUME"];
/// The longest name that an app may have.
const LONGEST_NAME: usize = 30;

/// What is wrong with `app.yaml`; it may name the resources of the bundle.
pub fn of_app_yaml(tree: &Value, bundle: &Bundle) -> Vec<String> {
    let mut wrong = Wrong::default();
    wrong.keys("app.yaml", tree, &["command", "env"]);
    let resources =
        bundle.tree["resources"]["apps"]["direct_write"]["resources"].as_array().cloned().unwrap_or_default();
    let names = resources.iter().filter_map(|resource| resource["name"].as_str().map(str::to_owned)).collect();
    wrong.env(tree, "valueFrom", &names);
    wrong.0
}

/// What is wrong with a bundle, in either of its targets.
pub fn of_bundle(bundle: &Bundle, given: &BTreeMap<String, String>) -> Vec<String> {
    let mut wrong = Wrong::default();
    let tree = &bundle.tree;
    wrong.keys("the bundle", tree, &TOP);
    wrong.keys("bundle", &tree["bundle"], &BUNDLE);
    wrong.variables(tree);
    wrong.targets(tree);
    for target in ["dev", "prod"] {
        wrong.app(tree, &bundle.tree_of_app(target, given), target);
    }
    wrong.0
}

#[derive(Default)]
struct Wrong(Vec<String>);

impl Wrong {
    fn unless(&mut self, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.0.push(words());
        }
    }

    fn keys(&mut self, place: &str, tree: &Value, known: &[&str]) {
        for key in tree.as_object().into_iter().flat_map(|map| map.keys()) {
            self.unless(known.contains(&key.as_str()), || format!("{key} is not a key of {place}"));
        }
    }

    /// Each is declared, described and used.
    fn variables(&mut self, tree: &Value) {
        let text = tree.to_string();
        let declared: BTreeSet<&str> = tree["variables"].as_object().unwrap().keys().map(String::as_str).collect();
        let used: BTreeSet<&str> =
            text.split("${var.").skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect();
        for name in used.difference(&declared) {
            self.0.push(format!("variable {name} is not declared"));
        }
        for name in declared.difference(&used) {
            self.0.push(format!("variable {name} is not used"));
        }
        for (name, variable) in tree["variables"].as_object().unwrap() {
            self.keys(&format!("variable {name}"), variable, &["default", "description", "lookup", "type"]);
            self.unless(variable["description"].is_string(), || format!("variable {name} is not described"));
        }
    }

    fn targets(&mut self, tree: &Value) {
        let targets = tree["targets"].as_object().unwrap();
        let names: Vec<&String> = targets.keys().collect();
        self.unless(names == ["dev", "prod"], || format!("the targets are {names:?}"));
        let defaults = targets.values().filter(|target| target["default"] == true).count();
        self.unless(defaults == 1, || format!("{defaults} targets are the default"));
        for (name, target) in targets {
            self.keys(&format!("target {name}"), target, &TARGET);
            let mode = if name == "dev" { "development" } else { "production" };
            self.unless(target["mode"] == mode, || format!("the mode of {name} is not {mode}"));
        }
    }

    fn app(&mut self, tree: &Value, app: &Value, target: &str) {
        self.keys("an app", app, &APP);
        let name = app["name"].as_str().unwrap_or_default();
        let fits = name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-');
        self.unless(fits && (2..=LONGEST_NAME).contains(&name.len()), || {
            format!("{target}: the name '{name}' is not 2 to {LONGEST_NAME} lowercase letters, digits and hyphens")
        });
        // A bare deploy leaves the app stopped without it, and the terraform engine refuses it.
        self.unless(app["lifecycle"]["started"] == true, || format!("{target}: lifecycle.started is not true"));
        self.unless(tree["bundle"]["engine"] == "direct", || {
            "lifecycle.started needs bundle.engine: direct".to_owned()
        });
        // .gitignore names dist/, and the CLI uploads what is ignored only where sync.include names it.
        let path = app["source_code_path"].as_str().unwrap_or_default().trim_start_matches("./").to_owned();
        let included = tree["sync"]["include"].as_array().into_iter().flatten();
        let uploaded = included.filter_map(Value::as_str).any(|glob| glob == format!("{path}/**"));
        self.unless(uploaded, || format!("{path} is ignored by git, and sync.include does not name it"));

        let resources = app["resources"].as_array().cloned().unwrap_or_default();
        let names = self.resources(&resources);
        self.keys("config", &app["config"], &["command", "env"]);
        self.env(&app["config"], "value_from", &names);
        for permission in app["permissions"].as_array().into_iter().flatten() {
            self.keys("a permission", permission, &["level", "user_name", "group_name", "service_principal_name"]);
            let level = permission["level"].as_str().unwrap_or_default();
            self.unless(["CAN_MANAGE", "CAN_USE"].contains(&level), || format!("'{level}' is no permission of an app"));
        }
        for destination in app["telemetry_export_destinations"].as_array().into_iter().flatten() {
            for table in ["logs_table", "metrics_table", "traces_table"] {
                let name = destination["unity_catalog"][table].as_str().unwrap_or_default();
                self.unless(has_three_parts(name), || format!("{table} '{name}' has not three parts"));
            }
        }
    }

    /// The names of the resources.
    fn resources(&mut self, resources: &[Value]) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        let mut of_tables = BTreeSet::new();
        for resource in resources {
            let name = resource["name"].as_str().unwrap_or_default().to_owned();
            self.unless(!name.is_empty() && names.insert(name.clone()), || format!("the name '{name}' is there twice"));
            let kinds: Vec<_> = KINDS.iter().filter(|(kind, ..)| resource.get(kind).is_some()).collect();
            let [(kind, needed, permissions)] = kinds.as_slice() else {
                self.0.push(format!("{name} is not of exactly one kind"));
                continue;
            };
            let inside = &resource[kind];
            self.keys(kind, inside, needed);
            for key in *needed {
                self.unless(inside[key].is_string(), || format!("{name}: {key} is not one text"));
            }
            let permission = inside["permission"].as_str().unwrap_or_default();
            self.unless(permissions.contains(&permission), || {
                format!("{name}: '{permission}' is no permission of {kind}")
            });
            if *kind == "uc_securable" {
                let of_kind = match inside["securable_type"].as_str() {
                    Some("TABLE") => OF_TABLES,
                    Some("VOLUME") => OF_VOLUMES,
                    other => {
                        self.0.push(format!("{name}: {other:?} is neither TABLE nor VOLUME"));
                        continue;
                    }
                };
                self.unless(of_kind.contains(&permission), || {
                    format!("{name}: permission {permission} is of another kind")
                });
                let full = inside["securable_full_name"].as_str().unwrap_or_default();
                self.unless(has_three_parts(full), || format!("{name}: '{full}' has not three parts"));
                of_tables.insert(permission.to_owned());
            }
        }
        for permission in OF_TABLES {
            self.unless(of_tables.contains(permission), || format!("{permission} on the table is missing"));
        }
        names
    }

    fn env(&mut self, config: &Value, from: &str, resources: &BTreeSet<String>) {
        let mut names = BTreeSet::new();
        for entry in config["env"].as_array().into_iter().flatten() {
            self.keys("env", entry, &["name", "value", from]);
            let name = entry["name"].as_str().unwrap_or_default();
            self.unless(names.insert(name.to_owned()), || format!("{name} is set twice"));
            // Numbers and true or false would be refused: a value is a text.
            let value = entry.get("value").is_some_and(|value| value.as_str().is_some_and(|text| !text.is_empty()));
            let source = entry.get(from).and_then(Value::as_str);
            self.unless(value != source.is_some(), || format!("{name} has not exactly one of value and {from}"));
            if let Some(source) = source {
                self.unless(resources.contains(source), || format!("{name}: {source} names no resource"));
            }
            let injected =
                ["DATABRICKS_HOST", "DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_APP_PORT"];
            self.unless(!injected.contains(&name), || format!("{name} is the platform's to set"));
        }
        let command = config["command"].as_array().cloned().unwrap_or_default();
        self.unless(!command.is_empty() && command.iter().all(Value::is_string), || {
            "command is not a list of words".to_owned()
        });
    }
}

fn has_three_parts(name: &str) -> bool {
    let parts: Vec<&str> = name.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| !part.is_empty())
}
