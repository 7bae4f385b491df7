//! `/admin/v1`: what operators do with connections, as [`openapi`] describes it. The same port as the commands on the machine.
//!
//! Each request is admitted by the door, which is an entry of the log, before anything is looked at. Refusals are problem details (RFC 9457).

pub(crate) mod connections;
pub(crate) mod letters;
mod members;
pub mod openapi;
pub(crate) mod runs;

use crate::Api;
use crate::fhir::parts::pairs;
use crate::reply::{Refusal, add_receipt, json};
use aceso_base::Caller;
use aceso_connect::admin::AdminError;
use aceso_custodian::Receipt;
use aceso_policy::AdminAction;
use aceso_repository::Fault;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::Value;

async fn admit(api: &Api, caller: &Caller, what: &'static str) -> Result<Receipt, Refusal> {
    let door = api.repository.door();
    door.admit_admin(caller, AdminAction::ManageConnections, what).await.map_err(|error| Refusal(error.into()))
}

fn told(status: StatusCode, value: &Value, receipt: &Receipt) -> Response {
    let mut response = json(status, value);
    add_receipt(response.headers_mut(), Some(receipt));
    response
}

/// Done, and nothing to say about it.
fn silent(receipt: &Receipt) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    response.headers_mut().insert(axum::http::header::CACHE_CONTROL, axum::http::HeaderValue::from_static("no-store"));
    add_receipt(response.headers_mut(), Some(receipt));
    response
}

/// Parameters of the query: each of these names once at most, and no other.
fn parameters<const N: usize>(uri: &Uri, names: [&str; N]) -> Result<[Option<String>; N], Refusal> {
    let mut found = [const { None }; N];
    for (at, (name, value)) in pairs(uri)?.into_iter().enumerate() {
        let place = format!("http.parameter[{}]", at + 1);
        let known = names.iter().zip(found.iter_mut()).find(|(known, _)| **known == name);
        match known {
            Some((_, slot @ None)) => *slot = Some(value),
            Some(_) => return Err(Fault::at(400, "value", place, "the parameter may come once only").into()),
            None => return Err(Fault::at(400, "not-supported", place, "not a parameter of this request").into()),
        }
    }
    Ok(found)
}

impl From<AdminError> for Refusal {
    fn from(error: AdminError) -> Self {
        let (status, code) = error.answer();
        Self(match error {
            AdminError::Setting { setting, rule } => Fault::at(status, code, format!("/{setting}"), rule),
            other => Fault::new(status, code, other.to_string()),
        })
    }
}
