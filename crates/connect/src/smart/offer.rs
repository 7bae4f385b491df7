//! A CapabilityStatement (R4 capabilitystatement.html), as far as it says what can be read and searched.

use crate::pattern::VendorError;
use crate::vendor::{Offer, Offered};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    resource_type: String,
    fhir_version: String,
    rest: Vec<Rest>,
}

#[derive(Deserialize)]
struct Rest {
    mode: String,
    #[serde(default)]
    resource: Vec<Resource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    interaction: Vec<Code>,
    #[serde(default)]
    search_param: Vec<Name>,
}

#[derive(Deserialize)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
struct Name {
    name: String,
}

/// Reads it. A server of another version of FHIR offers nothing that can be taken.
pub(super) fn read(body: &[u8]) -> Result<Offer, VendorError> {
    let statement: Statement = serde_json::from_slice(body).map_err(|_| VendorError::Garbled)?;
    let is_ours = statement.resource_type == "CapabilityStatement"
        && (statement.fhir_version.starts_with("4.0.") || statement.fhir_version == "4.0");
    if !is_ours {
        return Err(VendorError::Garbled);
    }
    let mut offer = Offer::default();
    for resource in statement.rest.into_iter().filter(|rest| rest.mode == "server").flat_map(|rest| rest.resource) {
        let can = |wanted: &str| resource.interaction.iter().any(|interaction| interaction.code == wanted);
        let (read, search) = (can("read"), can("search-type"));
        let parameters = resource.search_param.into_iter().map(|parameter| parameter.name).collect();
        offer.kinds.insert(resource.kind, Offered { read, search, parameters });
    }
    Ok(offer)
}
