//! patch (R4 http.html, section 3.1.0.6): what is there, as the caller sees it, changed and written back.
//!
//! The patch itself is read before the door is asked, so that what is wrong with it is told whatever the record is. The record is
//! opened only for a caller who may both see and change all of it: what fits and what does not tells him nothing new.

use crate::body::check_resource;
use crate::conditional::Match;
use crate::entry::Entry;
use crate::references::referred;
use crate::write::{ATTEMPTS, Stored, body_id, one, several};
use crate::{Fault, Repository};
use aceso_base::{Caller, Interaction, LogicalId, Version};
use aceso_custodian::{Change, DoorError, Expected, View};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Node};
use aceso_fhir::patch::{FhirPathPatch, JsonPatch, PatchError, PatchLimits, XmlPatch};
use aceso_fhir::search::Filter;
use aceso_fhir::xml;
use data_encoding::BASE64;
use zeroize::Zeroizing;

/// The formats of a patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchFormat {
    /// JSON Patch (RFC 6902).
    JsonPatch,
    /// FHIRPath Patch (R4 fhirpatch.html): Parameters in JSON.
    FhirPath,
    /// FHIRPath Patch: Parameters in XML.
    FhirPathXml,
    /// XML Patch (RFC 5261).
    XmlPatch,
}

impl PatchFormat {
    /// The media types of patches, as a CapabilityStatement lists them.
    pub const MEDIA_TYPES: &'static [&'static str] =
        &["application/json-patch+json", "application/fhir+json", "application/xml-patch+xml", "application/fhir+xml"];

    /// The format of a media type in lower case, without parameters.
    #[must_use]
    pub fn of_media_type(media: &str) -> Option<Self> {
        match media {
            "application/json-patch+json" => Some(Self::JsonPatch),
            "application/fhir+json" => Some(Self::FhirPath),
            "application/fhir+xml" => Some(Self::FhirPathXml),
            "application/xml-patch+xml" => Some(Self::XmlPatch),
            _ => None,
        }
    }
}

/// A patch of a known record, or of the one that a condition describes.
pub struct PatchCall<'a> {
    /// The type.
    pub rtype: ResourceType,
    /// The logical id, unless conditional.
    pub id: Option<LogicalId>,
    /// The condition (`PATCH [type]?[query]`).
    pub condition: Option<&'a str>,
    /// `If-Match`.
    pub if_match: Option<Version>,
    /// What the body is.
    pub format: PatchFormat,
    /// The body.
    pub body: Vec<u8>,
}

/// A patch that was read and is one, whatever it meets.
pub(crate) enum Patch {
    Json(Doc),
    FhirPath(Doc),
    Xml(XmlPatch),
}

/// A record with a patch applied, and the version that it was made of.
pub(crate) struct Patched {
    pub(crate) doc: Doc,
    pub(crate) version: Version,
}

impl Repository {
    /// patch and conditional patch.
    ///
    /// # Errors
    /// 400 for what is no patch, 422 for one that does not fit the record or makes no valid resource of it, else as for
    /// [`Repository::update`]: a record that is not there is 404 or 410, never made.
    pub async fn patch(&self, caller: &Caller, call: PatchCall<'_>) -> Result<Stored, Fault> {
        let (rtype, id) = (call.rtype, call.id.clone());
        let done = self.patch_one(caller, call).await;
        self.logged(caller, (Interaction::Patch, Some(rtype), id.as_ref()), done).await
    }

    async fn patch_one(&self, caller: &Caller, call: PatchCall<'_>) -> Result<Stored, Fault> {
        let PatchCall { rtype, id, condition, if_match, format, body } = call;
        let patch = self.read_patch(format, body)?;
        let filters = condition.map(|query| self.condition(rtype, query)).transpose()?;
        for _ in 0..ATTEMPTS {
            let (id, expected) = match (&id, &filters) {
                (Some(id), _) => (id.clone(), if_match),
                (None, Some(filters)) => self.patch_target(caller, rtype, filters, if_match).await?,
                (None, None) => return Err(Fault::new(405, "not-supported", "a patch needs an id or a condition")),
            };
            let Patched { doc, version } = self.patched(caller, (rtype, &id), expected, &patch).await?;
            let findings = self.conforms(caller, &doc, rtype)?;
            let refers = referred(doc.root());
            let change = [Change::Put { rtype, id, doc, expected: Expected::At(version), refers, patched: true }];
            match self.door.write(caller, &change, &[], &[]).await {
                // Another writer came between: the patch is for whatever there is now.
                Err(DoorError::VersionMismatch { .. }) if if_match.is_none() => {}
                other => return one(other?).map(|stored| Stored { findings, ..stored }),
            }
        }
        Err(Fault::new(409, "conflict", "other writers change the record all the time; try again"))
    }

    /// Which record a conditional patch is about, and at which version it matched.
    pub(crate) async fn patch_target(
        &self,
        caller: &Caller,
        rtype: ResourceType,
        filters: &[Filter],
        if_match: Option<Version>,
    ) -> Result<(LogicalId, Option<Version>), Fault> {
        match self.matching(caller, Interaction::Patch, rtype, filters).await? {
            (Match::One(id, version), _) => Ok((id, Some(if_match.unwrap_or(version)))),
            (Match::None, receipt) => {
                Err(Fault { receipt: Some(receipt), ..Fault::new(404, "not-found", "no record matches the condition") })
            }
            (Match::Several, _) => Err(several()),
        }
    }

    /// Reads a patch, as far as it can be judged without the record.
    pub(crate) fn read_patch(&self, format: PatchFormat, body: Vec<u8>) -> Result<Patch, Fault> {
        let (body, limits) = (Zeroizing::new(body), self.patch_limits());
        match format {
            PatchFormat::JsonPatch => {
                let doc = Doc::parse(body.to_vec(), &limits.json)?;
                JsonPatch::read(&doc, &limits)?;
                Ok(Patch::Json(doc))
            }
            PatchFormat::FhirPath => self.read_parameters(body.to_vec()),
            PatchFormat::FhirPathXml => {
                let json = xml::to_json(&body, &limits.json)
                    .map_err(|error| Fault::new(400, "structure", error.to_string()))?;
                self.read_parameters(json)
            }
            PatchFormat::XmlPatch => Ok(Patch::Xml(XmlPatch::read(&body, &limits)?)),
        }
    }

    fn read_parameters(&self, json: Vec<u8>) -> Result<Patch, Fault> {
        let doc = Doc::parse(json, &self.limits())?;
        FhirPathPatch::read(&doc, &self.patch_limits())?;
        Ok(Patch::FhirPath(doc))
    }

    /// The record with the patch applied: a valid resource of its type, under its own id.
    pub(crate) async fn patched(
        &self,
        caller: &Caller,
        (rtype, id): (ResourceType, &LogicalId),
        expected: Option<Version>,
        patch: &Patch,
    ) -> Result<Patched, Fault> {
        let view = self.door.open_for_patch(caller, (rtype, id), expected).await?;
        let version = view.version();
        let doc = self.apply(view, patch)?;
        check_resource(&doc, rtype)?;
        if body_id(doc.root())?.as_ref() != Some(id) {
            return Err(Fault::at(422, "business-rule", "id", "a patch may not change the id"));
        }
        Ok(Patched { doc, version })
    }

    fn apply(&self, view: View, patch: &Patch) -> Result<Doc, Fault> {
        let limits = self.patch_limits();
        // What is stored was within the bounds of its time.
        let base = Doc::parse(view.into_json(), &aceso_fhir::json::Limits::default())?;
        let text = match patch {
            Patch::Json(patch) => JsonPatch::read(patch, &limits)?.apply(&base)?,
            Patch::FhirPath(patch) => FhirPathPatch::read(patch, &limits)?.apply(&base)?,
            Patch::Xml(patch) => patch.apply(&base)?,
        };
        Ok(Doc::parse(text, &limits.json)?)
    }

    fn patch_limits(&self) -> PatchLimits {
        PatchLimits { json: self.limits(), ..PatchLimits::default() }
    }
}

/// The patch in an entry of a bundle: a Binary with its media type, or Parameters (R4 http.html, section 3.1.0.11.2).
pub(crate) fn patch_in(entry: &Entry<'_>) -> Result<(PatchFormat, Vec<u8>), Fault> {
    let resource = entry.resource.ok_or_else(|| Fault::new(400, "required", "PATCH needs a resource"))?;
    let text = |name: &str| resource.get(name).and_then(Node::as_str);
    match text("resourceType").as_deref() {
        Some("Parameters") => return Ok((PatchFormat::FhirPath, resource.raw().to_vec())),
        Some("Binary") => {}
        _ => {
            return Err(Fault::at(
                400,
                "not-supported",
                "resourceType",
                "a patch in a bundle is a Binary or Parameters",
            ));
        }
    }
    let media = text("contentType").unwrap_or_default().to_ascii_lowercase();
    let media = media.split(';').next().unwrap_or_default().trim();
    let format = PatchFormat::of_media_type(media)
        .ok_or_else(|| Fault::at(400, "not-supported", "Binary.contentType", "not a format of patches"))?;
    let data = Zeroizing::new(
        text("data").unwrap_or_default().bytes().filter(|byte| !byte.is_ascii_whitespace()).collect::<Vec<u8>>(),
    );
    let body = BASE64.decode(&data).map_err(|_| Fault::at(400, "value", "Binary.data", "not base64"))?;
    Ok((format, body))
}

impl From<PatchError> for Fault {
    fn from(error: PatchError) -> Self {
        let (status, code) = match error.problem.is_malformed() {
            true => (400, "structure"),
            false => (422, "processing"),
        };
        let text = error.to_string();
        if error.place.is_empty() { Self::new(status, code, text) } else { Self::at(status, code, error.place, text) }
    }
}
