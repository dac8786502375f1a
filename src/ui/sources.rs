//! Where the workbench takes its records from: the switch between the form, the generator and an upload.
//!
//! Plain links, so that each source is a page of its own with only its own island. On the server only.

use leptos::prelude::*;

/// Where records come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Typed in by hand.
    Form,
    /// Made.
    Generator,
    /// A file.
    Upload,
}

impl Source {
    const ALL: [Self; 3] = [Self::Form, Self::Generator, Self::Upload];

    /// What the address says after `source=`; the form when it says nothing.
    pub fn of(text: &str) -> Self {
        match text {
            "generator" => Self::Generator,
            "upload" => Self::Upload,
            _ => Self::Form,
        }
    }

    /// Its address.
    pub fn address(self) -> &'static str {
        match self {
            Self::Form => "/",
            Self::Generator => "/?source=generator",
            Self::Upload => "/?source=upload",
        }
    }

    /// Its name on screen, which is also the page's.
    pub fn title(self) -> &'static str {
        match self {
            Self::Form => "Form",
            Self::Generator => "Generator",
            Self::Upload => "Upload",
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Form => "Type a few records, watch each on its way.",
            Self::Generator => "The same made records through several writers, measured side by side.",
            Self::Upload => "A file of yours through one writer or several.",
        }
    }
}

/// The workbench's title and the switch.
#[component]
pub fn SourceSwitch(
    /// The source of this page.
    current: Source,
) -> impl IntoView {
    let links = Source::ALL.map(|source| {
        let is_current = (source == current).then_some("page");
        view! { <li><a href=source.address() aria-current=is_current>{source.title()}</a></li> }
    });
    view! {
        <div class="page-head">
            <h1>"Workbench"</h1>
            <nav class="sources" aria-label="Source of the records">
                <ul>{links}</ul>
            </nav>
            <p class="quiet">{current.about()}</p>
        </div>
    }
}
