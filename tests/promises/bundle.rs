//! What Databricks Apps is told: `app.yaml` and the bundle agree, and neither says what the platform does not take.
//!
//! The facts are those of the bundle schema of Databricks CLI 1.13; they are written here as checks, each with what goes wrong without it.

mod facts;
mod yaml;

use std::collections::BTreeMap;

use serde_json::Value;

pub use yaml::{App, Bundle, Entry, file};

/// The values of the variables that have no default.
pub fn given() -> BTreeMap<String, String> {
    [("warehouse_id", "0123456789abcdef"), ("zerobus_endpoint", "https://z"), ("collector", "https://c")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
}

/// The app's part of a bundle.
fn app(bundle: &mut Value) -> &mut Value {
    &mut bundle["resources"]["apps"]["direct_write"]
}

const OVERLAYS: [&str; 2] = ["bundle/endpoint.yml", "bundle/collector.yml"];

/// The bundle as it comes, and with each overlay.
fn bundles() -> Vec<(String, Bundle)> {
    let plain = [("databricks.yml".to_owned(), Bundle::read(&[]))];
    let more = OVERLAYS.map(|overlay| (overlay.to_owned(), Bundle::read(&[overlay])));
    let all = [("all overlays".to_owned(), Bundle::read(&OVERLAYS))];
    plain.into_iter().chain(more).chain(all).collect()
}

#[test]
fn app_yaml_and_the_bundle_say_the_same() {
    let by_hand = App::of_app_yaml(&file("app.yaml"));
    for target in ["dev", "prod"] {
        let bundled = Bundle::read(&[]).app(target, &given());
        assert_eq!(by_hand.command, bundled.command, "{target}");
        for (name, entry) in &by_hand.env {
            assert_eq!(bundled.env.get(name), Some(entry), "{target}: {name}");
        }
    }
    let dev = Bundle::read(&[]).app("dev", &given());
    assert_eq!(by_hand.env.len(), dev.env.len(), "dev says nothing that app.yaml does not");
    let only_in_prod: Vec<_> = Bundle::read(&[])
        .app("prod", &given())
        .env
        .into_keys()
        .filter(|name| !by_hand.env.contains_key(name))
        .collect();
    assert_eq!(only_in_prod, ["DIRECT_WRITE_VOLUME"]);
}

#[test]
fn the_server_knows_every_setting_and_reads_it() {
    for (of, bundle) in bundles() {
        for target in ["dev", "prod"] {
            let app = bundle.app(target, &given());
            let known = ["DATABRICKS_", "DIRECT_WRITE_", "LEPTOS_HASH_FILES", "OTEL_EXPORTER_OTLP_"];
            for name in app.env.keys() {
                assert!(known.iter().any(|known| name.starts_with(known)), "{of}, {target}: {name}");
            }
            let mut environment: BTreeMap<&str, &str> = app.env.iter().map(|(k, v)| (k.as_str(), v.text())).collect();
            environment.extend([
                ("DATABRICKS_APP_NAME", "direct-write"),
                ("DATABRICKS_APP_PORT", "8000"),
                ("DATABRICKS_HOST", "dbc-1.cloud.databricks.com"),
                ("DATABRICKS_WORKSPACE_ID", "42"),
                ("DATABRICKS_CLIENT_ID", "me"),
                ("DATABRICKS_CLIENT_SECRET", "planted"),
            ]);
            let config = direct_write::server::config::Config::load(&environment).unwrap();
            assert!(config.hash_files, "{of}, {target}");
            assert_eq!(config.addr.to_string(), "0.0.0.0:8000");
            let workspace = config.workspace.unwrap();
            assert!(workspace.zerobus_endpoint.is_some() && workspace.warehouse_id.is_some(), "{of}, {target}");
            assert_eq!(workspace.write_volume.is_some(), target == "prod", "{of}, {target}");
        }
    }
}

#[test]
fn nothing_is_there_that_the_platform_does_not_take() {
    let app_yaml = facts::of_app_yaml(&file("app.yaml"), &Bundle::read(&[]));
    assert!(app_yaml.is_empty(), "app.yaml: {app_yaml:#?}");
    for (of, bundle) in bundles() {
        let problems = facts::of_bundle(&bundle, &given());
        assert!(problems.is_empty(), "{of}: {problems:#?}");
    }
}

#[test]
fn each_fact_is_missed_where_it_is_broken() {
    type Break = (&'static str, fn(&mut Value));
    let breaks: [Break; 14] = [
        ("valueFrom", |b| {
            app(b)["config"]["env"][0] =
                serde_json::json!({ "name": "DATABRICKS_WAREHOUSE_ID", "valueFrom": "warehouse" });
        }),
        ("names no resource", |b| {
            app(b)["config"]["env"][0]["value_from"] = "house".into();
        }),
        ("permission", |b| {
            app(b)["resources"][1]["uc_securable"]["permission"] = "ALL".into();
        }),
        ("permission", |b| {
            app(b)["resources"][1]["uc_securable"]["permission"] = serde_json::json!(["SELECT", "MODIFY"]);
        }),
        ("permission", |b| {
            app(b)["resources"][0]["sql_warehouse"]["permission"] = "CAN_RUN".into();
        }),
        ("MODIFY", |b| {
            app(b)["resources"].as_array_mut().unwrap().remove(2);
        }),
        ("name", |b| {
            app(b)["resources"][2]["name"] = "table-read".into();
        }),
        ("three parts", |b| {
            app(b)["resources"][1]["uc_securable"]["securable_full_name"] = "a.b".into();
        }),
        ("started", |b| {
            app(b).as_object_mut().unwrap().remove("lifecycle");
        }),
        ("engine", |b| {
            b["bundle"].as_object_mut().unwrap().remove("engine");
        }),
        ("is not a key", |b| app(b)["telemetry"] = true.into()),
        ("is not declared", |b| {
            app(b)["description"] = "${var.nothing}".into();
        }),
        ("ignored", |b| {
            b.as_object_mut().unwrap().remove("sync");
        }),
        ("lowercase", |b| b["variables"]["app_name"]["default"] = "Direct_Write".into()),
    ];
    for (word, break_it) in breaks {
        let mut bundle = Bundle::read(&[]);
        break_it(&mut bundle.tree);
        let problems = facts::of_bundle(&bundle, &given());
        assert!(problems.iter().any(|problem| problem.contains(word)), "{word}: {problems:#?}");
    }
}
