//! The page at `/tables/new`: a table is typed, its statements are printed, and they are run after a press. On the server only.

use std::sync::Arc;

use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

use super::create_draw;
use crate::api::caller::{Caller, Permission};
use crate::engine::Engine;
use crate::engine::tables::{StatementOutcome, StatementState};
use crate::model::{DdlKind, DdlStatement, EdgeError, FieldError, NewTable, NewTableDraft};
use crate::ui::header::{Header, Page, Rail};

/// The page's address.
pub const NEW: &str = "/tables/new";
/// Where its form is sent.
pub const CREATE: &str = "/tables/create";

/// Everything the page shows.
#[derive(Clone, Debug, Default)]
pub struct NewTableSheet {
    /// What is typed.
    pub draft: NewTableDraft,
    /// The sample record that columns are read from.
    pub sample: String,
    /// What is wrong, by the names of fields.
    pub errors: Vec<FieldError>,
    /// Why nothing was run, when it is not about a field.
    pub problem: Option<EdgeError>,
    /// Something to be told.
    pub told: String,
    /// The statements of what is typed.
    pub statements: Vec<DdlStatement>,
    /// What became of them.
    pub outcomes: Vec<StatementOutcome>,
    /// Why the reader may not run them.
    pub refusal: Option<EdgeError>,
}

impl NewTableSheet {
    /// A form as it was sent; nothing else is known.
    pub fn of(pairs: impl IntoIterator<Item = (String, String)>) -> (Self, Sent) {
        let mut sheet = Self::default();
        let mut sent = Sent::default();
        for (name, text) in pairs {
            match name.as_str() {
                "name" => sheet.draft.name = text.trim().to_owned(),
                "columns" => sheet.draft.columns = text.replace("\r\n", "\n"),
                "comment" => sheet.draft.comment = text,
                "cluster_by" => sheet.draft.cluster_by = text,
                "properties" => sheet.draft.properties = text.replace("\r\n", "\n"),
                "sample" => sheet.sample = text.replace("\r\n", "\n"),
                "printed" => sent.printed = text.replace("\r\n", "\n"),
                "action" => sent.action = text,
                _ => {}
            }
        }
        (sheet, sent)
    }

    /// The table that is typed; its errors are on the sheet otherwise.
    pub fn table(&mut self) -> Option<NewTable> {
        self.draft.validate().map_err(|errors| self.errors.extend(errors)).ok()
    }

    /// Whether the table is there now.
    pub(super) fn is_created(&self) -> bool {
        let made = |outcome: &&StatementOutcome| outcome.statement.kind == DdlKind::Create;
        let mut created = self.outcomes.iter().filter(made).peekable();
        created.peek().is_some() && created.all(|outcome| outcome.state == StatementState::Done)
    }
}

/// What was sent along with a form.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// The button that was pressed: `infer`, `print` or `run`.
    pub action: String,
    /// The statements that the reader had before them.
    pub printed: String,
}

/// The statements as they are printed.
pub fn printed(statements: &[DdlStatement]) -> String {
    statements.iter().map(|one| format!("{};\n", one.text)).collect()
}

/// The page.
#[component]
pub fn NewTablePage() -> impl IntoView {
    let query = use_query_map().get_untracked();
    let asked = |name: &str| query.get(name).unwrap_or_default();
    let sheet = use_context::<NewTableSheet>().unwrap_or_else(|| NewTableSheet {
        draft: NewTableDraft { name: beginning(&asked("catalog"), &asked("schema")), ..NewTableDraft::default() },
        refusal: Caller::current().require(Permission::Administer).err(),
        ..NewTableSheet::default()
    });
    use_context::<Arc<Engine>>().map(|engine| {
        let workspace = engine.workspace().badge();
        let parts = create_draw::parts(&sheet, &workspace);
        view! {
            <Title text="Create a table" />
            <Header workspace />
            <div class="frame">
                <Rail current=Page::Tables />
                <main id="main" tabindex="-1" class="tables new-table" inner_html=parts></main>
            </div>
            <script src="/copy.js" defer></script>
        }
    })
}

/// The name as far as the place says it.
fn beginning(catalog: &str, schema: &str) -> String {
    [catalog, schema].into_iter().filter(|part| !part.is_empty()).map(|part| format!("{part}.")).collect()
}
