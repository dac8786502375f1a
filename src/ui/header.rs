//! The frame around every page: skip link, name, workspace badge, principal, theme; the rail on wide screens.
//!
//! Rendered on the server only. Lists no page that does not exist.

use leptos::prelude::*;

use super::theme::ThemeChoice;
use crate::model::WorkspaceBadge;

/// The slim bar on top.
#[component]
pub fn Header(
    /// Which workspace; never hidden.
    workspace: WorkspaceBadge,
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
    view! {
        <a class="skip" href="#main">"Skip to the workbench"</a>
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
            </dl>
            <ThemeChoice />
        </header>
    }
}

/// The way to the pages there are.
#[component]
pub fn Rail() -> impl IntoView {
    view! {
        <nav class="rail" aria-label="Pages">
            <ul>
                <li><a href="/" aria-current="page">"Workbench"</a></li>
            </ul>
        </nav>
    }
}
