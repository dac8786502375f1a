//! The top of a comparison's page: what it is called, how it ended, what can be done with it. On the server only.
//!
//! Every action is a plain link or form: the page needs no wasm for them.

use leptos::prelude::*;

use super::progress::doing;
use crate::engine::export::Sections;
use crate::model::wording::{order_text, source_text};
use crate::model::{HistoryEntry, LiveComparison, Report, RunState, SourceKind};

/// Longest name, as the engine takes it.
const LONGEST_NAME: &str = "120";

/// What the page was told by the form that led here.
#[derive(Clone, Debug)]
pub struct Refused {
    /// `rename`, `delete`, `again` or `stop`.
    pub action: String,
    /// The error code.
    pub why: String,
}

impl Refused {
    /// What failed, what was kept, what to do next.
    fn words(&self) -> String {
        let (failed, kept) = match self.action.as_str() {
            "rename" => ("The comparison was not renamed", "The old name was kept."),
            "delete" => ("The report was not deleted", "It was kept."),
            "again" => ("The comparison was not started again", "Nothing was written."),
            _ => ("The comparison was not stopped", "Nothing was changed."),
        };
        let (why, next) = match self.why.as_str() {
            "INVALID_PARAMETER_VALUE" => (
                "what was sent breaks a rule",
                "A name has 1 to 120 characters; a plan needs a source that is still there.",
            ),
            "RESOURCE_EXHAUSTED" => ("too many comparisons are under way", "Wait for one to end, or stop it."),
            "NOT_FOUND" => ("it is not known any more", "Look for it in the list of runs."),
            "STILL_RUNNING" => ("it still runs", "Wait for its end, or stop it."),
            "HISTORY_UNAVAILABLE" => {
                ("the history cannot be used now", "The server's log says why; try again when it is repaired.")
            }
            "NOT_CONFIGURED" => ("one of its writers is not configured", "The workbench says what is missing."),
            "USER_TOKEN_REQUIRED" => (
                "SQL statements run with your own token here, and none came with the request",
                "Sign in again and let the app act for you.",
            ),
            "TABLE_DOES_NOT_EXIST" => ("its table is not there", "Create it, or start another comparison."),
            "UNAVAILABLE" | "TEMPORARILY_UNAVAILABLE" | "DEADLINE_EXCEEDED" => {
                ("the workspace does not answer", "Try again when it does.")
            }
            _ => ("the server refused it", "The server's log says why."),
        };
        format!("{failed}: {why}. {kept} {next}")
    }
}

/// A line about what was refused.
pub fn refused(refused: Option<Refused>) -> impl IntoView {
    refused.map(|refused| {
        let code = refused
            .why
            .chars()
            .filter(|letter| letter.is_ascii_uppercase() || *letter == '_')
            .take(40)
            .collect::<String>();
        view! {
            <div class="banner" role="alert" data-testid="refused">
                <p>{refused.words()} " " <span class="code quiet">{code}</span></p>
            </div>
        }
    })
}

/// The top of a report.
pub fn report_head(
    report: &Report,
    sections: &Sections,
    query: &str,
    others: Vec<HistoryEntry>,
) -> impl IntoView + use<> {
    let (tone, sign) = match report.state() {
        RunState::Completed => ("good", "✓"),
        RunState::Failed => ("bad", "✗"),
        _ => ("warn", "–"),
    };
    let held = report.held().map(|held| {
        let (tone, text) = if held { ("good", "✓ thresholds held") } else { ("bad", "✗ thresholds did not hold") };
        view! { " " <span class="state" data-state=tone>{text}</span> }
    });
    view! {
        <header class="run-head">
            <p class="quiet">"Comparison"</p>
            <h1>{report.name.clone()}</h1>
            <p class="run-state">
                <span class="state" data-state=tone data-testid="state">
                    <span class="sign" aria-hidden="true">{sign}</span>
                    {doing(report.state())}
                </span>
                {held}
            </p>
            {actions(report, query)}
            {compare_with(&report.id, others)}
            <div inner_html=sections.facts.clone()></div>
        </header>
    }
}

fn actions(report: &Report, query: &str) -> impl IntoView + use<> {
    let id = report.id.clone();
    let files = format!("/api/v1/comparisons/{id}");
    let from_file = report.plan.source.kind == SourceKind::File;
    let again = if from_file {
        view! { <p class="quiet">"Its records came from a file: upload it again to run this again."</p> }.into_any()
    } else {
        view! {
            <form method="post" action=format!("/runs/{id}/again")>
                <button class="button primary">"Run again"</button>
            </form>
        }
        .into_any()
    };
    let query = if query.is_empty() { String::new() } else { format!("?{query}") };
    let exports = [
        ("JSON", format!("{files}/report.json")),
        ("CSV", format!("{files}/report.csv")),
        ("Values over time, CSV", format!("{files}/series.csv")),
        ("HTML", format!("{files}/report.html{query}")),
        ("Plan file", format!("{files}/plan.toml")),
    ];
    let exports =
        exports.map(|(name, address)| view! { <li><a class="button small" href=address download="">{name}</a></li> });
    view! {
        <div class="run-actions">
            {again}
            <ul class="exports" aria-label="Exports" data-testid="exports">{exports.into_iter().collect_view()}</ul>
        </div>
        <div class="run-folds">
            <details class="fold">
                <summary>"Rename"</summary>
                <form class="fold-form" method="post" action=format!("/runs/{id}/rename")>
                    <div class="field">
                        <label for="new-name">"Name"</label>
                        <input id="new-name" name="name" value=report.name.clone() required maxlength=LONGEST_NAME />
                    </div>
                    <button class="button">"Rename"</button>
                </form>
            </details>
            <details class="fold">
                <summary>"Delete"</summary>
                <form class="fold-form" method="post" action=format!("/runs/{id}/delete")>
                    <p>"The report and its permanent link go for good. Its rows stay in their table."</p>
                    <button class="button danger">"Delete report"</button>
                </form>
            </details>
        </div>
    }
}

/// A form that puts this report beside another one of the same table.
fn compare_with(id: &str, others: Vec<HistoryEntry>) -> impl IntoView + use<> {
    let id = id.to_owned();
    let others: Vec<HistoryEntry> = others.into_iter().filter(|other| other.id != id).collect();
    (!others.is_empty()).then(|| {
        let choices = others.into_iter().map(|other| {
            let text = format!(
                "{}, {}",
                other.name,
                other.started_at.get(..16).unwrap_or(&other.started_at).replace('T', " ")
            );
            view! { <option value=other.id>{text}</option> }
        });
        view! {
            <form class="compare-with" method="get" action="/compare">
                <input type="hidden" name="id" value=id />
                <div class="field">
                    <label for="compare-with">"Compare with"</label>
                    <select id="compare-with" name="id">{choices.collect_view()}</select>
                </div>
                <button class="button">"Compare"</button>
            </form>
        }
    })
}

/// The top of a comparison that runs.
pub fn live_head(live: &LiveComparison) -> impl IntoView + use<> {
    let workspace = live.workspace.clone();
    let mut facts = vec![
        ("Started", live.started_at.clone()),
        ("Records", source_text(&live.plan)),
        ("Runs", order_text(live.plan.order).to_owned()),
    ];
    if !live.started_by.is_empty() {
        facts.push(("Started by", live.started_by.clone()));
    }
    if !live.sql_as.is_empty() {
        facts.push(("SQL runs as", live.sql_as.clone()));
    }
    let facts = facts.into_iter().map(|(name, value)| view! { <div><dt>{name}</dt><dd>{value}</dd></div> });
    view! {
        <header class="run-head">
            <p class="quiet">"Comparison, live"</p>
            <h1>{live.name.clone()}</h1>
            <dl class="facts">
                <div>
                    <dt>"Workspace"</dt>
                    <dd>
                        {if workspace.local { view! { <span class="badge">{workspace.name}</span> }.into_any() } else { workspace.name.into_any() }}
                    </dd>
                </div>
                <div><dt>"Table"</dt><dd class="code">{live.table.to_string()}</dd></div>
                {facts.collect_view()}
                <div>
                    <dt>"Plan"</dt>
                    <dd><a href=format!("/api/v1/comparisons/{}/plan.toml", live.id) download="">"Plan file"</a></dd>
                </div>
            </dl>
            <noscript>
                <p>"This shows how things stood when the page was loaded. Load it again to see more."</p>
            </noscript>
        </header>
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_refused_says_what_was_kept_and_what_to_do() {
        let words = |action: &str, why: &str| Refused { action: action.to_owned(), why: why.to_owned() }.words();
        assert_eq!(
            words("again", "RESOURCE_EXHAUSTED"),
            "The comparison was not started again: too many comparisons are under way. Nothing was written. Wait for one to end, or stop it."
        );
        assert!(words("<b>", "<i>").starts_with("The comparison was not stopped: the server refused it."));
    }
}
