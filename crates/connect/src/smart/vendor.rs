//! A FHIR source as the common part sees it.

use super::Fhir;
use super::bundle::string;
use super::kinds::{LAST_UPDATED, PATIENT};
use super::{map, offer};
use crate::fhir::timestamp;
use crate::http::form_text;
use crate::keeper::Algorithm;
use crate::pattern::{
    Capabilities, ErrorRow, MapCode, MapContext, MapError, Mapped, ResourceCapability, SourceRef, VendorError,
};
use crate::vendor::{Ask, Changes, Lists, News, Offer, Page, Vendor, Way, WebhookError};
use ::http::header::ACCEPT;
use ::http::{HeaderMap, HeaderValue};
use aceso_base::LogicalId;
use aceso_fhir::json::{Doc, Limits};

/// Objects of a page.
const COUNT: &str = "100";
/// Seconds by which the other system's clock may be ahead, where a range needs an end.
const AHEAD: i64 = 3600;

impl Vendor for Fhir {
    fn capabilities(&self) -> &'static Capabilities {
        &self.profile.capabilities
    }

    fn errors(&self) -> &'static [ErrorRow] {
        self.profile.errors
    }

    fn error_code(&self, body: &[u8]) -> Option<String> {
        self.known_code(body)
    }

    fn headers(&self) -> HeaderMap {
        let mut headers = self.options.headers.clone();
        // Some answer anything else with 406 and an empty body.
        headers.insert(ACCEPT, HeaderValue::from_static("application/fhir+json"));
        headers
    }

    fn takes_proof(&self, algorithm: Option<Algorithm>) -> bool {
        self.profile.proofs.contains(&algorithm)
    }

    fn patients(&self) -> &'static str {
        "Patient"
    }

    fn panel(&self) -> &[String] {
        &self.panel
    }

    fn description(&self) -> Option<&'static str> {
        Some("metadata")
    }

    fn offer(&self, body: &[u8]) -> Result<Offer, VendorError> {
        offer::read(body)
    }

    fn way(&self, resource: &ResourceCapability, offer: &Offer) -> Way {
        let absent = Way { lists: Lists::Absent, changes: Changes::Otherwise };
        let Some(offered) = offer.kinds.get(resource.kind) else { return absent };
        let narrowed = self.profile.per_patient || self.options.by_patient || self.options.name_patients();
        let lists = match resource.listing.filters.patient {
            _ if resource.kind == self.patients() && self.options.name_patients() && offered.read => Lists::All,
            _ if resource.kind == self.patients() && !self.profile.lists_patients => Lists::Absent,
            _ if resource.kind == self.patients() && offered.search => Lists::All,
            Some(parameter) if narrowed && offered.search && offered.parameters.contains(parameter) => {
                Lists::PerPatient
            }
            Some(_) if !narrowed && offered.search => Lists::All,
            None if !self.profile.directory_named && offered.search => Lists::All,
            None if offered.read => Lists::Named,
            _ => Lists::Absent,
        };
        let named_patients = resource.kind == self.patients() && self.options.name_patients();
        let changes = match lists {
            Lists::Named | Lists::Absent => Changes::Otherwise,
            _ if named_patients || !offered.parameters.contains(LAST_UPDATED) => Changes::Whole,
            _ => Changes::Since,
        };
        Way { lists, changes }
    }

    fn lists(&self, resource: &ResourceCapability, ask: &Ask<'_>) -> Vec<String> {
        if resource.kind == self.patients() && !self.options.groups.is_empty() {
            return self.options.groups.iter().map(|id| format!("Group/{id}")).collect();
        }
        let mut query: Vec<(&str, &str)> = Vec::new();
        query.extend(ask.patient.map(|patient| (PATIENT, patient)));
        query.extend(self.options.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let since = ask.since.map(|since| format!("ge{since}"));
        let until = since.as_ref().filter(|_| self.profile.closed_ranges);
        let until = until.map(|_| format!("lt{}", ask.now.plus_seconds(AHEAD)));
        query.extend(since.iter().chain(&until).map(|bound| (LAST_UPDATED, bound.as_str())));
        query.push(("_count", COUNT));
        let categories = self.profile.categories.iter().find(|(kind, _)| *kind == resource.kind);
        let Some((_, categories)) = categories else {
            return vec![format!("{}?{}", resource.path, form_text(&query))];
        };
        let of = |category: &&str| {
            let query: Vec<(&str, &str)> = query.iter().copied().chain([("category", *category)]).collect();
            format!("{}?{}", resource.path, form_text(&query))
        };
        categories.iter().map(of).collect()
    }

    fn repeats(&self) -> bool {
        self.profile.repeats
    }

    fn object_path(&self, resource: &ResourceCapability, id: &str) -> String {
        format!("{}/{id}", resource.path)
    }

    fn refers(&self, object: &[u8]) -> Vec<(&'static str, String)> {
        Doc::parse(object.to_vec(), &Limits::default()).map(|doc| self.targets(doc.root())).unwrap_or_default()
    }

    fn page(&self, body: &[u8]) -> Result<Page, VendorError> {
        self.read_page(body)
    }

    fn source(&self, kind: &'static str, object: &[u8]) -> Result<SourceRef, MapError> {
        let failed = |path: &str, code| MapError { kind, path: path.to_owned(), code };
        let doc = Doc::parse(object.to_vec(), &Limits::default()).map_err(|_| failed("", MapCode::Shape))?;
        let root = doc.root();
        if string(root, "resourceType").as_deref() != Some(kind) {
            return Err(failed("resourceType", MapCode::Shape));
        }
        let id = string(root, "id").ok_or_else(|| failed("id", MapCode::Missing))?;
        LogicalId::parse(&id).map_err(|_| failed("id", MapCode::Shape))?;
        let updated = root.get("meta").and_then(|meta| string(meta, "lastUpdated"));
        Ok(SourceRef { kind, id, version: updated.filter(|text| timestamp(text).is_some()) })
    }

    fn map(&self, kind: &'static str, object: &[u8], context: &MapContext<'_>) -> Result<Mapped, MapError> {
        map::resource(self, kind, object, context)
    }

    fn changes(&self, _body: &[u8]) -> Result<(Vec<News>, Option<String>), VendorError> {
        // There is no list of past changes, so nothing asks for one.
        Err(VendorError::Garbled)
    }

    fn webhook(&self, _headers: &HeaderMap, _body: &[u8], _keys: &[Vec<u8>]) -> Result<Option<News>, WebhookError> {
        // No key was ever given out: nothing can be genuine.
        Err(WebhookError::Signature)
    }

    fn subscription(&self, _kind: &str, _target: &str) -> Option<(&'static str, Vec<u8>)> {
        None
    }

    fn subscribed(&self, _body: &[u8]) -> Result<Vec<u8>, VendorError> {
        Err(VendorError::Garbled)
    }
}
