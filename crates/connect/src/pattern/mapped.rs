//! What mapping takes and gives.

use std::fmt;

use aceso_base::{LogicalId, SubjectId, Timestamp};
use aceso_fhir::definitions::ResourceType;
use zeroize::Zeroizing;

use super::ids::{ConnectionId, IdMinter};

/// What mapping has to know beside the object.
#[derive(Clone, Copy)]
pub struct MapContext<'a> {
    /// The connection that the object came by.
    pub connection: &'a ConnectionId,
    /// Makes the logical ids.
    pub ids: &'a dyn IdMinter,
    /// When the object was received: `Provenance.recorded`, and the moment that days are compared with.
    pub received: Timestamp,
    /// Whether the record of this type and id is there to refer to. A record of a patient who is not known (yet) is
    /// [`MapCode::UnknownPatient`], to be tried again after the patients. Any other reference to what is not known names
    /// the id of the source only, because old records refer to physicians who are in no list any more.
    pub is_known: &'a dyn Fn(ResourceType, &LogicalId) -> bool,
}

/// The version of a source object that a record was made of.
#[derive(Clone, PartialEq, Eq)]
pub struct SourceRef {
    /// The vendor's kind of object.
    pub kind: &'static str,
    /// The vendor's id.
    pub id: String,
    /// The vendor's own mark of the version (time of the last change, as sent); `None`: only a keyed hash of the content
    /// can tell.
    pub version: Option<String>,
}

/// Ids of a source may be on paper in a clinic, so they are not shown.
impl fmt::Debug for SourceRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceRef({})", self.kind)
    }
}

/// One FHIR resource that was made of a source object.
pub struct MappedRecord {
    /// Type of the resource.
    pub rtype: ResourceType,
    /// Its logical id, stable for the same part of the same source object.
    pub id: LogicalId,
    /// Whose keys seal it: the patient that its references name, or the directory.
    pub subject: SubjectId,
    /// The resource: minified FHIR JSON that passes [`aceso_fhir::validate`], without `meta.versionId` and
    /// `meta.lastUpdated`; wiped when dropped.
    pub json: Zeroizing<Vec<u8>>,
    /// What it was made of.
    pub source: SourceRef,
}

impl fmt::Debug for MappedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MappedRecord({}/{}, {} bytes)", self.rtype, self.id, self.json.len())
    }
}

/// A code of the source that its mapping table does not know. It is kept as text, never guessed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UnknownCode {
    /// Member of the source object (`phones.phone_type`).
    pub member: &'static str,
    /// Name of the table (`phone-type`).
    pub table: &'static str,
}

/// What one source object became.
#[derive(Debug, Default)]
pub struct Mapped {
    /// The records, in an order in which references point backwards; the last is the `Provenance` of the others.
    pub records: Vec<MappedRecord>,
    /// Every code that a table does not know, once for each time it was met. For metrics and the report of a sync.
    pub unknown: Vec<UnknownCode>,
    /// The object is deleted at the source: `records` hold its last state, marked as entered in error, cancelled or
    /// inactive where the type has such a state. Records of parts that have left a living object are found by comparing
    /// ids with those of the earlier version.
    pub deleted: bool,
    /// From this moment on the same object becomes other records, though nothing changes at the source (a course of treatment
    /// whose end is a day to come). Later than [`MapContext::received`]; `None`: never.
    pub due: Option<Timestamp>,
}

/// Why an object cannot be mapped. Names places and rules, never a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {path}: {code}")]
pub struct MapError {
    /// The vendor's kind of object.
    pub kind: &'static str,
    /// Member of the object, with indexes (`grids[1].results[0].value`).
    pub path: String,
    /// What is wrong.
    pub code: MapCode,
}

/// What is wrong with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MapCode {
    /// The text is not JSON, or a member has another JSON type than its model says.
    #[error("not of the expected shape")]
    Shape,
    /// A member without which no record can be made.
    #[error("required and absent")]
    Missing,
    /// The patient is not known here.
    #[error("the patient is not known here")]
    UnknownPatient,
    /// The resource is not valid FHIR, with the element that is wrong as the path: a fault of the mapping, or of a source that
    /// speaks FHIR itself.
    #[error("the mapped resource is not valid")]
    Invalid,
}

impl MapCode {
    /// A word for reasons of dead letters and metric labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shape => "shape",
            Self::Missing => "missing",
            Self::UnknownPatient => "unknown-patient",
            Self::Invalid => "invalid",
        }
    }
}
