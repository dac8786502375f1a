//! `doctor`: the checks as a table for people, or their report as JSON.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use super::summary::paragraph;
use super::{DoctorArguments, Ending};
use crate::doctor::{Examination, Surroundings};
use crate::model::doctor::{Check, CheckGroup, CheckState, DoctorReport};
use crate::model::number::milliseconds;
use crate::workspace::WorkspaceConfig;

/// Makes the checks and prints what they found.
pub async fn doctor(
    workspace: Option<WorkspaceConfig>,
    surroundings: Surroundings,
    arguments: &DoctorArguments,
) -> Ending {
    let mut examination = Examination::of(workspace, surroundings);
    examination.writes = arguments.writes;
    examination.table.clone_from(&arguments.table);
    let report = examination.make(|_| ()).await;
    let mut out = std::io::stdout().lock();
    let colours = out.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let text = match arguments.json {
        // Texts, numbers and lists of them: there is nothing in it that has no JSON.
        true => serde_json::to_string_pretty(&report).unwrap_or_default(),
        false => sheet(&report, colours),
    };
    // Whoever closed the other end does not want to read on; the exit code is still right.
    let _ = writeln!(out, "{text}");
    if report.count(CheckState::Failed) == 0 { Ending::Held } else { Ending::NotHeld }
}

/// All checks by what they belong to.
fn sheet(report: &DoctorReport, colours: bool) -> String {
    let of = match report.workspace.as_str() {
        "" => String::new(),
        workspace => format!(" · {workspace} · {}", report.table),
    };
    let mut text = format!("Doctor{of}\n");
    for group in CheckGroup::ALL {
        let _ = writeln!(text, "\n{}", group.title());
        for check in report.checks.iter().filter(|check| check.group == group) {
            text.push_str(&entry(check, colours));
        }
    }
    let _ = write!(text, "\n{}", report.headline());
    text
}

fn entry(check: &Check, colours: bool) -> String {
    let (sign, took) = (check.state.sign(), milliseconds(check.took_ms));
    let mut text = String::new();
    paragraph(&mut text, &format!("  {sign} {:<10}{:<26}{took:>9}  ", check.state.name(), check.title), &check.found);
    if check.state != CheckState::Passed {
        paragraph(&mut text, "      ", &check.meaning);
    }
    if let Some(advice) = &check.advice {
        paragraph(&mut text, "      → ", &advice.words);
        for line in advice.paste.iter().flat_map(|paste| paste.lines()) {
            let _ = writeln!(text, "        {line}");
        }
    }
    let colour = match check.state {
        CheckState::Passed => 32,
        CheckState::Warned => 33,
        CheckState::Failed => 31,
        CheckState::Skipped => 2,
    };
    if colours { text.replacen(sign, &format!("\u{1b}[{colour}m{sign}\u{1b}[0m"), 1) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::doctor::{Advice, DOCTOR_SCHEMA, PasteKind};

    fn report() -> DoctorReport {
        let check = |id: &str, state, paste: Option<&str>| Check {
            id: id.to_owned(),
            title: id.to_owned(),
            group: CheckGroup::Workspace,
            state,
            took_ms: 1.25,
            found: format!("{id} was looked at."),
            meaning: format!("This is what {id} means."),
            advice: paste.map(|paste| Advice {
                words: "Do this.".to_owned(),
                paste: Some(paste.to_owned()),
                paste_kind: Some(PasteKind::Sql),
            }),
        };
        DoctorReport {
            schema: DOCTOR_SCHEMA.to_owned(),
            workspace: "Local lakehouse".to_owned(),
            table: "main.s.t".to_owned(),
            checked_at: String::new(),
            writes: false,
            checks: vec![
                check("token", CheckState::Passed, None),
                check("grants", CheckState::Failed, Some("GRANT A;\nGRANT B;")),
            ],
        }
    }

    #[test]
    fn what_failed_comes_with_its_meaning_and_every_line_to_paste() {
        let text = sheet(&report(), false);
        for part in ["Doctor · Local lakehouse · main.s.t", "✓ passed", "× failed", "This is what grants means."] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(text.contains("\n        GRANT A;\n        GRANT B;\n"), "lines can be copied as they are\n{text}");
        assert!(!text.contains("This is what token means."), "{text}");
        assert!(text.ends_with("1 check failed."), "{text}");
    }

    #[test]
    fn colours_come_only_where_they_are_wanted() {
        assert!(!sheet(&report(), false).contains('\u{1b}'));
        assert!(sheet(&report(), true).contains("\u{1b}[31m×\u{1b}[0m"));
    }
}
