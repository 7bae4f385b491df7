//! Format 1 of a sealed record:
//!
//! ```text
//! 0   format = 1            1   suite = 1 (HKDF-SHA-256, AES-256-GCM, commitment of 32 bytes)
//! 2   tenant key version    6   subject key version          (u32, big-endian)
//! 10  salt[16]              26  tenant side's commitment[32]  58  subject side's commitment[32]
//! 90  parts in the order of their numbers, structure first:
//!     u8 part (number of the data class), u32 length of the ciphertext, nonce[12], ciphertext, tag[16]
//! ```
//!
//! A part's plaintext is `content ‖ zeros ‖ u32 length of the content`, filled up to [`padded`]. A part that is not
//! there has no content: an empty part and an absent one are the same thing, and neither is stored.

use super::SealError;
use crate::hazard::OVERHEAD;
use aceso_labels::{ClassSet, DataClass};

pub(crate) const FORMAT: u8 = 1;
pub(crate) const SUITE: u8 = 1;
pub(crate) const SALT: usize = 16;
pub(crate) const COMMITMENT: usize = 32;
pub(crate) const NONCE: usize = 12;
pub(crate) const HEADER: usize = 90;
pub(crate) const PART_PREFIX: usize = 5;
const LENGTH: usize = 4;

/// A sealed record, taken apart. Nothing is authentic yet.
pub(crate) struct Stored<'a> {
    pub(crate) tenant_key_version: u32,
    pub(crate) subject_key_version: u32,
    pub(crate) salt: &'a [u8; SALT],
    pub(crate) tenant_commitment: &'a [u8],
    pub(crate) subject_commitment: &'a [u8],
    /// `nonce ‖ ciphertext ‖ tag` by class number.
    pub(crate) parts: [Option<&'a [u8]>; DataClass::COUNT],
}

impl Stored<'_> {
    pub(crate) fn classes(&self) -> ClassSet {
        let present = DataClass::ALL.into_iter().zip(&self.parts).filter(|(_, part)| part.is_some());
        present.fold(ClassSet::NONE, |set, (class, _)| set.with(class))
    }
}

/// Takes a sealed record apart; `None` for anything that [`super::seal_record`] would not have written.
pub(crate) fn parse(bytes: &[u8]) -> Option<Stored<'_>> {
    let (head, mut rest) = bytes.split_first_chunk::<HEADER>()?;
    let (&[FORMAT, SUITE], head) = head.split_first_chunk::<2>()? else { return None };
    let (tenant_key_version, head) = head.split_first_chunk::<4>()?;
    let (subject_key_version, head) = head.split_first_chunk::<4>()?;
    let (salt, head) = head.split_first_chunk::<SALT>()?;
    let (tenant_commitment, subject_commitment) = head.split_at_checked(COMMITMENT)?;
    let mut parts = [None; DataClass::COUNT];
    let mut expected = 0_u8;
    while let Some((&[code, a, b, c, d], after)) = rest.split_first_chunk::<PART_PREFIX>() {
        let length = usize::try_from(u32::from_be_bytes([a, b, c, d])).ok()?;
        let (part, after) = after.split_at_checked(length.checked_add(OVERHEAD)?)?;
        if code < expected || length == 0 || (expected == 0 && code != 0) {
            return None;
        }
        *parts.get_mut(usize::from(code))? = Some(part);
        expected = code + 1;
        rest = after;
    }
    (rest.is_empty() && expected > 0).then_some(Stored {
        tenant_key_version: u32::from_be_bytes(*tenant_key_version),
        subject_key_version: u32::from_be_bytes(*subject_key_version),
        salt,
        tenant_commitment,
        subject_commitment,
        parts,
    })
}

/// Appends prefix, room for the nonce, and the padded content, ready to be sealed in place.
pub(crate) fn begin_part(class: DataClass, content: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
    let length = u32::try_from(padded(content.len())).map_err(|_| SealError::TooLong)?;
    out.push(class.code());
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(&[0; NONCE]);
    push_padded(content, out)
}

/// Appends `content ‖ zeros ‖ length`.
pub(crate) fn push_padded(content: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
    let length = u32::try_from(content.len()).map_err(|_| SealError::TooLong)?;
    let zeros = padded(content.len()) - content.len() - LENGTH;
    out.extend_from_slice(content);
    out.resize(out.len() + zeros, 0);
    out.extend_from_slice(&length.to_be_bytes());
    Ok(())
}

/// How much of an opened plaintext is content; `None` when the length does not fit, which no honest writer makes.
pub(crate) fn content_length(plain: &[u8]) -> Option<usize> {
    let (rest, length) = plain.split_last_chunk::<LENGTH>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    (length <= rest.len()).then_some(length)
}

/// The length that content of `length` bytes is filled up to: multiples of 32, and from 1 KiB on Padmé (Nikitin et
/// al., PETS 2019, section 4.3), which adds at most 12 % and shows O(log log n) bits of the length.
pub(crate) const fn padded(length: usize) -> usize {
    let full = length + LENGTH;
    let exponent = full.ilog2();
    let keep = exponent.ilog2() + 1;
    let mask = (1_usize << exponent.saturating_sub(keep)) - 1;
    let step = if mask < 31 { 31 } else { mask };
    (full + step) & !step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_hides_short_lengths_and_stays_small_for_long_ones() {
        assert_eq!((padded(0), padded(28), padded(29), padded(60)), (32, 32, 64, 64));
        for length in 0..200_000 {
            let to = padded(length);
            assert!(to >= length + 4 && to - length <= 35 + length / 8, "{length} → {to}");
            assert_eq!(to % 32, 0);
        }
    }

    #[test]
    fn padded_content_comes_back_and_a_length_that_cannot_be_is_refused() {
        for length in [0, 1, 27, 28, 29, 5000] {
            let content = vec![7_u8; length];
            let mut out = Vec::new();
            push_padded(&content, &mut out).unwrap();
            assert_eq!(out.len(), padded(length));
            assert_eq!(content_length(&out), Some(length));
        }
        assert_eq!(content_length(&[0, 0, 0, 0, 0, 0, 5]), None);
        assert_eq!(content_length(&[1, 2]), None);
    }
}
