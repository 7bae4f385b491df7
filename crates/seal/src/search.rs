//! The search part: extracted search values of one record version, in a row of its own, opened far more often than
//! records are. One ready key per subject version instead of one per record makes that cheap; the price is no key
//! commitment, which matters only where keys are chosen by an adversary, and this one is derived.

use crate::hazard::OVERHEAD;
use crate::keys::SubjectKey;
use crate::place::{Place, push};
use crate::record::{MAX_PART, OpenError, SealError, content_length, gate, padded, push_padded};
use aceso_audit::Receipt;
use aceso_base::Timestamp;
use aceso_phi::{Phi, Sealed};
use aceso_policy::Grant;

/// The clear header of a sealed search part. To be checked before a row is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SearchHeader {
    /// Which version of the subject's key opens it.
    pub subject_key_version: u32,
}

/// Seals the search values of one record version under the subject's search key.
///
/// Stored: `format 1, suite 1, subject key version u32, nonce[12], ciphertext, tag[16]`; padded like a record's parts.
///
/// # Errors
/// [`SealError`].
pub fn seal_search(subject: &SubjectKey, place: &Place<'_>, bytes: &[u8]) -> Result<Sealed, SealError> {
    if subject.subject() != place.subject {
        return Err(SealError::OtherKeys);
    }
    if bytes.len() > MAX_PART {
        return Err(SealError::TooLong);
    }
    let mut out = Vec::with_capacity(HEADER + OVERHEAD + padded(bytes.len()));
    out.extend_from_slice(&[FORMAT, SUITE]);
    out.extend_from_slice(&subject.version().to_be_bytes());
    out.resize(HEADER + NONCE, 0);
    push_padded(bytes, &mut out)?;
    subject.search.seal_at(&aad(place, subject.version()), &mut out, HEADER)?;
    Ok(Sealed::from_store(out))
}

/// Opens a search part, as [`Sealed::as_bytes`] or a row gives it, into `out`, whose old content is wiped; give the same buffer again and again. About 0.3 µs.
///
/// # Errors
/// [`OpenError`]; then `out` is empty.
pub fn open_search(
    subject: &SubjectKey,
    grant: &Grant,
    receipt: &Receipt,
    place: &Place<'_>,
    sealed: &[u8],
    now: Timestamp,
    out: &mut Phi<Vec<u8>>,
) -> Result<(), OpenError> {
    gate(grant, receipt, place, now)?;
    open(subject, place, sealed, out)
}

/// Reads the clear header.
///
/// # Errors
/// [`SealError::Format`].
pub fn search_header(sealed: &Sealed) -> Result<SearchHeader, SealError> {
    read_header(sealed.as_bytes()).ok_or(SealError::Format)
}

fn read_header(sealed: &[u8]) -> Option<SearchHeader> {
    match sealed.first_chunk::<HEADER>() {
        Some(&[FORMAT, SUITE, a, b, c, d]) if sealed.len() >= HEADER + OVERHEAD + padded(0) => {
            Some(SearchHeader { subject_key_version: u32::from_be_bytes([a, b, c, d]) })
        }
        _ => None,
    }
}

const FORMAT: u8 = 1;
const SUITE: u8 = 1;
const HEADER: usize = 6;
const NONCE: usize = 12;

fn open(subject: &SubjectKey, place: &Place<'_>, sealed: &[u8], out: &mut Phi<Vec<u8>>) -> Result<(), OpenError> {
    let header = read_header(sealed).ok_or(OpenError::Unreadable)?;
    if header.subject_key_version != subject.version() || subject.subject() != place.subject {
        return Err(OpenError::Unreadable);
    }
    let text = sealed.get(HEADER..).ok_or(OpenError::Unreadable)?;
    out.expose_mut().clear();
    if out.expose().capacity() < text.len() {
        // A new buffer, so that the old one is wiped rather than copied and left behind.
        *out = Phi::new(Vec::with_capacity(text.len().next_power_of_two()));
    }
    let bytes = out.expose_mut();
    subject.search.open(&aad(place, subject.version()), text, bytes).map_err(|_| OpenError::Unreadable)?;
    let content = content_length(bytes);
    bytes.truncate(content.unwrap_or(0));
    content.map(|_| ()).ok_or(OpenError::Unreadable)
}

fn aad(place: &Place<'_>, version: u32) -> Vec<u8> {
    let mut aad = Vec::with_capacity(256);
    push(&mut aad, b"aceso/1/search");
    push(&mut aad, &[FORMAT, SUITE]);
    place.write_to(&mut aad);
    push(&mut aad, &version.to_be_bytes());
    aad
}
