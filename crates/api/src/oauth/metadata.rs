//! `GET /.well-known/oauth-authorization-server` (RFC 8414).

use crate::Api;
use crate::reply::json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

pub(crate) async fn get(State(api): State<Api>) -> Response {
    let url = &api.public_url;
    let value = serde_json::json!({
        "issuer": &**url,
        "token_endpoint": format!("{url}/oauth2/token"),
        "revocation_endpoint": format!("{url}/oauth2/revoke"),
        "introspection_endpoint": format!("{url}/oauth2/introspect"),
        "userinfo_endpoint": format!("{url}/oauth2/userinfo"),
        "jwks_uri": format!("{url}/oauth2/jwks"),
        "grant_types_supported": ["password", "client_credentials", "refresh_token"],
        "response_types_supported": [],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post", "none"],
    });
    json(StatusCode::OK, &value)
}
