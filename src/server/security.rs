//! Refuses what a page of another site sends in a reader's name.
//!
//! Browsers say where a request comes from, in `Sec-Fetch-Site` or at least in `Origin`; programs say neither and are let through,
//! as nobody can make them send anything.

use axum::extract::Request;
use axum::http::{HeaderMap, Uri, header};
use axum::middleware::Next;
use axum::response::Response;

use super::guard::only_reads;
use super::refusal::refuse;
use crate::model::EdgeError;

const WORDS: &str = "This request came from a page of another site, so it was refused. Nothing was started or changed. \
                     Open Direct Write itself and try again there.";

/// Lets through what only reads and what this site's own pages send.
pub async fn refuse_other_sites(request: Request, next: Next) -> Response {
    if only_reads(request.method()) || is_own(request.uri(), request.headers()) {
        return next.run(request).await;
    }
    refuse(request.uri().path(), EdgeError::new("CROSS_SITE_REQUEST", WORDS))
}

fn is_own(uri: &Uri, headers: &HeaderMap) -> bool {
    let text = |name: header::HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    let Some((_, authority)) = origin.split_once("://") else { return false };
    // Behind the platform's proxy the host that the reader sees is the forwarded one; from others the header was taken off.
    let hosts = [header::HOST, header::HeaderName::from_static("x-forwarded-host")];
    // HTTP/2 has the host in the address.
    let addressed = uri.authority().map(|authority| authority.as_str());
    hosts.into_iter().filter_map(text).chain(addressed).any(|host| host.eq_ignore_ascii_case(authority))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &'static str)]) -> bool {
        let pairs = pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::from_static(name), header::HeaderValue::from_static(value)));
        is_own(&Uri::from_static("/runs"), &pairs.collect())
    }

    #[test]
    fn http_2_names_the_host_in_the_address() {
        let uri = Uri::from_static("http://app.example/runs");
        let from = |origin| HeaderMap::from_iter([(header::ORIGIN, header::HeaderValue::from_static(origin))]);
        assert!(is_own(&uri, &from("https://app.example")));
        assert!(!is_own(&uri, &from("https://elsewhere.example")));
    }

    #[test]
    fn only_this_sites_pages_and_programs_are_let_through() {
        assert!(own(&[]), "a program");
        assert!(own(&[("sec-fetch-site", "same-origin"), ("origin", "https://elsewhere")]));
        assert!(own(&[("sec-fetch-site", "none")]), "typed into the address bar");
        assert!(own(&[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")]));
        assert!(own(&[("origin", "https://app.example"), ("host", "10.0.0.1"), ("x-forwarded-host", "App.example")]));
        assert!(!own(&[("sec-fetch-site", "cross-site"), ("origin", "http://a"), ("host", "a")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]), "another app of the same domain");
        assert!(!own(&[("origin", "null"), ("host", "null")]));
        assert!(!own(&[("origin", "http://127.0.0.1:3001"), ("host", "127.0.0.1:3000")]));
        assert!(!own(&[("origin", "https://app.example.evil"), ("host", "app.example")]));
    }
}
