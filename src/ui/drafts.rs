//! What is being composed: product drafts or the text of JSON rows, and the errors in them.
//!
//! Validation is [`crate::model`]'s, the code the server runs; this file only decides which of it applies to
//! the chosen table and when a field's errors are shown.

use leptos::prelude::*;
use serde_json::Value;

use super::{field_errors, samples};
use crate::model::{
    FieldError, MAX_ITEMS, PRODUCT_INPUT_COLUMNS, ProductDraft, TableInfo, validate_products, validate_rows,
};

/// One item of the product form.
#[derive(Clone, Copy)]
pub struct Draft {
    /// Stays the same while items above it come and go.
    pub key: u32,
    /// What is typed.
    pub text: RwSignal<ProductDraft>,
    /// One bit for each of [`PRODUCT_INPUT_COLUMNS`]: whether it was edited.
    touched: RwSignal<u32>,
}

/// Everything being composed.
#[derive(Clone, Copy)]
pub struct Drafts {
    /// The items of the product form, at least one.
    pub products: RwSignal<Vec<Draft>>,
    /// The text of the JSON rows editor.
    pub rows_text: RwSignal<String>,
    /// Whether the action button was pressed since the last change of everything: then all errors show.
    pub pressed: RwSignal<bool>,
    /// Errors only the server found; each goes when its field is edited.
    pub from_server: RwSignal<Vec<FieldError>>,
    /// Changes with every whole replacement, so that old keys are never met again.
    next_key: RwSignal<u32>,
}

impl Drafts {
    /// One empty product, no rows.
    pub fn new() -> Self {
        let drafts = Self {
            products: RwSignal::new(Vec::new()),
            rows_text: RwSignal::new(String::new()),
            pressed: RwSignal::new(false),
            from_server: RwSignal::new(Vec::new()),
            next_key: RwSignal::new(0),
        };
        drafts.replace(vec![ProductDraft::default()]);
        drafts
    }

    fn draft(&self, text: ProductDraft) -> Draft {
        let key = self.next_key.get_untracked();
        self.next_key.set(key + 1);
        Draft { key, text: RwSignal::new(text), touched: RwSignal::new(0) }
    }

    fn replace(&self, texts: Vec<ProductDraft>) {
        let drafts = texts.into_iter().map(|text| self.draft(text)).collect();
        self.products.set(drafts);
        self.forget_verdicts();
    }

    /// Forgets that the button was pressed and what the server said.
    pub fn forget_verdicts(&self) {
        self.pressed.set(false);
        self.from_server.set(Vec::new());
    }

    /// Puts sample data where the table wants it.
    pub fn load_sample(&self, table: &TableInfo) {
        if table.takes_products() {
            self.replace(samples::products());
        } else {
            self.rows_text.set(format!("{:#}", Value::Array(samples::rows(table))));
            self.forget_verdicts();
        }
    }

    /// Back to one empty product and no rows.
    pub fn clear(&self) {
        self.rows_text.set(String::new());
        self.replace(vec![ProductDraft::default()]);
    }

    /// Where a product stands in the list.
    pub fn index_of(&self, draft: Draft) -> usize {
        self.products.with(|products| products.iter().position(|other| other.key == draft.key).unwrap_or(0))
    }

    /// Adds an empty product, unless there are [`MAX_ITEMS`].
    pub fn add(&self) {
        if self.products.with_untracked(Vec::len) < MAX_ITEMS {
            let draft = self.draft(ProductDraft::default());
            self.products.update(|products| products.push(draft));
        }
    }

    /// Takes a product away, unless it is the last.
    pub fn remove(&self, key: u32) {
        self.products.update(|products| {
            if products.len() > 1 {
                products.retain(|draft| draft.key != key);
            }
        });
        // Paths hold positions, and those have moved.
        self.from_server.set(Vec::new());
    }

    /// What would be sent, or why the text of the rows is no JSON array.
    pub fn items(&self, table: &TableInfo) -> Result<Vec<Value>, FieldError> {
        if table.takes_products() {
            return Ok(self
                .products
                .with(|products| products.iter().map(|draft| draft.text.with(ProductDraft::to_json)).collect()));
        }
        self.rows_text.with(|text| {
            let text = if text.trim().is_empty() { "[]" } else { text };
            let problem = match serde_json::from_str(text) {
                Ok(Value::Array(items)) => return Ok(items),
                Ok(_) => "there is no array around them".to_owned(),
                Err(error) => error.to_string(),
            };
            let message = format!("This must be a JSON array of objects: {problem}.");
            Err(FieldError { path: "items".into(), rule: "json".into(), message, came: String::new() })
        })
    }

    /// Every error there is: those validation finds here, then those only the server found.
    pub fn errors(&self, table: &TableInfo) -> Vec<FieldError> {
        let here = match self.items(table) {
            Err(error) => vec![error],
            Ok(items) if table.takes_products() => validate_products(&items).err().unwrap_or_default(),
            Ok(items) => validate_rows(&items, table).err().unwrap_or_default(),
        };
        self.from_server.with(|server| field_errors::merge(&here, server))
    }
}

impl Default for Drafts {
    fn default() -> Self {
        Self::new()
    }
}

impl Draft {
    /// Takes what was typed into a field; what the server said of it no longer holds.
    pub fn edit(&self, column: &'static str, text: String, path: &str, drafts: Drafts) {
        self.text.update(|draft| draft.set_field(column, text));
        self.touch(column);
        if drafts.from_server.with_untracked(|errors| errors.iter().any(|error| error.path == path)) {
            drafts.from_server.update(|errors| errors.retain(|error| error.path != path));
        }
    }

    /// Marks a field as edited.
    pub fn touch(&self, column: &str) {
        self.touched.update(|bits| *bits |= bit(column));
    }

    /// Whether a field's errors are due: it was edited, or holds something.
    pub fn shows_errors(&self, column: &str) -> bool {
        self.touched.get() & bit(column) != 0 || self.text.with(|draft| !draft.field(column).is_empty())
    }
}

fn bit(column: &str) -> u32 {
    PRODUCT_INPUT_COLUMNS.iter().position(|name| *name == column).map_or(0, |index| 1 << index)
}
