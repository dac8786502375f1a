//! What a page's browser may do: run this site's scripts, and nothing that somebody wrote into the page.

use axum::http::{HeaderValue, header};
use leptos::nonce::use_nonce;
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;

/// Puts the policy, and that nobody but the reader keeps the page, into the answer that is being made.
pub(super) fn set() {
    let Some(answer) = use_context::<ResponseOptions>() else { return };
    answer.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let nonce = use_nonce().map(|nonce| nonce.to_string()).unwrap_or_default();
    // A nonce is made of letters, digits, hyphens and underscores.
    if let Ok(policy) = HeaderValue::try_from(policy(&nonce, std::env::var_os("LEPTOS_WATCH").is_some())) {
        answer.insert_header(header::CONTENT_SECURITY_POLICY, policy);
    }
}

/// Scripts are this site's files and the one in the page that carries the nonce; styles are in files alone. `watched` pages hear
/// from cargo-leptos when to reload.
fn policy(nonce: &str, watched: bool) -> String {
    let reload = if watched { " ws://127.0.0.1:* ws://localhost:*" } else { "" };
    format!(
        "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; \
         connect-src 'self'{reload}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_written_into_a_page_is_run() {
        let policy = policy("abc", false);
        assert!(policy.contains("'nonce-abc'"), "{policy}");
        assert!(
            !policy.contains("unsafe-inline") && !policy.contains("'unsafe-eval'") && !policy.contains("ws:"),
            "{policy}"
        );
        assert!(self::policy("abc", true).contains("connect-src 'self' ws://127.0.0.1:*"));
    }
}
