//! `GET /fhir/R4/metadata`: what the server can do. Needs no token and holds nothing of a record.

use super::parts::pairs;
use crate::Api;
use crate::format::Wanted;
use crate::reply::{FHIR_JSON, Refusal};
use aceso_fhir::Format;
use aceso_repository::Fault;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use std::sync::Arc;

pub(crate) async fn get(State(api): State<Api>, uri: Uri, headers: HeaderMap) -> Result<Response, Refusal> {
    let wanted = Wanted::of(&headers, &uri)?;
    for (at, (name, value)) in pairs(&uri)?.iter().enumerate() {
        match (name.as_str(), value.as_str()) {
            ("mode", "full") | ("_pretty", "false") => {}
            ("_format", value) if Format::of_parameter(value).is_some() => {}
            ("_format", _) => {
                return Err(Fault::at(406, "not-supported", "http._format", "json or xml is served").into());
            }
            ("mode", _) => return Err(Fault::at(400, "not-supported", "http.mode", "only full is served").into()),
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(Fault::at(400, "not-supported", place, "not a parameter of this interaction").into());
            }
        }
    }
    // A reference-counted text: the statement is large, and many clients ask for it.
    match &api.capability_xml {
        Some(xml) if wanted.format == Format::Xml => {
            Ok(([(CONTENT_TYPE, wanted.header()), (VARY, ACCEPT.into())], Bytes::from_owner(Arc::clone(xml)))
                .into_response())
        }
        _ => Ok(([(CONTENT_TYPE, FHIR_JSON)], Bytes::from_owner(Arc::clone(&api.capability))).into_response()),
    }
}
