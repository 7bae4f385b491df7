//! Every endpoint, as a list and as a router. The list is what `cargo xtask check` holds against the tests: an endpoint without an
//! authorisation test or an audit assertion makes the build red.

use crate::{Api, audit, fhir, oauth, request_id};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};

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
}

const fn route(method: &'static str, path: &'static str, access: Access) -> Route {
    Route { method, path, access }
}

/// All endpoints of the public listener.
pub const ROUTES: &[Route] = &[
    route("GET", "/fhir/R4/metadata", Access::Open),
    route("GET", "/.well-known/oauth-authorization-server", Access::Open),
    route("GET", "/oauth2/jwks", Access::Open),
    route("POST", "/oauth2/token", Access::Client),
    route("POST", "/oauth2/revoke", Access::Client),
    route("POST", "/oauth2/introspect", Access::Client),
    route("GET", "/oauth2/userinfo", Access::Token),
    route("POST", "/fhir/R4", Access::Token),
    route("GET", "/fhir/R4/{type}", Access::Token),
    route("POST", "/fhir/R4/{type}", Access::Token),
    route("PUT", "/fhir/R4/{type}", Access::Token),
    route("DELETE", "/fhir/R4/{type}", Access::Token),
    route("POST", "/fhir/R4/{type}/_search", Access::Token),
    route("GET", "/fhir/R4/{type}/{id}", Access::Token),
    route("PUT", "/fhir/R4/{type}/{id}", Access::Token),
    route("DELETE", "/fhir/R4/{type}/{id}", Access::Token),
    route("GET", "/fhir/R4/{type}/{id}/_history", Access::Token),
    route("GET", "/fhir/R4/{type}/{id}/_history/{version}", Access::Token),
    route("GET", "/fhir/R4/{type}/{id}/$everything", Access::Token),
    route("GET", "/fhir/R4/{type}/{id}/{other}", Access::Token),
    route("POST", "/fhir/R4/{type}/{id}/{other}/_search", Access::Token),
    route("GET", "/audit/checkpoint", Access::Token),
    route("GET", "/audit/tile/{*path}", Access::Token),
    route("GET", "/audit/entries", Access::Token),
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
        ("POST", "/fhir/R4") => post(fhir::bundle::post),
        ("GET", "/fhir/R4/{type}") => get(fhir::search::get),
        ("POST", "/fhir/R4/{type}") => post(fhir::create::post),
        ("PUT", "/fhir/R4/{type}") => axum::routing::put(fhir::update::put_conditional),
        ("DELETE", "/fhir/R4/{type}") => axum::routing::delete(fhir::delete::delete_conditional),
        ("POST", "/fhir/R4/{type}/_search") => post(fhir::search::post),
        ("GET", "/fhir/R4/{type}/{id}") => get(fhir::read::get),
        ("PUT", "/fhir/R4/{type}/{id}") => axum::routing::put(fhir::update::put),
        ("DELETE", "/fhir/R4/{type}/{id}") => axum::routing::delete(fhir::delete::delete),
        ("GET", "/fhir/R4/{type}/{id}/_history") => get(fhir::history::get),
        ("GET", "/fhir/R4/{type}/{id}/_history/{version}") => get(fhir::read::get_version),
        ("GET", "/fhir/R4/{type}/{id}/$everything") => get(fhir::everything::get),
        ("GET", "/fhir/R4/{type}/{id}/{other}") => get(fhir::search::get_compartment),
        ("POST", "/fhir/R4/{type}/{id}/{other}/_search") => post(fhir::search::post_compartment),
        ("GET", "/audit/checkpoint") => get(audit::checkpoint::get),
        ("GET", "/audit/tile/{*path}") => get(audit::tile::get),
        ("GET", "/audit/entries") => get(audit::entries::get),
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
