//! The entries of a batch or transaction, read and understood before anything is done.

use crate::conditional::decode_pairs;
use crate::{Fault, Repository};
use aceso_base::{Interaction, LogicalId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_fhir::json::{Doc, Kind, Node};
use std::borrow::Cow;

/// What an entry asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// `POST [type]`, with `ifNoneExist`.
    Create { rtype: ResourceType, if_none_exist: Option<String> },
    /// `PUT [type]/[id]` or `PUT [type]?[query]`.
    Update { rtype: ResourceType, id: Option<LogicalId>, condition: Option<String>, if_match: Option<Version> },
    /// `PATCH [type]/[id]` or `PATCH [type]?[query]`.
    Patch { rtype: ResourceType, id: Option<LogicalId>, condition: Option<String>, if_match: Option<Version> },
    /// `DELETE [type]/[id]` or `DELETE [type]?[query]`.
    Delete { rtype: ResourceType, id: Option<LogicalId>, condition: Option<String>, if_match: Option<Version> },
    /// `GET [type]/[id]`.
    Read { rtype: ResourceType, id: LogicalId, version: Option<Version> },
    /// `GET [type]?[query]`.
    Search { rtype: ResourceType, pairs: Vec<(String, String)> },
}

/// One entry.
pub(crate) struct Entry<'a> {
    pub(crate) index: usize,
    pub(crate) full_url: Option<String>,
    pub(crate) resource: Option<Node<'a>>,
    pub(crate) request: Request,
}

impl Entry<'_> {
    /// What it wants of which record, for the log.
    pub(crate) const fn about(&self) -> (Interaction, Option<ResourceType>, Option<&LogicalId>) {
        match &self.request {
            Request::Create { rtype, .. } => (Interaction::Create, Some(*rtype), None),
            Request::Update { rtype, id, .. } => (Interaction::Update, Some(*rtype), id.as_ref()),
            Request::Patch { rtype, id, .. } => (Interaction::Patch, Some(*rtype), id.as_ref()),
            Request::Delete { rtype, id, .. } => (Interaction::Delete, Some(*rtype), id.as_ref()),
            Request::Read { rtype, id, .. } => (Interaction::Read, Some(*rtype), Some(id)),
            Request::Search { rtype, .. } => (Interaction::Search, Some(*rtype), None),
        }
    }
}

impl Repository {
    /// Checks the form of a bundle: its type, and that it is not larger than one unit of work may be.
    pub(crate) fn bundle_kind<'a>(&self, doc: &'a Doc) -> Result<(BundleKind, Vec<Node<'a>>), Fault> {
        let root = doc.root();
        let text = |name: &str| root.get(name).and_then(Node::as_str);
        if text("resourceType").as_deref() != Some("Bundle") {
            return Err(Fault::at(400, "structure", "resourceType", "a Bundle is expected here"));
        }
        let kind = match text("type").as_deref() {
            Some("transaction") => BundleKind::Transaction,
            Some("batch") => BundleKind::Batch,
            _ => return Err(Fault::at(400, "value", "Bundle.type", "batch or transaction is expected here")),
        };
        for member in root.members() {
            if !matches!(
                member.key.as_ref(),
                "resourceType"
                    | "type"
                    | "entry"
                    | "id"
                    | "meta"
                    | "link"
                    | "timestamp"
                    | "identifier"
                    | "total"
                    | "language"
                    | "implicitRules"
                    | "signature"
            ) {
                return Err(Fault::new(
                    400,
                    "structure",
                    format!("unknown property of Bundle at byte {}", member.key_span.start),
                ));
            }
        }
        let entries = match root.get("entry") {
            None => Vec::new(),
            Some(list) if list.kind() == Kind::Array => list.items().collect(),
            Some(_) => return Err(Fault::at(400, "structure", "Bundle.entry", "an array is expected here")),
        };
        Ok((kind, entries))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BundleKind {
    Batch,
    Transaction,
}

/// Reads one entry.
pub(crate) fn read_entry(index: usize, node: Node<'_>) -> Result<Entry<'_>, Fault> {
    only(node, &["fullUrl", "resource", "request", "link", "id", "search", "response", "extension"])?;
    let Some(request) = node.get("request").filter(|request| request.kind() == Kind::Object) else {
        return Err(Fault::new(400, "required", "every entry needs a request"));
    };
    const CONDITIONS: [&str; 4] = ["ifMatch", "ifNoneExist", "ifNoneMatch", "ifModifiedSince"];
    only(request, &["method", "url", "id", "extension", CONDITIONS[0], CONDITIONS[1], CONDITIONS[2], CONDITIONS[3]])?;
    let method = text(request, "method")?.ok_or_else(|| Fault::new(400, "required", "request.method is required"))?;
    let url = text(request, "url")?.ok_or_else(|| Fault::new(400, "required", "request.url is required"))?;
    // A condition without a meaning for the method is refused: to ignore it would be to act against it.
    let allowed = match method.as_ref() {
        "POST" => "ifNoneExist",
        "PUT" | "PATCH" | "DELETE" => "ifMatch",
        _ => "",
    };
    if CONDITIONS.iter().any(|name| *name != allowed && request.get(name).is_some()) {
        return Err(Fault::new(400, "not-supported", "a condition of the request has no meaning for its method here"));
    }
    let if_match = text(request, "ifMatch")?.map(|tag| parse_etag(&tag, "http.ifMatch")).transpose()?;
    let request_of = match method.as_ref() {
        "POST" => {
            let rtype = resource_type(&url)?;
            Request::Create {
                rtype,
                if_none_exist: text(request, "ifNoneExist")?.map(|query| query.trim_start_matches('?').to_owned()),
            }
        }
        "PUT" => {
            let (rtype, id, condition) = target(&url)?;
            Request::Update { rtype, id, condition, if_match }
        }
        "PATCH" => {
            let (rtype, id, condition) = target(&url)?;
            Request::Patch { rtype, id, condition, if_match }
        }
        "DELETE" => {
            let (rtype, id, condition) = target(&url)?;
            Request::Delete { rtype, id, condition, if_match }
        }
        "GET" => read_or_search(&url)?,
        "HEAD" => return Err(Fault::new(400, "not-supported", "this method is not supported in a bundle")),
        _ => return Err(Fault::new(400, "value", "request.method is not an HTTP method that FHIR knows")),
    };
    let resource = node.get("resource").filter(|resource| resource.kind() == Kind::Object);
    if node.get("resource").is_some() && resource.is_none() {
        return Err(Fault::new(400, "structure", "resource is not a JSON object"));
    }
    let needs = matches!(request_of, Request::Create { .. } | Request::Update { .. } | Request::Patch { .. });
    if needs && resource.is_none() {
        return Err(Fault::new(400, "required", "POST, PUT and PATCH need a resource"));
    }
    let full_url = text(node, "fullUrl")?.map(Cow::into_owned);
    Ok(Entry { index, full_url, resource, request: request_of })
}

/// A member that is text, or absent; anything else is refused rather than overlooked.
fn text<'a>(node: Node<'a>, name: &str) -> Result<Option<Cow<'a, str>>, Fault> {
    match node.get(name) {
        None => Ok(None),
        Some(value) => match value.as_str() {
            Some(text) => Ok(Some(text)),
            None => Err(Fault::new(400, "structure", "a string is expected in fullUrl and in every part of request")),
        },
    }
}

fn only(node: Node<'_>, known: &[&str]) -> Result<(), Fault> {
    match node.members().find(|member| !known.contains(&member.key.as_ref())) {
        None => Ok(()),
        Some(member) => {
            let text = format!("unknown property of a Bundle entry at byte {}", member.key_span.start);
            Err(Fault::new(400, "structure", text))
        }
    }
}

fn resource_type(name: &str) -> Result<ResourceType, Fault> {
    ResourceType::parse(name).ok_or_else(|| Fault::new(400, "value", "request.url does not begin with a resource type"))
}

type Target = (ResourceType, Option<LogicalId>, Option<String>);

fn target(url: &str) -> Result<Target, Fault> {
    if let Some((name, query)) = url.split_once('?') {
        return Ok((resource_type(name)?, None, Some(query.to_owned())));
    }
    let (name, id) =
        url.split_once('/').ok_or_else(|| Fault::new(400, "value", "request.url needs an id or a condition"))?;
    Ok((resource_type(name)?, Some(logical_id(id)?), None))
}

fn logical_id(text: &str) -> Result<LogicalId, Fault> {
    LogicalId::parse(text).map_err(|_| Fault::new(400, "value", "request.url does not hold a FHIR id"))
}

fn read_or_search(url: &str) -> Result<Request, Fault> {
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let parts: Vec<&str> = path.split('/').collect();
    match (parts.as_slice(), query) {
        ([name], query) => {
            let pairs = decode_pairs(query.unwrap_or_default())?;
            Ok(Request::Search { rtype: resource_type(name)?, pairs })
        }
        ([name, id], None) => Ok(Request::Read { rtype: resource_type(name)?, id: logical_id(id)?, version: None }),
        ([name, id, "_history", version], None) => {
            let version = parse_version(version)
                .ok_or_else(|| Fault::new(400, "value", "request.url does not hold a version"))?;
            Ok(Request::Read { rtype: resource_type(name)?, id: logical_id(id)?, version: Some(version) })
        }
        _ => Err(Fault::new(400, "not-supported", "this kind of GET is not supported in a bundle")),
    }
}

/// A version out of a path: a number from 1.
#[must_use]
pub fn parse_version(text: &str) -> Option<Version> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number > 0).map(Version)
}

/// A version out of an entity tag: `W/"3"` or `"3"` (R4 http.html, section 3.1.0.1.3); `place` is where the tag stands.
///
/// # Errors
/// 400 when it is not of that form.
pub fn parse_etag(tag: &str, place: &'static str) -> Result<Version, Fault> {
    let tag = tag.trim();
    let bare = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    bare.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .map(Version)
        .ok_or_else(|| Fault::at(400, "value", place, "an entity tag of the form W/\"[version]\" is expected"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_tags_and_paths_and_nothing_else_is_taken_for_one() {
        for good in ["W/\"3\"", "\"3\"", " W/\"3\" "] {
            assert_eq!(parse_etag(good, "http.If-Match").unwrap(), Version(3));
        }
        for wrong in ["", "3", "W/3", "\"3", "3\"", "W/\"\"", "W/\"x\"", "W/\"+3\"", "W/\"-1\"", "*", "\"99999999999\""]
        {
            assert!(parse_etag(wrong, "http.If-Match").is_err(), "{wrong}");
        }
        assert_eq!(parse_version("3"), Some(Version(3)));
        for wrong in ["0", "", "+3", "x", "99999999999"] {
            assert_eq!(parse_version(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_place_in_an_entry_is_a_path_of_the_bundle() {
        let place = |inner: &str| Fault::at(400, "value", inner, "x").in_entry(2).issues.remove(0).expression.unwrap();
        assert_eq!(place("Patient.name[0]"), "Bundle.entry[2].resource.name[0]");
        assert_eq!(place("Patient"), "Bundle.entry[2].resource");
        assert_eq!(place("id"), "Bundle.entry[2].resource.id");
        assert_eq!(place("http.identifier"), "Bundle.entry[2].request");
        assert_eq!(Fault::new(400, "value", "x").in_entry(0).issues[0].expression.as_deref(), Some("Bundle.entry[0]"));
    }
}
