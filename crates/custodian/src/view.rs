//! What may be shown: the only type that holds a record and can be written out.

use aceso_base::{LogicalId, SubjectId, Timestamp, Version};
use aceso_fhir::definitions::{Element, ResourceType, TypeRef};
use aceso_fhir::json::{Doc, Limits, Member};
use aceso_labels::ClassSet;

/// Which part of what is granted is wanted (R4 search.html, `_elements` and `_summary`), and which classes are to be opened at all. Can only remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Top-level elements wanted, mandatory ones beside them; `None`: all.
    pub elements: Option<Vec<String>>,
    /// A predefined part.
    pub summary: Option<Summary>,
    /// Open these classes only, of those that are granted; `None`: all of them. The grant itself is narrowed: keys of other
    /// classes are not derived, and the log names what is left.
    pub classes: Option<ClassSet>,
    /// Why, as a fixed code of the program, where the caller was asked for a reason; stands in the entry.
    pub reason: Option<&'static str>,
}

impl Shape {
    /// Everything that is granted.
    pub const WHOLE: Self = Self { elements: None, summary: None, classes: None, reason: None };

    /// Only these classes of what is granted.
    #[must_use]
    pub const fn of_classes(classes: ClassSet) -> Self {
        Self { classes: Some(classes), ..Self::WHOLE }
    }

    /// Whether nothing of what is opened is taken away.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.elements.is_none() && self.summary.is_none()
    }
}

/// The predefined parts (R4 search.html, section 3.1.1.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The elements that the definitions mark as summary.
    True,
    /// Narrative, id, meta and mandatory elements.
    Text,
    /// All but the narrative.
    Data,
}

/// One version of one record as this caller may see it. Only the redactor makes one.
pub struct View {
    pub(crate) rtype: ResourceType,
    pub(crate) id: LogicalId,
    pub(crate) version: Version,
    pub(crate) updated: Timestamp,
    pub(crate) subject: SubjectId,
    pub(crate) redacted: bool,
    pub(crate) json: Vec<u8>,
}

impl View {
    /// The type.
    #[must_use]
    pub const fn resource_type(&self) -> ResourceType {
        self.rtype
    }

    /// The logical id.
    #[must_use]
    pub const fn id(&self) -> &LogicalId {
        &self.id
    }

    /// The version.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// When the version came into being.
    #[must_use]
    pub const fn updated(&self) -> Timestamp {
        self.updated
    }

    /// Whose record it is.
    #[must_use]
    pub const fn subject(&self) -> SubjectId {
        self.subject
    }

    /// Whether something was masked.
    #[must_use]
    pub const fn is_redacted(&self) -> bool {
        self.redacted
    }

    /// The JSON text (UTF-8).
    #[must_use]
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    /// The JSON text, by value.
    #[must_use]
    pub fn into_json(self) -> Vec<u8> {
        self.json
    }
}

impl View {
    /// The same record with fewer top-level elements; `None` when the text is not a resource. The one place where a read builds
    /// a tree, and only on request.
    pub(crate) fn shaped(mut self, shape: &Shape) -> Option<Self> {
        let scope = TypeRef::of_resource(self.rtype);
        let doc = Doc::parse(std::mem::take(&mut self.json), &Limits::default()).ok()?;
        let mut out = Vec::with_capacity(doc.text().len());
        out.push(b'{');
        for member in doc.root().members() {
            if !shape.keeps(scope, &member) {
                continue;
            }
            if out.len() > 1 {
                out.push(b',');
            }
            out.extend_from_slice(doc.text().get(member.key_span.clone())?);
            out.push(b':');
            if member.key == "meta" {
                push_meta_subsetted(&doc, &member, &mut out)?
            } else {
                out.extend_from_slice(member.value.raw())
            }
        }
        out.push(b'}');
        self.json = out;
        Some(self)
    }
}

const SUBSETTED: &[u8] =
    br#"{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"SUBSETTED","display":"subsetted"}"#;

/// Writes `meta` with the tag that R4 asks for on a resource that is not complete (search.html, section 3.1.1.5.9).
fn push_meta_subsetted(doc: &Doc, meta: &Member<'_>, out: &mut Vec<u8>) -> Option<()> {
    out.push(b'{');
    let mut tagged = false;
    for (at, member) in meta.value.members().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(doc.text().get(member.key_span.clone())?);
        out.push(b':');
        let raw = member.value.raw();
        match raw.split_last() {
            Some((b']', list)) if member.key == "tag" => {
                out.extend_from_slice(list);
                out.push(b',');
                out.extend_from_slice(SUBSETTED);
                out.push(b']');
                tagged = true;
            }
            _ => out.extend_from_slice(raw),
        }
    }
    if !tagged {
        out.extend_from_slice(b",\"tag\":[");
        out.extend_from_slice(SUBSETTED);
        out.push(b']');
    }
    out.push(b'}');
    Some(())
}

impl Shape {
    /// Whether a top-level member stays.
    fn keeps(&self, scope: TypeRef, member: &Member<'_>) -> bool {
        let name = member.key.as_ref();
        if matches!(name, "resourceType" | "id" | "meta") {
            return true;
        }
        scope.child(name).is_some_and(|(element, _)| self.lets_through(element))
    }

    /// Whether an element of a resource stays.
    pub(crate) fn lets_through(&self, element: &Element) -> bool {
        let name = element.name();
        if matches!(name, "id" | "meta") {
            return true;
        }
        let mandatory = element.min > 0;
        let by_elements = self
            .elements
            .as_ref()
            .is_none_or(|wanted| mandatory || wanted.iter().any(|wanted| wanted == element.name()));
        let by_summary = match self.summary {
            None => true,
            Some(Summary::True) => mandatory || element.summary,
            Some(Summary::Text) => mandatory || name == "text",
            Some(Summary::Data) => name != "text",
        };
        by_elements && by_summary
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View({}/{} version {})", self.rtype.name(), self.id, self.version)
    }
}
