//! Request bodies: parsed within bounds, validated, nothing of them repeated in an error.

use crate::{Fault, Repository};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Kind};
use aceso_fhir::{ValidateOptions, validate};

impl Repository {
    /// A valid resource of this type.
    pub(crate) fn parse_resource(&self, body: Vec<u8>, expected: ResourceType) -> Result<Doc, Fault> {
        let doc = Doc::parse(body, &self.limits())?;
        check_resource(&doc, expected)?;
        Ok(doc)
    }

    /// Any JSON object within the bounds.
    pub(crate) fn parse_object(&self, body: Vec<u8>) -> Result<Doc, Fault> {
        let doc = Doc::parse(body, &self.limits())?;
        if doc.root().kind() == Kind::Object {
            Ok(doc)
        } else {
            Err(Fault::new(400, "structure", "the body is not a JSON object"))
        }
    }
}

pub(crate) fn check_resource(doc: &Doc, expected: ResourceType) -> Result<(), Fault> {
    validate(doc, &ValidateOptions { allow_conditional: false, expected: Some(expected) })?;
    Ok(())
}
