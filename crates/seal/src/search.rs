//! The search part: extracted search values of one record version, in a row of its own, opened far more often than
//! records are. One ready key per subject version instead of one per record makes that cheap. Every part carries a commitment
//! to that key, and a digest of the index rows that lead to it.
//!
//! ```text
//! format 2, suite 1, subject key version u32, commitment[32], index digest[16], nonce[12], ciphertext, tag[16]
//! format 1, suite 1, subject key version u32, nonce[12], ciphertext, tag[16]
//! ```
//!
//! Format 1 opens as before; [`reseal_search`] makes format 2 of it. The plaintext is padded like a record's parts.

use crate::hazard::{OVERHEAD, sha256};
use crate::keys::{COMMITMENT, SubjectKey};
use crate::place::{Place, push};
use crate::record::{MAX_PART, OpenError, SealError, content_length, gate, padded, push_padded};
use aceso_audit::Receipt;
use aceso_base::{SubjectId, Timestamp};
use aceso_phi::{IndexToken, Phi, Sealed};
use aceso_policy::Grant;
use aws_lc_rs::constant_time::verify_slices_are_equal;

/// The clear header of a sealed search part. To be checked before a row is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SearchHeader {
    /// Which version of the subject's key opens it.
    pub subject_key_version: u32,
    /// What the index rows of the record were; `None` in format 1. Bound: another one makes the part fail.
    pub index: Option<IndexDigest>,
}

/// SHA-256, cut to 16 bytes, of the tokens and the further compartments of a record version. They stand beside in clear, so it
/// tells nothing new; sealed into the search part, it says which of them belong there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IndexDigest([u8; 16]);

impl IndexDigest {
    /// Of tokens and links in any order; each counts once, the home compartment not at all.
    #[must_use]
    pub fn of(home: SubjectId, tokens: &[IndexToken], links: &[SubjectId]) -> Self {
        let mut tokens: Vec<&[u8]> = tokens.iter().map(IndexToken::as_bytes).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let mut links: Vec<SubjectId> = links.iter().copied().filter(|link| *link != home).collect();
        links.sort_unstable();
        links.dedup();
        let mut bytes = Vec::with_capacity(32 + tokens.len() * 28 + links.len() * 20);
        push(&mut bytes, b"aceso/2/index");
        push(&mut bytes, &u32::try_from(tokens.len()).unwrap_or(u32::MAX).to_be_bytes());
        tokens.iter().for_each(|token| push(&mut bytes, token));
        links.iter().for_each(|link| push(&mut bytes, &link.0));
        let mut out = [0; INDEX];
        out.iter_mut().zip(sha256(&bytes)).for_each(|(to, from)| *to = from);
        Self(out)
    }
}

/// Seals the search values of one record version under the subject's search key.
///
/// # Errors
/// [`SealError`].
pub fn seal_search(
    subject: &SubjectKey,
    place: &Place<'_>,
    bytes: &[u8],
    index: IndexDigest,
) -> Result<Sealed, SealError> {
    if subject.subject() != place.subject {
        return Err(SealError::OtherKeys);
    }
    if bytes.len() > MAX_PART {
        return Err(SealError::TooLong);
    }
    let mut out = Vec::with_capacity(HEADER + OVERHEAD + padded(bytes.len()));
    out.extend_from_slice(&[FORMAT, SUITE]);
    out.extend_from_slice(&subject.version().to_be_bytes());
    out.extend_from_slice(&subject.search_commitment);
    out.extend_from_slice(&index.0);
    out.resize(HEADER + NONCE, 0);
    push_padded(bytes, &mut out)?;
    subject.search.seal_at(&aad(place, subject.version(), Some(index)), &mut out, HEADER)?;
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

/// The gate of [`open_search`] alone, for a part that was opened before and is looked at again: this grant must reach the
/// place now, and the receipt must be its own.
///
/// # Errors
/// [`OpenError::NotGranted`], [`OpenError::NoReceipt`].
pub fn may_open(grant: &Grant, receipt: &Receipt, place: &Place<'_>, now: Timestamp) -> Result<(), OpenError> {
    gate(grant, receipt, place, now)
}

/// Whether a search part is authentic at this place, and what it says the record's index rows are (`None` in format 1).
/// Nothing opened leaves this function, so it needs no grant.
///
/// # Errors
/// [`OpenError::Unreadable`].
pub fn check_search(subject: &SubjectKey, place: &Place<'_>, sealed: &[u8]) -> Result<Option<IndexDigest>, OpenError> {
    open(subject, place, sealed, &mut Phi::new(Vec::new()))?;
    Ok(read_header(sealed).and_then(|header| header.index))
}

/// Seals a stored search part anew in the newest format. Nothing opened leaves this function, so it needs no grant: it is how
/// the sweep moves rows that nobody searches.
///
/// # Errors
/// [`SealError::Format`] when the stored bytes do not open at this place; [`SealError`] as for [`seal_search`].
pub fn reseal_search(
    subject: &SubjectKey,
    place: &Place<'_>,
    sealed: &[u8],
    index: IndexDigest,
) -> Result<Sealed, SealError> {
    let mut room = Phi::new(Vec::new());
    open(subject, place, sealed, &mut room).map_err(|_| SealError::Format)?;
    seal_search(subject, place, room.expose(), index)
}

/// Reads the clear header.
///
/// # Errors
/// [`SealError::Format`].
pub fn search_header(sealed: &Sealed) -> Result<SearchHeader, SealError> {
    read_header(sealed.as_bytes()).ok_or(SealError::Format)
}

fn read_header(sealed: &[u8]) -> Option<SearchHeader> {
    let (head, rest) = sealed.split_first_chunk::<OLD_HEADER>()?;
    let (subject_key_version, index) = match *head {
        [OLD_FORMAT, SUITE, a, b, c, d] => (u32::from_be_bytes([a, b, c, d]), None),
        [FORMAT, SUITE, a, b, c, d] => {
            let index = rest.get(COMMITMENT..)?.first_chunk::<INDEX>()?;
            (u32::from_be_bytes([a, b, c, d]), Some(IndexDigest(*index)))
        }
        _ => return None,
    };
    let header = if index.is_some() { HEADER } else { OLD_HEADER };
    (sealed.len() >= header + OVERHEAD + padded(0)).then_some(SearchHeader { subject_key_version, index })
}

const FORMAT: u8 = 2;
const OLD_FORMAT: u8 = 1;
const SUITE: u8 = 1;
const OLD_HEADER: usize = 6;
const INDEX: usize = 16;
const HEADER: usize = OLD_HEADER + COMMITMENT + INDEX;
const NONCE: usize = 12;

fn open(subject: &SubjectKey, place: &Place<'_>, sealed: &[u8], out: &mut Phi<Vec<u8>>) -> Result<(), OpenError> {
    out.expose_mut().clear();
    let header = read_header(sealed).ok_or(OpenError::Unreadable)?;
    if header.subject_key_version != subject.version() || subject.subject() != place.subject {
        return Err(OpenError::Unreadable);
    }
    let text = if header.index.is_some() {
        // Before anything is opened: under another key the same bytes could be other values.
        let commitment = sealed.get(OLD_HEADER..OLD_HEADER + COMMITMENT).ok_or(OpenError::Unreadable)?;
        verify_slices_are_equal(commitment, &subject.search_commitment).map_err(|_| OpenError::Unreadable)?;
        sealed.get(HEADER..)
    } else {
        sealed.get(OLD_HEADER..)
    };
    let text = text.ok_or(OpenError::Unreadable)?;
    if out.expose().capacity() < text.len() {
        // A new buffer, so that the old one is wiped rather than copied and left behind.
        *out = Phi::new(Vec::with_capacity(text.len().next_power_of_two()));
    }
    let bytes = out.expose_mut();
    let aad = aad(place, subject.version(), header.index);
    subject.search.open(&aad, text, bytes).map_err(|_| OpenError::Unreadable)?;
    let content = content_length(bytes);
    bytes.truncate(content.unwrap_or(0));
    content.map(|_| ()).ok_or(OpenError::Unreadable)
}

fn aad(place: &Place<'_>, version: u32, index: Option<IndexDigest>) -> Vec<u8> {
    let mut aad = Vec::with_capacity(256);
    push(&mut aad, b"aceso/1/search");
    push(&mut aad, &[if index.is_some() { FORMAT } else { OLD_FORMAT }, SUITE]);
    place.write_to(&mut aad);
    push(&mut aad, &version.to_be_bytes());
    if let Some(index) = index {
        push(&mut aad, &index.0);
    }
    aad
}
