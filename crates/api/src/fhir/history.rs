//! `GET /fhir/R4/{type}/{id}/_history`.

use super::parts::{InPath, check_format, logical_id, pairs, resource_type};
use crate::Api;
use crate::auth::Asking;
use crate::reply::{Refusal, disclosed};
use aceso_base::Version;
use aceso_fhir::Format;
use aceso_repository::Fault;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

pub(crate) async fn get(
    State(api): State<Api>,
    Asking(caller): Asking,
    InPath((rtype, id)): InPath<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    check_format(&headers, &uri)?;
    let (mut before, mut count, mut format) = (None, None, None);
    for (at, (name, value)) in pairs(&uri)?.into_iter().enumerate() {
        let number =
            |place| value.parse::<u32>().map_err(|_| Fault::at(400, "value", place, "a whole number is expected"));
        match name.as_str() {
            "_before" if before.is_none() => before = Some(Version(number("http._before")?)),
            "_count" if count.is_none() => count = Some(number("http._count")? as usize),
            "_format" if Format::of_parameter(&value).is_some() => format = Format::of_parameter(&value),
            "_pretty" if value == "false" => {}
            _ => {
                let place = format!("http.parameter[{}]", at + 1);
                return Err(
                    Fault::at(400, "not-supported", place, "not a parameter of a history on this server").into()
                );
            }
        }
    }
    let (rtype, id) = (resource_type(&rtype)?, logical_id(&id)?);
    let page = api.repository.history(&caller, rtype, &id, before, count, format).await?;
    Ok(disclosed(StatusCode::OK, page.json, Some(&page.receipt)))
}
