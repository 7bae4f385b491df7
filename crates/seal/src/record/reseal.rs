use super::open::open_classes;
use super::{RecordToSeal, SealError, seal_record};
use crate::keys::{SubjectKey, TenantKeys};
use crate::place::Place;
use aceso_base::Randomness;
use aceso_labels::ClassSet;
use aceso_phi::Sealed;

/// Seals a stored record version anew under the primary keys. Nothing opened leaves this function, so it needs no grant:
/// it is how a rotation moves rows that nobody reads.
///
/// # Errors
/// [`SealError::Format`] when the stored bytes do not open at this place; [`SealError`] as for [`seal_record`].
pub fn reseal_record(
    keys: &TenantKeys,
    subject: &SubjectKey,
    place: &Place<'_>,
    sealed: &Sealed,
    rng: &dyn Randomness,
) -> Result<Sealed, SealError> {
    let opened = open_classes(keys, Some(subject), ClassSet::ALL, place, sealed).map_err(|_| SealError::Format)?;
    let shown = opened.expose();
    let parts = shown.parts.map(Option::unwrap_or_default);
    seal_record(keys, subject, place, &RecordToSeal { structure: shown.structure, parts }, rng)
}
