//! Sealed records: one version of one resource, in parts.

mod facts;
mod layout;
mod open;
mod reseal;

pub use facts::{SealedFacts, SealedPart, facts};
pub(crate) use layout::{content_length, padded, push_padded};
pub(crate) use open::gate;
pub use open::{OpenError, OpenedParts, OpenedRecord, open_record};
pub use reseal::reseal_record;

use crate::hazard::{AeadKey, OVERHEAD, Prk, Refused, sha256};
use crate::keys::{SubjectKey, TenantKeys};
use crate::place::{Place, push};
use aceso_base::Randomness;
use aceso_labels::{ClassSet, DataClass};
use aceso_phi::Sealed;
use layout::{COMMITMENT, FORMAT, HEADER, SALT, SUITE};
use zeroize::Zeroizing;

/// What a record splits into (`aceso_labels::split`).
#[derive(Clone, Copy)]
pub struct RecordToSeal<'a> {
    /// The structure; never empty.
    pub structure: &'a [u8],
    /// The parts by class number; empty where a record has nothing of that class. Slot 0 (structure) stays empty.
    pub parts: [&'a [u8]; DataClass::COUNT],
}

/// The clear header of a sealed record. To be checked before a row is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordHeader {
    /// Which tenant key opens the structure.
    pub tenant_key_version: u32,
    /// Which version of the subject's key opens the other parts.
    pub subject_key_version: u32,
    /// The classes that the record has parts of. Visible at rest, and bound: a part taken out makes all others fail.
    pub classes: ClassSet,
}

/// Why a record was not sealed. Nothing was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// The keys are of another tenant, region or subject than the place.
    #[error("the keys do not belong to this place")]
    OtherKeys,
    /// The structure is empty, or slot 0 of the parts is not.
    #[error("a record needs a structure, and only one")]
    Structure,
    /// A part is longer than [`MAX_PART`] bytes.
    #[error("a part is too long to seal")]
    TooLong,
    /// The bytes are not a sealed thing of a format known here.
    #[error("not a sealed record of a known format")]
    Format,
    /// The cryptographic module failed.
    #[error("sealing failed")]
    Module,
}

impl From<Refused> for SealError {
    fn from(_: Refused) -> Self {
        Self::Module
    }
}

/// The longest part, in bytes: far above what the JSON limits let in, far below what GCM could seal.
pub const MAX_PART: usize = 1 << 28;

/// Seals one version of a record: structure under the primary tenant key, other parts under the subject's key, each
/// part with a key of its own. A part that is empty is not stored.
///
/// # Errors
/// [`SealError`].
pub fn seal_record(
    keys: &TenantKeys,
    subject: &SubjectKey,
    place: &Place<'_>,
    record: &RecordToSeal<'_>,
    rng: &dyn Randomness,
) -> Result<Sealed, SealError> {
    check_keys(keys, subject, place)?;
    let [none, class_parts @ ..] = &record.parts;
    if record.structure.is_empty() || !none.is_empty() {
        return Err(SealError::Structure);
    }
    let parts = || std::iter::once(&record.structure).chain(class_parts);
    if parts().any(|part| part.len() > MAX_PART) {
        return Err(SealError::TooLong);
    }
    let present = DataClass::ALL.into_iter().zip(parts()).filter(|(_, part)| !part.is_empty());
    let set = present.clone().fold(ClassSet::NONE, |set, (class, _)| set.with(class));
    let size: usize = present.clone().map(|(_, part)| layout::PART_PREFIX + OVERHEAD + padded(part.len())).sum();

    let tenant = keys.primary_version();
    let mut salt = [0; SALT];
    rng.fill(&mut salt);
    let mut binding = Binding::new(place, tenant.version, subject.version(), &salt, set);
    let mut out = Vec::with_capacity(HEADER + size);
    out.extend_from_slice(&[FORMAT, SUITE]);
    out.extend_from_slice(&tenant.version.to_be_bytes());
    out.extend_from_slice(&subject.version().to_be_bytes());
    out.extend_from_slice(&salt);
    out.extend_from_slice(binding.commitment(&tenant.structure, Side::Tenant)?.as_slice());
    out.extend_from_slice(binding.commitment(&subject.record, Side::Subject)?.as_slice());
    for (class, part) in present {
        let prk = if class == DataClass::Structure { &tenant.structure } else { &subject.record };
        let key = binding.part_key(prk, class)?;
        layout::begin_part(class, part, &mut out)?;
        let start = out.len() - padded(part.len()) - layout::NONCE;
        key.seal_at(binding.aad(class), &mut out, start)?;
    }
    Ok(Sealed::from_store(out))
}

/// Reads the clear header and walks the parts without opening any.
///
/// # Errors
/// [`SealError::Format`]: unknown format or suite, parts cut, doubled or out of order, bytes left over.
pub fn header(sealed: &Sealed) -> Result<RecordHeader, SealError> {
    let stored = layout::parse(sealed.as_bytes()).ok_or(SealError::Format)?;
    Ok(RecordHeader {
        tenant_key_version: stored.tenant_key_version,
        subject_key_version: stored.subject_key_version,
        classes: stored.classes(),
    })
}

pub(crate) fn check_keys(keys: &TenantKeys, subject: &SubjectKey, place: &Place<'_>) -> Result<(), SealError> {
    let same = keys.region() == place.region && keys.tenant() == place.tenant && subject.subject() == place.subject;
    if same { Ok(()) } else { Err(SealError::OtherKeys) }
}

/// The two halves of a record, each with its own commitment.
#[derive(Clone, Copy)]
enum Side {
    Tenant = 0xc0,
    Subject = 0xc1,
}

/// What ties keys and ciphertexts of a record version to where and what it is.
///
/// The place tuple with key versions, salt and set of parts is hashed once; every derivation then takes
/// `label ‖ hash ‖ purpose`, which fits one SHA-256 block. Associated data are the whole tuple with the part number.
struct Binding {
    tuple: Vec<u8>,
    info: Vec<u8>,
}

const INFO_LABEL: &[u8] = b"aceso/1/record";

impl Binding {
    fn new(place: &Place<'_>, tenant_version: u32, subject_version: u32, salt: &[u8; SALT], set: ClassSet) -> Self {
        let mut tuple = Vec::with_capacity(320);
        push(&mut tuple, INFO_LABEL);
        push(&mut tuple, &[FORMAT, SUITE]);
        place.write_to(&mut tuple);
        push(&mut tuple, &tenant_version.to_be_bytes());
        push(&mut tuple, &subject_version.to_be_bytes());
        push(&mut tuple, salt);
        let bits = set.iter().fold(0_u8, |bits, class| bits | 1 << class.code());
        push(&mut tuple, &[bits]);
        let mut info = Vec::with_capacity(INFO_LABEL.len() + 34);
        info.extend_from_slice(INFO_LABEL);
        info.extend_from_slice(&sha256(&tuple));
        info.push(0);
        tuple.push(0);
        Self { tuple, info }
    }

    fn commitment(&mut self, prk: &Prk, side: Side) -> Result<Zeroizing<[u8; COMMITMENT]>, Refused> {
        set_last(&mut self.info, side as u8);
        prk.expand(&mut self.info)
    }

    fn part_key(&mut self, prk: &Prk, class: DataClass) -> Result<AeadKey, Refused> {
        set_last(&mut self.info, class.code());
        prk.aead(&mut self.info)
    }

    fn aad(&mut self, class: DataClass) -> &[u8] {
        set_last(&mut self.tuple, class.code());
        &self.tuple
    }
}

fn set_last(bytes: &mut [u8], to: u8) {
    if let Some(last) = bytes.last_mut() {
        *last = to;
    }
}
