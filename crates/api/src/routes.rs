//! Every endpoint, as a list and as a router. The list is what `cargo xtask check` holds against the tests: an endpoint without an
//! authorisation test or an audit assertion makes the build red.

use crate::{Api, admin, audit, fhir, oauth, request_id};
use aceso_audit::Action;
use aceso_repository::TerminologyOperation;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, delete, get, patch, post, put};

/// Who may call an endpoint at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anybody: nothing of a record is in the answer.
    Open,
    /// A client that authenticates in the request itself (OAuth 2.0).
    Client,
    /// Somebody with an access token; what he may do there, the policy says.
    Token,
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
    /// What the log calls a request that is refused before it reaches the door; `None` where nobody is asked who he is.
    pub action: Option<Action>,
}

const fn open(method: &'static str, path: &'static str) -> Route {
    Route { method, path, access: Access::Open, action: None }
}

const fn client(path: &'static str) -> Route {
    Route { method: "POST", path, access: Access::Client, action: None }
}

const fn token(method: &'static str, path: &'static str, action: Action) -> Route {
    Route { method, path, access: Access::Token, action: Some(action) }
}

/// All endpoints of the public listener.
pub const ROUTES: &[Route] = &[
    open("GET", "/fhir/R4/metadata"),
    open("GET", "/.well-known/oauth-authorization-server"),
    open("GET", "/oauth2/jwks"),
    client("/oauth2/token"),
    client("/oauth2/revoke"),
    client("/oauth2/introspect"),
    token("GET", "/oauth2/userinfo", Action::Read),
    token("POST", "/fhir/R4", Action::Update),
    token("POST", "/fhir/R4/", Action::Update),
    token("GET", "/fhir/R4/{type}", Action::Search),
    token("POST", "/fhir/R4/{type}", Action::Create),
    token("PUT", "/fhir/R4/{type}", Action::Update),
    token("PATCH", "/fhir/R4/{type}", Action::Patch),
    token("DELETE", "/fhir/R4/{type}", Action::Delete),
    token("POST", "/fhir/R4/{type}/_search", Action::Search),
    token("GET", "/fhir/R4/{type}/{id}", Action::Read),
    token("PUT", "/fhir/R4/{type}/{id}", Action::Update),
    token("PATCH", "/fhir/R4/{type}/{id}", Action::Patch),
    token("DELETE", "/fhir/R4/{type}/{id}", Action::Delete),
    token("GET", "/fhir/R4/{type}/{id}/_history", Action::History),
    token("GET", "/fhir/R4/{type}/{id}/_history/{version}", Action::Vread),
    token("GET", "/fhir/R4/{type}/{id}/$everything", Action::Everything),
    token("POST", "/fhir/R4/{type}/$validate", Action::Read),
    token("GET", "/fhir/R4/{type}/{id}/$validate", Action::Read),
    token("POST", "/fhir/R4/{type}/{id}/$validate", Action::Read),
    token("GET", "/fhir/R4/{type}/{id}/{other}", Action::Search),
    token("POST", "/fhir/R4/{type}/{id}/{other}/_search", Action::Search),
    token("GET", "/fhir/R4/ValueSet/$expand", Action::Read),
    token("POST", "/fhir/R4/ValueSet/$expand", Action::Read),
    token("GET", "/fhir/R4/ValueSet/$validate-code", Action::Read),
    token("POST", "/fhir/R4/ValueSet/$validate-code", Action::Read),
    token("GET", "/fhir/R4/CodeSystem/$lookup", Action::Read),
    token("POST", "/fhir/R4/CodeSystem/$lookup", Action::Read),
    token("GET", "/fhir/R4/CodeSystem/$validate-code", Action::Read),
    token("POST", "/fhir/R4/CodeSystem/$validate-code", Action::Read),
    token("GET", "/fhir/R4/CodeSystem/$subsumes", Action::Read),
    token("POST", "/fhir/R4/CodeSystem/$subsumes", Action::Read),
    token("GET", "/audit/checkpoint", Action::LogRead),
    token("GET", "/audit/tile/{*path}", Action::LogRead),
    token("GET", "/audit/entries", Action::LogRead),
    open("GET", "/admin/v1/openapi.json"),
    token("GET", "/admin/v1/connections", Action::Administered),
    token("POST", "/admin/v1/connections", Action::Administered),
    token("GET", "/admin/v1/connections/{name}", Action::Administered),
    token("DELETE", "/admin/v1/connections/{name}", Action::Administered),
    token("POST", "/admin/v1/connections/{name}/sync", Action::Administered),
    token("POST", "/admin/v1/connections/{name}/pause", Action::Administered),
    token("POST", "/admin/v1/connections/{name}/resume", Action::Administered),
    token("GET", "/admin/v1/connections/{name}/letters", Action::Administered),
    token("GET", "/admin/v1/connections/{name}/letters/{letter}", Action::Administered),
    token("DELETE", "/admin/v1/connections/{name}/letters/{letter}", Action::Administered),
    token("POST", "/admin/v1/connections/{name}/letters/{letter}/retry", Action::Administered),
    token("GET", "/admin/v1/jobs/{job}", Action::Administered),
];

pub(crate) fn router(api: Api) -> Router {
    let mut router = Router::new();
    for Route { method, path, .. } in ROUTES {
        if let Some(handler) = handler(method, path) {
            router = router.route(path, handler);
        }
    }
    router
        .fallback(fhir::unknown_path)
        .method_not_allowed_fallback(fhir::unknown_method)
        .layer(from_fn_with_state(api.clone(), request_id::stamp))
        .with_state(api)
}

fn handler(method: &str, path: &str) -> Option<MethodRouter<Api>> {
    Some(match (method, path) {
        ("GET", "/fhir/R4/metadata") => get(fhir::metadata::get),
        ("GET", "/.well-known/oauth-authorization-server") => get(oauth::metadata::get),
        ("GET", "/oauth2/jwks") => get(oauth::jwks::get),
        ("POST", "/oauth2/token") => post(oauth::token::post),
        ("POST", "/oauth2/revoke") => post(oauth::revoke::post),
        ("POST", "/oauth2/introspect") => post(oauth::introspect::post),
        ("GET", "/oauth2/userinfo") => get(oauth::userinfo::get),
        ("POST", "/fhir/R4" | "/fhir/R4/") => post(fhir::bundle::post),
        ("GET", "/fhir/R4/{type}") => get(fhir::search::get),
        ("POST", "/fhir/R4/{type}") => post(fhir::create::post),
        ("PUT", "/fhir/R4/{type}") => put(fhir::update::put_conditional),
        ("PATCH", "/fhir/R4/{type}") => patch(fhir::patch::patch_conditional),
        ("DELETE", "/fhir/R4/{type}") => delete(fhir::delete::delete_conditional),
        ("POST", "/fhir/R4/{type}/_search") => post(fhir::search::post),
        ("GET", "/fhir/R4/{type}/{id}") => get(fhir::read::get),
        ("PUT", "/fhir/R4/{type}/{id}") => put(fhir::update::put),
        ("PATCH", "/fhir/R4/{type}/{id}") => patch(fhir::patch::patch),
        ("DELETE", "/fhir/R4/{type}/{id}") => delete(fhir::delete::delete),
        ("GET", "/fhir/R4/{type}/{id}/_history") => get(fhir::history::get),
        ("GET", "/fhir/R4/{type}/{id}/_history/{version}") => get(fhir::read::get_version),
        ("GET", "/fhir/R4/{type}/{id}/$everything") => get(fhir::everything::get),
        ("POST", "/fhir/R4/{type}/$validate") => post(fhir::validate::post),
        ("GET", "/fhir/R4/{type}/{id}/$validate") => get(fhir::validate::get_stored),
        ("POST", "/fhir/R4/{type}/{id}/$validate") => post(fhir::validate::post_stored),
        ("GET", "/fhir/R4/{type}/{id}/{other}") => get(fhir::search::get_compartment),
        ("POST", "/fhir/R4/{type}/{id}/{other}/_search") => post(fhir::search::post_compartment),
        ("GET", "/audit/checkpoint") => get(audit::checkpoint::get),
        ("GET", "/audit/tile/{*path}") => get(audit::tile::get),
        ("GET", "/audit/entries") => get(audit::entries::get),
        _ => return terminology_handler(method, path).or_else(|| admin_handler(method, path)),
    })
}

fn terminology_handler(method: &str, path: &str) -> Option<MethodRouter<Api>> {
    let operation = match path.strip_prefix("/fhir/R4/")? {
        "ValueSet/$expand" => TerminologyOperation::Expand,
        "ValueSet/$validate-code" => TerminologyOperation::ValidateInValueSet,
        "CodeSystem/$lookup" => TerminologyOperation::Lookup,
        "CodeSystem/$validate-code" => TerminologyOperation::ValidateInCodeSystem,
        "CodeSystem/$subsumes" => TerminologyOperation::Subsumes,
        _ => return None,
    };
    match method {
        "GET" => Some(fhir::terminology::by_query(operation)),
        "POST" => Some(fhir::terminology::by_body(operation)),
        _ => None,
    }
}

fn admin_handler(method: &str, path: &str) -> Option<MethodRouter<Api>> {
    let rest = path.strip_prefix("/admin/v1/")?;
    Some(match (method, rest) {
        ("GET", "openapi.json") => get(admin::openapi::get),
        ("GET", "connections") => get(admin::connections::list),
        ("POST", "connections") => post(admin::connections::add),
        ("GET", "connections/{name}") => get(admin::connections::status),
        ("DELETE", "connections/{name}") => delete(admin::connections::remove),
        ("POST", "connections/{name}/sync") => post(admin::runs::sync),
        ("POST", "connections/{name}/pause") => post(admin::runs::pause),
        ("POST", "connections/{name}/resume") => post(admin::runs::resume),
        ("GET", "connections/{name}/letters") => get(admin::letters::list),
        ("GET", "connections/{name}/letters/{letter}") => get(admin::letters::inspect),
        ("DELETE", "connections/{name}/letters/{letter}") => delete(admin::letters::discard),
        ("POST", "connections/{name}/letters/{letter}/retry") => post(admin::letters::retry),
        ("GET", "jobs/{job}") => get(admin::runs::job),
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
