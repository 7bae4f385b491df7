//! `/fhir/R4`: one file per endpoint.

pub(crate) mod bundle;
pub(crate) mod create;
pub(crate) mod delete;
pub(crate) mod everything;
pub(crate) mod history;
pub(crate) mod metadata;
pub(crate) mod parts;
pub(crate) mod patch;
pub(crate) mod read;
pub(crate) mod search;
pub(crate) mod terminology;
pub(crate) mod update;
pub(crate) mod validate;
mod written;

use crate::reply::Refusal;
use aceso_repository::Fault;

pub(crate) async fn unknown_path() -> Refusal {
    Refusal(Fault::new(404, "not-found", "there is nothing at this path"))
}

pub(crate) async fn unknown_method() -> Refusal {
    Refusal(Fault::new(405, "not-supported", "this method is not served at this path"))
}
