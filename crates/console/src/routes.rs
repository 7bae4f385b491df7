//! Every page and endpoint of the console, as a list and as a router. The list is what tests and `cargo xtask check` walk.

use crate::pages::{audit, claims, connections, me, patients, proof, record, sign_in, system};
use crate::{Console, assets, export, guard, live, proofs};
use aceso_audit::Action;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

/// Who may call an endpoint at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody: nothing of a record or an account is in the answer.
    Open,
    /// Somebody who is signed in; what he may do there, the policy says.
    Session,
}

/// One endpoint.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The path template.
    pub path: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What the log calls a request that is refused before it reaches the door.
    pub action: Option<Action>,
}

const fn open(method: &'static str, path: &'static str) -> Route {
    Route { method, path, access: Access::Open, action: None }
}

const fn session(method: &'static str, path: &'static str, action: Action) -> Route {
    Route { method, path, access: Access::Session, action: Some(action) }
}

/// All endpoints.
pub const ROUTES: &[Route] = &[
    open("GET", "/console/assets/{version}/{file}"),
    open("GET", "/console/sign-in"),
    open("POST", "/console/sign-in"),
    session("POST", "/console/sign-out", Action::LoggedOut),
    session("GET", "/console", Action::Read),
    session("GET", "/console/me", Action::Read),
    session("POST", "/console/purpose", Action::Administered),
    session("GET", "/console/claims", Action::Read),
    session("GET", "/console/patients", Action::Search),
    session("POST", "/console/patients", Action::Search),
    session("GET", "/console/patients/{id}", Action::Read),
    session("POST", "/console/patients/{id}", Action::Read),
    session("GET", "/console/proof", Action::Read),
    session("POST", "/console/proof", Action::Read),
    session("GET", "/console/live", Action::LogRead),
    session("GET", "/console/audit", Action::LogRead),
    session("GET", "/console/audit/checkpoint", Action::LogRead),
    session("GET", "/console/audit/tile/{*path}", Action::LogRead),
    session("GET", "/console/audit/entry/{index}", Action::LogRead),
    session("GET", "/console/audit/export.tar", Action::LogRead),
    session("GET", "/console/system", Action::Administered),
    session("POST", "/console/system/rotate", Action::KeyRotated),
    session("GET", "/console/connections", Action::Administered),
    session("GET", "/console/connections/{name}", Action::Administered),
    session("POST", "/console/connections/{name}/sync", Action::Administered),
    session("POST", "/console/connections/{name}/pause", Action::Administered),
    session("POST", "/console/connections/{name}/resume", Action::Administered),
    session("POST", "/console/connections/{name}/letters/{letter}/retry", Action::Administered),
    session("POST", "/console/connections/{name}/letters/{letter}/discard", Action::Administered),
];

pub(crate) fn router(console: Console) -> Router {
    let mut router = Router::new();
    for Route { method, path, .. } in ROUTES {
        if let Some(handler) = handler(method, path) {
            router = router.route(path, handler);
        }
    }
    router
        .route("/console/", get(me::home))
        .route("/console/{*other}", get(guard::nothing_here))
        .layer(from_fn_with_state(console.clone(), guard::around))
        .with_state(console)
}

fn handler(method: &str, path: &str) -> Option<MethodRouter<Console>> {
    Some(match (method, path) {
        ("GET", "/console/assets/{version}/{file}") => get(assets::get),
        ("GET", "/console/sign-in") => get(sign_in::get),
        ("POST", "/console/sign-in") => post(sign_in::post),
        ("POST", "/console/sign-out") => post(sign_in::out),
        ("GET", "/console") => get(me::home),
        ("GET", "/console/me") => get(me::get),
        ("POST", "/console/purpose") => post(me::purpose),
        ("GET", "/console/claims") => get(claims::get),
        ("GET", "/console/patients") => get(patients::get),
        ("POST", "/console/patients") => post(patients::post),
        ("GET", "/console/patients/{id}") => get(record::get),
        ("POST", "/console/patients/{id}") => post(record::post),
        ("GET", "/console/proof") => get(proof::get),
        ("POST", "/console/proof") => post(proof::post),
        ("GET", "/console/live") => get(live::get),
        ("GET", "/console/audit") => get(audit::get),
        ("GET", "/console/audit/checkpoint") => get(proofs::checkpoint),
        ("GET", "/console/audit/tile/{*path}") => get(proofs::tile),
        ("GET", "/console/audit/entry/{index}") => get(proofs::entry),
        ("GET", "/console/audit/export.tar") => get(export::get),
        ("GET", "/console/system") => get(system::get),
        ("POST", "/console/system/rotate") => post(system::rotate),
        ("GET", "/console/connections") => get(connections::list),
        ("GET", "/console/connections/{name}") => get(connections::one),
        ("POST", "/console/connections/{name}/sync") => post(connections::sync),
        ("POST", "/console/connections/{name}/pause") => post(connections::pause),
        ("POST", "/console/connections/{name}/resume") => post(connections::resume),
        ("POST", "/console/connections/{name}/letters/{letter}/retry") => post(connections::retry),
        ("POST", "/console/connections/{name}/letters/{letter}/discard") => post(connections::discard),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_route_has_its_handler() {
        for Route { method, path, .. } in ROUTES {
            assert!(handler(method, path).is_some(), "{method} {path}");
        }
    }
}
