//! Lets through what its caller may do: whatever changes something needs [`Permission::Run`], wherever it is answered.
//!
//! Here and not in each handler, so that a new one is guarded before anybody thinks of it.

use axum::extract::Request;
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

use super::refusal::refuse;
use crate::api::PLAN_PREVIEW_PATH;
use crate::api::caller::{Caller, Permission};

/// What is sent by POST because it is long, and only reads.
const READS: [&str; 6] = [
    PLAN_PREVIEW_PATH,
    "/api/page/workbench",
    "/api/page/rows",
    "/api/page/comparisons/report",
    "/api/page/comparisons/list",
    "/api/page/comparisons/plan",
];

/// Whether a request only reads, as far as its first line tells.
pub(super) fn only_reads(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// For everything: who may not run may only look.
pub(super) async fn guard_changes(caller: Caller, request: Request, next: Next) -> Response {
    if only_reads(request.method()) || READS.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    require(&caller, Permission::Run, request, next).await
}

/// For probes, which look without writing but take the workspace's time.
pub(super) async fn for_runners(caller: Caller, request: Request, next: Next) -> Response {
    require(&caller, Permission::Run, request, next).await
}

/// For what tells how the program is set up.
pub(super) async fn for_administrators(caller: Caller, request: Request, next: Next) -> Response {
    require(&caller, Permission::Administer, request, next).await
}

async fn require(caller: &Caller, permission: Permission, request: Request, next: Next) -> Response {
    match caller.require(permission) {
        Ok(()) => next.run(request).await,
        Err(error) => refuse(request.uri().path(), error),
    }
}
