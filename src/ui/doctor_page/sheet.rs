//! The sheet: the form, the headline, the checks by what they belong to; what stands there before the first examination.

use super::{EXAMINE, Shown};
use crate::model::EdgeError;
use crate::model::doctor::{Advice, Check, CheckGroup, CheckState, DoctorReport, PasteKind};
use crate::model::number::milliseconds;
use crate::ui::markup::{Attributes, Markup};

/// Everything inside `<main>`.
pub(super) fn parts(shown: &Shown) -> String {
    let mut markup = Markup::new();
    markup.raw("<div class=\"page-head\"><h1>Doctor</h1>");
    markup.raw("<p class=\"quiet\">Looks at everything a record needs on its way, and says what to paste where something is missing.</p></div>");
    if let Some(error) = &shown.refused {
        refused(&mut markup, error);
    }
    match (&shown.view.report, shown.view.running) {
        (None, false) => before(&mut markup, shown),
        (report, running) => {
            form(&mut markup, shown);
            head(&mut markup, report.as_ref(), running);
            if let Some(report) = report {
                CheckGroup::ALL.into_iter().for_each(|group| checks(&mut markup, report, group));
            }
        }
    }
    markup.finish()
}

fn refused(markup: &mut Markup, error: &EdgeError) {
    markup.raw("<section class=\"banner\" data-testid=\"refusal\" aria-labelledby=\"refusal-title\"><div class=\"banner-words\">");
    markup.raw("<h2 id=\"refusal-title\"><span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>The checks were not run</h2><p>");
    markup.text(&error.message).text(" ");
    markup.element("span", &[("class", "code quiet")], &error.error_code).raw("</p></div></section>");
}

/// Nothing was asked for yet: what will be here, and the one action that fills it.
fn before(markup: &mut Markup, shown: &Shown) {
    markup.raw(
        "<section class=\"first-run\" data-testid=\"not-examined\"><h2>Not examined yet</h2>\
         <p>The checks go the way of a record: settings, the workspace's address and clock, the token, the table and its grants, \
         Zerobus Ingest through both of its doors, the SQL warehouse and the volume. Each will stand here with what was found, how \
         long it took, what that means, and the exact statement or setting to paste when it failed.</p>\
         <p>No row is written. It takes a few seconds, 40 at most.</p>",
    );
    form(markup, shown);
    markup.raw("</section>");
}

fn form(markup: &mut Markup, shown: &Shown) {
    markup.open("form", &[("class", "examine"), ("method", "post"), ("action", EXAMINE)]);
    let running = shown.view.running;
    let label = if running { "The checks are running" } else { "Run the checks" };
    let button: Attributes<'_> = &[("type", "submit"), ("class", "button primary"), ("disabled", "")];
    markup.element("button", if running { button } else { &button[..2] }, label);
    if shown.may_write {
        let ticked = shown.view.report.as_ref().is_some_and(|report| report.writes);
        let tick: Attributes<'_> = &[("type", "checkbox"), ("name", "writes"), ("value", "yes"), ("checked", "")];
        markup.raw("<label class=\"tick\">").open("input", if ticked { tick } else { &tick[..3] });
        markup.raw("<span>Also write a file into the volume and remove it</span></label>");
    }
    markup.raw("</form>");
}

fn head(markup: &mut Markup, report: Option<&DoctorReport>, running: bool) {
    let headline = match (report, running) {
        (_, true) => "Looking …".to_owned(),
        (Some(report), false) => report.headline(),
        (None, false) => String::new(),
    };
    let state = match report {
        _ if running => "",
        Some(report) if report.count(CheckState::Failed) > 0 => "bad",
        Some(report) if report.count(CheckState::Warned) > 0 => "warn",
        _ => "good",
    };
    markup.raw("<section class=\"verdict-line\" data-testid=\"headline\">");
    markup.raw("<div role=\"status\">");
    markup.element("h2", &[("class", "state"), ("data-state", state)], &headline).raw("</div>");
    if let Some(report) = report {
        let passed = report.count(CheckState::Passed);
        let words = format!(
            "{passed} of {} passed · {} · {} · {}",
            report.checks.len(),
            report.workspace,
            report.table,
            moment(&report.checked_at)
        );
        markup.element("p", &[("class", "quiet num")], &words);
    }
    markup.raw("</section>");
}

/// `2026-11-24 09:30:01 UTC` from RFC 3339.
fn moment(text: &str) -> String {
    let to_the_second = text.split(['.', 'Z']).next().unwrap_or_default();
    format!("{} UTC", to_the_second.replace('T', " "))
}

fn checks(markup: &mut Markup, report: &DoctorReport, group: CheckGroup) {
    let of_group: Vec<&Check> = report.checks.iter().filter(|check| check.group == group).collect();
    if of_group.is_empty() {
        return;
    }
    markup.raw("<section class=\"check-group\">").element("h2", &[], group.title()).raw("<ul>");
    of_group.into_iter().for_each(|check| entry(markup, check));
    markup.raw("</ul></section>");
}

fn entry(markup: &mut Markup, check: &Check) {
    let state = match check.state {
        CheckState::Passed => "good",
        CheckState::Warned => "warn",
        CheckState::Failed => "bad",
        CheckState::Skipped => "",
    };
    markup.open("li", &[("class", "check"), ("data-check", &check.id), ("data-ended", check.state.name())]);
    markup.open("p", &[("class", "state"), ("data-state", state)]);
    markup.element("span", &[("class", "sign"), ("aria-hidden", "true")], check.state.sign());
    markup.text(check.state.name()).raw("</p><div class=\"check-words\"><div class=\"check-title\">");
    markup.element("h3", &[], &check.title);
    if check.state != CheckState::Skipped {
        markup.element("span", &[("class", "num quiet")], &milliseconds(check.took_ms));
    }
    markup.raw("</div>").element("p", &[("class", "found")], &check.found);
    markup.element("p", &[("class", "quiet")], &check.meaning);
    if let Some(advice) = &check.advice {
        self::advice(markup, check, advice);
    }
    markup.raw("</div></li>");
}

fn advice(markup: &mut Markup, check: &Check, advice: &Advice) {
    markup.raw("<div class=\"advice\">").element("p", &[], &advice.words);
    if let Some(paste) = &advice.paste {
        let id = format!("paste-{}", check.id);
        let place = advice.paste_kind.map_or("", PasteKind::place);
        let label = format!("{place}, to heal “{}”", check.title);
        markup.raw("<div class=\"paste-head\">").element("span", &[("class", "quiet")], place);
        let button = [("type", "button"), ("class", "button small copy"), ("data-copy", id.as_str()), ("hidden", "")];
        markup.element("button", &button, "Copy").raw("</div>");
        let pre = [("class", "code"), ("id", &*id), ("tabindex", "0"), ("role", "region"), ("aria-label", &*label)];
        markup.element("pre", &pre, paste);
    }
    markup.raw("</div>");
}
