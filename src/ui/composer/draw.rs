//! The composer as views: the parts drawn by [`Pen`] around the one island.

use leptos::prelude::*;

use super::end::ComposerEnd;
use super::fields::{Pen, id_of};
use super::sheet::Sheet;
use super::{FORM, RUN, UPLOAD};
use crate::model::number::count_of;

/// The form that makes a comparison.
#[component]
pub fn Composer(
    /// What it shows.
    sheet: Sheet,
) -> impl IntoView {
    // The island reads it from here on the server, and from `<main>` in the browser.
    provide_context(sheet.news.clone());
    let parts = parts(&sheet);
    view! {
        <form id=FORM class="composer" method="post" action=RUN novalidate>
            <div class="composer-parts" inner_html=parts></div>
            <ComposerEnd />
        </form>
    }
}

/// The form that takes a file.
#[component]
pub fn UploadStart(
    /// What it shows.
    sheet: Sheet,
) -> impl IntoView {
    let mut pen = Pen::new(&sheet);
    let is_gone = sheet.problem.as_ref().is_some_and(|problem| problem.error_code == "NOT_FOUND");
    pen.problem(if is_gone { "The upload is gone" } else { "The file was not taken" });
    pen.markup.raw("<div class=\"halves\">");
    pen.upload_start();
    pen.markup.raw(TEACHING).raw("</div>");
    let parts = pen.markup.finish();
    view! {
        <form class="composer" method="post" action=UPLOAD enctype="multipart/form-data" novalidate>
            <div class="composer-parts" inner_html=parts></div>
            <div class="action">
                <p class="action-note">"Nothing is written yet: next comes a preview."</p>
                <button type="submit" class="button primary">"Upload and preview"</button>
            </div>
        </form>
    }
}

const TEACHING: &str = "<section class=\"part teaching\" aria-labelledby=\"next-title\"><h2 id=\"next-title\">What happens next</h2>\
    <ol class=\"steps\"><li>The file is read and kept on this server; no row is written.</li>\
    <li>You see its first rows, which column each field goes to, and every record that breaks a rule, by line.</li>\
    <li>You choose writers as for the generator and run the comparison: the same records through each of them.</li></ol></section>";

/// Everything in the form but its end.
pub(super) fn parts(sheet: &Sheet) -> String {
    let mut pen = Pen::new(sheet);
    // What the Enter key presses is the first button there is.
    pen.markup.raw(
        "<button type=\"submit\" name=\"action\" value=\"run\" class=\"sr-only\" tabindex=\"-1\" aria-hidden=\"true\">",
    );
    pen.markup.raw("Run comparison</button>");
    pen.problem("The comparison was not started");
    pen.error_summary();
    pen.markup.raw("<div class=\"halves\">");
    match &sheet.uploaded {
        Some(uploaded) => pen.uploaded(uploaded),
        None => pen.made_records(),
    }
    pen.entrants();
    pen.markup.raw("</div>");
    pen.markup.finish()
}

impl Pen<'_> {
    /// Why nothing happened, when it is not about a field; that the workspace is silent.
    fn problem(&mut self, title: &'static str) {
        let sheet = self.sheet;
        if let Some(problem) = &sheet.problem {
            self.markup.raw("<section class=\"banner\" data-testid=\"refusal\" aria-labelledby=\"refusal-title\" tabindex=\"-1\" autofocus>");
            self.markup.raw("<div class=\"banner-words\"><h2 id=\"refusal-title\">");
            self.markup
                .raw("<span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>")
                .text(title)
                .raw("</h2><p>");
            self.markup.text(&problem.message).text(" ").element(
                "span",
                &[("class", "code quiet")],
                &problem.error_code,
            );
            self.markup.raw("</p></div></section>");
        }
        if let Some(problem) = &sheet.info.problem {
            self.markup.raw("<section class=\"banner\" data-testid=\"problem\" aria-labelledby=\"problem-title\">");
            self.markup.raw("<div class=\"banner-words\"><h2 id=\"problem-title\">");
            self.markup.raw("<span class=\"sign\" data-state=\"warn\" aria-hidden=\"true\">!</span>");
            self.markup.raw("The workspace does not answer</h2><p>").text(&problem.message);
            self.markup.raw("</p></div><a class=\"button\" href=\"\">Ask again</a></section>");
        }
    }

    /// How many errors, each leading to its field.
    fn error_summary(&mut self) {
        let errors = &self.sheet.errors;
        if errors.is_empty() {
            return;
        }
        self.markup.raw("<section class=\"errors\" data-testid=\"error-summary\" aria-labelledby=\"errors-title\" tabindex=\"-1\" autofocus>");
        self.markup
            .raw("<h2 id=\"errors-title\"><span class=\"sign\" data-state=\"bad\" aria-hidden=\"true\">×</span>");
        self.markup.text(&count_of(errors.len() as u64, "error"));
        self.markup.raw("</h2><p>Nothing was started. Correct them and press the button again.</p><ul>");
        for error in errors {
            self.markup.raw("<li>").open("a", &[("href", &format!("#{}", id_of(&error.path)))]);
            self.markup
                .element("span", &[("class", "code")], &error.path)
                .raw("</a> ")
                .text(&error.message)
                .raw("</li>");
        }
        self.markup.raw("</ul></section>");
    }
}
