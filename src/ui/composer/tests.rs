//! What is typed and what is planned are the same thing, and what is wrong is said at its field.

use serde_json::{Value, json};

use super::draw::parts;
use super::fields::id_of;
use super::form::Form;
use super::sheet::{Sheet, Uploaded};
use super::summary::{news, sentence};
use crate::engine::plan_file;
use crate::model::example::telemetry;
use crate::model::{
    EdgeError, FieldError, FieldMapping, FileFormat, FilePreview, Plan, PlanPreview, SourceKind, TableInfo, TableName,
    Upload, WorkbenchInfo, WorkspaceBadge, WriterCard, WriterKind, WriterState,
};

const UPLOAD: &str = "0190f3a2-0000-7000-8000-000000000001";

fn cards() -> Vec<WriterCard> {
    let state = |kind| match kind {
        WriterKind::CopyInto => {
            WriterState::Unavailable { reason: "DIRECT_WRITE_VOLUME is not set.".into(), remedy: "Set it.".into() }
        }
        _ => WriterState::Ready,
    };
    WriterKind::ALL.into_iter().map(|kind| WriterCard { kind, state: state(kind) }).collect()
}

fn table(name: &str, columns: &[(&str, &str)]) -> TableInfo {
    TableInfo { name: TableName::parse(name).unwrap(), ..TableInfo::of_types(columns) }
}

fn info() -> WorkbenchInfo {
    WorkbenchInfo {
        asked: None,
        workspace: WorkspaceBadge {
            name: "Local".into(),
            local: true,
            url: "http://a".into(),
            principal: String::new(),
        },
        writers: cards(),
        tables: vec![telemetry(), table("main.other.events", &[("a", "string")])],
        problem: None,
    }
}

fn sheet(form: Form) -> Sheet {
    Sheet {
        info: info(),
        form,
        errors: Vec::new(),
        problem: None,
        uploaded: None,
        focus: String::new(),
        news: PlanPreview::default(),
    }
}

/// What is typed, the field that has the error, and the rule.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

fn plan(change: impl FnOnce(&mut Value)) -> Plan {
    let mut plan = json!({
        "table": "main.direct_write.telemetry",
        "source": {"kind": "telemetry", "records": 100},
        "writer": [{"kind": "zerobus"}],
    });
    change(&mut plan);
    serde_json::from_value(plan).unwrap()
}

fn fresh() -> Form {
    Form::fresh(Some(&info().tables[0].name), &cards())
}

fn paths(form: &Form) -> Vec<(String, String)> {
    let errors = form.plan(SourceKind::Telemetry).unwrap_err();
    errors.into_iter().map(|error| (error.path, error.rule)).collect()
}

/// What a browser would send for a form that was drawn.
fn sent(html: &str) -> Form {
    let attribute = |tag: &str, name: &str| -> Option<String> {
        let rest = tag.split_once(&format!(" {name}=\""))?.1;
        Some(
            rest.split_once('"')?
                .0
                .replace("&quot;", "\"")
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#39;", "'")
                .replace("&amp;", "&"),
        )
    };
    let mut pairs = Vec::new();
    let mut select = None;
    for piece in html.split('<').skip(1) {
        let (tag, text) = piece.split_once('>').unwrap();
        let has = |word: &str| tag.contains(&format!(" {word}=\"\""));
        match tag.split([' ', '>']).next().unwrap() {
            "input" => {
                let kind = attribute(tag, "type").unwrap();
                let is_sent = !matches!(kind.as_str(), "radio" | "checkbox") || has("checked");
                let value = attribute(tag, "value").unwrap_or_else(|| "on".into());
                pairs.extend(is_sent.then(|| (attribute(tag, "name").unwrap(), value)));
            }
            "select" => select = attribute(tag, "name").map(|name| (name, None)),
            "option" => {
                if let Some((_, value)) = &mut select
                    && (value.is_none() || has("selected"))
                {
                    *value = attribute(tag, "value");
                }
            }
            "/select" => pairs.extend(select.take().and_then(|(name, value)| Some((name, value?)))),
            "textarea" => {
                let text =
                    text.trim_start_matches('\n').replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
                pairs.push((attribute(tag, "name").unwrap(), text));
            }
            _ => {}
        }
    }
    pairs.into_iter().collect()
}

#[test]
fn a_fresh_form_is_good_for_one_click() {
    let plan = fresh().plan(SourceKind::Telemetry).unwrap();
    let spec = plan.check().unwrap();
    let labels: Vec<&str> = spec.writers.iter().map(|(label, _)| label.as_str()).collect();
    assert_eq!(labels, ["zerobus", "zerobus-rest", "sql json-parameter"], "copy-into is not configured");
    assert_eq!(sentence(&plan), "20\u{2009}000 records through 3 writers, one after the other");
    assert_eq!(plan.thresholds.len(), 2);
    let told = news(&fresh(), &info().tables);
    assert_eq!(plan_file::from_toml(&told.plan).unwrap(), plan);
}

#[test]
fn plans_go_into_the_form_and_come_out_as_they_were() {
    let plans = [
        plan(|_| ()),
        plan(|plan| {
            plan["name"] = json!("a <b> & \"c\"");
            plan["order"] = json!("parallel");
            plan["source"] = json!({
                "kind": "products", "seed": 7, "duration": "30s", "rate": {"from": 0.5, "to": 1000.25, "over": "10s"},
                "record_bytes": 300, "keys": 5, "key_skew": 1.1, "bad": 0.01, "duplicates": 0.07,
            });
            plan["writer"] = json!([
                {"kind": "sql", "mode": "single-row"},
                {"kind": "zerobus", "encoding": "arrow", "streams": 4, "batch": 10, "in_flight": 3},
                {"kind": "sql", "mode": "values-literals", "batch": 20},
                {"kind": "zerobus-rest"},
                {"kind": "zerobus", "encoding": "json"},
            ]);
            plan["thresholds"] = json!({"durable.p99": "< 500ms", "errors": "== 0", "rows_per_s": ">= 5k"});
            plan["check"] = json!({"every": "0s", "patience": "5m"});
        }),
        plan(|plan| plan["source"]["rate"] = json!({"burst": 500, "every": "5s"})),
        plan(|plan| plan["source"] = json!({"kind": "columns", "records": 1, "rate": 2.5, "seed": u32::MAX})),
    ];
    for plan in plans {
        let form = Form::of(&plan, &cards());
        assert_eq!(form.plan(SourceKind::Columns).as_ref(), Ok(&plan));
        let through_the_browser = sent(&parts(&sheet(form)));
        assert_eq!(through_the_browser.plan(SourceKind::Columns).as_ref(), Ok(&plan));
    }
}

#[test]
fn an_uploads_plan_has_its_mapping() {
    let uploaded = plan(|plan| {
        plan["source"] = json!({"kind": "file", "upload": UPLOAD, "map": {"Device \"ID\"": "device_id", "x": ""}});
    });
    let mut form = Form::of(&uploaded, &cards());
    assert_eq!(form.plan(SourceKind::Columns).as_ref(), Ok(&uploaded));
    form.set("map.site", "site");
    assert_eq!(form.plan(SourceKind::Columns).as_ref(), Ok(&uploaded), "the same name needs no entry");

    let field = |field: &str| FieldMapping { field: field.into(), column: None, sample: "1".into() };
    let mut sheet = sheet(form.clone());
    sheet.uploaded = Some(Uploaded {
        upload: Upload { id: UPLOAD.into(), name: "devices.csv".into(), bytes: 3 },
        preview: FilePreview {
            format: FileFormat::Csv,
            fields: vec![field("Device \"ID\""), field("x"), field("site")],
            missing_columns: vec!["unit".into()],
            rows: vec![json!({"device_id": "a", "value": 1.5}).as_object().cloned().unwrap()],
            records: 3,
            bad: 1,
            errors: vec![FieldError::new("line 3.value", "type", "This must be a number.", Some(&json!("<x>")))],
        },
    });
    let html = parts(&sheet);
    assert_eq!(sent(&html).plan(SourceKind::Columns).as_ref(), Ok(&uploaded));
    for words in ["1 of 3 records break a rule", "line 3.value", "&quot;&lt;x&gt;&quot;", "No field goes to unit"] {
        assert!(html.contains(words), "{words}");
    }
    form.set("mapped", "main.other.events");
    assert_eq!(paths(&form), [("table".to_owned(), "mapping".to_owned())]);
}

#[test]
fn every_error_lands_at_its_field() {
    let cases: &[Case<'_>] = &[
        (&[("table", "")], "table", "required"),
        (&[("table", "products")], "table", "type"),
        (&[("source.kind", "magic")], "source.kind", "type"),
        (&[("source.records", "")], "source.records", "required"),
        (&[("source.records", "many")], "source.records", "type"),
        (&[("source.records", "0")], "source.records", "range"),
        (&[("source.records", "1.5")], "source.records", "type"),
        (&[("source.amount", "duration")], "source.duration", "required"),
        (&[("source.amount", "duration"), ("source.duration", "soon")], "source.duration", "duration"),
        (&[("source.pace", "constant")], "source.rate", "required"),
        (&[("source.pace", "constant"), ("source.rate", "0")], "source.rate", "range"),
        (&[("source.pace", "constant"), ("source.rate", "-5")], "source.rate", "range"),
        (&[("source.seed", "-1")], "source.seed", "type"),
        (&[("source.seed", "18446744073709551615")], "source.seed", "range"),
        (&[("source.record_bytes", "0")], "source.record_bytes", "range"),
        (&[("source.keys", "0")], "source.keys", "range"),
        (&[("source.key_skew", "steep")], "source.key_skew", "type"),
        (&[("source.bad", "1.5")], "source.bad", "range"),
        (&[("source.bad", "0.6"), ("source.duplicates", "0.6")], "source.duplicates", "range"),
        (&[("check.every", "often")], "check.every", "duration"),
        (&[("check.patience", "2h")], "check.patience", "range"),
        (&[("thresholds", "durable.p99 is good")], "thresholds", "threshold"),
        (&[("thresholds", "speed > 5")], "thresholds", "threshold"),
        (&[("thresholds", "errors == 0\nerrors < 5")], "thresholds", "exclusive"),
        (&[("name", &"x".repeat(201))], "name", "length"),
        (&[("writer.0.streams", "100")], "writer.0.streams", "range"),
        (&[("writer.2.batch", "some")], "writer.2.batch", "type"),
        (&[("writer.2.mode", "single-row"), ("writer.2.batch", "5")], "writer.2.batch", "range"),
        (&[("writer.0.encoding", "parquet")], "writer.0.encoding", "not_an_option"),
        (&[("upload", "../x"), ("source.amount", "all")], "upload", "uuid"),
    ];
    for (changes, path, rule) in cases {
        let mut form = fresh();
        for (name, text) in *changes {
            form.set(*name, *text);
        }
        assert_eq!(paths(&form), [((*path).to_owned(), (*rule).to_owned())], "{changes:?}");
        let mut sheet = sheet(form.clone());
        sheet.refuse(EdgeError::invalid(form.plan(SourceKind::Telemetry).unwrap_err()));
        let html = parts(&sheet);
        assert!(html.contains(&format!("href=\"#{}\"", id_of(path))), "{path} is in the summary");
        if *path != "upload" {
            assert!(html.contains(&format!("id=\"{}\"", id_of(path))), "{path} is a field");
            assert!(html.contains("aria-invalid=\"true\""), "{path} is marked");
            assert_eq!(sent(&html).text(path), form.text(path), "what was typed stays");
        }
    }
}

#[test]
fn rows_that_are_not_chosen_do_not_shift_the_errors() {
    let mut form = fresh();
    form.take("writer.0.on");
    form.set("writer.2.in_flight", "0");
    assert_eq!(paths(&form), [("writer.2.in_flight".to_owned(), "range".to_owned())]);
    form.take("writer.1.on");
    form.take("writer.2.on");
    assert_eq!(paths(&form), [("writer".to_owned(), "count".to_owned())]);
}

#[test]
fn all_errors_come_at_once() {
    let mut form = fresh();
    for name in ["table", "source.records"] {
        form.set(name, "");
    }
    form.set("source.bad", "2");
    form.set("writer.1.batch", "0");
    form.set("thresholds", "nonsense\nspeed < 5");
    let mut wrong: Vec<String> = paths(&form).into_iter().map(|(path, _)| path).collect();
    wrong.sort();
    assert_eq!(wrong, ["source.bad", "source.records", "table", "thresholds", "thresholds", "writer.1.batch"]);
}

#[test]
fn errors_of_a_start_land_at_their_fields() {
    let mut sheet = sheet(fresh());
    let error = |path: &str| FieldError::new(path, "rule", "", None);
    sheet.refuse(EdgeError::invalid(vec![
        error("table.value"),
        error("header.Device ID"),
        error("source.map.\"Device \\\"ID\\\"\""),
        error("writer[2].batch"),
        error("thresholds.\"durable.p99\""),
    ]));
    let at: Vec<&str> = sheet.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(at, ["table", "map.Device ID", "map.Device \"ID\"", "writer.2.batch", "thresholds"]);
    assert_eq!(sheet.problem, None);
    sheet.refuse(EdgeError::new("RESOURCE_EXHAUSTED", "Too many."));
    assert_eq!(sheet.problem.map(|error| error.message).as_deref(), Some("Too many."));
}

#[test]
fn numbers_are_read_as_people_write_them() {
    let records = |text: &str| {
        let mut form = fresh();
        form.set("source.records", text);
        form.plan(SourceKind::Telemetry).unwrap().source.records
    };
    for text in ["20000", "20 000", "20\u{2009}000", "20_000", "20k", " 20000 "] {
        assert_eq!(records(text), Some(20_000), "{text}");
    }
}

#[test]
fn unavailable_writers_are_shown_with_reason_and_remedy() {
    let html = parts(&sheet(fresh()));
    assert!(html.contains("DIRECT_WRITE_VOLUME is not set. Set it."));
    let mut form = fresh();
    form.set("writer.3.on", "on");
    assert!(!sent(&parts(&sheet(form))).has("writer.3.on"), "it cannot be chosen");
}

#[test]
fn ids_of_fields_are_their_own() {
    let ids: std::collections::BTreeSet<String> =
        ["map.a b", "map.a-b", "map.a_b", "map.aé", "map.a\"b", "map.a'b"].into_iter().map(id_of).collect();
    assert_eq!(ids.len(), 6);
    assert!(ids.iter().all(|id| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))));
}
