//! The sheet in its states: before, while, all well, something wrong.

use super::sheet::parts;
use super::*;
use crate::model::doctor::{Advice, Check, CheckGroup, CheckState, DOCTOR_SCHEMA, DoctorReport, PasteKind};

fn check(id: &str, group: CheckGroup, state: CheckState) -> Check {
    let advice = (state == CheckState::Failed).then(|| Advice {
        words: "Let the owner run this.".to_owned(),
        paste: Some("GRANT <everything>;".to_owned()),
        paste_kind: Some(PasteKind::Sql),
    });
    let (title, found, meaning) = (format!("The {id}"), format!("{id} found"), format!("{id} meant"));
    Check { id: id.to_owned(), title, group, state, took_ms: 12.5, found, meaning, advice }
}

fn shown(checks: Vec<Check>, running: bool, may_write: bool) -> Shown {
    let report = DoctorReport {
        schema: DOCTOR_SCHEMA.to_owned(),
        workspace: "Local lakehouse".to_owned(),
        table: "main.s.t".to_owned(),
        checked_at: "2026-11-24T09:30:01.000Z".to_owned(),
        writes: true,
        checks,
    };
    Shown { view: View { report: Some(report), running }, may_write, refused: None }
}

#[test]
fn before_the_first_examination_it_says_what_will_be_here() {
    let html = parts(&Shown { view: View::default(), may_write: false, refused: None });
    assert!(html.contains("Not examined yet") && html.contains("action=\"/doctor/run\""), "{html}");
    assert!(!html.contains("name=\"writes\""), "only administrators may ask for writes");
}

#[test]
fn while_it_goes_on_the_button_waits_and_what_is_known_is_there() {
    let html = parts(&shown(vec![check("token", CheckGroup::Workspace, CheckState::Passed)], true, true));
    assert!(html.contains("disabled") && html.contains("Looking …") && html.contains("token found"), "{html}");
}

#[test]
fn a_failure_comes_with_its_paste_and_nothing_leaves_its_place() {
    let checks = vec![
        check("token", CheckGroup::Workspace, CheckState::Passed),
        check("stream", CheckGroup::Zerobus, CheckState::Failed),
        check("rest", CheckGroup::Zerobus, CheckState::Skipped),
    ];
    let html = parts(&shown(checks, false, true));
    assert!(html.contains("1 check failed.") && html.contains("1 of 3 passed"), "{html}");
    assert!(html.contains("GRANT &lt;everything&gt;;") && html.contains("data-copy=\"paste-stream\""), "{html}");
    assert_eq!(html.matches("class=\"check-group\"").count(), 2);
    assert!(html.contains("checked") && html.contains("12.5 ms"), "{html}");
}

#[test]
fn who_may_not_is_told() {
    let error = EdgeError::new("ROLE_REQUIRED", "You may not.");
    let html = parts(&Shown { view: View::default(), may_write: false, refused: Some(error) });
    assert!(html.contains("The checks were not run") && html.contains("ROLE_REQUIRED"), "{html}");
}
