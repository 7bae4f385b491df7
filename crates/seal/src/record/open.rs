use super::{Binding, Side, layout};
use crate::hazard::Prk;
use crate::keys::{SubjectKey, TenantKeys};
use crate::place::Place;
use aceso_audit::Receipt;
use aceso_base::Timestamp;
use aceso_labels::{ClassSet, DataClass};
use aceso_phi::{Phi, Sealed};
use aceso_policy::Grant;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use std::ops::Range;

/// Why nothing was opened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OpenError {
    /// The grant does not cover this place at this time.
    #[error("the grant does not cover this record")]
    NotGranted,
    /// The receipt is not that of this grant.
    #[error("no receipt of the log for this grant")]
    NoReceipt,
    /// The grant opens more than the structure, and no key of the subject was given.
    #[error("the subject's key is needed")]
    KeyNeeded,
    /// Everything else, told apart by no one: other keys, other place, changed bytes, unknown format. A security event.
    #[error("the sealed bytes do not open here")]
    Unreadable,
}

/// Opens the structure and the granted classes of a record, and no others: keys of other classes are not derived.
///
/// `place` says where the row was found. `subject` may be `None` only when the grant is for the structure alone; then
/// no key of the patient takes part.
///
/// # Errors
/// [`OpenError`]. Nothing stays opened.
pub fn open_record(
    keys: &TenantKeys,
    subject: Option<&SubjectKey>,
    grant: &Grant,
    receipt: &Receipt,
    place: &Place<'_>,
    sealed: &Sealed,
    now: Timestamp,
) -> Result<OpenedRecord, OpenError> {
    gate(grant, receipt, place, now)?;
    open_classes(keys, subject, grant.classes(), place, sealed)
}

/// An opened record: the bytes of all opened parts in one buffer, wiped when dropped.
pub struct OpenedRecord {
    bytes: Phi<Vec<u8>>,
    parts: [Option<Range<usize>>; DataClass::COUNT],
}

/// The opened bytes, borrowed, as `aceso_labels::splice` takes them.
#[derive(Clone, Copy)]
pub struct OpenedParts<'a> {
    /// The structure.
    pub structure: &'a [u8],
    /// By class number: `None` where the class was not granted, empty where it was and the record has nothing of it.
    /// Slot 0 is always empty bytes.
    pub parts: [Option<&'a [u8]>; DataClass::COUNT],
}

impl OpenedRecord {
    /// Looks at the opened bytes; under the same rule as [`Phi::expose`].
    #[must_use]
    pub fn expose(&self) -> OpenedParts<'_> {
        let bytes = self.bytes.expose();
        let mut parts = [None; DataClass::COUNT];
        for (slot, range) in parts.iter_mut().zip(&self.parts) {
            *slot = range.clone().map(|range| bytes.get(range).unwrap_or_default());
        }
        let structure = parts.first_mut().and_then(|slot| slot.replace(&[])).unwrap_or_default();
        OpenedParts { structure, parts }
    }
}

impl std::fmt::Debug for OpenedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OpenedRecord(…)")
    }
}

/// Grant and receipt, of each other and of this place: without them nothing below runs.
pub(crate) fn gate(grant: &Grant, receipt: &Receipt, place: &Place<'_>, now: Timestamp) -> Result<(), OpenError> {
    if receipt.grant() != Some(grant.id()) {
        return Err(OpenError::NoReceipt);
    }
    if !grant.covers(place.tenant, place.region, place.subject, place.rtype, place.id, now) {
        return Err(OpenError::NotGranted);
    }
    Ok(())
}

pub(super) fn open_classes(
    keys: &TenantKeys,
    subject: Option<&SubjectKey>,
    granted: ClassSet,
    place: &Place<'_>,
    sealed: &Sealed,
) -> Result<OpenedRecord, OpenError> {
    let stored = layout::parse(sealed.as_bytes()).ok_or(OpenError::Unreadable)?;
    let wanted = granted.with(DataClass::Structure);
    if subject.is_none() && wanted != ClassSet::STRUCTURE {
        return Err(OpenError::KeyNeeded);
    }
    let subject = subject.filter(|_| wanted != ClassSet::STRUCTURE);
    if subject.is_some_and(|s| s.subject() != place.subject || s.version() != stored.subject_key_version) {
        return Err(OpenError::Unreadable);
    }
    let tenant = keys.version(stored.tenant_key_version).ok_or(OpenError::Unreadable)?;
    let mut binding = Binding::new(place, tenant.version, stored.subject_key_version, stored.salt, stored.classes());
    check(&mut binding, &tenant.structure, Side::Tenant, stored.tenant_commitment)?;
    if let Some(subject) = subject {
        check(&mut binding, &subject.record, Side::Subject, stored.subject_commitment)?;
    }

    let chosen = || DataClass::ALL.into_iter().zip(stored.parts).filter(|(class, _)| wanted.contains(*class));
    let room = chosen().filter_map(|(_, part)| part).map(<[u8]>::len).sum();
    let mut opened =
        OpenedRecord { bytes: Phi::new(Vec::with_capacity(room)), parts: [const { None }; DataClass::COUNT] };
    for (slot, class) in opened.parts.iter_mut().zip(DataClass::ALL).filter(|(_, class)| wanted.contains(*class)) {
        let bytes = opened.bytes.expose_mut();
        let start = bytes.len();
        let part = stored.parts.get(usize::from(class.code())).copied().flatten();
        if let Some(part) = part {
            let prk = match subject {
                _ if class == DataClass::Structure => &tenant.structure,
                Some(subject) => &subject.record,
                None => return Err(OpenError::KeyNeeded),
            };
            let key = binding.part_key(prk, class).map_err(|_| OpenError::Unreadable)?;
            key.open(binding.aad(class), part, bytes).map_err(|_| OpenError::Unreadable)?;
            let content = bytes.get(start..).and_then(layout::content_length).ok_or(OpenError::Unreadable)?;
            *slot = Some(start..start + content);
        } else {
            *slot = Some(start..start);
        }
    }
    Ok(opened)
}

fn check(binding: &mut Binding, prk: &Prk, side: Side, stored: &[u8]) -> Result<(), OpenError> {
    let commitment = binding.commitment(prk, side).map_err(|_| OpenError::Unreadable)?;
    verify_slices_are_equal(commitment.as_slice(), stored).map_err(|_| OpenError::Unreadable)
}
