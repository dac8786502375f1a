//! The frame around every page: skip link, name, workspace badge, principal, theme; the way to the other pages.
//!
//! Rendered on the server only. Lists no page that does not exist.

use leptos::prelude::*;

use super::theme::ThemeChoice;
use crate::api::caller::{Caller, Permission};
use crate::model::WorkspaceBadge;

/// The slim bar on top.
#[component]
pub fn Header(
    /// Which workspace; never hidden.
    workspace: WorkspaceBadge,
    /// What the skip link says.
    #[prop(default = "Skip to the content")]
    skip: &'static str,
) -> impl IntoView {
    let WorkspaceBadge { name, local, url, principal } = workspace;
    let principal = (!principal.is_empty()).then(|| {
        view! {
            <div class="fact principal">
                <dt>"Principal"</dt>
                <dd class="code">{principal}</dd>
            </div>
        }
    });
    let caller = Caller::current();
    let role = match (caller.may(Permission::Administer), caller.may(Permission::Run)) {
        (true, _) => "",
        (false, true) => " · may run",
        (false, false) => " · may look",
    };
    let user = (!caller.name().is_empty()).then(|| {
        view! {
            <div class="fact" data-testid="user">
                <dt>"You"</dt>
                <dd>{caller.name().to_owned()}<span class="quiet">{role}</span></dd>
            </div>
        }
    });
    let only_looks = caller.require(Permission::Run).err().map(|refusal| {
        view! {
            <div class="banner" role="note" data-testid="only-looks">
                <p>{refusal.message}</p>
            </div>
        }
    });
    view! {
        <a class="skip" href="#main">{skip}</a>
        <header class="top">
            <a class="name" href="/">"Direct Write"</a>
            <dl class="facts" data-testid="workspace">
                <div class="fact" data-local=local.to_string()>
                    <dt>"Workspace"</dt>
                    <dd>
                        <span class="badge">{name}</span>
                        <span class="code url">{url}</span>
                    </dd>
                </div>
                {principal}
                {user}
            </dl>
            <ThemeChoice />
        </header>
        {only_looks}
    }
}

/// The pages there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// `/`
    Workbench,
    /// `/runs`, and what belongs to a run.
    Runs,
    /// `/tables`, and the making of one.
    Tables,
    /// `/doctor`
    Doctor,
}

impl Page {
    const ALL: [Self; 4] = [Self::Workbench, Self::Runs, Self::Tables, Self::Doctor];

    fn link(self) -> (&'static str, &'static str) {
        match self {
            Self::Workbench => ("/", "Workbench"),
            Self::Runs => ("/runs", "Runs"),
            Self::Tables => ("/tables", "Tables"),
            Self::Doctor => ("/doctor", "Doctor"),
        }
    }
}

/// The way to the pages there are: a rail on wide screens, a row under the header on narrow ones.
#[component]
pub fn Rail(
    /// Where the reader is.
    current: Page,
) -> impl IntoView {
    let links = Page::ALL.map(|page| {
        let (address, name) = page.link();
        let is_current = (page == current).then_some("page");
        view! { <li><a href=address aria-current=is_current>{name}</a></li> }
    });
    view! {
        <nav class="rail" aria-label="Pages">
            <ul>{links}</ul>
        </nav>
    }
}
