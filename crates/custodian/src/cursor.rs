//! Places in a sorted answer, and their sealed form for page links.

use crate::boot::system_tenant;
use crate::door::Custodian;
use crate::search::Hit;
use aceso_base::{LogicalId, Version};
use aceso_fhir::definitions::ResourceType;
use aceso_phi::{Phi, Sealed};
use aceso_seal::{open_document, seal_document};

/// The place after one hit: its record, and its number for the case that it no longer matches when the next page is asked for. In a history
/// the number is the version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    number: u32,
    rtype: ResourceType,
    id: LogicalId,
}

/// The cursor is not one of ours, or was changed, or belongs to another search or caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor is not valid here")]
pub struct CursorError;

impl Position {
    pub(crate) fn after(number: usize, hit: &Hit) -> Self {
        Self { number: u32::try_from(number).unwrap_or(u32::MAX), rtype: hit.rtype, id: hit.id.clone() }
    }

    /// The place after this version in the record's history.
    #[must_use]
    pub fn after_version(rtype: ResourceType, id: &LogicalId, version: Version) -> Self {
        Self { number: version.0, rtype, id: id.clone() }
    }

    /// The version after which it stands, in a history.
    #[must_use]
    pub const fn version(&self) -> Version {
        Version(self.number)
    }

    /// How many hits stood before this place, when it was made.
    #[must_use]
    pub fn number(&self) -> usize {
        usize::try_from(self.number).unwrap_or(usize::MAX)
    }

    /// Where in these hits the next page begins. When the record is no longer among them, its place is where its name would
    /// stand (`by_name`), else one before its number: a record may come twice then, but none is left out for it.
    pub(crate) fn start(&self, hits: &[Hit], by_name: bool) -> usize {
        if by_name {
            return hits.partition_point(|hit| (hit.rtype, &hit.id) <= (self.rtype, &self.id));
        }
        let same = hits.iter().position(|hit| hit.rtype == self.rtype && hit.id == self.id);
        same.map_or(self.number().saturating_sub(1), |at| at.saturating_add(1))
    }

    /// Format 1: version, number, type code, id.
    fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![FORMAT];
        out.extend_from_slice(&self.number.to_be_bytes());
        out.push(self.rtype.code());
        out.extend_from_slice(self.id.as_str().as_bytes());
        out
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (&[format, a, b, c, d, code], id) = bytes.split_first_chunk::<6>()?;
        if format != FORMAT {
            return None;
        }
        let id = LogicalId::parse(std::str::from_utf8(id).ok()?).ok()?;
        Some(Self { number: u32::from_be_bytes([a, b, c, d]), rtype: ResourceType::from_code(code)?, id })
    }
}

const FORMAT: u8 = 1;
const NAMESPACE: &str = "cursor";

impl Custodian {
    /// Seals a place, and the question that it belongs to, for a page link. `binding` ties it to the caller: with another it does
    /// not open.
    ///
    /// # Errors
    /// [`CursorError`] when the keys cannot be used.
    pub fn seal_position(&self, position: &Position, question: &[u8], binding: &str) -> Result<Vec<u8>, CursorError> {
        let tenant = system_tenant().map_err(|_| CursorError)?;
        let keys = self.inner.keyring.tenant(&tenant).map_err(|_| CursorError)?;
        let place = position.to_bytes();
        let mut plain = Phi::new(Vec::with_capacity(2 + place.len() + question.len()));
        let length = u16::try_from(place.len()).map_err(|_| CursorError)?;
        plain.expose_mut().extend_from_slice(&length.to_be_bytes());
        plain.expose_mut().extend_from_slice(&place);
        plain.expose_mut().extend_from_slice(question);
        let sealed = seal_document(&keys, NAMESPACE, binding, plain.expose()).map_err(|_| CursorError)?;
        Ok(sealed.as_bytes().to_vec())
    }

    /// Opens a place and its question.
    ///
    /// # Errors
    /// [`CursorError`] for anything that this server did not seal for the same binding.
    pub fn open_position(&self, sealed: Vec<u8>, binding: &str) -> Result<(Position, Vec<u8>), CursorError> {
        let tenant = system_tenant().map_err(|_| CursorError)?;
        let keys = self.inner.keyring.tenant(&tenant).map_err(|_| CursorError)?;
        let plain = open_document(&keys, NAMESPACE, binding, &Sealed::from_store(sealed)).map_err(|_| CursorError)?;
        let (length, rest) = plain.split_first_chunk::<2>().ok_or(CursorError)?;
        let (place, question) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(CursorError)?;
        Ok((Position::from_bytes(place).ok_or(CursorError)?, question.to_vec()))
    }
}
