//! Reads the bundle as the CLI does: overlays are merged, targets go over the whole, variables are put in.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value};

/// A file of the project.
pub fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    serde_yaml_ng::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// Where a setting of the app comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// It is there.
    Value(String),
    /// It is that of the resource of this name.
    From(String),
}

impl Entry {
    pub fn text(&self) -> &str {
        match self {
            Self::Value(text) | Self::From(text) => text,
        }
    }

    fn of(entry: &Value, from: &str) -> (String, Self) {
        let text = |key: &str| entry.get(key).map(|value| value.as_str().unwrap_or_default().to_owned());
        let value = text("value").map(Self::Value).or_else(|| text(from).map(Self::From));
        (text("name").unwrap_or_default(), value.unwrap_or(Self::Value(String::new())))
    }
}

/// What is run, and with which settings.
pub struct App {
    pub command: Vec<String>,
    pub env: BTreeMap<String, Entry>,
}

impl App {
    /// As `app.yaml` says it.
    pub fn of_app_yaml(app: &Value) -> Self {
        Self::of(app, "valueFrom")
    }

    fn of(app: &Value, from: &str) -> Self {
        let list = |key: &str| app[key].as_array().cloned().unwrap_or_default();
        Self {
            command: list("command").iter().map(|word| word.as_str().unwrap().to_owned()).collect(),
            env: list("env").iter().map(|entry| Entry::of(entry, from)).collect(),
        }
    }
}

/// A bundle, before a target was chosen.
pub struct Bundle {
    pub tree: Value,
}

impl Bundle {
    /// `databricks.yml` with these overlays.
    pub fn read(overlays: &[&str]) -> Self {
        let mut tree = file("databricks.yml");
        overlays.iter().for_each(|overlay| merge(&mut tree, file(overlay)));
        Self { tree }
    }

    /// The variables, by name: their default for a target, or what is given.
    pub fn variables(&self, target: &str, given: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut values = BTreeMap::new();
        for (name, variable) in self.tree["variables"].as_object().unwrap() {
            let of_target = &self.tree["targets"][target]["variables"][name];
            let default = of_target.as_str().or_else(|| variable["default"].as_str()).map(str::to_owned);
            if let Some(value) = given.get(name).cloned().or(default) {
                values.insert(name.clone(), value);
            }
        }
        values
    }

    /// Everything for a target, without variables put in.
    pub fn merged(&self, target: &str) -> Value {
        let mut tree = self.tree.clone();
        let overrides = self.tree["targets"][target]["resources"].clone();
        if !overrides.is_null() {
            merge(&mut tree["resources"], overrides);
        }
        tree
    }

    /// The app of a target with variables put in.
    pub fn tree_of_app(&self, target: &str, given: &BTreeMap<String, String>) -> Value {
        let mut app = self.merged(target)["resources"]["apps"]["direct_write"].clone();
        put_in(&mut app, &self.variables(target, given));
        app
    }

    /// What the app of a target runs.
    pub fn app(&self, target: &str, given: &BTreeMap<String, String>) -> App {
        App::of(&self.tree_of_app(target, given)["config"], "value_from")
    }
}

/// As the CLI merges: maps key by key, lists one after the other.
fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (Value::Array(into), Value::Array(more)) => into.extend(more),
        (into, more) => *into = more,
    }
}

/// Puts variables where `${var.name}` stands; others stay.
fn put_in(tree: &mut Value, variables: &BTreeMap<String, String>) {
    match tree {
        Value::String(text) => {
            for (name, value) in variables {
                *text = text.replace(&format!("${{var.{name}}}"), value);
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|one| put_in(one, variables)),
        Value::Object(map) => Map::values_mut(map).for_each(|one| put_in(one, variables)),
        _ => (),
    }
}
